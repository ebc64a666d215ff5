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

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum::<f64>().sqrt()
}

fn run(case: &Case) -> (Vec<Call>, Minimum) {
    let (mut function, start) =
        functions::case(&case.name, case.n, case.zero_gradient_from_call);
    for (x, golden) in start.iter().zip(&case.x0_head) {
        assert_eq!(x, golden, "{}: starting point", case.name);
    }
    let mut calls = Vec::new();
    let minimum = Lbfgs::new()
        .with_memory(case.params.m)
        .with_value_factor(case.params.factr)
        .with_gradient_tolerance(case.params.pgtol)
        .with_max_evaluations(case.params.maxfun)
        .with_max_iterations(case.params.maxiter)
        .minimise(start, |x| {
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

#[test]
fn probe() {
    let golden: Golden = serde_json::from_str(include_str!("/work/shared/golden/lbfgs.json")).unwrap();
    for case in &golden.cases {
        let (calls, min) = run(case);
        println!("{} calls {} vs {}; iters {} vs {} {:?} / {}", case.name, calls.len(), case.calls.len(), min.iterations, case.iterations, min.ending, case.message);
        let mut s = String::new();
        for (a, b) in calls.iter().zip(&case.calls) {
            s += &format!("{}{:.0e} ", if a.x_head == b.x_head {"="} else {""}, ((a.f - b.f) / b.f).abs());
        }
        println!("   {s}");
        let _ = (case.x_norm, case.f, &case.x_head, case.funcalls);
    }
}
