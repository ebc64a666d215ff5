//! Beginning a run, and going on with one.

use std::collections::BTreeMap;
use std::path::Path;

use fbrs::{ChosenDevice, DeviceChoice};
use fbrs_models::{
    Architecture, BoxError, LearningNetwork, LearningOptions, ParameterSource, Statistics,
    TRAINING_ONLY,
};
use fbrs_weights::{Backbone, Checkpoint, ExtraKeys, InputScaling, Location, Partial, Places};

use super::features::Features;
use super::pool::Pool;
use super::step::Steps;
use super::{Data, Training};
use crate::config::{Config, Init, InitKind, Precision};
use crate::folder::RunFolder;
use crate::groups;
use crate::init::InitialWeights;
use crate::learner::{Learner, LossScale, Stepping};
use crate::log::{LogPosition, RunLog};
use crate::manifest::{Manifest, of_file};
use crate::metric::{AdaptiveIou, FocalAverages};
use crate::optimizer::Optimization;
use crate::state::{Best, CheckpointFiles, ParameterState, Position, TrainingState};
use crate::{Error, Result};

impl Training {
    /// Begins a run in a folder of its own. Beside it what a user ought to know of the weights that it begins
    /// with.
    ///
    /// # Errors
    /// What keeps it from beginning; no folder is made then.
    pub fn begin(mut config: Config, data: Data) -> Result<(Self, Vec<String>)> {
        config.check_ready()?;
        let devices = open_devices(&config)?;
        let begun = Weights::open(&config)?;
        config.network.architecture = begun.architecture.to_string();
        config.check()?;
        let init_sha256 = checksum(&config.init)?;
        absolute(&mut config);
        let mut remarks = begun.remarks.clone();
        remarks.extend(config.idle_keys(&begun.architecture)?);
        if matches!(begun.architecture, Architecture::Lite(_))
            && config.init.kind == InitKind::Checkpoint
            && config.loss.aux_weight > 0.0
        {
            // They would begin as noise and rule what was learned already.
            config.loss.aux_weight = 0.0;
            let text = "loss.aux_weight is 0: a Lite network's checkpoint has no auxiliary heads";
            remarks.push(text.to_owned());
        }
        let on_processor = devices.iter().any(|device| device.choice() == DeviceChoice::Cpu);
        if on_processor && config.network.precision != Precision::F32 {
            let precision = config.network.precision;
            remarks.push(format!(
                "network.precision = {precision} is for GPUs: the processor is slower with it"
            ));
        }
        if data.validation.is_none() {
            let text = "no photo is held out: nothing is validated, and nothing ends the run early";
            remarks.push(text.to_owned());
        }
        if config.clicks.returning && begun.architecture.sees_previous_mask() {
            let expected = "false for a network that sees its previous mask";
            return Err(Error::value("clicks.returning", expected, true));
        }
        let steps_per_epoch = enough(&data, &config)?;
        let mut manifest = Manifest::new(&config, &names(&devices))?;
        manifest.data.clone_from(&data.records);
        manifest.init_sha256 = init_sha256;
        let data_sha256 = manifest.data_checksum();
        let architecture = begun.architecture.to_string();
        let steps = steps(&config, begun, &devices)?;
        let folder = RunFolder::create(&config, &architecture, &manifest)?;
        let log = RunLog::create(&folder.logs())?;
        let position = Position {
            architecture,
            epoch: 0,
            step: 0,
            steps_per_epoch,
            sample: 0,
            seed: config.run.seed,
            training_iou: AdaptiveIou::default(),
            validation_iou: AdaptiveIou::default(),
            focal: FocalAverages::default(),
            best: Best::default(),
            judged: 0,
            before: None,
            waiting: Vec::new(),
            at_once: Vec::new(),
            loss_scale: None,
            log: LogPosition::default(),
            config_sha256: config.checksum()?,
            data_sha256,
        };
        Ok((Self::assembled(config, folder, log, steps, data, position), remarks))
    }

