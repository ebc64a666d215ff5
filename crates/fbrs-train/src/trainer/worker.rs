//! One device's part in a step.

use std::ops::Range;

use burn::tensor::{Device, Tensor};
use fbrs_models::{
    Drops, ImageFeatures, LearningInput, LearningNetwork, LiteTaps, Network, ParameterRole,
};
use fbrs_samples::{Purpose, Stream, TrainingSample};
use fbrs_weights::InputScaling;
use rand::Rng;

use super::portions::in_portions;
use crate::Result;
use crate::batch::Batch;
use crate::iterative::{add_clicks, sigmoid};
use crate::learner::{Losses, PartGradients, Passed, Question, on_device};

/// What decides every step of a run.
pub(super) struct Rules {
    pub(super) losses: Losses,
    pub(super) scaling: InputScaling,
    pub(super) seed: u64,
    /// Clicks on the network's own errors, at most.
    pub(super) rounds: u32,
    pub(super) drop_previous: f64,
    pub(super) accumulate: usize,
    /// Samples of a whole batch.
    pub(super) batch: usize,
    /// Losses are taken at the crop's resolution divided by this.
    pub(super) reduction: usize,
    /// The smallest part of a batch that has statistics.
    pub(super) least: usize,
}

/// The part of a batch that a device learns from.
pub(super) struct Group {
    pub(super) samples: Vec<TrainingSample>,
    /// Of a Lite network whose encoder does not learn, where they are known.
    pub(super) taps: Option<Vec<LiteTaps>>,
    /// The first sample's place in the batch.
    pub(super) first: usize,
    /// Samples of the whole batch.
    pub(super) of: usize,
    /// Epoch and number of the batch, from which every number that is drawn follows.
    pub(super) place: [u64; 2],
    /// What gradients are multiplied by while they are computed.
    pub(super) scale: f64,
}

/// A part of a batch that was learned from.
pub(super) struct LearnedPart {
    pub(super) passed: Passed,
    /// In the whole batch.
    pub(super) share: f64,
    /// The network's answer, `[batch, pixels]` at the crop's resolution.
    pub(super) probabilities: Vec<f32>,
    /// The samples with the clicks that the network was told.
    pub(super) samples: Vec<TrainingSample>,
}

/// A device, and what it learned about itself.
pub(super) struct Worker {
    /// The encoder of a Lite network, where it does not learn.
    pub(super) encoder: Option<Network>,
    /// Samples that its memory takes at once, where a batch was too much for it.
    pub(super) at_once: Option<usize>,
}

impl Worker {
    /// Learns from a part of a batch, in smaller ones where memory runs out. The gradients are those of all.
    pub(super) fn learn(
        &mut self,
        rules: &Rules,
        network: &LearningNetwork,
        group: &Group,
    ) -> Result<(Vec<LearnedPart>, Option<PartGradients>)> {
        let encoder = self.encoder.as_ref();
        let mut clicking = None;
        let mut sum: Option<PartGradients> = None;
        let parts = in_portions(group.samples.len(), &mut self.at_once, rules.least, |range| {
            let work = || {
                let rounds = rules.rounds(group.place);
                if rounds > 0 && clicking.is_none() {
                    clicking = Some(network.network()?);
                }
                let clicking = clicking.as_ref().map(|network| (network, rounds));
                learn(rules, network, encoder, clicking, group, range)
            };
            let (part, gradients) = restoring(network, || on_device(work))?;
            match &mut sum {
                None => sum = Some(gradients),
                Some(sum) => sum.add(gradients, network.device()),
            }
            Ok(part)
        })?;
        Ok((parts, sum))
    }
}

/// Where work fails, running statistics are as before: they may have followed samples that are tried once
/// more. What it held is given back to the device.
fn restoring<T>(network: &LearningNetwork, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = statistics(network);
    let done = work();
    if done.is_err() {
        for (index, value) in before {
            if let Some(parameter) = network.parameters().get(index) {
                parameter.set(value);
            }
        }
        network.device().memory_cleanup();
    }
    done
}

/// The running statistics by now, with the parameters' places.
fn statistics(network: &LearningNetwork) -> Vec<(usize, Tensor<1>)> {
    let parameters = network.parameters().iter().enumerate();
    let statistics = parameters.filter(|(_, own)| own.role() == ParameterRole::Statistic);
    statistics.map(|(index, own)| (index, own.value())).collect()
}

