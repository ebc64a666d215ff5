use std::time::Duration;

use crate::progress::Pace;

/// What happens in a run, as it happens.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Something that a user ought to know, one sentence.
    Remark(String),
    /// A step was made.
    Step {
        /// Epoch, counted from 0.
        epoch: u64,
        /// Steps that were made, and steps of the run.
        steps: [u64; 2],
        /// The step's whole loss.
        loss: f64,
        /// Running mean of the adaptive IoU.
        iou: f64,
        /// How fast it goes.
        pace: Option<Pace>,
    },
    /// The network was judged.
    Validated {
        /// Epoch, counted from 0; `None` for the weights that the run began with.
        epoch: Option<u64>,
        /// What was found.
        found: Validated,
        /// Whether it is the best so far.
        best: bool,
        /// How long it took.
        took: Duration,
    },
}

/// What a validation found.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Validated {
    /// Mean loss.
    pub loss: f64,
    /// Adaptive IoU of the epoch.
    pub iou: f64,
    /// Mean number of clicks until the IoU is good enough, where they are counted.
    pub clicks: Option<f64>,
}

impl Validated {
    /// What networks are compared by; less is better.
    pub(super) fn judged_by(&self) -> f64 {
        self.clicks.unwrap_or(self.loss)
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All epochs are done.
    Done,
    /// No validation brought anything better for as long as patience lasts.
    NothingBetter,
    /// Somebody asked for it; it can go on from there.
    Stopped,
}
