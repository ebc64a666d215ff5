use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{lbfgs, seconds};

/// Why the search of a click ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ending {
    /// The answer agrees with every click.
    Agreed,
    /// The mask no longer changes.
    Steady,
    /// The evaluations are used up.
    Evaluations,
    /// The time is used up. The only ending that is not the same when the click is repeated.
    Time,
    /// The optimizer finds nothing better.
    Converged,
}

impl From<lbfgs::Ending> for Ending {
    fn from(ending: lbfgs::Ending) -> Self {
        match ending {
            lbfgs::Ending::EvaluationsExhausted | lbfgs::Ending::IterationsExhausted => {
                Self::Evaluations
            }
            lbfgs::Ending::GradientVanished
            | lbfgs::Ending::ValueSettled
            | lbfgs::Ending::SearchFailed
            | lbfgs::Ending::NotFinite => Self::Converged,
        }
    }
}

/// What a click cost and how its refinement went.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ClickTrace {
    /// The objective's value at each evaluation, regularization included; empty where none ran.
    pub losses: Vec<f64>,
    /// Why the search ended; `None` where none ran.
    pub ending: Option<Ending>,
    /// Whether the click was answered from features of an earlier click.
    pub cached_features: bool,
    /// Norm of the refined quantity after the click.
    pub z_norm: f64,
    /// Time up to the cut: distance maps and, where it ran, the backbone.
    #[serde(with = "seconds")]
    pub backbone: Duration,
    /// Time from the cut to the logits, all evaluations together.
    #[serde(with = "seconds")]
    pub head_forward: Duration,
    /// Time of the gradients.
    #[serde(with = "seconds")]
    pub head_backward: Duration,
    /// Time of loss and ending tests.
    #[serde(with = "seconds")]
    pub objective: Duration,
    /// Time of the optimizer itself.
    #[serde(with = "seconds")]
    pub optimizer: Duration,
}

impl ClickTrace {
    /// Time of all parts.
    pub fn total(&self) -> Duration {
        self.backbone + self.head_forward + self.head_backward + self.objective + self.optimizer
    }

    /// The trace of a click that was answered twice, of which this is the second answer.
    pub fn after(mut self, first: Self) -> Self {
        let losses = self.losses;
        self.losses = first.losses;
        self.losses.extend(losses);
        self.backbone += first.backbone;
        self.head_forward += first.head_forward;
        self.head_backward += first.head_backward;
        self.objective += first.objective;
        self.optimizer += first.optimizer;
        self
    }
}
