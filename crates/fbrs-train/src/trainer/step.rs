//! One batch through a network that learns, on all devices of a run.

use std::thread;

use fbrs_models::{Architecture, LearningNetwork, LiteTaps, Network};
use fbrs_samples::TrainingSample;
use fbrs_weights::InputScaling;

use super::worker::{Group, LearnedPart, Rules, Worker};
use crate::batch::Batch;
use crate::config::Config;
use crate::iterative::sigmoid;
use crate::learner::{Learner, Passed, on_device, read};
use crate::{Error, Result};

/// What all steps of a run share.
pub(super) struct Steps {
    pub(super) learner: Learner,
    rules: Rules,
    /// One for each of the learner's networks.
    workers: Vec<Worker>,
}

/// A batch that was learned from.
#[derive(Default)]
pub(super) struct Learned {
    pub(super) passed: Passed,
    /// The network's answer, `[batch, pixels]` at the crop's resolution.
    pub(super) probabilities: Vec<f32>,
    /// The samples with the clicks that the network was told.
    pub(super) samples: Vec<TrainingSample>,
    /// How many samples fit into memory at once, where it was found out by this batch.
    pub(super) fits: Option<usize>,
}

/// A batch that was judged.
pub(super) struct Judged {
    /// Per sample.
    pub(super) losses: Vec<f64>,
    /// `[batch, pixels]` both.
    pub(super) probabilities: Vec<f32>,
    pub(super) targets: Vec<f32>,
}

impl Learned {
    /// Takes in what a part of the batch came to.
    fn take(&mut self, part: LearnedPart) {
        let LearnedPart { passed, share, probabilities, samples } = part;
        let whole = &mut self.passed;
        whole.instance += passed.instance * share;
        whole.overall += passed.overall * share;
        if let Some(auxiliary) = passed.auxiliary {
            *whole.auxiliary.get_or_insert(0.0) += auxiliary * share;
        }
        whole.factors.extend(passed.factors);
        self.probabilities.extend(probabilities);
        self.samples.extend(samples);
    }
}

impl Steps {
    pub(super) fn new(learner: Learner, scaling: InputScaling, config: &Config) -> Result<Self> {
        let has_encoder = matches!(learner.network.architecture(), Architecture::Lite(_))
            && config.freeze.backbone;
        let workers = learner.networks().map(|network| {
            let encoder = has_encoder.then(|| network.network()).transpose()?;
            Ok(Worker { encoder, at_once: None })
        });
        let workers = workers.collect::<Result<Vec<_>>>()?;
        let rules = Rules {
            losses: config.loss.losses(),
            scaling,
            seed: config.run.seed,
            rounds: match config.clicks.returning {
                true => 0,
                false => u32::try_from(config.clicks.max_next_clicks).unwrap_or(u32::MAX),
            },
            drop_previous: config.clicks.prev_mask_drop_prob,
            accumulate: config.batch.accumulate,
            batch: config.batch.size,
            reduction: config.loss.reduction,
            least: config.batch.least(&config.freeze),
        };
        Ok(Self { learner, rules, workers })
    }

    /// The network on the first device.
    pub(super) fn network(&self) -> &LearningNetwork {
        &self.learner.network
    }

    pub(super) fn scaling(&self) -> InputScaling {
        self.rules.scaling
    }

    /// How many samples each device takes at once, where a batch was too much for its memory.
    pub(super) fn at_once(&self) -> Vec<Option<usize>> {
        self.workers.iter().map(|worker| worker.at_once).collect()
    }

    /// What was found out before.
    pub(super) fn take_at_once(&mut self, at_once: &[Option<usize>]) {
        for (worker, at_once) in self.workers.iter_mut().zip(at_once) {
            worker.at_once = *at_once;
        }
    }