    /// Goes on with the run in a folder, from where it was saved last.
    ///
    /// # Errors
    /// What keeps it from going on: another program trains in it, the data changed, nothing was saved.
    pub fn resume(path: &Path, on_progress: &(dyn Fn(&str, usize, usize) + Sync)) -> Result<Self> {
        let folder = RunFolder::open(path)?;
        let config = folder.config()?;
        let files = CheckpointFiles::new(&folder.checkpoints());
        let latest = files.latest()?.ok_or_else(|| {
            let reason = "nothing was saved in it yet: begin the run anew";
            Error::Folder { path: path.to_owned(), reason: reason.to_owned() }
        })?;
        let state = TrainingState::load(&files.training(latest))?;
        let data = Data::open(&config, on_progress)?;
        let mut manifest = folder.manifest()?;
        manifest.data.clone_from(&data.records);
        state.check_origin(&config.checksum()?, &manifest.data_checksum())?;
        let devices = open_devices(&config)?;
        let architecture: Architecture = parse(&config.network.architecture)?;
        let checkpoint = Checkpoint::open(files.weights(latest), ExtraKeys::Refuse)?;
        let scaling = checkpoint.scaling();
        let source = Source::Saved(state.parameters.clone());
        let begun = Weights { architecture, scaling, source, remarks: Vec::new() };
        let mut steps = steps(&config, begun, &devices)?;
        let log = RunLog::resume(&folder.logs(), &state.position.log)?;
        let TrainingState { position, parameters } = state;
        steps.take_at_once(&position.at_once);
        steps.learner.scale = position.loss_scale;
        let mut training = Self::assembled(config, folder, log, steps, data, position);
        training.restore(&parameters)?;
        Ok(training)
    }

    fn assembled(
        config: Config,
        folder: RunFolder,
        log: RunLog,
        steps: Steps,
        data: Data,
        position: Position,
    ) -> Self {
        let (pool, features) = (pool(&config), kept_features(&config, &steps, &folder));
        let remarks = Vec::new();
        Self { config, folder, log, steps, data, position, pool, features, remarks }
    }
}

/// What the drivers call them.
fn names(devices: &[ChosenDevice]) -> String {
    devices.iter().map(ChosenDevice::name).collect::<Vec<_>>().join(", ")
}

/// Makes the paths of a run good from everywhere.
fn absolute(config: &mut Config) {
    let path = |text: &mut String| {
        if !text.is_empty()
            && Path::new(text.as_str()).exists()
            && let Ok(whole) = std::path::absolute(text.as_str())
        {
            *text = whole.display().to_string();
        }
    };
    path(&mut config.init.file);
    for set in config.data.sets.iter_mut().chain(&mut config.data.validation) {
        path(&mut set.path);
        path(&mut set.scores);
    }
}

fn pool(config: &Config) -> Option<Pool> {
    config.clicks.returning.then(|| Pool::new(&config.clicks, config.run.seed))
}

fn kept_features(config: &Config, steps: &Steps, folder: &RunFolder) -> Option<Features> {
    let come_again = config.data.views > 0 && steps.has_encoder();
    come_again.then(|| Features::new(&folder.features()))
}

pub(super) fn steps(
    config: &Config,
    mut begun: Weights,
    devices: &[ChosenDevice],
) -> Result<Steps> {
    let architecture = begun.architecture;
    let freeze = config.freeze.backbone;
    let learns = |name: &str| !(freeze && groups::is_backbone(&architecture, name));
    let statistics = match config.freeze.batch_norm {
        true => Statistics::Frozen,
        false => Statistics::OfBatch,
    };
    let dropout = config.network.dropout;
    let arithmetic = config.network.precision.arithmetic();
    let options = LearningOptions { statistics, dropout, arithmetic, learns: &learns };
    let mut networks = devices.iter().map(|device| {
        check_arithmetic(device, config)?;
        let device = device.to_burn();
        let network = LearningNetwork::build(&architecture, &mut begun.source, &device, &options);
        network.map_err(Error::from)
    });
    let none = || Err(Error::Device("run.device names no device".to_owned()));
    let network = networks.next().unwrap_or_else(none)?;
    let others = networks.collect::<Result<_>>()?;
    let optimizer = &config.optimizer;
    let factor = |name: &str| {
        let slow = groups::is_backbone(&architecture, name)
            || (optimizer.heads_as_backbone && groups::ritm_slows(&architecture, name));
        if slow { optimizer.backbone_factor } else { 1.0 }
    };
    let bound = |value: f64| (value > 0.0).then_some(value);
    let stepping = Stepping {
        optimization: Optimization::new(&optimizer.options(), optimizer.decay_all),
        longest: bound(optimizer.clip_norm),
        average: bound(optimizer.average),
        scale: (config.network.precision == Precision::F16).then(LossScale::default),
    };
    let learner = Learner::new(network, others, stepping, factor);
    Steps::new(learner, begun.scaling, config)
}

