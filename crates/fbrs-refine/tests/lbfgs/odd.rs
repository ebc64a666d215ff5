//! Objectives that fail, lie or are not finite.

use argmin::core::{Error, Executor, IterState, Operator, State, TerminationReason};
use fbrs_refine::lbfgs::{Ending, Evaluation, Lbfgs, LbfgsError};

/// The bowl |x|²/2.
fn bowl(x: &[f64]) -> Evaluation {
    Evaluation { value: 0.5 * x.iter().map(|x| x * x).sum::<f64>(), gradient: x.to_vec() }
}

fn run(
    start: Vec<f64>,
    mut objective: impl FnMut(&[f64]) -> Evaluation,
) -> Result<fbrs_refine::lbfgs::Minimum, LbfgsError> {
    Lbfgs::new().minimize(start, |x| Ok(objective(x)))
}

#[derive(Debug, PartialEq, thiserror::Error)]
enum Refused {
    #[error("cancelled at call {0}")]
    Cancelled(u32),
    #[error(transparent)]
    Solver(#[from] LbfgsError),
}

#[test]
fn the_objectives_error_stops_the_run_and_is_returned() {
    let mut calls = 0;
    let result = Lbfgs::new().minimize(vec![3.0, 4.0], |x| {
        calls += 1;
        if calls == 2 { Err(Refused::Cancelled(calls)) } else { Ok(bowl(x)) }
    });
    assert_eq!(result, Err(Refused::Cancelled(2)));
    assert_eq!(calls, 2);
}

#[test]
fn a_start_that_is_not_finite_is_refused_unevaluated() {
    let mut calls = 0;
    let result = run(vec![1.0, f64::INFINITY], |x| {
        calls += 1;
        bowl(x)
    });
    assert_eq!(result, Err(LbfgsError::StartNotFinite { index: 1, value: f64::INFINITY }));
    assert_eq!(calls, 0);
}

#[test]
fn an_objective_that_is_not_finite_at_the_start_is_refused() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let result = run(vec![1.0], |x| Evaluation { value, ..bowl(x) });
        assert!(matches!(result, Err(LbfgsError::ObjectiveNotFinite { .. })), "{result:?}");
        let result = run(vec![1.0, 1.0], |x| Evaluation { gradient: vec![0.0, value], ..bowl(x) });
        assert!(matches!(result, Err(LbfgsError::ObjectiveNotFinite { .. })), "{result:?}");
    }
}

#[test]
fn a_gradient_of_the_wrong_length_is_refused() {
    let result = run(vec![1.0, 1.0], |x| Evaluation { gradient: vec![1.0], ..bowl(x) });
    assert_eq!(result, Err(LbfgsError::GradientLength { expected: 2, actual: 1 }));
}

#[test]
fn nothing_to_minimize_over_ends_at_once() {
    let minimum = run(Vec::new(), bowl).unwrap();
    assert_eq!((minimum.ending, minimum.evaluations), (Ending::GradientVanished, 1));
}

/// From the call on at which it turns bad, the objective is not finite: the run
/// is back at the last iterate, and its value is the lowest of the good ones.
#[test]
fn turning_bad_later_ends_at_the_last_iterate() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for from in 2..6 {
            for in_gradient in [false, true] {
                let mut calls = 0;
                let mut values = Vec::new();
                let minimum = run(vec![3.0, -2.0, 1.0], |x| {
                    calls += 1;
                    let mut evaluation = quartic(x);
                    if calls < from {
                        values.push(evaluation.value);
                    } else if in_gradient {
                        evaluation.gradient[1] = bad;
                    } else {
                        evaluation.value = bad;
                    }
                    evaluation
                })
                .unwrap();
                assert_eq!(minimum.ending, Ending::NotFinite);
                assert_eq!(minimum.evaluations, from);
                assert_eq!(calls, from);
                assert_eq!(minimum.value, quartic(&minimum.point).value);
                assert!(values.iter().all(|value| minimum.value <= *value));
            }
        }
    }
}

/// Σ (i+1)·x⁴ + x²: takes many iterations.
fn quartic(x: &[f64]) -> Evaluation {
    let weight = |i: usize| (i + 1) as f64;
    let terms = x.iter().enumerate();
    Evaluation {
        value: terms.clone().map(|(i, x)| weight(i) * x.powi(4) + x * x).sum(),
        gradient: terms.map(|(i, x)| 4.0 * weight(i) * x.powi(3) + 2.0 * x).collect(),
    }
}

#[test]
fn a_gradient_that_points_uphill_ends_where_it_started() {
    let minimum = run(vec![1.0, 2.0], |x| {
        let Evaluation { value, gradient } = bowl(x);
        Evaluation { value, gradient: gradient.iter().map(|g| -g).collect() }
    })
    .unwrap();
    assert_eq!(minimum.point, [1.0, 2.0]);
    assert!(minimum.evaluations <= 41);
}

/// A linear function has no minimum: the steps grow to the search's longest one
/// and the run still ends.
#[test]
fn a_function_without_a_minimum_ends() {
    let minimum =
        run(vec![0.0, 0.0], |x| Evaluation { value: x.iter().sum(), gradient: vec![1.0, 1.0] })
            .unwrap();
    assert!(minimum.value <= 0.0);
    assert!(minimum.evaluations <= 41);
}

#[test]
fn values_near_the_largest_number_end() {
    let minimum = run(vec![1e150, -1e150], |x| Evaluation {
        value: x.iter().map(|x| x * x).sum(),
        gradient: x.iter().map(|x| 2.0 * x).collect(),
    });
    assert!(minimum.is_ok(), "{minimum:?}");
}

/// The solver under argmin's own executor, with argmin's own budget.
#[test]
fn argmins_executor_runs_it() {
    struct Quartic;
    impl Operator for Quartic {
        type Param = Vec<f64>;
        type Output = Evaluation;
        fn apply(&self, x: &Vec<f64>) -> Result<Evaluation, Error> {
            Ok(quartic(x))
        }
    }
    let run = |max_iters| {
        Executor::new(Quartic, Lbfgs::new().with_max_evaluations(1000))
            .configure(|state: IterState<_, _, (), (), (), f64>| {
                state.param(vec![3.0, -2.0, 1.0]).max_iters(max_iters)
            })
            .run()
            .unwrap()
    };
    let short = run(2);
    assert_eq!(short.state.get_iter(), 2);
    assert_eq!(short.state.get_termination_reason(), Some(&TerminationReason::MaxItersReached));
    assert_eq!(short.solver.ending(), None);
    let long = run(1000);
    assert_eq!(long.solver.ending(), Some(Ending::GradientVanished));
    assert_eq!(long.state.get_termination_reason(), Some(&TerminationReason::SolverConverged));
    assert_eq!(long.problem.counts["operator_count"], long.solver.evaluations());
    assert!(long.state.get_best_cost() < short.state.get_best_cost());
}
