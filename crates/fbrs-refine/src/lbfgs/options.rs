//! The solver's options and what can be asked of it after a run.

use super::ending::Ending;
use super::memory::Memory;
use super::trial::Trials;

/// L-BFGS as SciPy's `fmin_l_bfgs_b` runs it without bounds. The options' names
/// there are in parentheses.
#[derive(Debug, Clone)]
pub struct Lbfgs {
    pub(super) memory: Memory,
    pub(super) value_factor: f64,
    pub(super) gradient_tolerance: f64,
    pub(super) max_evaluations: u64,
    pub(super) max_iterations: u64,
    pub(super) max_search_steps: u32,
    pub(super) trials: Trials,
    pub(super) iterations: u64,
    pub(super) ending: Option<Ending>,
}

impl Default for Lbfgs {
    fn default() -> Self {
        Self::new()
    }
}

impl Lbfgs {
    /// A solver with the options that backpropagating refinement runs with: a
    /// memory of 20 pairs, value factor 0, gradient tolerance 1e-8, 20
    /// evaluations, 40 iterations.
    #[must_use]
    pub fn new() -> Self {
        Self {
            memory: Memory::new(20),
            value_factor: 0.0,
            gradient_tolerance: 1e-8,
            max_evaluations: 20,
            max_iterations: 40,
            max_search_steps: 20,
            trials: Trials::default(),
            iterations: 0,
            ending: None,
        }
    }

    /// How many pairs of step and gradient change are remembered (`m`). With 0
    /// every direction is the negative gradient.
    #[must_use]
    pub fn with_memory(mut self, pairs: usize) -> Self {
        self.memory = Memory::new(pairs);
        self
    }

    /// The run ends when an iteration lowers the value by at most this many
    /// machine epsilons, relative to max(|before|, |after|, 1) (`factr`). With 0
    /// it ends when the value does not fall at all.
    #[must_use]
    pub fn with_value_factor(mut self, factor: f64) -> Self {
        self.value_factor = factor;
        self
    }

    /// The run ends when no component of the gradient exceeds this (`pgtol`).
    #[must_use]
    pub fn with_gradient_tolerance(mut self, tolerance: f64) -> Self {
        self.gradient_tolerance = tolerance;
        self
    }

    /// The run ends after the iteration in which the number of evaluations
    /// exceeds this (`maxfun`). It is looked at between iterations only, so the
    /// line search under way is finished: at most `max_search_steps` evaluations
    /// more, twice that where the search has to start again.
    #[must_use]
    pub fn with_max_evaluations(mut self, evaluations: u64) -> Self {
        self.max_evaluations = evaluations;
        self
    }

    /// The run ends after this many iterations (`maxiter`); the first is always
    /// made.
    #[must_use]
    pub fn with_max_iterations(mut self, iterations: u64) -> Self {
        self.max_iterations = iterations;
        self
    }

    /// A line search fails after this many evaluations (`maxls`, 20).
    #[must_use]
    pub fn with_max_search_steps(mut self, steps: u32) -> Self {
        self.max_search_steps = steps;
        self
    }

    /// How many evaluations of the objective the last run made.
    #[must_use]
    pub fn evaluations(&self) -> u64 {
        self.trials.count()
    }

    /// How many iterations the last run completed.
    #[must_use]
    pub fn iterations(&self) -> u64 {
        self.iterations
    }

    /// Why the last run ended; `None` before its end, or where the executor
    /// ended it (its own budgets, an interruption).
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        self.ending
    }
}
