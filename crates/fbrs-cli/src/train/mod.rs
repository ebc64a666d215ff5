//! `fbrs train`: training and fine-tuning.

mod args;
mod look;
mod run;
mod score;

use std::path::Path;

use anyhow::Result;
use fbrs_data::text::printable;
use fbrs_data::training::{Kind, TrainingName};
use fbrs_train::config::{Config, DataSet, Layers, Mix, preset_names};
use fbrs_train::{Data, Error, Understood};

pub(crate) use args::TrainArgs;
use args::TrainCommand;

use crate::exit::Exit;
use crate::print::{self, Voice};
use crate::progress;

pub(crate) fn run(args: TrainArgs, voice: Voice) -> Result<()> {
    match &args.command {
        Some(TrainCommand::Presets) => return print::print(&(preset_names().join("\n") + "\n")),
        None => {}
    }
    if let Some(folder) = &args.resume {
        return run::resume(folder, voice);
    }
    let config = resolve(&args).map_err(failure)?;
    if args.print_config {
        return print::print(&config.to_toml().map_err(failure)?);
    }
    if let Some(file) = &args.score_samples {
        return score::score(&config, file, voice);
    }
    if !args.check && args.preview.is_none() {
        config.check_ready().map_err(failure)?;
    }
    let data = open(&config, voice)?;
    if args.check {
        return Ok(());
    }
    match args.preview {
        Some(count) => look::preview(&config, &data, count, voice),
        None => run::begin(config, data, voice),
    }
}

/// The configuration that the arguments make.
fn resolve(args: &TrainArgs) -> fbrs_train::Result<Config> {
    let mut layers = Layers::new();
    if let Some(preset) = &args.preset {
        layers = layers.preset(preset);
    }
    if let Some(file) = &args.config {
        layers = layers.file(file);
    }
    for value in &args.set {
        layers = layers.set(value);
    }
    let mut config = layers.resolve()?;
    if let Some(name) = &args.name {
        config.run.name.clone_from(name);
    }
    if let Some(device) = &args.device {
        config.run.device.clone_from(device);
    }
    if let Some(output) = &args.output {
        config.run.root = output.display().to_string();
    }
    if !args.data.is_empty() {
        config.data.sets = args.data.iter().map(|name| set(name, &config.data.sets)).collect();
        let shares = args.data.iter().filter(|name| name.share.is_some()).count();
        if shares > 0 {
            config.data.mix = Mix::Proportional;
        }
    }
    if !args.validation.is_empty() {
        let sets = &config.data.validation;
        config.data.validation = args.validation.iter().map(|name| set(name, sets)).collect();
        config.data.hold_out = 0.0;
    } else if !args.data.is_empty() && config.data.validation.iter().any(|set| set.path.is_empty())
    {
        // Published sets have a part for validation, which is where they are.
        let of_kind = |kind: &str| {
            let mut given = config.data.sets.iter().filter(|set| set.kind == kind);
            given.next().map(|set| set.path.clone())
        };
        let mut judged = Vec::new();
        for set in &config.data.validation {
            judged.extend(of_kind(&set.kind).map(|path| DataSet { path, ..set.clone() }));
        }
        if judged.is_empty() {
            config.data.hold_out = HELD_OUT;
        }
        config.data.validation = judged;
    }
    if let Some(init) = &args.init {
        config.init.file.clone_from(init);
    }
    config.check()?;
    layers.check_effect(&config)?;
    Ok(config)
}

/// Share of the photos that are held out where nothing says another.
const HELD_OUT: f64 = 0.1;

/// A set of the command line; what a preset says of one of its kind holds for it.
fn set(name: &TrainingName, known: &[DataSet]) -> DataSet {
    // What cannot be recognized is told when it is opened.
    let kind = name.kind.or_else(|| Kind::recognize(&name.path).ok());
    let kind = kind.map_or_else(|| "auto".to_owned(), |kind| kind.name().to_owned());
    let like = known.iter().find(|set| set.kind == kind);
    DataSet {
        path: name.path.display().to_string(),
        weight: name.share.unwrap_or(1.0),
        split: like.map_or_else(String::new, |set| set.split.clone()),
        scores: String::new(),
        kind,
    }
}

/// Reads all photos and masks once, and says what was understood.
fn open(config: &Config, voice: Voice) -> Result<Data> {
    let data = looking(voice, |seen| Data::open(config, seen))?;
    tell(data.understood(), voice);
    let [learned, judged] = data.photos();
    voice.warn(format!("{learned} photos to learn from, {judged} to judge by"));
    Ok(data)
}

fn tell(understood: &[Understood], voice: Voice) {
    for set in understood {
        for line in format!("{}: {}", set.name, set.checked).lines() {
            voice.warn(line);
        }
    }
}

/// Shows how many photos were looked through, while `work` does it.
fn looking<T>(
    voice: Voice,
    work: impl FnOnce(&(dyn Fn(&str, usize, usize) + Sync)) -> fbrs_train::Result<T>,
) -> Result<T> {
    let bar = progress::steps(voice, 0);
    let done = work(&|name, done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
        bar.set_message(format!("looking through {}", printable(name)));
    });
    bar.finish_and_clear();
    done.map_err(failure)
}

/// The exit code of a failed training.
fn failure(error: Error) -> anyhow::Error {
    let exit = match &error {
        Error::Value { .. } | Error::Config { .. } | Error::Samples(_) => Exit::Usage,
        Error::Read(_) | Error::Data(_) | Error::Photos(_) | Error::Loader(_) => Exit::Input,
        Error::Folder { .. } | Error::State { .. } | Error::Resume(_) => Exit::Input,
        Error::Write { .. } => Exit::Output,
        Error::Parameter(_) => Exit::Weights,
        Error::Device(_) | Error::Memory(_) => Exit::Device,
        _ => Exit::Other,
    };
    match error {
        Error::Weights(error) => error.into(),
        Error::Segment(error) => error.into(),
        error => exit.because(error.to_string()),
    }
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}
