//! How a run ends, well or not.

use argmin::core::TerminationReason;

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ending {
    /// The largest absolute value in the gradient is at most `gradient_tolerance`.
    GradientVanished,
    /// The last iteration lowered the value by at most
    /// `value_factor`·ε·max(|before|, |after|, 1).
    ValueSettled,
    /// More than `max_evaluations` evaluations were made.
    EvaluationsExhausted,
    /// `max_iterations` iterations were made.
    IterationsExhausted,
    /// No lower point was found, not even along the negative gradient.
    SearchFailed,
    /// The objective gave a value or a gradient that is not finite; the run
    /// went back to the last iterate.
    NotFinite,
}

impl Ending {
    /// The same in argmin's terms.
    pub(super) fn reason(self) -> TerminationReason {
        match self {
            Self::GradientVanished | Self::ValueSettled => TerminationReason::SolverConverged,
            Self::IterationsExhausted => TerminationReason::MaxItersReached,
            Self::EvaluationsExhausted | Self::SearchFailed | Self::NotFinite => {
                TerminationReason::SolverExit(self.to_string())
            }
        }
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::GradientVanished => "the gradient has vanished",
            Self::ValueSettled => "the value no longer falls",
            Self::EvaluationsExhausted => "the budget of evaluations is used up",
            Self::IterationsExhausted => "the budget of iterations is used up",
            Self::SearchFailed => "the line search found no lower point",
            Self::NotFinite => "the objective gave a value or a gradient that is not finite",
        })
    }
}

/// What makes a run impossible. The objective's own errors are passed on as they
/// are.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LbfgsError {
    /// The executor was given no starting point.
    #[error("L-BFGS: no starting point given")]
    NoStart,
    /// A coordinate of the starting point is NaN or infinite.
    #[error(
        "L-BFGS: coordinate {index} of the starting point is {value}, expected a finite number"
    )]
    StartNotFinite {
        /// Which coordinate.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// The objective is not finite at the starting point.
    #[error(
        "L-BFGS: the objective's value at the starting point is {value}, its largest gradient component {gradient}; expected finite numbers"
    )]
    ObjectiveNotFinite {
        /// The value.
        value: f64,
        /// The largest absolute value in the gradient.
        gradient: f64,
    },
    /// The objective returned a gradient of another length than the point's.
    #[error("L-BFGS: the objective returned a gradient of length {actual}, expected {expected}")]
    GradientLength {
        /// The point's length.
        expected: usize,
        /// The gradient's.
        actual: usize,
    },
    /// The executor failed for a reason of its own.
    #[error("L-BFGS: {0}")]
    Executor(String),
}