pub(super) fn open_devices(config: &Config) -> Result<Vec<ChosenDevice>> {
    config.run.devices()?.into_iter().map(|choice| Ok(choice.open()?)).collect()
}

/// Whether a device can compute with what convolutions are to compute with.
fn check_arithmetic(device: &ChosenDevice, config: &Config) -> Result<()> {
    let precision = config.network.precision;
    if device.to_burn().supports_dtype(precision.arithmetic()) {
        return Ok(());
    }
    let expected = format!("a precision that {device} can compute with (f32 always is one)");
    Err(Error::value("network.precision", &expected, precision))
}

fn parse(name: &str) -> Result<Architecture> {
    name.parse().map_err(|error: fbrs_models::ParseArchitectureError| {
        Error::value("network.architecture", "the name of an architecture", error.to_string())
    })
}

fn enough(data: &Data, config: &Config) -> Result<u64> {
    match Data::steps_per_epoch(&data.training, config) {
        0 => {
            let [photos, _] = data.photos();
            let expected = "no more samples a step than an epoch has (or give data.epoch_length)";
            let found =
                format!("{} for {photos} photos", config.batch.size * config.batch.accumulate);
            Err(Error::value("batch.size", expected, found))
        }
        steps => Ok(steps),
    }
}

/// What a run begins with.
pub(super) struct Weights {
    architecture: Architecture,
    scaling: InputScaling,
    source: Source,
    /// What was filled and what was not.
    remarks: Vec<String>,
}

/// Names that a remark spells out.
const SPELLED_OUT: usize = 8;

/// What came of a file that has some of the parameters.
fn told(file: &str, partial: &Partial) -> Vec<String> {
    let file = fbrs_data::text::printable(file);
    let mut remarks = vec![format!("{file} gives {} parameters", partial.filled().len())];
    let mut tell = |names: Vec<String>, what: &str| {
        if names.is_empty() {
            return;
        }
        let more = match names.len().saturating_sub(SPELLED_OUT) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let shown = names.iter().take(SPELLED_OUT).cloned().collect::<Vec<_>>().join(", ");
        remarks.push(format!("{} parameters {what}: {shown}{more}", names.len()));
    };
    tell(
        partial.missing().iter().map(ToString::to_string).collect(),
        "are not in it and are drawn",
    );
    let misshaped = partial.misshaped().iter().map(|it| it.name.clone()).collect();
    tell(misshaped, "have another shape there and are drawn");
    tell(partial.unused().iter().map(ToString::to_string).collect(), "of it are not used");
    remarks.extend(partial.remark().map(|remark| remark.to_string()));
    remarks
}

/// Weights of a file, the rest drawn.
enum Source {
    Whole(Box<Checkpoint>, InitialWeights),
    Some(Box<Partial>, InitialWeights),
    /// The backbone of a network that was trained.
    Backbone(Box<Checkpoint>, InitialWeights),
    Drawn(InitialWeights),
    /// Of a run that goes on.
    Saved(BTreeMap<String, ParameterState>),
}

