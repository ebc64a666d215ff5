//! Every kernel against the definition.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]
use super::gradient::InputGradient;
use super::*;

/// Every product in the definition of a convolution, as indices: (output, weight, input).
pub(super) fn products(
    shape: &HostShape,
    dims: [usize; 4],
    mut each: impl FnMut(usize, usize, usize),
) {
    let [batch, channels, height, width] = dims;
    let [out_height, out_width] = [height, width].map(|side| shape.output_side(side));
    let per_group = if shape.depthwise { 1 } else { channels };
    let area = shape.kernel * shape.kernel;
    let mut out = 0;
    for image in 0..batch {
        for output in 0..shape.output {
            for place in 0..out_height * out_width {
                let (row, col) = (place / out_width, place % out_width);
                for index in 0..per_group * area {
                    let (input, tap) = (index / area, index % area);
                    let channel = if shape.depthwise { output } else { input };
                    let at = |position: usize, tap: usize| {
                        (position * shape.stride + tap * shape.dilation).checked_sub(shape.padding)
                    };
                    let (r, c) = (at(row, tap / shape.kernel), at(col, tap % shape.kernel));
                    if let (Some(r), Some(c)) = (r, c)
                        && r < height
                        && c < width
                    {
                        let x = ((image * channels + channel) * height + r) * width + c;
                        each(out, output * per_group * area + index, x);
                    }
                }
                out += 1;
            }
        }
    }
}

/// Numbers like noise, so that no error is hidden by another: between -1 and 1.
pub(super) fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / 2_147_483_648.0 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// `work` with so many threads.
pub(super) fn on<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

fn plain(x: Planes<'_>, weight: &[f32], bias: &[f32], shape: &HostShape) -> Vec<f32> {
    let [_, _, height, width] = x.dims;
    let plane = shape.output_side(height) * shape.output_side(width);
    let count = x.dims[0] * shape.output * plane;
    let mut out: Vec<_> =
        (0..count).map(|index| f64::from(bias[index / plane % shape.output])).collect();
    products(shape, x.dims, |to, by, from| out[to] += f64::from(weight[by] * x.values[from]));
    out.into_iter().map(|value| value as f32).collect()
}

fn plain_gradient(
    gradient: Planes<'_>,
    weight: &[f32],
    shape: &HostShape,
    dims: [usize; 4],
) -> Vec<f32> {
    let mut out = vec![0.0f64; dims.iter().product()];
    products(shape, dims, |from, by, to| {
        out[to] += f64::from(weight[by] * gradient.values[from]);
    });
    out.into_iter().map(|value| value as f32).collect()
}

