use serde::{Deserialize, Serialize};

use super::check::Checks;

/// How the loss is made small.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimizer {
    /// The rule.
    pub kind: OptimizerKind,
    /// Learning rate before the schedule.
    pub rate: f64,
    /// The backbone's learning rate, relative to the others'.
    pub backbone_factor: f64,
    /// Whether HRNet's heads (`aux_head`, `cls_head`) learn at the backbone's rate, as RITM's do.
    pub heads_as_backbone: bool,
    /// Adam: memory of the gradient.
    pub beta1: f64,
    /// Adam: memory of its square.
    pub beta2: f64,
    /// Adam: added to the root of the square.
    pub epsilon: f64,
    /// SGD: memory of the steps.
    pub momentum: f64,
    /// Pulls weights to zero; with `adamw` apart from the gradient.
    pub weight_decay: f64,
    /// Whether the weight decay acts on biases and normalizations too, and not on kernels alone.
    pub decay_all: bool,
    /// Longest gradient of a step; 0 for no bound.
    pub clip_norm: f64,
    /// Memory of the moving average of the weights, which is what is delivered; 0 for none.
    pub average: f64,
}

/// The rule of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// Adam.
    Adam,
    /// Adam with decoupled weight decay.
    Adamw,
    /// Stochastic gradient descent.
    Sgd,
}

impl Optimizer {
    /// The published numbers.
    pub(crate) fn published() -> Self {
        Self {
            kind: OptimizerKind::Adam,
            rate: 5e-4,
            backbone_factor: 0.1,
            heads_as_backbone: false,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            momentum: 0.0,
            weight_decay: 0.0,
            decay_all: true,
            clip_norm: 0.0,
            average: 0.0,
        }
    }

    pub(super) fn check(&self, checks: &mut Checks) {
        checks.positive("optimizer.rate", self.rate);
        checks.not_negative("optimizer.backbone_factor", self.backbone_factor);
        checks.positive("optimizer.epsilon", self.epsilon);
        let memories = [
            ("optimizer.beta1", self.beta1),
            ("optimizer.beta2", self.beta2),
            ("optimizer.momentum", self.momentum),
            ("optimizer.average", self.average),
        ];
        for (key, value) in memories {
            checks.that((0.0..1.0).contains(&value), key, "a number from 0, below 1", value);
        }
        checks.not_negative("optimizer.weight_decay", self.weight_decay);
        checks.not_negative("optimizer.clip_norm", self.clip_norm);
    }
}
