//! Evaluations of the objective, counted, checked and never repeated at once.

use argmin::core::{Error, Operator, Problem};

use super::Evaluation;
use super::ending::LbfgsError;
use super::vector::largest;

/// The evaluation made last.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    pub(super) point: Vec<f64>,
    pub(super) value: f64,
    pub(super) gradient: Vec<f64>,
    /// Largest absolute value in the gradient.
    pub(super) steepest: f64,
}

impl Trial {
    pub(super) fn is_finite(&self) -> bool {
        self.value.is_finite() && self.steepest.is_finite()
    }
}

/// Asks the objective, remembering the last answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Trials {
    count: u64,
    last: Option<Trial>,
}

impl Trials {
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The evaluation at `point`: the last one again where it was made there.
    pub(super) fn evaluate<O>(
        &mut self,
        problem: &mut Problem<O>,
        point: Vec<f64>,
    ) -> Result<&Trial, Error>
    where
        O: Operator<Param = Vec<f64>, Output = Evaluation>,
    {
        let trial = match self.last.take() {
            Some(last) if last.point == point => last,
            _ => {
                self.count += 1;
                let Evaluation { value, gradient } = problem.apply(&point)?;
                if gradient.len() != point.len() {
                    let (expected, actual) = (point.len(), gradient.len());
                    return Err(LbfgsError::GradientLength { expected, actual }.into());
                }
                let steepest = largest(&gradient);
                Trial { point, value, gradient, steepest }
            }
        };
        Ok(self.last.insert(trial))
    }
}
