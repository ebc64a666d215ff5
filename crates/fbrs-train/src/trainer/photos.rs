//! The photos of a run: opened, looked through, divided.

use std::path::Path;
use std::sync::Arc;

use fbrs_data::training::{
    Checked, Kind, Scored, Scores, SetOptions, Split, TrainingName, TrainingSet, Useless, check,
};
use fbrs_samples::{Mix, Photos, Purpose, Source, Stream, preview};
use image::RgbImage;
use rand::Rng;

use crate::config::{Config, DataSet, Unlabelled};
use crate::manifest::{DataRecord, of_file, of_folder};
use crate::{Error, Result};

/// Photos to learn from, and to judge by.
#[derive(Debug)]
pub struct Data {
    pub(super) training: Arc<Photos>,
    pub(super) validation: Option<Arc<Photos>>,
    pub(super) records: Vec<DataRecord>,
    understood: Vec<Understood>,
}

/// What was understood of a set.
#[derive(Debug)]
pub struct Understood {
    /// Its kind and folder.
    pub name: String,
    /// What it holds.
    pub checked: Checked,
}

/// Sets of one purpose.
#[derive(Default)]
struct Opened {
    sources: Vec<Source>,
    records: Vec<DataRecord>,
    understood: Vec<Understood>,
}

impl Data {
    /// Opens every set of a configuration and reads all of its files once. `on_progress` is told of every
    /// photo: which set, how many are done, how many there are.
    ///
    /// # Errors
    /// What is wrong with a set, or with single files of it: nothing is learned from data that cannot be
    /// read.
    pub fn open(
        config: &Config,
        on_progress: &(dyn Fn(&str, usize, usize) + Sync),
    ) -> Result<Self> {
        let mut training = Opened::default();
        for set in &config.data.sets {
            training.add(set, config, Split::Train, on_progress)?;
        }
        let mut validation = Opened::default();
        for set in &config.data.validation {
            validation.add(set, config, Split::Val, on_progress)?;
        }
        let (mut sources, mut judged) = (training.sources, validation.sources);
        if config.data.hold_out > 0.0 {
            let divided = sources.into_iter().map(|source| held_out(source, config));
            let divided: Vec<_> = divided.collect::<Result<_>>()?;
            (sources, judged) = divided.into_iter().unzip();
        }
        let per_epoch = Some(config.data.epoch_length).filter(|length| *length > 0);
        let photos = Photos::new(sources, config.data.photo_mix(), per_epoch)?;
        let judged: Vec<Source> = judged.into_iter().map(Source::unweighted).collect();
        let length = Some(config.validation.length).filter(|length| *length > 0);
        let there = judged.iter().any(|source| source.photos().len() > 0);
        let judged = there.then(|| Photos::new(judged, Mix::Concatenated, length)).transpose()?;
        training.records.extend(validation.records);
        training.understood.extend(validation.understood);
        Ok(Self {
            training: Arc::new(photos),
            validation: judged.map(Arc::new),
            records: training.records,
            understood: training.understood,
        })
    }

    /// What was understood of each set, in the configuration's order.
    pub fn understood(&self) -> &[Understood] {
        &self.understood
    }

    /// Pictures of the first samples of a run: the crop with its clicks, green on the object and red beside
    /// it, and the target.
    pub fn previews<'a>(
        &'a self,
        config: &'a Config,
        count: usize,
    ) -> impl Iterator<Item = Result<RgbImage>> + 'a {
        let samples = Arc::clone(&self.training).epoch(config.run.seed, 0);
        (0..count.min(samples.len())).map(move |position| {
            let (sample, _) = samples.sample(position, &config.samples)?;
            Ok(preview(&sample, None))
        })
    }

    /// Photos to learn from, to judge by.
    pub fn photos(&self) -> [usize; 2] {
        let count = |photos: &Photos| {
            photos.sources().iter().map(|source| source.photos().len()).sum::<usize>()
        };
        [count(&self.training), self.validation.as_deref().map_or(0, count)]
    }
}

impl Opened {
    fn add(
        &mut self,
        set: &DataSet,
        config: &Config,
        split: Split,
        on_progress: &(dyn Fn(&str, usize, usize) + Sync),
    ) -> Result<()> {
        let name = name(set)?;
        let told = name.to_string();
        let data = |error: &dyn std::fmt::Display| Error::Data(format!("{told}: {error}"));
        let split = match set.split.as_str() {
            "" => split,
            "train" => Split::Train,
            "val" => Split::Val,
            other => return Err(Error::value("data.sets.split", "train or val", other)),
        };
        let useless = match config.samples.small_objects {
            Unlabelled::Ignored => Useless::Ignored,
            Unlabelled::Background => Useless::Background,
        };
        let options =
            SetOptions { split, stuff: config.data.stuff_probability, useless, images: None };
        let mut opened = name.open(&options).map_err(|error| data(&error))?;
        if !set.scores.is_empty() {
            let scores = Scores::read(Path::new(&set.scores)).map_err(|error| data(&error))?;
            let gamma = config.data.score_gamma;
            let scored = Scored::new(opened, &scores, gamma).map_err(|error| data(&error))?;
            opened = Arc::new(scored);
        }
        let total = opened.len();
        let checked = check(opened.as_ref(), config.samples.min_object_area, &|done| {
            on_progress(&told, done, total);
        });
        let chosen = checked.choose(Arc::clone(&opened)).map_err(|error| data(&error))?;
        let source = Source::new(Arc::new(chosen) as Arc<dyn TrainingSet>)?;
        let checksum = of_folder_or_file(&name.path)?;
        self.records.push(DataRecord {
            kind: set.kind.clone(),
            path: set.path.clone(),
            photos: source.photos().len(),
            checksum,
        });
        self.sources.push(source);
        self.understood.push(Understood { name: told, checked });
        Ok(())
    }
}

fn of_folder_or_file(path: &Path) -> Result<crate::manifest::Checksum> {
    if path.is_dir() {
        return of_folder(path);
    }
    Ok(crate::manifest::Checksum { sha256: of_file(path)?, of_contents: true })
}

fn name(set: &DataSet) -> Result<TrainingName> {
    let kind = match set.kind.as_str() {
        "auto" => None,
        kind => {
            let known = Kind::ALL.into_iter().find(|known| known.name() == kind);
            let expected = || Kind::ALL.map(Kind::name).join(", ");
            let unknown =
                || Error::value("data.sets.kind", &format!("auto or one of {}", expected()), kind);
            Some(known.ok_or_else(unknown)?)
        }
    };
    Ok(TrainingName { kind, path: (&set.path).into(), share: None })
}

/// Divides the photos of a set: to learn from, to judge by.
fn held_out(source: Source, config: &Config) -> Result<(Source, Source)> {
    let mut photos: Vec<usize> = source.photos().collect();
    let mut drawn = Stream::new(config.run.seed, u64::MAX, 0, Purpose::Order);
    for end in (1..photos.len()).rev() {
        let other = (drawn.next_u64() % (end as u64 + 1)) as usize;
        photos.swap(end, other);
    }
    // Of two photos one is for each purpose.
    let count = (photos.len() as f64 * config.data.hold_out).round() as usize;
    let count = count.clamp(usize::from(photos.len() > 1), photos.len().saturating_sub(1));
    let (judged, learned) = photos.split_at(count);
    let set = source.shared();
    Ok((Source::new(Arc::clone(&set))?.without(judged)?, Source::new(set)?.without(learned)?))
}
