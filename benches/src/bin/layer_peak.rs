//! Single convolutions against the processor's peak.
//!
//! `layer_peak [ROUNDS] [LAYER…]`: layers of each kind that the networks have, at the sizes that a 400×400
//! crop and its mirror image give them, forwards and with the gradient of the input; those whose names hold one
//! of the words, where some are given. Beside each is how many multiply-adds a second all threads make of numbers
//! that stay in registers, measured anew in every round, since a shared host's speed drifts. Prints a JSON object
//! per layer; times are the least of the rounds (5), in milliseconds, the peak the largest. `of_peak` counts
//! products as if none was saved, so that Winograd's can be above 1.

use std::hint::black_box;
use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};
use fbrs_models::testing::{Convolution, ConvolutionShape, uniform};
use pulp::{Arch, Simd, WithSimd};
use serde_json::json;

/// Of which network's part, the shape, and the side of the map that it reads.
type Row = (&'static str, ConvolutionShape, usize);

const fn dense(input: usize, output: usize, kernel: usize, dilation: usize) -> ConvolutionShape {
    ConvolutionShape { input, output, kernel, stride: 1, dilation, depthwise: false }
}

const ROWS: &[Row] = &[
    ("ResNet stem, 7×7", ConvolutionShape { stride: 2, ..dense(3, 64, 7, 1) }, 400),
    ("ResNet-34 first stage, 3×3", dense(64, 64, 3, 1), 100),
    ("ResNet-34 second stage, 3×3", dense(128, 128, 3, 1), 50),
    ("ResNet-34 third stage, 3×3 dilated", dense(256, 256, 3, 2), 50),
    ("ResNet-34 last stage, 3×3 dilated", dense(512, 512, 3, 4), 50),
    ("ResNet-50 first stage, 1×1 in", dense(256, 64, 1, 1), 100),
    ("ResNet-50 first stage, 1×1 out", dense(64, 256, 1, 1), 100),
    ("ResNet-50 second stage, 1×1 in", dense(512, 128, 1, 1), 50),
    ("ResNet-50 third stage, 1×1 in", dense(1024, 256, 1, 1), 50),
    ("ResNet-50 third stage, 1×1 out", dense(256, 1024, 1, 1), 50),
    ("ResNet-50 last stage, 1×1 in", dense(2048, 512, 1, 1), 50),
    ("ResNet-50 last stage, 1×1 out", dense(512, 2048, 1, 1), 50),
    ("ASPP, 3×3 dilated by 12", dense(512, 128, 3, 12), 50),
    ("ASPP, 3×3 dilated by 24", dense(512, 128, 3, 24), 50),
    ("ASPP, 3×3 dilated by 36", dense(512, 128, 3, 36), 50),
    ("ResNet-50 ASPP, 3×3 dilated by 12", dense(2048, 128, 3, 12), 50),
    ("ResNet-50 ASPP, 3×3 dilated by 24", dense(2048, 128, 3, 24), 50),
    ("ResNet-50 ASPP, 3×3 dilated by 36", dense(2048, 128, 3, 36), 50),
    ("HRNet stem, first 3×3", ConvolutionShape { stride: 2, ..dense(3, 64, 3, 1) }, 400),
    ("HRNet stem, second 3×3", ConvolutionShape { stride: 2, ..dense(64, 64, 3, 1) }, 200),
    ("HRNet-18 transition, 3×3", dense(256, 18, 3, 1), 100),
    (
        "HRNet-18 transition, 3×3 of stride 2",
        ConvolutionShape { stride: 2, ..dense(256, 36, 3, 1) },
        100,
    ),
    ("HRNet-18 branch, 3×3 (small)", dense(18, 18, 3, 1), 100),
    ("HRNet-18 branch, 3×3", dense(36, 36, 3, 1), 50),
    ("HRNet-18 branch, 3×3 at a quarter", dense(72, 72, 3, 1), 25),
    ("HRNet-18 branch, 3×3 at an eighth", dense(144, 144, 3, 1), 13),
    ("HRNet-18 fusion, stride 2", ConvolutionShape { stride: 2, ..dense(18, 36, 3, 1) }, 100),
    (
        "HRNet-18 fusion, stride 2 to an eighth",
        ConvolutionShape { stride: 2, ..dense(72, 144, 3, 1) },
        25,
    ),
    (
        "ResNet-34 second stage, 3×3 of stride 2",
        ConvolutionShape { stride: 2, ..dense(64, 128, 3, 1) },
        100,
    ),
    (
        "ResNet-50 second stage, 3×3 of stride 2",
        ConvolutionShape { stride: 2, ..dense(128, 128, 3, 1) },
        100,
    ),
    ("HRNet-18 object attention, 3×3", dense(270, 128, 3, 1), 100),
    ("Separable head, 3×3", ConvolutionShape { depthwise: true, ..dense(160, 160, 3, 1) }, 100),
    ("Separable head, 1×1", dense(160, 128, 1, 1), 100),
];

const NOT_SERVED: &str = "the project's kernels are not made for this processor";

/// Sums under way, more than a multiply-add has steps.
const SUMS: usize = 12;

struct Peak(usize);

impl WithSimd for Peak {
    /// Multiply-adds that were made, and something that depends on all of them.
    type Output = (usize, f32);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (usize, f32) {
        let (x, y) = (simd.splat_f32s(black_box(0.999)), simd.splat_f32s(black_box(0.001)));
        let mut sums = [simd.splat_f32s(1.0); SUMS];
        for _ in 0..self.0 {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, x, y);
            }
        }
        let all = sums.into_iter().fold(simd.splat_f32s(0.0), |all, sum| simd.add_f32s(all, sum));
        (self.0 * SUMS * S::F32_LANES, simd.reduce_sum_f32s(all))
    }
}

