//! One batch through a network that learns.

use fbrs_models::{Architecture, ImageFeatures, LearningInput, LearningNetwork, LiteTaps, Network};
use fbrs_samples::{Purpose, Stream, TrainingSample};
use fbrs_weights::InputScaling;
use rand::Rng;

use crate::batch::Batch;
use crate::config::Config;
use crate::iterative::{add_clicks, sigmoid};
use crate::learner::{Learner, Passed, read};
use crate::{Error, Result};

/// What all steps of a run share.
pub(super) struct Steps {
    pub(super) learner: Learner,
    pub(super) scaling: InputScaling,
    pub(super) seed: u64,
    /// Clicks on the network's own errors, at most.
    rounds: u32,
    drop_previous: f64,
    accumulate: usize,
    /// Samples of a whole batch.
    batch: u64,
    /// Losses are taken at the crop's resolution divided by this.
    reduction: usize,
    /// The encoder of a Lite network, where it does not learn.
    encoder: Option<Network>,
}

/// A batch that was learned from.
#[derive(Default)]
pub(super) struct Learned {
    pub(super) passed: Passed,
    /// The network's answer, `[batch, pixels]` at the crop's resolution.
    pub(super) probabilities: Vec<f32>,
    /// The samples with the clicks that the network was told.
    pub(super) samples: Vec<TrainingSample>,
}

/// A batch that was judged.
pub(super) struct Judged {
    /// Per sample.
    pub(super) losses: Vec<f64>,
    /// `[batch, pixels]` both.
    pub(super) probabilities: Vec<f32>,
    pub(super) targets: Vec<f32>,
}

impl Steps {
    pub(super) fn new(learner: Learner, scaling: InputScaling, config: &Config) -> Result<Self> {
        let encoder = match (learner.network.architecture(), config.freeze.backbone) {
            (Architecture::Lite(_), true) => Some(learner.network.network()?),
            _ => None,
        };
        Ok(Self {
            learner,
            scaling,
            seed: config.run.seed,
            rounds: match config.clicks.returning {
                true => 0,
                false => u32::try_from(config.clicks.max_next_clicks).unwrap_or(u32::MAX),
            },
            drop_previous: config.clicks.prev_mask_drop_prob,
            accumulate: config.batch.accumulate,
            batch: config.batch.size as u64,
            reduction: config.loss.reduction,
            encoder,
        })
    }

    pub(super) fn network(&self) -> &LearningNetwork {
        &self.learner.network
    }

    /// Adds the gradients of a batch of an epoch. Every number that is drawn follows from both
    /// numbers.
    ///
    /// `taps`: of a Lite network whose encoder does not learn, where they are known.
    pub(super) fn learn(
        &mut self,
        samples: Vec<TrainingSample>,
        taps: Option<LiteTaps>,
        [epoch, number]: [u64; 2],
    ) -> Result<Learned> {
        let architecture = *self.network().architecture();
        let Some(mut batch) = Batch::new(samples, architecture, self.scaling) else {
            return Ok(Learned::default());
        };
        let device = self.network().device().clone();
        let images = batch.images(&device);
        let taps = taps.or_else(|| self.encoder.as_ref()?.lite_taps(images.clone()));
        let mut previous = None;
        let rounds = self.rounds([epoch, number]);
        if rounds > 0 {
            let network = self.network().network()?;
            let features = features(&network, &images, taps.as_ref());
            previous = self.click(&network, &features, &mut batch, rounds, [epoch, number])?;
            if let Some(previous) = &mut previous {
                self.drop(previous, batch.size.area(), [epoch, number]);
            }
        }
        let size = [batch.size.height, batch.size.width].map(|side| side.div_ceil(self.reduction));
        let targets = batch.targets(size);
        let told = batch.told(previous, &device);
        let input = match taps {
            Some(taps) => {
                LearningInput::Taps(Box::new(taps), [batch.size.height, batch.size.width])
            }
            None => LearningInput::Images(Box::new(images)),
        };
        let seed = Stream::new(self.seed, epoch, number, Purpose::Dropout).next_u64();
        let share = 1.0 / self.accumulate as f64;
        let passed = self.learner.learn(input, told, &targets, size, share, seed)?;
        let probabilities = passed.logits.iter().map(|logit| sigmoid(*logit));
        let probabilities = batch.at_crop(probabilities.collect(), size);
        Ok(Learned { passed, probabilities, samples: batch.into_samples() })
    }

