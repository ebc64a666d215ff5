//! Mean and variance of every channel.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::LEAST;

/// Values whose moments are taken at once: they stay in the nearest cache.
const RUN: usize = 2048;

/// Mean and variance of every channel, the variance without Bessel's correction: of `n` values a running
/// average takes `n / (n - 1)` times as much.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Moments {
    pub(crate) mean: Vec<f64>,
    pub(crate) variance: Vec<f64>,
}

/// Number of values, their mean, and the sum of the squares of their distances from it.
#[derive(Clone, Copy, Default)]
struct Part {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Part {
    /// Both together. Nothing large is subtracted from something as large.
    fn with(self, other: Self) -> Self {
        let count = self.count + other.count;
        if count == 0.0 {
            return self;
        }
        let apart = other.mean - self.mean;
        Self {
            count,
            mean: self.mean + apart * other.count / count,
            squares: self.squares
                + other.squares
                + apart * apart * self.count * other.count / count,
        }
    }
}

impl Moments {
    /// Moments that are known.
    pub(crate) fn given(mean: &[f32], variance: &[f32]) -> Self {
        let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect();
        Self { mean: wide(mean), variance: wide(variance) }
    }

    /// Of all images, in one pass.
    pub(crate) fn of(values: &[f32], [_, channels, height, width]: [usize; 4]) -> Self {
        let plane = (height * width).max(1);
        let parts: Vec<Part> = values
            .par_chunks(plane)
            .with_min_len(LEAST.div_ceil(plane))
            .map(|plane| Arch::new().dispatch(PlaneTask { plane }))
            .collect();
        let channel = |channel: usize| {
            let planes = parts.iter().skip(channel).step_by(channels.max(1));
            planes.fold(Part::default(), |sum, part| sum.with(*part))
        };
        let all: Vec<Part> = (0..channels).map(channel).collect();
        Self {
            mean: all.iter().map(|part| part.mean).collect(),
            variance: all.iter().map(|part| part.squares / part.count.max(1.0)).collect(),
        }
    }
}

struct PlaneTask<'a> {
    plane: &'a [f32],
}

impl WithSimd for PlaneTask<'_> {
    type Output = Part;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Part {
        let runs = self.plane.chunks(RUN);
        runs.fold(Part::default(), |sum, run| {
            let count = run.len() as f64;
            // Distances from about the mean lose nothing to rounding, and mend it.
            let [total, _] = sums_of(simd, run, 0.0);
            let from = (total / count) as f32;
            let [distances, squares] = sums_of(simd, run, from);
            let squares = squares - distances * distances / count;
            let squares = if squares < 0.0 { 0.0 } else { squares };
            sum.with(Part { count, mean: f64::from(from) + distances / count, squares })
        })
    }
}

/// The sum of the distances from `from`, and of their squares.
#[inline(always)]
fn sums_of<S: Simd>(simd: S, run: &[f32], from: f32) -> [f64; 2] {
    let (vectors, rest) = S::as_simd_f32s(run);
    let (fours, others) = vectors.as_chunks::<4>();
    let all_from = simd.splat_f32s(from);
    let mut sums = [[simd.splat_f32s(0.0); 2]; 4];
    for four in fours {
        for (sum, value) in sums.iter_mut().zip(four) {
            let distance = simd.sub_f32s(*value, all_from);
            *sum = [simd.add_f32s(sum[0], distance), simd.mul_add_f32s(distance, distance, sum[1])];
        }
    }
    for (sum, value) in sums.iter_mut().zip(others) {
        let distance = simd.sub_f32s(*value, all_from);
        *sum = [simd.add_f32s(sum[0], distance), simd.mul_add_f32s(distance, distance, sum[1])];
    }
    let mut totals = [0.0f64; 2];
    for value in rest {
        let distance = f64::from(value - from);
        totals = [totals[0] + distance, totals[1] + distance * distance];
    }
    for (index, total) in totals.iter_mut().enumerate() {
        let [a, b, c, d] = sums.map(|sums| sums[index]);
        let sum = simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d));
        *total += f64::from(simd.reduce_sum_f32s(sum));
    }
    totals
}
