//! The inner loops: some channels of one side times some of the other, added up over positions in
//! registers.

use pulp::{Simd, WithSimd};

use super::super::registers::{POSITIONS, outputs, step, vectors};
use super::windows::Segment;

/// Channels of the narrow side, at most.
pub(super) const NARROW: usize = 8;
/// Values of the wide side, at most.
pub(super) const WIDE: usize = POSITIONS;
/// Sums of a tile, `[NARROW][WIDE]`.
pub(super) const TILE: usize = NARROW * WIDE;
/// About how many products are added up one after the other: rounding grows with the length of a sum.
pub(super) const RUN: usize = 256;

/// One side of a product: the values of position `p` begin at `p · step`.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) values: &'a [f32],
    pub(super) step: usize,
}

/// Adds the products of a tile at all positions of `segments` to its sums.
pub(super) struct TileTask<'a> {
    pub(super) x: Side<'a>,
    pub(super) dy: Side<'a>,
    /// Positions of `x` from one of `dy` to the next.
    pub(super) stride: usize,
    /// Whether `dy` is the wide side.
    pub(super) swapped: bool,
    pub(super) segments: &'a [Segment],
    /// Values of the wide side and of the narrow one.
    pub(super) wide: usize,
    pub(super) narrow: usize,
    /// `[NARROW][WIDE]`.
    pub(super) sums: &'a mut [f32],
}

impl WithSimd for TileTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let mut first = 0;
        while first < self.wide {
            let vectors = (self.wide - first).div_ceil(S::F32_LANES).min(vectors::<S>());
            self.add_vectors(simd, first, vectors);
            first += step::<S>();
        }
    }
}

impl TileTask<'_> {
    #[inline(always)]
    fn add_vectors<S: Simd>(&mut self, simd: S, first: usize, vectors: usize) {
        match vectors {
            0 | 1 => self.add_narrow::<S, 1>(simd, first),
            2 => self.add_narrow::<S, 2>(simd, first),
            3 => self.add_narrow::<S, 3>(simd, first),
            4 => self.add_narrow::<S, 4>(simd, first),
            5 => self.add_narrow::<S, 5>(simd, first),
            _ => self.add_narrow::<S, 6>(simd, first),
        }
    }

    /// As many values of the narrow side at once as there are registers for.
    #[inline(always)]
    fn add_narrow<S: Simd, const N: usize>(&mut self, simd: S, first: usize) {
        let most = outputs::<S>(N);
        for part in (0..self.narrow).step_by(most) {
            match (self.narrow - part).min(most) {
                0..=2 => self.add::<S, N, 2>(simd, [first, part]),
                3 | 4 => self.add::<S, N, 4>(simd, [first, part]),
                5 | 6 => self.add::<S, N, 6>(simd, [first, part]),
                _ => self.add::<S, N, 8>(simd, [first, part]),
            }
        }
    }

    /// Products are added up in runs, and the runs' sums after that.
    #[inline(always)]
    fn add<S: Simd, const N: usize, const M: usize>(
        &mut self,
        simd: S,
        [wide_first, narrow_first]: [usize; 2],
    ) {
        let Self { x, dy, stride, swapped, segments, .. } = *self;
        let steps = [x.step * stride, dy.step];
        let ((wide, wide_step), (narrow, narrow_step)) = match swapped {
            true => ((dy.values, steps[1]), (x.values, steps[0])),
            false => ((x.values, steps[0]), (dy.values, steps[1])),
        };
        let mut total = [[simd.splat_f32s(0.0); N]; M];
        let mut run = [[simd.splat_f32s(0.0); N]; M];
        let mut length = 0;
        for segment in segments {
            let places = [segment.x * x.step, segment.dy * dy.step];
            let places = if swapped { [places[1], places[0]] } else { places };
            let [at, by] = [places[0] + wide_first, places[1] + narrow_first];
            let wide = wide.get(at..).unwrap_or_default();
            let narrow = narrow.get(by..).unwrap_or_default();
            let count = segment.count;
            run = multiply::<S, N, M>(simd, (wide, wide_step), (narrow, narrow_step), count, run);
            length += segment.count;
            if length >= RUN {
                length = 0;
                for (total, run) in total.iter_mut().flatten().zip(run.iter().flatten()) {
                    *total = simd.add_f32s(*total, *run);
                }
                run = [[simd.splat_f32s(0.0); N]; M];
            }
        }
        let lines = self.sums.chunks_exact_mut(WIDE).skip(narrow_first);
        for ((line, total), run) in lines.zip(&total).zip(&run) {
            let (line, _) = S::as_mut_simd_f32s(&mut line[wide_first..]);
            for ((to, total), run) in line.iter_mut().zip(total).zip(run) {
                *to = simd.add_f32s(*to, simd.add_f32s(*total, *run));
            }
        }
    }
}

/// Adds the products at `count` positions to `sums`: values, and the step from one position to the
/// next, of the wide side and of the narrow one.
///
/// The sums are taken and given by value: so they stay in registers.
#[inline(always)]
fn multiply<S: Simd, const N: usize, const M: usize>(
    simd: S,
    (wide, wide_step): (&[f32], usize),
    (narrow, narrow_step): (&[f32], usize),
    count: usize,
    mut sums: [[S::f32s; N]; M],
) -> [[S::f32s; N]; M] {
    let (mut at, mut by) = (0, 0);
    for _ in 0..count {
        let (values, _) = S::as_simd_f32s(&wide[at..at + N * S::F32_LANES]);
        let values: [S::f32s; N] = std::array::from_fn(|vector| values[vector]);
        let factors = &narrow[by..by + M];
        sums = std::array::from_fn(|lane| {
            let factor = simd.splat_f32s(factors[lane]);
            std::array::from_fn(|vector| {
                simd.mul_add_f32s(factor, values[vector], sums[lane][vector])
            })
        });
        at += wide_step;
        by += narrow_step;
    }
    sums
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use pulp::Arch;

    use super::*;

    /// On a processor with wide vectors the other tests run these kernels with them alone.
    #[test]
    fn narrow_vectors_give_what_wide_ones_give() {
        let Some(simd) = pulp::x86::V3::try_new() else { return };
        let values: Vec<f32> = (0..90 * 60).map(|at| ((at as f32 + 1.0) * 0.7).sin()).collect();
        let segments = [(0, 3, 20), (25, 30, 19), (60, 52, 1)];
        let segments = segments.map(|(x, dy, count)| Segment { x, dy, count });
        for (x, dy, swapped) in [(48, 8, false), (18, 6, false), (33, 3, false), (5, 40, true)] {
            let (wide, narrow) = if swapped { (dy, x) } else { (x, dy) };
            let mut outs = [vec![0.5f32; TILE], vec![0.5f32; TILE]];
            for (index, sums) in outs.iter_mut().enumerate() {
                let x = Side { values: &values, step: x };
                let dy = Side { values: &values[7..], step: dy };
                let (stride, segments) = (1, &segments[..]);
                let task = TileTask { x, dy, stride, swapped, segments, wide, narrow, sums };
                match index {
                    0 => Arch::new().dispatch(task),
                    _ => Simd::vectorize(simd, task),
                }
            }
            for lane in 0..narrow {
                let lines = outs.each_ref().map(|out| &out[lane * WIDE..lane * WIDE + wide]);
                for (found, expected) in lines[0].iter().zip(lines[1]) {
                    assert!((found - expected).abs() < 1e-4, "{wide} {narrow} {swapped}");
                }
            }
        }
    }
}
