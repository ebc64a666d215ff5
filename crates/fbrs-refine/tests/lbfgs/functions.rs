//! The functions that the traces were taken on, as the golden file defines them.

use fbrs_refine::lbfgs::Evaluation;

/// A function with its gradient.
pub(crate) type Function = Box<dyn FnMut(&[f64]) -> Evaluation>;

/// A case's function and starting point. `zero_from` is the call from which on
/// the gradient is returned as zero.
pub(crate) fn case(name: &str, n: usize, zero_from: Option<u64>) -> (Function, Vec<f64>) {
    let (mut function, start): (Function, Vec<f64>) = if name.starts_with("rosenbrock") {
        (Box::new(|x| rosenbrock(x, 1.0)), rosenbrock_start(n))
    } else if name == "budget_ends_inside_line_search" {
        (Box::new(|x| rosenbrock(x, 1e6)), rosenbrock_start(n))
    } else if name == "quadratic4_tiny_gradient" {
        let (d, b) = quadratic_terms(n, 2.0);
        let start = d.iter().zip(&b).map(|(d, b)| b / d + 1e-12).collect();
        (Box::new(move |x| quadratic(x, &d, &b)), start)
    } else if name.starts_with("quadratic") {
        let condition = if name.ends_with("cond10") { 10.0 } else { 1e4 };
        let (d, b) = quadratic_terms(n, condition);
        (Box::new(move |x| quadratic(x, &d, &b)), vec![0.0; n])
    } else {
        match name {
            "beale" => (Box::new(beale), vec![1.0, 1.0]),
            "logistic8" => (Box::new(logistic), vec![0.0; n]),
            "gaussian_well" => (Box::new(gaussian_well), vec![2.0, 2.5, 3.5]),
            "value_jumps_gradient_zero" => (Box::new(jump), vec![0.0; n]),
            other => panic!("no function is known for the case {other}"),
        }
    };
    let mut calls = 0;
    let with_signal = move |x: &[f64]| {
        calls += 1;
        let mut evaluation = function(x);
        if zero_from.is_some_and(|from| calls >= from) {
            evaluation.gradient.fill(0.0);
        }
        evaluation
    };
    (Box::new(with_signal), start)
}

fn rosenbrock_start(n: usize) -> Vec<f64> {
    (0..n).map(|i| if i % 2 == 0 { -1.2 } else { 1.0 }).collect()
}

fn rosenbrock(x: &[f64], scale: f64) -> Evaluation {
    let mut terms = Vec::new();
    let mut gradient = vec![0.0; x.len()];
    for i in 0..x.len() - 1 {
        let rise = x[i + 1] - x[i] * x[i];
        let rest = 1.0 - x[i];
        terms.push(100.0 * (rise * rise) + rest * rest);
        gradient[i] += -400.0 * x[i] * rise - 2.0 * rest;
        gradient[i + 1] += 200.0 * rise;
    }
    for g in &mut gradient {
        *g *= scale;
    }
    Evaluation { value: scale * sum(&terms), gradient }
}

/// The sum in the order in which NumPy adds up to 128 elements: the traces hold
/// the last bit of it, and the longest ones make much of that bit.
fn sum(terms: &[f64]) -> f64 {
    let (chunks, rest) = terms.as_chunks::<8>();
    let Some((first, chunks)) = chunks.split_first() else {
        return terms.iter().sum();
    };
    let mut r = *first;
    for chunk in chunks {
        for (r, x) in r.iter_mut().zip(chunk) {
            *r += x;
        }
    }
    let whole = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    rest.iter().fold(whole, |sum, x| sum + x)
}

fn quadratic_terms(n: usize, condition: f64) -> (Vec<f64>, Vec<f64>) {
    let last = (n - 1) as f64;
    let d = (0..n).map(|i| (condition.ln() * i as f64 / last).exp()).collect();
    (d, (0..n).map(|i| (i as f64).cos()).collect())
}

fn quadratic(x: &[f64], d: &[f64], b: &[f64]) -> Evaluation {
    let square: f64 = x.iter().zip(d).map(|(x, d)| d * x * x).sum();
    let linear: f64 = x.iter().zip(b).map(|(x, b)| b * x).sum();
    let gradient = x.iter().zip(d.iter().zip(b)).map(|(x, (d, b))| d * x - b).collect();
    Evaluation { value: 0.5 * square - linear, gradient }
}

fn beale(x: &[f64]) -> Evaluation {
    let (a, b) = (x[0], x[1]);
    let rest = [1.5 - a + a * b, 2.25 - a + a * b * b, 2.625 - a + a * b * b * b];
    let value = rest.iter().map(|r| r * r).sum();
    let by_a = [b - 1.0, b * b - 1.0, b * b * b - 1.0];
    let by_b = [a, 2.0 * a * b, 3.0 * a * b * b];
    let along = |by: [f64; 3]| 2.0 * rest.iter().zip(by).map(|(r, by)| r * by).sum::<f64>();
    Evaluation { value, gradient: vec![along(by_a), along(by_b)] }
}

/// The last nine of the trace's calls hang on the last bit of the value (SciPy
/// itself makes from 16 to 34 calls here, depending on how the processor's BLAS
/// adds), so everything is added in the order in which NumPy did: the margins in
/// four fused lanes, the value pairwise.
fn logistic(x: &[f64]) -> Evaluation {
    let mut losses = Vec::new();
    let mut gradient = vec![0.0; x.len()];
    for i in 0..24 {
        let row: Vec<f64> = (0..8).map(|j| (f64::from(8 * i + j) * 0.37).sin() + 0.1).collect();
        let label = if f64::from(i).cos() > 0.0 { 1.0 } else { -1.0 };
        let mut lanes = [0.0; 4];
        for (j, (a, x)) in row.iter().zip(x).enumerate() {
            lanes[j % 4] = a.mul_add(*x, lanes[j % 4]);
        }
        let margin = label * ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]));
        losses.push((-margin).max(0.0) + (-margin.abs()).exp().ln_1p());
        let weight = -label / (1.0 + margin.exp());
        for (g, a) in gradient.iter_mut().zip(&row) {
            *g += weight * a;
        }
    }
    for (g, x) in gradient.iter_mut().zip(x) {
        *g += 2e-3 * x;
    }
    let squares: Vec<f64> = x.iter().map(|x| x * x).collect();
    Evaluation { value: sum(&losses) + 1e-3 * sum(&squares), gradient }
}

fn gaussian_well(x: &[f64]) -> Evaluation {
    let depth = -5.0 * (-x.iter().map(|x| (x - 3.0).powi(2)).sum::<f64>()).exp();
    let gradient = x.iter().map(|x| -2.0 * (x - 3.0) * depth).collect();
    Evaluation { value: depth, gradient }
}

fn jump(x: &[f64]) -> Evaluation {
    let value: f64 = x.iter().map(|x| (x - 0.2).powi(2)).sum();
    if x[0] > 0.1 {
        Evaluation { value: value + 3.0, gradient: vec![0.0; x.len()] }
    } else {
        Evaluation { value, gradient: x.iter().map(|x| 2.0 * (x - 0.2)).collect() }
    }
}