    /// Adds the gradients of a batch of an epoch. Every number that is drawn follows from both
    /// numbers.
    ///
    /// `taps`: of a Lite network whose encoder does not learn, where they are known.
    pub(super) fn learn(
        &mut self,
        samples: Vec<TrainingSample>,
        taps: Option<Vec<LiteTaps>>,
        place: [u64; 2],
    ) -> Result<Learned> {
        let before = self.at_once();
        let scale = self.learner.scale.map_or(1.0, |scale| scale.factor);
        let groups = divided(samples, taps, self.workers.len(), place, scale);
        let rules = &self.rules;
        let work = self.workers.iter_mut().zip(self.learner.networks()).zip(groups);
        let done: Vec<Result<_>> = thread::scope(|scope| {
            let mut own = None;
            let mut others = Vec::new();
            for ((worker, network), group) in work {
                let work = move || worker.learn(rules, network, &group);
                match own {
                    None => own = Some(work),
                    Some(_) => others.push(scope.spawn(work)),
                }
            }
            let own = own.into_iter().map(|mut work| work()).collect::<Vec<_>>();
            let failed = |_| Err(Error::Device("a device's thread ended early".to_owned()));
            let others = others.into_iter().map(|work| work.join().unwrap_or_else(failed));
            own.into_iter().chain(others).collect()
        });
        let mut learned = Learned::default();
        for (parts, gradients) in done.into_iter().collect::<Result<Vec<_>>>()? {
            parts.into_iter().for_each(|part| learned.take(part));
            if let Some(gradients) = gradients {
                on_device(|| self.learner.add(gradients))?;
            }
        }
        let now = self.at_once();
        learned.fits = now.iter().flatten().min().copied().filter(|_| now != before);
        Ok(learned)
    }

    /// Whether there is an encoder that does not learn.
    pub(super) fn has_encoder(&self) -> bool {
        self.workers.first().is_some_and(|worker| worker.encoder.is_some())
    }

    /// What the encoder of a Lite network gives for a sample's crop, where it does not learn.
    pub(super) fn taps(&self, sample: &TrainingSample) -> Option<LiteTaps> {
        let encoder = self.workers.first()?.encoder.as_ref()?;
        let architecture = *self.network().architecture();
        let batch = Batch::new(vec![sample.clone()], architecture, self.scaling())?;
        encoder.lite_taps(batch.images(encoder.device()))
    }

    /// Makes the step of what was learned; `false` where it was left out.
    pub(super) fn step(&mut self, rate: f64) -> Result<bool> {
        on_device(|| self.learner.step(rate))
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
        place: [u64; 2],
    ) -> Result<Option<Judged>> {
        let architecture = *self.network().architecture();
        let Some(mut batch) = Batch::new(samples, architecture, self.scaling()) else {
            return Ok(None);
        };
        let device = network.device();
        let features = network.image_features(batch.images(device));
        let rounds = self.rules.rounds(place);
        let previous = self.rules.click(network, &features, &mut batch, rounds, place, 0)?;
        let size = [batch.size.height, batch.size.width];
        let targets = batch.targets(size);
        let told = batch.told(previous, device);
        let logits = read(network.answer(&features, told))?;
        let losses = self.rules.losses.judge(&logits, &targets, batch.len());
        let probabilities = logits.into_iter().map(sigmoid).collect();
        Ok(Some(Judged { losses, probabilities, targets }))
    }
}

/// The parts of a batch, as many as there are devices, nearly alike.
fn divided(
    samples: Vec<TrainingSample>,
    taps: Option<Vec<LiteTaps>>,
    parts: usize,
    place: [u64; 2],
    scale: f64,
) -> Vec<Group> {
    let count = samples.len();
    let mut samples = samples.into_iter();
    let mut taps = taps.map(Vec::into_iter);
    let ends = (0..parts).map(|part| [part, part + 1].map(|end| count * end / parts.max(1)));
    ends.filter(|[first, end]| first < end)
        .map(|[first, end]| Group {
            samples: samples.by_ref().take(end - first).collect(),
            taps: taps.as_mut().map(|taps| taps.by_ref().take(end - first).collect()),
            first,
            of: count,
            place,
            scale,
        })
        .collect()
}