#[test]
fn kernels_and_gradients_agree_with_the_definition() {
    // input, output, height, width, kernel, stride, padding, dilation, depthwise
    let cases = [
        (3, 5, 9, 11, 3, 1, 1, 1, false),
        (7, 19, 13, 10, 3, 2, 1, 1, false),
        (3, 8, 21, 17, 7, 2, 3, 1, false),
        (4, 9, 12, 15, 3, 1, 12, 12, false),
        (4, 9, 10, 7, 3, 1, 36, 36, false),
        (5, 3, 8, 9, 1, 1, 0, 1, false),
        (5, 3, 9, 9, 1, 2, 0, 1, false),
        (4, 4, 30, 40, 3, 1, 2, 2, false),
        (4, 17, 1, 1, 1, 1, 0, 1, false),
        (2, 1, 1, 1, 3, 1, 1, 1, false),
        (6, 6, 9, 10, 3, 1, 1, 1, true),
        (3, 3, 2, 1, 3, 1, 1, 1, true),
        (5, 5, 13, 11, 5, 1, 2, 1, true),
        (5, 5, 25, 25, 5, 1, 4, 2, true),
        (4, 4, 12, 9, 3, 2, 1, 1, true),
        (4, 4, 11, 70, 5, 2, 2, 1, true),
        (300, 40, 5, 60, 3, 1, 4, 4, false),
        (128, 259, 5, 7, 3, 1, 1, 1, false),
        (130, 256, 1, 1, 3, 1, 1, 1, false),
        (256, 256, 7, 10, 3, 1, 2, 2, false),
        (128, 264, 9, 11, 3, 1, 4, 4, false),
        (128, 256, 3, 19, 3, 1, 8, 8, false),
        (64, 64, 13, 50, 3, 1, 1, 1, false),
        (72, 70, 25, 25, 3, 1, 1, 1, false),
        (64, 67, 4, 4, 3, 1, 1, 1, false),
        (65, 64, 1, 1, 3, 1, 2, 2, false),
        (66, 64, 41, 3, 3, 1, 2, 2, false),
        (64, 65, 31, 37, 3, 1, 4, 4, false),
        (64, 64, 100, 96, 3, 1, 1, 1, false),
        (128, 131, 13, 50, 3, 1, 1, 1, false),
        (103, 128, 4, 4, 3, 1, 1, 1, false),
        (64, 66, 9, 12, 5, 2, 2, 1, false),
        (100, 103, 9, 12, 5, 2, 2, 1, false),
        (18, 18, 23, 50, 3, 1, 1, 1, false),
        (36, 20, 25, 25, 3, 1, 1, 1, false),
        (12, 63, 40, 3, 3, 1, 1, 1, false),
        (20, 12, 1, 1, 3, 1, 1, 1, false),
        (200, 18, 9, 101, 3, 1, 1, 1, false),
        (13, 70, 6, 203, 3, 1, 1, 1, false),
        (18, 36, 23, 50, 3, 2, 1, 1, false),
        (12, 20, 1, 1, 3, 2, 1, 1, false),
        (20, 12, 2, 3, 3, 2, 1, 1, false),
        (64, 64, 40, 37, 3, 2, 1, 1, false),
        (256, 36, 25, 31, 3, 2, 1, 1, false),
        (13, 130, 8, 203, 3, 2, 1, 1, false),
        (12, 20, 9, 64, 3, 2, 1, 1, false),
        (13, 12, 7, 100, 3, 2, 1, 1, false),
        (40, 20, 130, 200, 3, 2, 1, 1, false),
        // An even kernel: a phase of its gradient has the taps of a square, but not the map's size.
        (13, 12, 9, 11, 6, 2, 2, 1, false),
        (100, 101, 9, 11, 6, 2, 2, 1, false),
        // Padding left out.
        (40, 50, 30, 29, 3, 1, 12, 12, false),
        (5, 9, 31, 50, 3, 1, 24, 24, false),
        // Far taps on maps that are large enough for fewer products, and on one that is not; channels divided.
        (70, 66, 50, 49, 3, 1, 12, 12, false),
        (64, 67, 98, 100, 3, 1, 24, 24, false),
        (64, 67, 50, 30, 3, 1, 24, 24, false),
        (530, 64, 36, 37, 3, 1, 9, 9, false),
        (521, 140, 5, 7, 3, 1, 1, 1, false),
        // Rectangles of one and two taps; more than is gathered at once, of nine taps apart, and of one.
        (900, 19, 11, 13, 3, 1, 12, 12, false),
        (420, 9, 40, 42, 3, 1, 12, 12, false),
        (3500, 9, 7, 8, 1, 1, 0, 1, false),
    ];
    for (input, output, height, width, kernel, stride, padding, dilation, depthwise) in cases {
        let shape = HostShape { input, output, kernel, stride, padding, dilation, depthwise };
        let per_output = if depthwise { 1 } else { input } * kernel * kernel;
        let wave = |count: usize, step: f32| -> Vec<f32> {
            (0..count).map(|i| ((i as f32 + 1.0) * step).sin()).collect()
        };
        let (weight, bias) = (wave(output * per_output, 0.7), wave(output, 1.3));
        let values = wave(2 * input * height * width, 0.31);
        let x = Planes { values: &values, dims: [2, input, height, width] };
        let conv = HostConv::new(&weight, Some(bias.clone()), &shape);
        assert_alike(&conv.weight(), &weight, &shape);
        let size = [height, width].map(|side| shape.output_side(side));
        let expected = plain(x, &weight, &bias, &shape);
        assert_alike(&conv.forward(x, size, Finish::default()), &expected, &shape);
        let addend = wave(expected.len(), 0.11);
        let sums = expected.iter().zip(&addend).map(|(value, addend)| value + addend);
        let sums: Vec<_> = sums.map(|sum| sum.max(0.0)).collect();
        let finish = |addend| Finish { addend, activation: Activation::Relu };
        let beside = conv.forward(x, size, finish(Addend::Beside(&addend)));
        assert_alike(&beside, &sums, &shape);
        let mut in_place = addend.clone();
        conv.forward_into(x, size, finish(Addend::InPlace), &mut in_place);
        assert!(in_place == beside, "{shape:?}");

        // ⟨gradient, conv(x)⟩ = ⟨transposed(gradient), x⟩, the bias left out: for every x, so
        // for the x that are 1 at one place.
        let gradient = wave(expected.len(), 0.17);
        let planes = Planes { values: &gradient, dims: [2, output, size[0], size[1]] };
        let found = InputGradient::new(&conv).run(planes, input, [height, width]);
        assert_alike(&found, &plain_gradient(planes, &weight, &shape, x.dims), &shape);
    }
}

