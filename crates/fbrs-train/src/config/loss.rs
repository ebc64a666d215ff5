use serde::{Deserialize, Serialize};

use super::check::Checks;

/// What is made small.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loss {
    /// The loss of the output.
    pub main: MainLoss,
    /// Its weight.
    pub weight: f64,
    /// Focal losses: weight of the object's pixels; the others' is 1 - alpha.
    pub alpha: f64,
    /// Focal losses: exponent of a pixel's error.
    pub gamma: f64,
    /// Normalized focal loss: largest weight of a pixel after normalizing; 0 for no bound.
    pub max_multiplier: f64,
    /// Normalized focal loss: largest factor that normalizing multiplies by; 0 for no bound.
    pub max_factor: f64,
    /// The loss is taken at the crop's resolution divided by this.
    pub reduction: usize,
    /// Weight of the cross entropy of the auxiliary outputs, in networks that have some.
    pub aux_weight: f64,
    /// Weight of a soft Dice loss of the output; 0 for none.
    pub dice_weight: f64,
}

/// The loss of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MainLoss {
    /// Normalized focal loss.
    Nfl,
    /// Binary cross entropy.
    Bce,
    /// Focal loss.
    Focal,
    /// One minus the IoU of probabilities.
    SoftIou,
}

impl Loss {
    /// The published numbers.
    pub(crate) fn of(main: MainLoss, aux_weight: f64) -> Self {
        Self {
            main,
            weight: 1.0,
            alpha: 0.5,
            gamma: 2.0,
            max_multiplier: 0.0,
            max_factor: 0.0,
            reduction: 1,
            aux_weight,
            dice_weight: 0.0,
        }
    }

    pub(super) fn check(&self, checks: &mut Checks) {
        checks.not_negative("loss.weight", self.weight);
        checks.not_negative("loss.dice_weight", self.dice_weight);
        checks.not_negative("loss.aux_weight", self.aux_weight);
        let expected = "with loss.dice_weight a sum above 0";
        checks.that(self.weight + self.dice_weight > 0.0, "loss.weight", expected, self.weight);
        let alpha = self.alpha > 0.0 && self.alpha < 1.0;
        checks.that(alpha, "loss.alpha", "a number above 0, below 1", self.alpha);
        let gamma = self.gamma == 0.0 || (self.gamma >= 1.0 && self.gamma.is_finite());
        checks.that(gamma, "loss.gamma", "0, or a number from 1", self.gamma);
        checks.not_negative("loss.max_multiplier", self.max_multiplier);
        checks.not_negative("loss.max_factor", self.max_factor);
        checks.count("loss.reduction", self.reduction, 16);
    }
}
