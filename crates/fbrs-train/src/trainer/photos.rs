//! The photos of a run: opened, looked through, divided.

use std::path::Path;
use std::sync::Arc;

use fbrs_data::training::{
    Checked, Chosen, Kind, Scored, Scores, SetOptions, Split, TrainingName, TrainingSet, Useless,
    check, mix,
};
use fbrs_samples::{Photos, Purpose, Stream, preview};
use image::RgbImage;

use crate::config::{Config, DataSet, Mix, Unlabelled};
use crate::manifest::{DataRecord, of_file, of_texts};
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
    /// Each with its share.
    sets: Vec<(Arc<dyn TrainingSet>, Option<f64>)>,
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
        config.check_data()?;
        let mut training = Opened::default();
        for set in &config.data.sets {
            training.add(set, config, Split::Train, on_progress)?;
        }
        let mut validation = Opened::default();
        for set in &config.data.validation {
            validation.add(set, config, Split::Val, on_progress)?;
        }
        let data = |error: fbrs_data::sets::Problem| Error::Data(error.to_string());
        let (mut learned, mut judged) = (mix(training.sets).map_err(data)?, None);
        if !validation.sets.is_empty() {
            judged = Some(mix(validation.sets).map_err(data)?);
        } else if config.data.hold_out > 0.0 {
            let [learn, judge] = divided(learned.len(), config);
            judged = Some(Arc::new(Chosen::new(Arc::clone(&learned), judge)) as Arc<_>);
            learned = Arc::new(Chosen::new(learned, learn));
        }
        let some = |length: usize| Some(length).filter(|length| *length > 0);
        let judged = judged.filter(|set: &Arc<dyn TrainingSet>| !set.is_empty());
        let judged = judged.map(|set| Photos::new(set, some(config.validation.length)));
        training.records.extend(validation.records);
        training.understood.extend(validation.understood);
        Ok(Self {
            training: Arc::new(
                Photos::new(learned, some(config.data.epoch_length))?.with_views(config.data.views),
            ),
            validation: judged.transpose()?.map(Arc::new),
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
        let count = |photos: &Photos| photos.set().len();
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
        self.records.push(DataRecord {
            kind: set.kind.clone(),
            path: set.path.clone(),
            photos: chosen.len(),
            sha256: checksum(set, opened.as_ref(), &checked)?,
        });
        let share = (config.data.mix == Mix::Proportional).then_some(set.weight);
        self.sets.push((Arc::new(chosen), share));
        self.understood.push(Understood { name: told, checked });
        Ok(())
    }
}

/// Of every photo and its labels, their names, and the scores.
fn checksum(set: &DataSet, opened: &dyn TrainingSet, checked: &Checked) -> Result<String> {
    let mut texts = vec![format!("{:016x}", checked.checksum)];
    texts.extend(checked.usable.iter().map(|photo| opened.name(*photo)));
    if !set.scores.is_empty() {
        texts.push(of_file(Path::new(&set.scores))?);
    }
    Ok(of_texts(texts.iter().map(String::as_str)))
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

/// The numbers of some photos in an order that the seed decides.
pub(super) fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut photos: Vec<usize> = (0..count).collect();
    let mut drawn = Stream::new(seed, u64::MAX, 0, Purpose::Order);
    for end in (1..photos.len()).rev() {
        photos.swap(end, drawn.below(end + 1));
    }
    photos
}

/// The numbers of photos to learn from, and of those that are held out.
fn divided(count: usize, config: &Config) -> [Vec<usize>; 2] {
    let mut photos = shuffled(count, config.run.seed);
    // Of two photos one is for each purpose.
    let held_out = (count as f64 * config.data.hold_out).round() as usize;
    let held_out = held_out.clamp(usize::from(count > 1), count.saturating_sub(1));
    let learned = photos.split_off(held_out.min(count));
    [learned, photos]
}
