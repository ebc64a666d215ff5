use serde::{Deserialize, Serialize};

use super::check::Checks;

/// How many samples a step takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Samples that the network sees together.
    pub size: usize,
    /// Batches whose gradients make one step.
    pub accumulate: usize,
}

/// Clicks on the network's own errors, before a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clicks {
    /// At most so many; the number is drawn for every batch. 0 for none.
    pub max_next_clicks: usize,
    /// Instead of a number drawn for every batch: every step's own answer gives its samples one more click,
    /// and they come again, among others, until one has so many or nothing is wrong any more. It costs
    /// nothing; for networks that do not see their previous mask.
    pub returning: bool,
    /// How likely a sample does not come again.
    pub leaving: f64,
    /// How likely the network is not shown its previous mask behind them.
    pub prev_mask_drop_prob: f64,
}

/// What does not learn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// Batch normalization uses its running statistics and leaves them; its weights learn.
    pub batch_norm: bool,
    /// The backbone's parameters stay, running statistics too.
    pub backbone: bool,
}

impl Batch {
    pub(crate) fn of(size: usize) -> Self {
        Self { size, accumulate: 1 }
    }

    /// The fewest samples that a network can learn from at once.
    pub(crate) fn least(&self, freeze: &Freeze) -> usize {
        if freeze.batch_norm { 1 } else { 2 }
    }

    pub(super) fn check(&self, freeze: &Freeze, devices: usize, checks: &mut Checks) {
        checks.count("batch.size", self.size, 4096);
        checks.count("batch.accumulate", self.accumulate, 4096);
        let expected = "at least 2, since batch normalization needs several samples (or \
                        freeze.batch_norm = true)";
        let least = self.least(freeze);
        checks.that(self.size >= least, "batch.size", expected, self.size);
        let expected =
            format!("at least {} for {devices} devices: {least} for each", least * devices);
        checks.that(self.size >= least * devices, "batch.size", &expected, self.size);
    }
}

impl Clicks {
    pub(crate) fn at_most(max_next_clicks: usize) -> Self {
        Self { max_next_clicks, returning: false, leaving: 0.2, prev_mask_drop_prob: 0.0 }
    }

    pub(super) fn check(&self, checks: &mut Checks) {
        let count = self.max_next_clicks;
        checks.that(count <= 100, "clicks.max_next_clicks", "at most 100", count);
        let some = count > 0 || !self.returning;
        let expected = "at least 1 where clicks.returning is true";
        checks.that(some, "clicks.max_next_clicks", expected, count);
        checks.share("clicks.leaving", self.leaving);
        checks.share("clicks.prev_mask_drop_prob", self.prev_mask_drop_prob);
    }
}

impl Freeze {
    pub(crate) fn nothing() -> Self {
        Self { batch_norm: false, backbone: false }
    }
}