fn learn(
    rules: &Rules,
    network: &LearningNetwork,
    encoder: Option<&Network>,
    clicking: Option<(&Network, u32)>,
    group: &Group,
    range: Range<usize>,
) -> Result<(LearnedPart, PartGradients)> {
    let first = group.first + range.start;
    let [epoch, number] = group.place;
    let samples = group.samples.get(range.clone()).unwrap_or_default().to_vec();
    let share = samples.len() as f64 / group.of.max(1) as f64;
    let taps = group.taps.as_ref().and_then(|taps| taps.get(range)).map(<[LiteTaps]>::to_vec);
    let Some(mut batch) = Batch::new(samples, *network.architecture(), rules.scaling) else {
        return Err(crate::Error::Data("a batch without samples".to_owned()));
    };
    let device: &Device = network.device();
    let images = batch.images(device);
    let known = taps.and_then(LiteTaps::batch).map(|taps| taps.to_device(device));
    let taps = known.or_else(|| encoder?.lite_taps(images.clone()));
    let mut previous = None;
    if let Some((clicking, rounds)) = clicking {
        let features = features(clicking, &images, taps.as_ref());
        previous = rules.click(clicking, &features, &mut batch, rounds, group.place, first)?;
        if let Some(previous) = &mut previous {
            rules.drop(previous, batch.size.area(), group.place, first);
        }
    }
    let size = [batch.size.height, batch.size.width].map(|side| side.div_ceil(rules.reduction));
    let targets = batch.targets(size);
    let told = batch.told(previous, device);
    let input = match taps {
        Some(taps) => LearningInput::Taps(Box::new(taps), [batch.size.height, batch.size.width]),
        None => LearningInput::Images(Box::new(images)),
    };
    let seed = Stream::new(rules.seed, epoch, number, Purpose::Dropout).next_u64();
    let question = Question {
        input,
        told,
        targets: &targets,
        size,
        share: share / rules.accumulate as f64,
        scale: group.scale,
        drops: Drops { seed, first },
    };
    let (passed, gradients) = rules.losses.learn(network, question)?;
    let probabilities = passed.logits.iter().map(|logit| sigmoid(*logit));
    let probabilities = batch.at_crop(probabilities.collect(), size);
    Ok((LearnedPart { passed, share, probabilities, samples: batch.into_samples() }, gradients))
}

impl Rules {
    /// How many clicks on the network's own errors the samples of a batch get.
    pub(super) fn rounds(&self, [epoch, number]: [u64; 2]) -> u32 {
        let mut drawn = Stream::new(self.seed, epoch, number, Purpose::Rounds);
        drawn.below(self.rounds as usize + 1) as u32
    }

    /// Gives samples of a batch, from the one with the number `first`, these clicks; the answer before the
    /// last of them.
    pub(super) fn click(
        &self,
        network: &Network,
        features: &ImageFeatures,
        batch: &mut Batch,
        rounds: u32,
        [epoch, number]: [u64; 2],
        first: usize,
    ) -> Result<Option<Vec<f32>>> {
        add_clicks(network, features, batch, rounds, |sample, round| {
            // No two rounds of a sample share numbers.
            let place = self.sample(number, first + sample) << 8 | u64::from(round);
            Stream::new(self.seed, epoch, place, Purpose::NextClicks)
        })
    }

    /// Zeroes the previous masks of some samples.
    fn drop(&self, previous: &mut [f32], area: usize, [epoch, number]: [u64; 2], first: usize) {
        for (sample, mask) in previous.chunks_mut(area.max(1)).enumerate() {
            let place = self.sample(number, first + sample);
            let mut drawn = Stream::new(self.seed, epoch, place, Purpose::PreviousMask);
            if drawn.chance(self.drop_previous) {
                mask.fill(0.0);
            }
        }
    }

    /// The number of a batch's sample in the epoch.
    fn sample(&self, number: u64, sample: usize) -> u64 {
        number * self.batch as u64 + sample as u64
    }
}

fn features(network: &Network, images: &Tensor<4>, taps: Option<&LiteTaps>) -> ImageFeatures {
    let [_, _, height, width] = images.dims();
    match taps.and_then(|taps| network.features_of_taps(taps.clone(), [height, width])) {
        Some(features) => features,
        None => network.image_features(images.clone()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use burn::tensor::FloatDType;
    use fbrs_models::{ClickInput, LearningOptions, Statistics, testing};

    use super::*;
    use crate::Error;

    /// Statistics of a pass that failed behind them are those of before it.
    #[test]
    fn a_pass_that_fails_leaves_no_trace() {
        let options = LearningOptions {
            statistics: Statistics::OfBatch,
            dropout: 0.0,
            arithmetic: FloatDType::F32,
            learns: &|_| true,
        };
        let architecture = "hrnet8s_ocr8".parse().unwrap();
        let device = Device::flex();
        let network =
            LearningNetwork::build(&architecture, &mut testing::Formula, &device, &options)
                .unwrap();
        let values = || -> Vec<Vec<f32>> {
            network.parameters().iter().map(|parameter| parameter.read().unwrap()).collect()
        };
        let before = values();
        let pass = || {
            let image = Tensor::ones([2, 3, 32, 32], &device);
            let maps = Tensor::ones([2, 2, 32, 32], &device);
            let told = ClickInput { maps, previous_mask: None, points: Vec::new().into() };
            let input = LearningInput::Images(Box::new(image));
            network.forward(input, told, [32, 32], Drops::default()).unwrap();
        };
        let failed = restoring(&network, || {
            pass();
            assert_ne!(values(), before);
            Err::<(), _>(Error::Memory("none left".to_owned()))
        });
        assert!(matches!(failed, Err(Error::Memory(_))));
        assert_eq!(values(), before);
        restoring(&network, || {
            pass();
            Ok(())
        })
        .unwrap();
        assert_ne!(values(), before);
    }
}
