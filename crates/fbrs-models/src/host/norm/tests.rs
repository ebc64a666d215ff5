//! Against the definition, in double precision.
#![allow(clippy::indexing_slicing)]
use super::super::tests::{noise, on};
use super::*;

fn assert_near(found: &[f32], expected: &[f64], bound: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let most = expected.iter().fold(1.0f64, |most, value| most.max(value.abs()));
    for (found, expected) in found.iter().zip(expected) {
        assert!((f64::from(*found) - expected).abs() < bound * most, "{what}: {found} {expected}");
    }
}

struct Plain {
    moments: [Vec<f64>; 2],
    y: Vec<f64>,
    /// With respect to x, gamma, beta and the addend, for the outputs' own gradient `dy`.
    gradients: [Vec<f64>; 4],
}

/// Everything by its formula; the gradient with respect to x by the chain rule over mean and variance.
fn plain(
    x: Planes<'_>,
    addend: Option<&[f32]>,
    norm: &Norm<'_>,
    given: Option<&Moments>,
    dy: &[f32],
) -> Plain {
    let [batch, channels, height, width] = x.dims;
    let (plane, count) = (height * width, (batch * height * width) as f64);
    let places = |channel: usize| {
        (0..batch).flat_map(move |image| {
            let from = (image * channels + channel) * plane;
            from..from + plane
        })
    };
    let at = |place: usize| f64::from(x.values[place]);
    let [low, high] = norm.activation.range().map(f64::from);
    let mut out = Plain {
        moments: [vec![], vec![]],
        y: vec![0.0; x.values.len()],
        gradients: [vec![0.0; x.values.len()], vec![], vec![], vec![0.0; x.values.len()]],
    };
    for channel in 0..channels {
        let mean = places(channel).map(at).sum::<f64>() / count;
        let variance = places(channel).map(|place| (at(place) - mean).powi(2)).sum::<f64>() / count;
        let (mean, variance) = match given {
            Some(given) => (given.mean[channel], given.variance[channel]),
            None => (mean, variance),
        };
        let [gamma, beta] = [norm.gamma, norm.beta].map(|values| f64::from(values[channel]));
        let deviation = (variance + norm.eps).sqrt();
        let mut sums = [0.0; 3];
        for place in places(channel) {
            let normal = (at(place) - mean) / deviation;
            let sum = gamma * normal + beta + addend.map_or(0.0, |addend| f64::from(addend[place]));
            out.y[place] = sum.clamp(low, high);
            let slope = if sum > low && sum < high { f64::from(dy[place]) } else { 0.0 };
            out.gradients[3][place] = slope;
            sums = [sums[0] + slope, sums[1] + slope * normal, sums[2] + gamma * slope];
        }
        for place in places(channel) {
            let normal = (at(place) - mean) / deviation;
            let direct = gamma * out.gradients[3][place] / deviation;
            let through = (sums[2] + normal * gamma * sums[1]) / count / deviation;
            out.gradients[0][place] = if given.is_some() { direct } else { direct - through };
        }
        out.gradients[1].push(sums[1]);
        out.gradients[2].push(sums[0]);
        out.moments[0].push(mean);
        out.moments[1].push(variance);
    }
    out
}

#[test]
fn outputs_and_gradients_agree_with_the_definition() {
    for dims in [[2, 3, 5, 7], [1, 5, 9, 33], [3, 18, 1, 1], [2, 1, 80, 61], [4, 33, 4, 4]] {
        let [_, channels, ..] = dims;
        let values: Vec<f32> = noise(dims.iter().product(), 1);
        // Far from zero, as behind layers without a normalization.
        let values: Vec<f32> = values.iter().map(|value| 2.0 * value + 10.0).collect();
        let x = Planes { values: &values, dims };
        let dy = noise(values.len(), 2);
        let added = noise(values.len(), 3);
        let (gamma, beta) = (noise(channels, 4), noise(channels, 5));
        let of_batch = Moments::of(x.values, dims);
        let given = Moments { mean: vec![9.5; channels], variance: vec![0.7; channels] };
        for activation in [Activation::None, Activation::Relu, Activation::Relu6] {
            for addend in [None, Some(added.as_slice())] {
                for frozen in [false, true] {
                    let what = format!("{dims:?} {activation:?} {} {frozen}", addend.is_some());
                    let norm = Norm {
                        moments: if frozen { &given } else { &of_batch },
                        of_batch: !frozen,
                        gamma: &gamma,
                        beta: &beta,
                        eps: 1e-5,
                        activation,
                    };
                    let expected = plain(x, addend, &norm, frozen.then_some(&given), &dy);
                    let y = norm.forward(x, addend);
                    assert_near(&y, &expected.y, 1e-5, &what);
                    if !frozen {
                        for (found, expected) in
                            [&of_batch.mean, &of_batch.variance].into_iter().zip(&expected.moments)
                        {
                            for (found, expected) in found.iter().zip(expected) {
                                assert!(
                                    (found - expected).abs() < 2e-7 * (1.0 + expected),
                                    "{what}"
                                );
                            }
                        }
                    }
                    let input = NormInput { x, y: &y, dy: &dy };
                    let run = || norm.backward(input, addend.is_some());
                    let gradient = on(1, run);
                    let other = on(3, run);
                    assert!(gradient.x == other.x && gradient.gamma == other.gamma, "{what}");
                    assert!(gradient.beta == other.beta && gradient.addend == other.addend);
                    let [of_x, of_gamma, of_beta, of_addend] = &expected.gradients;
                    // An output within rounding of the range's end may be taken for one that is at it.
                    assert_near(&gradient.x, of_x, 2e-5, &what);
                    assert_near(&gradient.gamma, of_gamma, 2e-5, &what);
                    assert_near(&gradient.beta, of_beta, 2e-5, &what);
                    assert_eq!(gradient.addend.is_some(), addend.is_some());
                    if let Some(found) = &gradient.addend {
                        assert_near(found, of_addend, 1e-6, &what);
                    }
                }
            }
        }
    }
}

