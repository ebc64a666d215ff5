//! Every case of the golden file: the same calls, the same values, the same end.

use fbrs_refine::lbfgs::{Ending, Lbfgs, LbfgsError, Minimum};
use serde::Deserialize;

use crate::functions;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    n: usize,
    x0_head: Vec<f64>,
    params: Params,
    zero_gradient_from_call: Option<u64>,
    calls: Vec<Call>,
    x_head: Vec<f64>,
    x_norm: f64,
    f: f64,
    funcalls: u64,
    iterations: u64,
    message: String,
}

#[derive(Deserialize)]
struct Params {
    m: usize,
    factr: f64,
    pgtol: f64,
    maxfun: u64,
    maxiter: u64,
}

#[derive(Deserialize)]
struct Call {
    f: f64,
    grad_norm: f64,
    x_head: Vec<f64>,
    x_norm: f64,
}

/// Cases whose later calls no implementation can share to 1e-9: rounding errors
/// grow from iteration to iteration, in SciPy as here. SciPy's own traces of
/// them, taken with another processor's BLAS, depart from the file's by 3e-4,
/// 4e-3 and 7e-7. With the first of the calls concerned and the tolerance there.
const CHAOTIC: [(&str, usize, f64); 3] =
    [("rosenbrock10_long", 45, 1e-3), ("rosenbrock10_m3", 35, 1e-2), ("beale", 16, 1e-4)];

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum::<f64>().sqrt()
}

fn assert_close(what: &str, actual: f64, expected: f64, tolerance: f64) {
    assert!(
        (actual - expected).abs() <= tolerance,
        "{what}: {actual:e}, expected {expected:e} within {tolerance:e}"
    );
}

fn assert_same_point(what: &str, head: &[f64], norm: f64, golden: (&[f64], f64), tolerance: f64) {
    assert_close(&format!("{what}, |x|"), norm, golden.1, tolerance * golden.1.max(1.0));
    assert_eq!(head.len(), golden.0.len());
    for (x, expected) in head.iter().zip(golden.0) {
        assert_close(&format!("{what}, x"), *x, *expected, tolerance * expected.abs().max(1.0));
    }
}

/// Runs a case with its options, noting every call.
fn run(case: &Case) -> (Vec<Call>, Minimum) {
    let (mut function, start) = functions::case(&case.name, case.n, case.zero_gradient_from_call);
    let mut calls = Vec::new();
    let minimum = Lbfgs::new()
        .with_memory(case.params.m)
        .with_value_factor(case.params.factr)
        .with_gradient_tolerance(case.params.pgtol)
        .with_max_evaluations(case.params.maxfun)
        .with_max_iterations(case.params.maxiter)
        .minimize(start, |x| {
            let evaluation = function(x);
            calls.push(Call {
                f: evaluation.value,
                grad_norm: norm(&evaluation.gradient),
                x_head: x.iter().take(4).copied().collect(),
                x_norm: norm(x),
            });
            Ok::<_, LbfgsError>(evaluation)
        })
        .unwrap();
    (calls, minimum)
}

fn check(case: &Case) {
    let name = &case.name;
    let (calls, minimum) = run(case);
    assert_eq!(calls.len(), case.calls.len(), "{name}: number of calls");
    let tolerance_at = |call| match CHAOTIC.iter().find(|(chaotic, ..)| chaotic == name) {
        Some((_, from, tolerance)) if call >= *from => *tolerance,
        _ => 1e-9,
    };
    assert_same_point(
        &format!("{name}, start"),
        &calls[0].x_head,
        calls[0].x_norm,
        (&case.x0_head, case.calls[0].x_norm),
        1e-15,
    );
    for (i, (call, golden)) in calls.iter().zip(&case.calls).enumerate() {
        let what = format!("{name}, call {i}");
        let tolerance = tolerance_at(i);
        assert_close(&what, call.f, golden.f, tolerance * golden.f.abs());
        assert_same_point(
            &what,
            &call.x_head,
            call.x_norm,
            (&golden.x_head, golden.x_norm),
            tolerance,
        );
        let scale = golden.grad_norm.max(1.0);
        assert_close(
            &format!("{what}, |g|"),
            call.grad_norm,
            golden.grad_norm,
            10.0 * tolerance * scale,
        );
    }
    let tolerance = tolerance_at(calls.len() - 1);
    assert_eq!(minimum.evaluations, case.funcalls, "{name}: evaluations");
    assert_eq!(minimum.iterations, case.iterations, "{name}: iterations");
    assert_close(&format!("{name}, end"), minimum.value, case.f, tolerance * case.f.abs());
    let head: Vec<f64> = minimum.point.iter().take(4).copied().collect();
    assert_same_point(
        &format!("{name}, end"),
        &head,
        norm(&minimum.point),
        (&case.x_head, case.x_norm),
        tolerance,
    );
    let ending = match case.message.as_str() {
        "CONVERGENCE: NORM OF PROJECTED GRADIENT <= PGTOL" => Ending::GradientVanished,
        "STOP: TOTAL NO. OF F,G EVALUATIONS EXCEEDS LIMIT" => Ending::EvaluationsExhausted,
        other => panic!("{name}: unknown ending {other}"),
    };
    assert_eq!(minimum.ending, ending, "{name}: ending");
}

#[test]
fn every_case_takes_scipys_calls() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/lbfgs.json");
    let golden: Golden = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(golden.cases.len(), 19);
    for case in &golden.cases {
        check(case);
    }
}
