//! The iteration.

use argmin::core::{Error, IterState, KV, Operator, Problem, Solver};

use super::ending::{Ending, LbfgsError};
use super::search::{LONGEST, Search, Verdict};
use super::step::Point;
use super::trial::Trial;
use super::vector::{dot, norm};
use super::{Evaluation, Lbfgs};

/// The state that argmin hands round: point, gradient and value of the last
/// iterate, and the best one seen.
pub(super) type LbfgsState = IterState<Vec<f64>, Vec<f64>, (), (), (), f64>;

/// Where a line search starts.
struct Iterate {
    point: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

/// Where the quadratic model has its minimizer, and the way there.
struct Aim {
    target: Vec<f64>,
    direction: Vec<f64>,
}

impl Aim {
    /// The direction is the difference of the two points, its rounding included.
    fn new(from: &[f64], step: impl Iterator<Item = f64>) -> Self {
        let target: Vec<f64> = from.iter().zip(step).map(|(x, step)| x + step).collect();
        let direction = target.iter().zip(from).map(|(target, x)| target - x).collect();
        Self { target, direction }
    }

    /// The point that a step of this length leads to.
    fn point(&self, from: &[f64], length: f64) -> Vec<f64> {
        if length == 1.0 {
            self.target.clone()
        } else {
            from.iter().zip(&self.direction).map(|(x, d)| length * d + x).collect()
        }
    }
}

/// What a line search came to.
enum Searched {
    Accepted(Accepted),
    /// No acceptable step was found.
    Failed,
    /// A value or a gradient that is not finite turned up.
    NotFinite,
}

/// An accepted step.
struct Accepted {
    trial: Trial,
    /// Step length, in units of the direction.
    length: f64,
    direction: Vec<f64>,
    slope_at_start: f64,
    slope_at_end: f64,
}

impl<O> Solver<O, LbfgsState> for Lbfgs
where
    O: Operator<Param = Vec<f64>, Output = Evaluation>,
{
    fn name(&self) -> &str {
        "L-BFGS"
    }

    fn init(
        &mut self,
        problem: &mut Problem<O>,
        mut state: LbfgsState,
    ) -> Result<(LbfgsState, Option<KV>), Error> {
        let point = state.take_param().ok_or(LbfgsError::NoStart)?;
        if let Some((index, &value)) = point.iter().enumerate().find(|(_, x)| !x.is_finite()) {
            return Err(LbfgsError::StartNotFinite { index, value }.into());
        }
        self.memory.clear();
        self.trials = Default::default();
        self.iterations = 0;
        self.ending = None;
        let first = self.trials.evaluate(problem, point)?;
        if !first.is_finite() {
            let (value, gradient) = (first.value, first.steepest);
            return Err(LbfgsError::ObjectiveNotFinite { value, gradient }.into());
        }
        if first.steepest <= self.gradient_tolerance {
            self.ending = Some(Ending::GradientVanished);
        }
        let Trial { point, value, gradient, .. } = first.clone();
        Ok((self.report(state, Iterate { point, value, gradient }), None))
    }

    fn next_iter(
        &mut self,
        problem: &mut Problem<O>,
        mut state: LbfgsState,
    ) -> Result<(LbfgsState, Option<KV>), Error> {
        let point = state.take_param().ok_or(LbfgsError::NoStart)?;
        let gradient = state.take_gradient().ok_or(LbfgsError::NoStart)?;
        let start = Iterate { point, value: state.get_cost(), gradient };

        let end = loop {
            let Some(aim) = self.aim(&start) else {
                self.memory.clear();
                continue;
            };
            match self.search(problem, &start, aim)? {
                Searched::Accepted(accepted) => break self.accept(start, accepted),
                Searched::Failed if !self.memory.is_empty() => self.memory.clear(),
                Searched::Failed => {
                    self.ending = Some(Ending::SearchFailed);
                    break start;
                }
                Searched::NotFinite => {
                    self.ending = Some(Ending::NotFinite);
                    break start;
                }
            }
        };
        Ok((self.report(state, end), None))
    }
}

impl Lbfgs {
    /// Puts an iterate, and the ending where there is one, into the state.
    fn report(&self, state: LbfgsState, iterate: Iterate) -> LbfgsState {
        use argmin::core::State as _;
        let Iterate { point, value, gradient } = iterate;
        let state = state.param(point).cost(value).gradient(gradient);
        match self.ending {
            Some(ending) => state.terminate_with(ending.reason()),
            None => state,
        }
    }

