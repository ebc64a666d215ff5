//! What holds on every smooth function, whatever the options.

use fbrs_refine::lbfgs::{Ending, Evaluation, Lbfgs, LbfgsError, Minimum};
use proptest::prelude::*;

/// A smooth function that is bounded below: a quadratic of random curvatures in
/// random directions, waves on it, and a quartic.
#[derive(Debug, Clone)]
struct Smooth {
    rows: Vec<Vec<f64>>,
    offsets: Vec<f64>,
    wave: f64,
    quartic: f64,
}

impl Smooth {
    fn evaluate(&self, x: &[f64]) -> Evaluation {
        let mut value = 0.0;
        let mut gradient = vec![0.0; x.len()];
        for (row, offset) in self.rows.iter().zip(&self.offsets) {
            let t = row.iter().zip(x).map(|(r, x)| r * x).sum::<f64>() - offset;
            value += t * t + self.wave * t.sin();
            let slope = 2.0 * t + self.wave * t.cos();
            for (g, r) in gradient.iter_mut().zip(row) {
                *g += slope * r;
            }
        }
        for (g, x) in gradient.iter_mut().zip(x) {
            value += self.quartic * x.powi(4);
            *g += 4.0 * self.quartic * x.powi(3);
        }
        Evaluation { value, gradient }
    }
}

fn smooth() -> impl Strategy<Value = (Smooth, Vec<f64>)> {
    (1_usize..12).prop_flat_map(|n| {
        let row = prop::collection::vec(-2.0..2.0, n);
        let function = (
            prop::collection::vec(row, n),
            prop::collection::vec(-3.0..3.0, n),
            0.0..3.0,
            prop_oneof![Just(0.0), 1e-3..1.0],
        )
            .prop_map(|(rows, offsets, wave, quartic)| Smooth {
                rows,
                offsets,
                wave,
                quartic,
            });
        (function, prop::collection::vec(-3.0..3.0, n))
    })
}

#[derive(Debug, Clone)]
struct Options {
    memory: usize,
    max_evaluations: u64,
    max_iterations: u64,
    gradient_tolerance: f64,
    value_factor: f64,
}

fn options() -> impl Strategy<Value = Options> {
    (0_usize..25, 0_u64..60, 0_u64..60, -10.0..0.0, prop_oneof![Just(0.0), Just(1e7), Just(1e12)])
        .prop_map(|(memory, max_evaluations, max_iterations, exponent, value_factor)| Options {
            memory,
            max_evaluations,
            max_iterations,
            gradient_tolerance: 10_f64.powf(exponent),
            value_factor,
        })
}

fn run(
    options: &Options,
    start: &[f64],
    mut objective: impl FnMut(&[f64]) -> Evaluation,
) -> Minimum {
    Lbfgs::new()
        .with_memory(options.memory)
        .with_max_evaluations(options.max_evaluations)
        .with_max_iterations(options.max_iterations)
        .with_gradient_tolerance(options.gradient_tolerance)
        .with_value_factor(options.value_factor)
        .minimize(start.to_vec(), |x| Ok::<_, LbfgsError>(objective(x)))
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn the_ending_is_what_it_says((function, start) in smooth(), options in options()) {
        let mut points: Vec<Vec<f64>> = Vec::new();
        let minimum = run(&options, &start, |x| {
            points.push(x.to_vec());
            function.evaluate(x)
        });
        let at_start = function.evaluate(&start);

        // Counted right, and no point twice in a row.
        prop_assert_eq!(minimum.evaluations, points.len() as u64);
        prop_assert_eq!(&points[0], &start);
        prop_assert!(points.windows(2).all(|pair| pair[0] != pair[1]));

        // The end is a point that was evaluated, with its value and gradient.
        prop_assert!(points.contains(&minimum.point));
        let again = function.evaluate(&minimum.point);
        prop_assert_eq!(minimum.value, again.value);
        prop_assert_eq!(&minimum.gradient, &again.gradient);
        prop_assert!(minimum.value <= at_start.value);

        // The budgets: overrun at most by the search under way and its restart.
        prop_assert!(minimum.evaluations <= options.max_evaluations.max(1) + 40);
        prop_assert!(minimum.iterations <= options.max_iterations.max(1));

        let steepest = minimum.gradient.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
        match minimum.ending {
            Ending::GradientVanished => prop_assert!(steepest <= options.gradient_tolerance),
            Ending::EvaluationsExhausted => {
                prop_assert!(minimum.evaluations > options.max_evaluations);
            }
            Ending::IterationsExhausted => {
                prop_assert!(minimum.iterations >= options.max_iterations);
            }
            Ending::ValueSettled | Ending::SearchFailed => {
                prop_assert!(steepest > options.gradient_tolerance);
            }
            other => prop_assert!(false, "{other:?} on a smooth function"),
        }
    }

    /// A zero gradient is the objective's word that it is done.
    #[test]
    fn a_zero_gradient_ends_soon((function, start) in smooth(), from in 1_u64..12) {
        let options = Options {
            memory: 20,
            max_evaluations: 20,
            max_iterations: 40,
            gradient_tolerance: 1e-8,
            value_factor: 0.0,
        };
        let mut calls = 0;
        let minimum = run(&options, &start, |x| {
            calls += 1;
            let mut evaluation = function.evaluate(x);
            if calls >= from {
                evaluation.gradient.fill(0.0);
            }
            evaluation
        });
        prop_assert!(minimum.evaluations <= 61);
        prop_assert!(minimum.value <= function.evaluate(&start).value);
        if from == 1 {
            prop_assert_eq!((minimum.evaluations, minimum.ending), (1, Ending::GradientVanished));
        }
    }

    /// Whatever comes back, the run ends, with an outcome or with an error.
    #[test]
    fn nonsense_does_not_hang(values in prop::collection::vec(nonsense(), 1..60)) {
        let mut calls = 0;
        let result = Lbfgs::new().minimize(vec![0.5, -0.5], |_| {
            let (value, a, b) = values[calls % values.len()];
            calls += 1;
            Ok::<_, LbfgsError>(Evaluation { value, gradient: vec![a, b] })
        });
        prop_assert!(calls <= 61, "{calls} calls");
        if let Ok(minimum) = result {
            prop_assert!(minimum.value.is_finite());
            prop_assert!(minimum.point.iter().all(|x| x.is_finite()));
        }
    }
}

fn nonsense() -> impl Strategy<Value = (f64, f64, f64)> {
    let number = || {
        prop_oneof![
            20 => -10.0..10.0,
            2 => prop::num::f64::NORMAL,
            1 => Just(0.0),
            1 => prop::num::f64::ANY,
        ]
    };
    (number(), number(), number())
}
