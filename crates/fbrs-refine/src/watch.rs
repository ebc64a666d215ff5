use std::fmt;
use std::time::Instant;

use fbrs_models::{CancelToken, Interrupt};

use crate::logits::Logits;

/// What is seen of a click while it is answered, in this order.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// The network has run up to where refinement acts.
    Features {
        /// Whether they are those of an earlier click.
        cached: bool,
    },
    /// The answer of a click without a search: first clicks, and all without refinement.
    Plain {
        /// The network's answer.
        logits: &'a Logits,
    },
    /// An evaluation of a click's search.
    Evaluation {
        /// Its number, from 1.
        number: usize,
        /// The objective's value, regularization included.
        loss: f64,
        /// The network's answer in this evaluation.
        logits: &'a Logits,
    },
}

type OnProgress<'a> = &'a mut dyn FnMut(&Progress<'_>);

/// How one click is watched and called off.
pub struct Watch<'a> {
    on_progress: Option<OnProgress<'a>>,
    token: CancelToken,
    pub(crate) started: Instant,
}

impl<'a> Watch<'a> {
    /// Nobody watches.
    pub fn none() -> Self {
        Self { on_progress: None, token: CancelToken::new(), started: Instant::now() }
    }

    /// Calls `on_progress` at every step.
    #[must_use]
    pub fn seen_by(self, on_progress: &'a mut dyn FnMut(&Progress<'_>)) -> Self {
        Self { on_progress: Some(on_progress), ..self }
    }

    /// Ends the click once the token is cancelled.
    #[must_use]
    pub fn cancelled_by(self, token: &CancelToken) -> Self {
        Self { token: token.clone(), ..self }
    }

    /// When the click began, from which its time is counted.
    #[must_use]
    pub fn since(self, started: Instant) -> Self {
        Self { started, ..self }
    }

    pub(crate) fn see(&mut self, progress: &Progress<'_>) {
        if let Some(on_progress) = &mut self.on_progress {
            on_progress(progress);
        }
    }

    pub(crate) fn interrupt(&self) -> Interrupt {
        Interrupt::by(&self.token)
    }
}

impl fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let watched = self.on_progress.is_some();
        f.debug_struct("Watch").field("watched", &watched).field("token", &self.token).finish()
    }
}