    /// Where to search next; `None` where the memory has to be dropped first.
    fn aim(&self, start: &Iterate) -> Option<Aim> {
        Some(if self.memory.is_empty() {
            Aim::new(&start.point, start.gradient.iter().map(|g| -g))
        } else {
            Aim::new(&start.point, self.memory.direction(&start.gradient)?.into_iter())
        })
    }

    /// Searches along a direction. Evaluation errors pass through.
    fn search<O>(
        &mut self,
        problem: &mut Problem<O>,
        start: &Iterate,
        aim: Aim,
    ) -> Result<Searched, Error>
    where
        O: Operator<Param = Vec<f64>, Output = Evaluation>,
    {
        let slope_at_start = dot(&start.gradient, &aim.direction);
        // A direction that does not lead downhill (or holds a NaN) is none.
        if slope_at_start.is_nan() || slope_at_start >= 0.0 {
            return Ok(Searched::Failed);
        }
        let mut length =
            if self.iterations == 0 { (1.0 / norm(&aim.direction)).min(LONGEST) } else { 1.0 };
        let mut search = Search::new(start.value, slope_at_start, length);
        for _ in 0..self.max_search_steps {
            let point = aim.point(&start.point, length);
            if point.iter().any(|x| !x.is_finite()) {
                return Ok(Searched::Failed);
            }
            let trial = self.trials.evaluate(problem, point)?;
            if !trial.is_finite() {
                return Ok(Searched::NotFinite);
            }
            let slope = dot(&trial.gradient, &aim.direction);
            match search.tell(Point { step: length, value: trial.value, slope }) {
                Verdict::Try(next) => length = next,
                Verdict::Accept => {
                    let trial = trial.clone();
                    let slope_at_end = slope;
                    return Ok(Searched::Accepted(Accepted {
                        trial,
                        length,
                        direction: aim.direction,
                        slope_at_start,
                        slope_at_end,
                    }));
                }
            }
        }
        Ok(Searched::Failed)
    }

    /// Ends the iteration: looks at the budgets, then at the endings, then
    /// remembers the pair.
    fn accept(&mut self, start: Iterate, accepted: Accepted) -> Iterate {
        let Accepted { trial, length, mut direction, slope_at_start, slope_at_end } = accepted;
        self.iterations += 1;
        let magnitude = start.value.abs().max(trial.value.abs()).max(1.0);
        let settled = self.value_factor * f64::EPSILON * magnitude;
        self.ending = if self.iterations >= self.max_iterations {
            Some(Ending::IterationsExhausted)
        } else if self.trials.count() > self.max_evaluations {
            Some(Ending::EvaluationsExhausted)
        } else if trial.steepest <= self.gradient_tolerance {
            Some(Ending::GradientVanished)
        } else if start.value - trial.value <= settled {
            Some(Ending::ValueSettled)
        } else {
            None
        };
        if self.ending.is_none() {
            let curvature = (slope_at_end - slope_at_start) * length;
            if curvature > f64::EPSILON * (-slope_at_start * length) {
                let mut change = trial.gradient.clone();
                for (after, before) in change.iter_mut().zip(&start.gradient) {
                    *after -= before;
                }
                for d in &mut direction {
                    *d *= length;
                }
                self.memory.push(direction, change, curvature);
            }
        }
        Iterate { point: trial.point, value: trial.value, gradient: trial.gradient }
    }
}