/// Sums are rounded in the same places for any number of images and threads: what a network says of a photo
/// depends on nothing else.
#[test]
fn images_and_threads_change_no_bit() {
    // input, output, height, width, kernel, stride, dilation
    let cases = [
        (7, 19, 13, 30, 3, 2, 1),
        (3, 19, 21, 30, 7, 2, 1),
        (64, 19, 13, 30, 3, 2, 1),
        (256, 36, 50, 70, 3, 2, 1),
        (40, 20, 130, 200, 3, 2, 1),
        (40, 5, 13, 30, 3, 1, 1),
        (900, 19, 11, 13, 3, 1, 12),
        (40, 19, 30, 29, 3, 1, 12),
        // Taps apart in divided channels, in more groups than are gathered at once, and in some shares of lines alone.
        (420, 19, 40, 42, 3, 1, 12),
        (400, 19, 50, 50, 3, 1, 12),
        (20, 9, 40, 41, 3, 3, 1),
        (3500, 19, 17, 40, 1, 1, 1),
        (18, 18, 50, 100, 3, 1, 1),
        (90, 40, 60, 100, 3, 1, 1),
        (128, 100, 25, 25, 3, 1, 1),
        (128, 72, 31, 37, 3, 1, 4),
        (64, 64, 37, 37, 3, 1, 9),
        (521, 72, 9, 11, 3, 1, 1),
        (530, 64, 36, 37, 3, 1, 9),
        (600, 40, 20, 30, 1, 1, 1),
    ];
    for (input, output, height, width, kernel, stride, dilation) in cases {
        let padding = dilation * (kernel / 2);
        let depthwise = false;
        let shape = HostShape { input, output, kernel, stride, padding, dilation, depthwise };
        let weight = noise(output * input * kernel * kernel, 5);
        let conv = HostConv::new(&weight, Some(noise(output, 3)), &shape);
        let values = noise(3 * input * height * width, 7);
        let size = [height, width].map(|side| shape.output_side(side));
        let plane = size[0] * size[1];
        let addend = noise(output * plane, 9);
        let forward = |values: &[f32], threads: usize| {
            let batch = values.len() / (input * height * width);
            let x = Planes { values, dims: [batch, input, height, width] };
            let mut out = addend.repeat(batch);
            let finish = Finish { addend: Addend::InPlace, ..Finish::default() };
            on(threads, || conv.forward_into(x, size, finish, &mut out));
            let beside = addend.repeat(batch);
            let finish = Finish { addend: Addend::Beside(&beside), ..Finish::default() };
            assert!(on(threads, || conv.forward(x, size, finish)) == out, "{shape:?}");
            out
        };
        let together = forward(&values, 1);
        for threads in [1, 2, 7] {
            assert!(forward(&values, threads) == together, "{shape:?} {threads}");
            let images = values.chunks(input * height * width);
            let apart: Vec<f32> = images.flat_map(|image| forward(image, threads)).collect();
            assert!(apart == together, "{shape:?} apart, {threads}");
        }
    }
}