    /// What the encoder of a Lite network gives for a sample's crop, where it does not learn.
    pub(super) fn taps(&self, sample: &TrainingSample) -> Option<LiteTaps> {
        let encoder = self.encoder.as_ref()?;
        let architecture = *self.network().architecture();
        let batch = Batch::new(vec![sample.clone()], architecture, self.scaling)?;
        encoder.lite_taps(batch.images(encoder.device()))
    }

    /// How many clicks on the network's own errors the samples of a batch get.
    fn rounds(&self, [epoch, number]: [u64; 2]) -> u32 {
        let mut drawn = Stream::new(self.seed, epoch, number, Purpose::Rounds);
        drawn.below(self.rounds as usize + 1) as u32
    }

    /// Gives them these clicks; the answer before the last of them.
    fn click(
        &self,
        network: &Network,
        features: &ImageFeatures,
        batch: &mut Batch,
        rounds: u32,
        [epoch, number]: [u64; 2],
    ) -> Result<Option<Vec<f32>>> {
        let (seed, first) = (self.seed, number * self.batch);
        add_clicks(network, features, batch, rounds, |sample, round| {
            // No two rounds of a sample share numbers.
            let place = (first + sample as u64) << 8 | u64::from(round);
            Stream::new(seed, epoch, place, Purpose::NextClicks)
        })
    }

    /// Zeroes the previous masks of some samples.
    fn drop(&self, previous: &mut [f32], area: usize, [epoch, number]: [u64; 2]) {
        for (sample, mask) in previous.chunks_mut(area.max(1)).enumerate() {
            let place = number * self.batch + sample as u64;
            let mut drawn = Stream::new(self.seed, epoch, place, Purpose::PreviousMask);
            if drawn.chance(self.drop_previous) {
                mask.fill(0.0);
            }
        }
    }

    /// Makes the step of what was learned.
    pub(super) fn step(&mut self, rate: f64) -> Result<()> {
        self.learner.step(rate)
    }

    /// The network as it is delivered: the moving average where there is one.
    pub(super) fn delivered(&self) -> Result<Network> {
        let network = self.network();
        match &self.learner.average {
            Some(average) => {
                let architecture = network.architecture();
                Network::build(architecture, &mut average.source(network), network.device())
                    .map_err(Error::from)
            }
            None => Ok(network.network()?),
        }
    }

    /// What a batch makes of a network without learning: the losses and the answer.
    pub(super) fn judge(
        &self,
        network: &Network,
        samples: Vec<TrainingSample>,
        [epoch, number]: [u64; 2],
    ) -> Result<Option<Judged>> {
        let architecture = *self.network().architecture();
        let Some(mut batch) = Batch::new(samples, architecture, self.scaling) else {
            return Ok(None);
        };
        let device = network.device();
        let features = network.image_features(batch.images(device));
        let rounds = self.rounds([epoch, number]);
        let previous = self.click(network, &features, &mut batch, rounds, [epoch, number])?;
        let size = [batch.size.height, batch.size.width];
        let targets = batch.targets(size);
        let told = batch.told(previous, device);
        let logits = read(network.answer(&features, told))?;
        let losses = self.learner.judge(&logits, &targets, batch.len());
        let probabilities = logits.into_iter().map(sigmoid).collect();
        Ok(Some(Judged { losses, probabilities, targets }))
    }
}

fn features(
    network: &Network,
    images: &burn::tensor::Tensor<4>,
    taps: Option<&LiteTaps>,
) -> ImageFeatures {
    let [_, _, height, width] = images.dims();
    match taps.and_then(|taps| network.features_of_taps(taps.clone(), [height, width])) {
        Some(features) => features,
        None => network.image_features(images.clone()),
    }
}
