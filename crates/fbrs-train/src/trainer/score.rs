//! Scores of photos: how well a network answers each of them, without learning from it.
//!
//! A run that is given the scores draws hard photos more often
//! ([`Scores`](fbrs_data::training::Scores)).

use std::collections::BTreeSet;
use std::num::NonZero;
use std::sync::Arc;

use fbrs_data::text::printable;
use fbrs_data::training::{Score, Scores};
use fbrs_models::Network;
use fbrs_samples::{Batch, Loader, Plan};

use super::begin::{Weights, open_devices, steps};
use super::step::{Judged, Steps};
use super::validate::EPOCH;
use super::{Data, Understood, threads};
use crate::config::{Clicks, Config, InitKind, Loss, MainLoss, Mix};
use crate::{Error, Result};

/// Samples of a photo: other objects of it, other clicks.
const SAMPLES: usize = 4;

/// A network and the photos that it is to answer.
pub struct Scoring {
    config: Config,
    steps: Steps,
    network: Network,
    data: Data,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// Of every photo one minus its loss, the IoU of probabilities and target, on the mean of its samples. It is
    /// not the loss of the run: the focal losses weigh wrong pixels so that all photos come out much alike.
    pub scores: Scores,
    /// Photos of which no sample could be made.
    pub without: Vec<String>,
}

impl Scoring {
    /// Opens the weights and the sets to learn from, of which nothing is held out. Samples are made as the
    /// configuration's validation makes them, with the clicks that they are drawn with.
    ///
    /// # Errors
    /// What keeps weights or data from being used; [`Error::Data`] where two photos have one name, since
    /// scores go by names.
    pub fn open(
        config: &Config,
        on_progress: &(dyn Fn(&str, usize, usize) + Sync),
    ) -> Result<Self> {
        let mut config = without_training(config);
        config.check_ready()?;
        let devices = open_devices(&config)?;
        let begun = Weights::open(&config)?;
        let steps = steps(&config, begun, &devices)?;
        config.network.architecture = steps.network().architecture().to_string();
        let network = steps.delivered()?;
        let data = Data::open(&config, on_progress)?;
        let mut names = BTreeSet::new();
        let set = data.training.set();
        if let Some(twice) = (0..set.len())
            .map(|photo| set.name(photo))
            .find(|name| !names.insert(Scores::name_of(name)))
        {
            let name = printable(&Scores::name_of(&twice));
            return Err(Error::Data(format!(
                "two photos are called {name}, and scores go by names: score one set at a time"
            )));
        }
        Ok(Self { config, steps, network, data })
    }

    /// What was understood of each set.
    pub fn understood(&self) -> &[Understood] {
        self.data.understood()
    }

    /// Goes through all photos; `on_progress` is told how many samples are done, and how many there are.
    ///
    /// # Errors
    /// What keeps it from going on; [`Error::Exploded`] for a loss that is no number.
    pub fn run(&self, on_progress: &mut dyn FnMut(usize, usize)) -> Result<Scored> {
        let photos = &self.data.training;
        let total = photos.set().len() * SAMPLES;
        let size = self.config.batch.size;
        let batch = NonZero::new(size).unwrap_or(NonZero::<usize>::MIN);
        let plan = Plan { threads: threads(&self.config), keep_last: true, ..Plan::new(batch) };
        let mut sums = vec![(0.0, 0usize); photos.set().len()];
        let mut done = 0;
        // Every photo once in each.
        for epoch in (0..SAMPLES as u64).map(|round| EPOCH - round) {
            let drawn = Arc::clone(photos).epoch(self.config.run.seed, epoch);
            let places: Vec<_> = (0..drawn.len()).map(|position| drawn.photo(position)).collect();
            for prepared in Loader::start(drawn, self.config.validation_options(), plan)? {
                let Batch { number, samples, replaced } = prepared?;
                done += samples.len();
                let judged = self.steps.judge(&self.network, samples, [epoch, number as u64])?;
                let losses = judged.map_or_else(Vec::new, |Judged { losses, .. }| losses);
                for (position, loss) in (number * size..).zip(losses) {
                    if !loss.is_finite() {
                        return Err(Error::Exploded);
                    }
                    // Another photo took its place.
                    if replaced.iter().any(|replaced| replaced.position == position) {
                        continue;
                    }
                    let photo = places.get(position).copied().flatten();
                    if let Some((sum, samples)) = photo.and_then(|photo| sums.get_mut(photo)) {
                        *sum += loss;
                        *samples += 1;
                    }
                }
                on_progress(done, total);
            }
        }
        Ok(self.scored(&sums))
    }

    fn scored(&self, sums: &[(f64, usize)]) -> Scored {
        let set = self.data.training.set();
        let mut scored = Scored { scores: Scores::default(), without: Vec::new() };
        for (photo, (sum, samples)) in sums.iter().enumerate() {
            let name = set.name(photo);
            match samples {
                0 => scored.without.push(name),
                samples => {
                    let score = (1.0 - sum / *samples as f64).clamp(0.0, 1.0);
                    scored.scores.scores.push(Score::of(name, score));
                }
            }
        }
        scored
    }
}

/// The configuration of a network that goes through all photos and does not learn.
fn without_training(config: &Config) -> Config {
    let mut config = config.clone();
    config.init.kind = InitKind::Checkpoint;
    config.init.partial = false;
    config.network.architecture.clear();
    config.optimizer.average = 0.0;
    config.data.views = 0;
    // One is enough for that.
    let first = config.run.device.split(',').next().unwrap_or_default().to_owned();
    config.run.device = first;
    config.loss = Loss::of(MainLoss::SoftIou, 0.0);
    config.validation.keep_background = 0.0;
    // So that a photo's loss does not depend on how many clicks its batch was given.
    config.clicks = Clicks::at_most(0);
    let data = &mut config.data;
    data.validation.clear();
    data.hold_out = 0.0;
    data.epoch_length = 0;
    data.mix = Mix::Concatenation;
    data.sets.iter_mut().for_each(|set| set.scores.clear());
    config
}
