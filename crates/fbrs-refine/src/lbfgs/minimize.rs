//! Running the solver on a closure.

use std::cell::RefCell;

use argmin::core::{Error, Executor, Operator};

use super::ending::{Ending, LbfgsError};
use super::solver::LbfgsState;
use super::{Evaluation, Lbfgs};

/// Where a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Minimum {
    /// The last iterate.
    pub point: Vec<f64>,
    /// The objective's value there.
    pub value: f64,
    /// The gradient there.
    pub gradient: Vec<f64>,
    /// How many evaluations were made.
    pub evaluations: u64,
    /// How many iterations were completed.
    pub iterations: u64,
    /// Why the run ended.
    pub ending: Ending,
}

/// A closure as an operator. Its error waits here for the run to end.
struct Closure<F, E> {
    objective: RefCell<F>,
    error: RefCell<Option<E>>,
}

/// What the executor is told when the closure has failed.
#[derive(Debug, thiserror::Error)]
#[error("the objective failed")]
struct ObjectiveFailed;

impl<F, E> Operator for Closure<F, E>
where
    F: FnMut(&[f64]) -> Result<Evaluation, E>,
{
    type Param = Vec<f64>;
    type Output = Evaluation;

    fn apply(&self, point: &Vec<f64>) -> Result<Evaluation, Error> {
        (self.objective.borrow_mut())(point).map_err(|error| {
            self.error.replace(Some(error));
            ObjectiveFailed.into()
        })
    }
}

impl<F, E> Operator for &Closure<F, E>
where
    F: FnMut(&[f64]) -> Result<Evaluation, E>,
{
    type Param = Vec<f64>;
    type Output = Evaluation;

    fn apply(&self, point: &Vec<f64>) -> Result<Evaluation, Error> {
        (**self).apply(point)
    }
}

impl Lbfgs {
    /// Minimizes a closure from a starting point.
    ///
    /// # Errors
    /// The closure's own error ends the run at once and is returned as it is. A
    /// starting point or a first evaluation that is not finite, and a gradient
    /// of the wrong length, are [`LbfgsError`]s.
    pub fn minimize<F, E>(self, start: Vec<f64>, objective: F) -> Result<Minimum, E>
    where
        F: FnMut(&[f64]) -> Result<Evaluation, E>,
        E: From<LbfgsError>,
    {
        let closure = Closure { objective: RefCell::new(objective), error: RefCell::new(None) };
        let run =
            Executor::new(&closure, self).configure(|state: LbfgsState| state.param(start)).run();
        let run = match run {
            Ok(run) => run,
            Err(error) => {
                return Err(match closure.error.take() {
                    Some(own) => own,
                    None => error
                        .downcast::<LbfgsError>()
                        .unwrap_or_else(|other| LbfgsError::Executor(other.to_string()))
                        .into(),
                });
            }
        };
        let mut state = run.state;
        let ended = |what: &str| LbfgsError::Executor(format!("ended without {what}"));
        Ok(Minimum {
            point: state.take_param().ok_or_else(|| ended("a point"))?,
            value: state.get_cost(),
            gradient: state.take_gradient().ok_or_else(|| ended("a gradient"))?,
            evaluations: run.solver.evaluations(),
            iterations: run.solver.iterations(),
            ending: run.solver.ending().ok_or_else(|| ended("a reason"))?,
        })
    }
}