fn assert_alike(found: &[f32], expected: &[f32], shape: &HostShape) {
    assert_eq!(found.len(), expected.len(), "{shape:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 2e-4, "{shape:?}: {found} {expected}");
    }
}

/// A block in one pass gives to the bit what its layers give one after the other.
#[test]
fn chains_are_their_layers() {
    // input, expanded (0 for no expansion), output, height, width, kernel, stride, dilation
    let cases = [
        (5, 30, 5, 9, 11, 3, 1, 1),
        (16, 96, 24, 61, 70, 3, 2, 1),
        (3, 19, 4, 20, 13, 5, 2, 1),
        (12, 150, 12, 25, 25, 5, 1, 2),
        (4, 24, 7, 7, 9, 3, 1, 2),
        (32, 0, 16, 40, 50, 3, 1, 1),
        (13, 0, 13, 23, 8, 3, 1, 1),
        (13, 0, 9, 23, 8, 5, 2, 1),
        (2, 8, 2, 1, 1, 5, 1, 2),
        (2, 8, 2, 2, 3, 3, 2, 1),
        // In strips.
        (24, 144, 24, 90, 120, 3, 1, 1),
        (40, 240, 40, 70, 90, 5, 1, 1),
        (16, 96, 24, 150, 260, 5, 2, 1),
    ];
    for (input, expanded, output, height, width, kernel, stride, dilation) in cases {
        let case = (input, expanded, output, height, width, kernel, stride, dilation);
        let wave = |count: usize, step: f32| -> Vec<f32> {
            (0..count).map(|i| ((i as f32 + 1.0) * step).sin()).collect()
        };
        let conv = |input: usize, output, kernel, stride, dilation, depthwise| {
            let padding = dilation * (kernel / 2);
            let shape = HostShape { input, output, kernel, stride, padding, dilation, depthwise };
            let count = output * if depthwise { 1 } else { input } * kernel * kernel;
            HostConv::new(&wave(count, 0.7 + output as f32), Some(wave(output, 1.3)), &shape)
        };
        let middle = if expanded == 0 { input } else { expanded };
        let expand = (expanded > 0).then(|| conv(input, expanded, 1, 1, 1, false));
        let depthwise = conv(middle, middle, kernel, stride, dilation, true);
        let project = conv(middle, output, 1, 1, 1, false);
        let values = wave(2 * input * height * width, 0.31);
        let x = Planes { values: &values, dims: [2, input, height, width] };
        let size = [height, width].map(|side| (side - 1) / stride + 1);
        let residual = stride == 1 && input == output;
        for (inner, outer) in
            [(Activation::Relu6, Activation::None), (Activation::None, Activation::Relu)]
        {
            let finish = |activation| Finish { addend: Addend::None, activation };
            let wide = match &expand {
                Some(expand) => expand.forward(x, [height, width], finish(inner)),
                None => values.clone(),
            };
            let wide = Planes { values: &wide, dims: [2, middle, height, width] };
            let wide = depthwise.forward(wide, size, finish(inner));
            let wide = Planes { values: &wide, dims: [2, middle, size[0], size[1]] };
            let addend = if residual { Addend::Beside(&values) } else { Addend::None };
            let expected = project.forward(wide, size, Finish { addend, activation: outer });
            let chain = HostChain {
                expand: expand.as_ref(),
                depthwise: &depthwise,
                project: &project,
                inner,
                outer,
                residual,
            };
            // With many threads a strip's channels are computed side by side.
            for threads in [1, 2, 7] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let found = pool.install(|| separable::forward(&chain, x, size)).unwrap();
                assert!(found == expected, "{case:?} {inner:?} on {threads}");
            }
            // What is kept for the next time does not grow.
            let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
            let kept = || {
                separable::forward(&chain, x, size).unwrap();
                scratch::kept()
            };
            alone.install(|| assert_eq!(kept(), kept(), "{case:?}"));
        }
    }
}
