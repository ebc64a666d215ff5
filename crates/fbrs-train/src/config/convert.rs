//! A configuration as the parts of a run take it.

use fbrs_samples::SampleOptions;

use super::{Config, Loss as LossConfig, MainLoss, Optimizer, OptimizerKind};
use crate::learner::Losses;
use crate::losses::{FocalOptions, Loss};
use crate::optimizer::OptimizerOptions;

impl Config {
    /// As samples are made for validation.
    pub(crate) fn validation_options(&self) -> SampleOptions {
        SampleOptions {
            min_object_area: self.validation.min_object_area,
            keep_background: self.validation.keep_background,
            ..self.samples.clone().validation(self.validation.scale)
        }
    }
}

impl LossConfig {
    pub(crate) fn losses(&self) -> Losses {
        let bound = |most: f64| (most > 0.0).then_some(most);
        let focal = FocalOptions {
            alpha: self.alpha,
            gamma: self.gamma,
            max_weight: bound(self.max_multiplier),
            max_factor: bound(self.max_factor),
        };
        let main = match self.main {
            MainLoss::Nfl => Loss::NormalizedFocal(focal),
            MainLoss::Focal => Loss::Focal(focal),
            MainLoss::Bce => Loss::BinaryCrossEntropy,
            MainLoss::SoftIou => Loss::SoftIou,
        };
        let main = [(main, self.weight), (Loss::Dice, self.dice_weight)];
        Losses {
            main: main.into_iter().filter(|(_, weight)| *weight > 0.0).collect(),
            auxiliary: (Loss::BinaryCrossEntropy, self.aux_weight),
        }
    }
}

impl Optimizer {
    pub(crate) fn options(&self) -> OptimizerOptions {
        let betas = [self.beta1 as f32, self.beta2 as f32];
        let (epsilon, weight_decay) = (self.epsilon as f32, self.weight_decay as f32);
        match self.kind {
            OptimizerKind::Adam => OptimizerOptions::Adam { betas, epsilon, weight_decay },
            OptimizerKind::Adamw => OptimizerOptions::AdamW { betas, epsilon, weight_decay },
            OptimizerKind::Sgd => OptimizerOptions::Sgd { momentum: self.momentum, weight_decay },
        }
    }
}
