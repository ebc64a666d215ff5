use std::ops::ControlFlow;
use std::time::Duration;

use crate::logits::Logits;

/// What is seen of each evaluation of a click's refinement.
pub struct Progress<'a> {
    /// Number of the evaluation, from 1.
    pub evaluation: usize,
    /// The objective's value, regularization included.
    pub loss: f64,
    /// The network's answer in this evaluation.
    pub logits: &'a Logits,
}

type OnEvaluation<'a> = &'a mut dyn FnMut(&Progress<'_>) -> ControlFlow<()>;

/// Watches a click's refinement and may cancel it.
pub struct Watch<'a> {
    on_evaluation: Option<OnEvaluation<'a>>,
}

impl<'a> Watch<'a> {
    /// Nobody watches.
    pub fn none() -> Self {
        Self { on_evaluation: None }
    }

    /// Calls `on_evaluation` after each evaluation; `ControlFlow::Break` cancels the click.
    pub fn new(on_evaluation: &'a mut dyn FnMut(&Progress<'_>) -> ControlFlow<()>) -> Self {
        Self { on_evaluation: Some(on_evaluation) }
    }

    pub(crate) fn see(&mut self, progress: &Progress<'_>) -> ControlFlow<()> {
        match &mut self.on_evaluation {
            Some(on_evaluation) => on_evaluation(progress),
            None => ControlFlow::Continue(()),
        }
    }
}

/// What a click cost and how its refinement went.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClickTrace {
    /// The objective's value at each evaluation, regularization included; empty where none ran.
    pub losses: Vec<f64>,
    /// Whether the click was answered from features of an earlier click.
    pub cached_features: bool,
    /// Norm of the refined quantity after the click.
    pub z_norm: f64,
    /// Time up to the cut: distance maps and, where it ran, the backbone.
    pub backbone: Duration,
    /// Time from the cut to the logits, all evaluations together.
    pub head_forward: Duration,
    /// Time of the gradients.
    pub head_backward: Duration,
    /// Time of loss and ending tests.
    pub objective: Duration,
    /// Time of the optimizer itself.
    pub optimizer: Duration,
}