impl ParameterSource for Source {
    fn read(&mut self, name: &str, shape: &[usize]) -> std::result::Result<Vec<f32>, BoxError> {
        match self {
            Self::Whole(_, initial) | Self::Some(_, initial) if name.starts_with(TRAINING_ONLY) => {
                initial.read(name, shape)
            }
            Self::Backbone(checkpoint, initial) => {
                match groups::is_backbone(&checkpoint.architecture(), name) {
                    true => checkpoint.read(name, shape),
                    false => initial.read(name, shape),
                }
            }
            Self::Whole(checkpoint, _) => checkpoint.read(name, shape),
            Self::Some(partial, initial) => partial.over(*initial).read(name, shape),
            Self::Drawn(initial) => initial.read(name, shape),
            Self::Saved(states) => {
                let state = states.get(name).ok_or("the training file does not have it")?;
                Ok(state.value.clone())
            }
        }
    }
}

/// Weights by a file's or a published name, or `default`.
fn locate(name: &str) -> Result<Location> {
    Ok(Places::default().looking_first_in("weights").locate(name)?)
}

fn open(name: &str) -> Result<Checkpoint> {
    Ok(locate(name)?.open(ExtraKeys::Refuse)?)
}

/// What the manifest has of the weights that a run begins with.
fn checksum(init: &Init) -> Result<String> {
    let path = Path::new(&init.file);
    let location = match init.kind {
        InitKind::None => return Ok(String::new()),
        InitKind::Imagenet if path.is_file() => Location::File(path.to_owned()),
        InitKind::Checkpoint if init.partial => Location::File(path.to_owned()),
        InitKind::Imagenet | InitKind::Checkpoint => locate(&init.file)?,
    };
    match location {
        Location::File(path) => of_file(&path),
        built_in => Ok(built_in.open(ExtraKeys::Refuse)?.fingerprint()?.to_string()),
    }
}

impl Weights {
    pub(super) fn open(config: &Config) -> Result<Self> {
        let named = Some(config.network.architecture.as_str()).filter(|name| !name.is_empty());
        let named = named.map(parse).transpose()?;
        let initial = InitialWeights { seed: config.run.seed };
        let scaling_of = |architecture: &Architecture| match architecture.guidance() {
            Some(guidance) if guidance.discs => InputScaling::RITM,
            _ => InputScaling::PUBLISHED,
        };
        let known = || {
            let expected = "the name of an architecture";
            named.ok_or_else(|| Error::value("network.architecture", expected, "nothing"))
        };
        match config.init.kind {
            InitKind::Checkpoint if config.init.partial => {
                let architecture = known()?;
                let partial = Partial::open(&config.init.file, &architecture)?;
                let remarks = told(&config.init.file, &partial);
                let scaling = scaling_of(&architecture);
                let source = Source::Some(Box::new(partial), initial);
                Ok(Self { architecture, scaling, source, remarks })
            }
            InitKind::Checkpoint => {
                let checkpoint = open(&config.init.file)?;
                let (architecture, scaling) = (checkpoint.architecture(), checkpoint.scaling());
                if let Some(named) = named.filter(|named| *named != architecture) {
                    let expected = format!("the checkpoint's own, {architecture}");
                    return Err(Error::value("network.architecture", &expected, named));
                }
                let source = Source::Whole(Box::new(checkpoint), initial);
                Ok(Self { architecture, scaling, source, remarks: Vec::new() })
            }
            InitKind::None | InitKind::Imagenet => {
                let architecture = known()?;
                let scaling = scaling_of(&architecture);
                let mut remarks = Vec::new();
                let source = match config.init.kind {
                    // A name, and not a file: of a trained network.
                    InitKind::Imagenet if !Path::new(&config.init.file).is_file() => {
                        let checkpoint = open(&config.init.file)?;
                        let of = checkpoint.architecture();
                        if of != architecture {
                            let expected = format!("weights of {architecture}, for its backbone");
                            let found = format!("{} of {of}", config.init.file);
                            return Err(Error::value("init.file", &expected, found));
                        }
                        Source::Backbone(Box::new(checkpoint), initial)
                    }
                    InitKind::Imagenet => {
                        let backbone = Backbone::open(&config.init.file)?;
                        let partial = backbone.for_network(&architecture)?;
                        remarks = told(&config.init.file, &partial);
                        Source::Some(Box::new(partial), initial)
                    }
                    _ => Source::Drawn(initial),
                };
                Ok(Self { architecture, scaling, source, remarks })
            }
        }
    }
}
