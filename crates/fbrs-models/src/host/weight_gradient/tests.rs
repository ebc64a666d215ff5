//! Every kernel against the definition.
#![allow(clippy::indexing_slicing)]
use super::super::tests::{noise, on, products};
use super::*;

fn plain(x: Planes<'_>, dy: Planes<'_>, shape: &HostShape) -> Vec<f32> {
    let mut out = vec![0.0f64; shape.weight_shape().iter().product()];
    products(shape, x.dims, |from, to, by| {
        out[to] += f64::from(dy.values[from]) * f64::from(x.values[by]);
    });
    out.into_iter().map(|value| value as f32).collect()
}

/// The largest difference, by the largest value.
fn difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let most = expected.iter().fold(1e-9f32, |most, value| most.max(value.abs()));
    let pairs = found.iter().zip(expected);
    pairs.fold(0.0f32, |worst, (found, expected)| worst.max((found - expected).abs() / most))
}

fn check(batch: usize, size: [usize; 2], shape: &HostShape) {
    let [height, width] = size;
    let out = size.map(|side| shape.output_side(side));
    let values = noise(batch * shape.input * height * width, 7);
    let x = Planes { values: &values, dims: [batch, shape.input, height, width] };
    let gradient = noise(batch * shape.output * out[0] * out[1], 8);
    let dy = Planes { values: &gradient, dims: [batch, shape.output, out[0], out[1]] };
    let found = on(1, || weight_gradient(x, dy, shape));
    let worst = difference(&found, &plain(x, dy, shape));
    assert!(worst < 2e-5, "{batch} {size:?} {shape:?}: {worst}");
    for threads in [2, 5] {
        assert!(found == on(threads, || weight_gradient(x, dy, shape)), "{shape:?} on {threads}");
    }
}

#[test]
fn gradients_agree_with_the_definition() {
    // kernel, stride, padding, dilation
    let kernels = [
        (1, 1, 0, 1),
        (1, 2, 0, 1),
        (1, 1, 1, 1),
        (3, 1, 1, 1),
        (3, 1, 0, 1),
        (3, 2, 1, 1),
        (3, 1, 2, 2),
        (3, 1, 4, 4),
        (3, 1, 8, 8),
        (3, 1, 12, 12),
        (3, 1, 24, 24),
        (3, 1, 36, 36),
        (3, 2, 4, 4),
        (5, 1, 2, 1),
        (5, 2, 2, 1),
        (5, 1, 4, 2),
        (7, 2, 3, 1),
        (7, 1, 3, 1),
    ];
    for (kernel, stride, padding, dilation) in kernels {
        let channels = [(1, 1), (3, 18), (18, 5), (5, 33), (33, 64), (64, 3), (64, 65), (130, 9)];
        // The definition takes long where much is multiplied.
        let most = if kernel > 3 { 200 } else { usize::MAX };
        for (input, output) in channels.into_iter().filter(|(x, y)| x * y <= most) {
            for (batch, size) in [(1, [13, 11]), (2, [9, 14]), (2, [7, 7])] {
                let depthwise = false;
                let shape =
                    HostShape { input, output, kernel, stride, padding, dilation, depthwise };
                check(batch, size, &shape);
            }
        }
        // As everywhere in these kernels, a depthwise one reads no further than its kernel reaches.
        let reaches = padding <= dilation * (kernel - 1);
        for channels in [1, 5, 18].into_iter().filter(|_| reaches) {
            for (batch, size) in [(1, [13, 11]), (2, [9, 34]), (2, [7, 7])] {
                let (input, output, depthwise) = (channels, channels, true);
                let shape =
                    HostShape { input, output, kernel, stride, padding, dilation, depthwise };
                check(batch, size, &shape);
            }
        }
    }
}

/// Maps in several blocks.
#[test]
fn long_sums_agree_with_the_definition() {
    for (input, output, kernel, stride, dilation, depthwise) in [
        (64, 48, 3, 1, 1, false),
        (64, 40, 3, 1, 2, false),
        (3, 40, 7, 2, 1, false),
        (70, 200, 1, 1, 1, false),
        (18, 18, 3, 1, 1, false),
        (6, 6, 3, 1, 1, true),
    ] {
        let padding = dilation * (kernel / 2);
        let shape = HostShape { input, output, kernel, stride, padding, dilation, depthwise };
        check(2, [80, 61], &shape);
    }
}