/// Multiply-adds a second of all threads.
fn peak(threads: usize) -> f64 {
    let started = Instant::now();
    let made: usize = std::thread::scope(|scope| {
        let work = || {
            let (made, sum) = Arch::new().dispatch(Peak(4_000_000));
            black_box(sum);
            made
        };
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        all.into_iter().filter_map(|one| one.join().ok()).sum()
    });
    made as f64 / started.elapsed().as_secs_f64()
}

fn tensor(dims: [usize; 4]) -> Tensor<4> {
    let values: Vec<f32> = uniform("x", dims.iter().product()).collect();
    Tensor::from_data(TensorData::new(values, dims), &Device::flex())
}

fn main() -> Result<(), &'static str> {
    fbrs::keep_memory();
    let mut rounds = 5;
    let mut wanted = Vec::new();
    for argument in std::env::args().skip(1) {
        match argument.parse() {
            Ok(number) => rounds = number,
            Err(_) => wanted.push(argument),
        }
    }
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|it| name.contains(it));
    for &(name, shape, side) in ROWS.iter().filter(|(name, ..)| is_wanted(name)) {
        let layer = Convolution::new(shape);
        let plain = tensor([2, shape.input, side, side]);
        let tracked = plain.clone().autodiff().require_grad();
        let (mut forward, mut both, mut best, mut products) = (f64::MAX, f64::MAX, 0.0f64, 0);
        for _ in 0..rounds {
            best = best.max(peak(threads));
            let started = Instant::now();
            let y = layer.forward(&plain).ok_or(NOT_SERVED)?;
            forward = forward.min(started.elapsed().as_secs_f64());
            products = layer.products(y.dims());
            let started = Instant::now();
            let y = layer.forward(&tracked).ok_or(NOT_SERVED)?;
            black_box(tracked.grad(&y.sum().backward()));
            both = both.min(started.elapsed().as_secs_f64());
        }
        let per_second = products as f64 / forward;
        let row = json!({
            "layer": name,
            "shape": format!("{}→{} {side}×{side}", shape.input, shape.output),
            "million_products": products / 1_000_000,
            "peak_per_second": format!("{:.1}e9", best / 1e9),
            "forward_ms": format!("{:.2}", forward * 1e3),
            "of_peak": format!("{:.2}", per_second / best),
            "with_gradient_ms": format!("{:.2}", both * 1e3),
            "gradient_of_peak": format!("{:.2}", products as f64 / (both - forward) / best),
        });
        println!("{row}");
    }
    Ok(())
}