#[test]
fn moments_stay_exact_far_from_zero() {
    let dims = [3, 2, 70, 90];
    let values: Vec<f32> = noise(dims.iter().product(), 6).iter().map(|x| x + 1000.0).collect();
    let found = Moments::of(&values, dims);
    assert!(found == on(1, || Moments::of(&values, dims)));
    assert!(found == on(5, || Moments::of(&values, dims)));
    let x = Planes { values: &values, dims };
    let norm = Norm {
        moments: &found,
        of_batch: true,
        gamma: &[1.0; 2],
        beta: &[0.0; 2],
        eps: 1e-5,
        activation: Activation::None,
    };
    let expected = plain(x, None, &norm, None, &values);
    for (found, expected) in found.variance.iter().zip(&expected.moments[1]) {
        assert!((found / expected - 1.0).abs() < 1e-6, "{found} {expected}");
    }
}

#[test]
fn what_is_no_number_stays() {
    let values = [1.0, f32::NAN, 3.0, 4.0];
    let x = Planes { values: &values, dims: [1, 1, 2, 2] };
    let moments = Moments { mean: vec![0.0], variance: vec![1.0] };
    let (gamma, beta, eps, activation) = (&[1.0], &[0.0], 0.0, Activation::Relu6);
    let norm = Norm { moments: &moments, of_batch: false, gamma, beta, eps, activation };
    let y = norm.forward(x, None);
    assert!(y[1].is_nan() && y[0] == 1.0);
    assert!(Moments::of(&values, x.dims).mean[0].is_nan());
}

/// On a processor with wide vectors the other tests run these kernels with them alone.
#[cfg(target_arch = "x86_64")]
#[test]
fn narrow_vectors_give_what_wide_ones_give() {
    use pulp::Simd;

    let Some(narrow) = pulp::x86::V3::try_new() else { return };
    let close = |found: &[f32], expected: &[f32]| {
        found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-4)
    };
    for length in [1, 7, 15, 150, 5000] {
        let (x, dy, addend) = (noise(length, 1), noise(length, 2), noise(length, 3));
        let mut outs = [vec![0.0; length], vec![0.0; length], vec![0.0; length]];
        let mut others = outs.clone();
        for (wide, [y, added, dx]) in [(true, outs.each_mut()), (false, others.each_mut())] {
            let range = Activation::Relu.range();
            let (scale, shift) = (0.7, -0.1);
            let task = Forward { x: &x, addend: &addend, scale, shift, range, y };
            if wide {
                Arch::new().dispatch(task)
            } else {
                Simd::vectorize(narrow, task)
            }
            let slopes = Slopes { dy: &dy, y, range, x: &x, mean: 0.2 };
            let task = Sums { slopes, addend: added, dx, scale };
            let sums: [f64; 2] =
                if wide { Arch::new().dispatch(task) } else { Simd::vectorize(narrow, task) };
            let by = [0.3, sums[0] as f32, sums[1] as f32];
            let [by_slope, by_distance, shift] = by.map(|by| by / length as f32);
            let task = Backward { slopes, by_slope, by_distance, shift, dx: added };
            if wide { Arch::new().dispatch(task) } else { Simd::vectorize(narrow, task) }
        }
        let pairs = outs.iter().zip(&others);
        assert!(pairs.into_iter().all(|(found, expected)| close(found, expected)), "{length}");
    }
}
