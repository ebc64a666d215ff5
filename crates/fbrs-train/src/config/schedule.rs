use serde::{Deserialize, Serialize};

use super::check::Checks;

/// The learning rate over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleConfig {
    /// Epochs of the run.
    pub epochs: u64,
    /// How the rate falls.
    pub shape: RateShape,
    /// `steps`: epochs, counted from 0, from whose beginning on the rate is lower.
    pub milestones: Vec<u64>,
    /// `steps`: what the rate is multiplied by at each.
    pub factor: f64,
    /// `cosine`: share of the run before the rate begins to fall.
    pub hold: f64,
    /// `cosine`: what the rate falls to, relative to the first.
    pub floor: f64,
    /// Steps at the beginning in which the rate rises; 0 for none.
    pub warmup_steps: u64,
}

/// How the rate falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RateShape {
    /// Not at all.
    Constant,
    /// At milestones.
    Steps,
    /// Along half a wave of the cosine.
    Cosine,
}

impl ScheduleConfig {
    pub(crate) fn steps(epochs: u64, milestones: &[u64]) -> Self {
        Self { shape: RateShape::Steps, milestones: milestones.to_vec(), ..Self::constant(epochs) }
    }

    pub(crate) fn constant(epochs: u64) -> Self {
        Self {
            epochs,
            shape: RateShape::Constant,
            milestones: Vec::new(),
            factor: 0.1,
            hold: 0.0,
            floor: 0.01,
            warmup_steps: 0,
        }
    }

    pub(super) fn check(&self, checks: &mut Checks) {
        let epochs = (1..=1_000_000).contains(&self.epochs);
        let expected = "a whole number from 1 to 1000000";
        checks.that(epochs, "schedule.epochs", expected, self.epochs);
        let rising = self.milestones.is_sorted_by(|one, next| one < next);
        let expected = "epochs in rising order";
        checks.that(rising, "schedule.milestones", expected, format!("{:?}", self.milestones));
        checks.positive("schedule.factor", self.factor);
        let hold = (0.0..1.0).contains(&self.hold);
        checks.that(hold, "schedule.hold", "a number from 0, below 1", self.hold);
        checks.share("schedule.floor", self.floor);
    }
}
