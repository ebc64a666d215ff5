//! Tiles, transformed.

use std::ops::Range;

use std::marker::PhantomData;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::super::packed::Packed;
use super::super::product::{Side, WIDE};
use super::tiles::{Block, Grid};
use super::{GROUP, PRODUCTS, REACH, SIDE};

/// Values of the widest vector.
const LANES: usize = 16;

/// A block's tiles, `[panel][group of tiles][product][tile][channel]`; the channels of a panel are filled
/// up to whole vectors, and nothing is made of what these hold.
pub(super) struct Transformed {
    values: Vec<f32>,
    channels: usize,
    /// Distance between panels.
    panel: usize,
}

impl Transformed {
    pub(super) fn new(channels: usize) -> Self {
        Self { values: Vec::new(), channels, panel: 0 }
    }

    fn step(&self, panel: usize) -> usize {
        (self.channels - panel * WIDE).min(WIDE).next_multiple_of(LANES)
    }

    /// A panel's values from a channel on.
    pub(super) fn side(&self, panel: usize, channel: usize) -> Side<'_> {
        let values = self.values.get(panel * self.panel + channel..).unwrap_or_default();
        Side { values, step: self.step(panel) }
    }

    /// `Bᵀ·d·B` of the inputs, or `A·dy·Aᵀ` of the gradient.
    pub(super) fn fill<M: Matrix<N>, const N: usize>(
        &mut self,
        packed: &Packed,
        grid: &Grid,
        block: &Block,
    ) {
        let tiles = block.tiles();
        let per_group = PRODUCTS * GROUP;
        let padded = |channels: usize| channels.next_multiple_of(LANES);
        self.panel = tiles.div_ceil(GROUP) * per_group * WIDE;
        let length = tiles.div_ceil(GROUP) * per_group * padded(self.channels);
        if self.values.len() < length + WIDE {
            self.values.resize(length + WIDE, 0.0);
        }
        let panels = self.values[..length].par_chunks_mut(self.panel.max(1)).enumerate();
        panels.for_each(|(panel, to)| {
            let source = packed.panel(panel);
            let step = packed.channels_of(panel).len();
            let groups = to.par_chunks_mut(per_group * padded(step)).enumerate();
            groups.for_each(|(group, to)| {
                let tiles = group * GROUP..tiles.min((group + 1) * GROUP);
                let places = tiles.map(|tile| M::place(grid, block, tile)).collect();
                let task = Task { matrix: PhantomData::<M>, source, step, places, to };
                Arch::new().dispatch(task);
            });
        });
    }
}

/// Where a tile's first value is, and which of its rows there are: the others are zeros.
pub(super) struct Place {
    /// Position of its first value, if its first row is there.
    pub(super) first: isize,
    pub(super) rows: Range<usize>,
    /// Positions from one row or column of the tile to the next.
    pub(super) down: usize,
    pub(super) right: usize,
}

/// By what a tile's lines are multiplied.
pub(super) trait Matrix<const N: usize>: Sync {
    fn place(grid: &Grid, block: &Block, tile: usize) -> Place;

    fn multiply<S: Simd>(simd: S, line: [S::f32s; N]) -> [S::f32s; REACH];
}

/// Transforms a group of tiles.
struct Task<'a, M, const N: usize> {
    matrix: PhantomData<M>,
    source: &'a [f32],
    /// From a position to the next.
    step: usize,
    places: Vec<Place>,
    /// `[product][tile][channel]`.
    to: &'a mut [f32],
}

impl<M: Matrix<N>, const N: usize> WithSimd for Task<'_, M, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { source, step, places, to, .. } = self;
        let width = step.next_multiple_of(LANES);
        for (tile, place) in places.iter().enumerate() {
            for channel in (0..width).step_by(S::F32_LANES) {
                let mut half = [[simd.splat_f32s(0.0); N]; REACH];
                for col in 0..N {
                    let line: [S::f32s; N] = std::array::from_fn(|row| {
                        let position =
                            place.first + (row * place.down + col * place.right) as isize;
                        let at = position.max(0) as usize * step + channel;
                        match place.rows.contains(&row) {
                            true => S::as_simd_f32s(&source[at..at + S::F32_LANES]).0[0],
                            false => simd.splat_f32s(0.0),
                        }
                    });
                    let line = M::multiply(simd, line);
                    half.iter_mut().zip(line).for_each(|(half, value)| half[col] = value);
                }
                for (row, half) in half.into_iter().enumerate() {
                    for (col, value) in M::multiply(simd, half).into_iter().enumerate() {
                        let at = ((row * REACH + col) * GROUP + tile) * width + channel;
                        S::as_mut_simd_f32s(&mut to[at..at + S::F32_LANES]).0[0] = value;
                    }
                }
            }
        }
    }
}

/// `Bᵀ`.
pub(super) struct Inputs;

impl Matrix<REACH> for Inputs {
    fn place(grid: &Grid, block: &Block, tile: usize) -> Place {
        // The zeros before a line make up for the column before the tile.
        grid.place(block, tile, &block.source, grid.lay_x(), (grid.dilation, REACH))
    }

    #[inline(always)]
    fn multiply<S: Simd>(simd: S, [x0, x1, x2, x3, x4, x5]: [S::f32s; REACH]) -> [S::f32s; REACH] {
        let splat = |value: f32| simd.splat_f32s(value);
        let outer = simd.mul_add_f32s(splat(-4.0), x2, x4);
        let inner = simd.mul_add_f32s(splat(-4.0), x1, x3);
        let outer_half = simd.sub_f32s(x4, x2);
        let inner_half = simd.sub_f32s(x3, x1);
        [
            simd.mul_add_f32s(splat(-5.0), x2, simd.mul_add_f32s(splat(4.0), x0, x4)),
            simd.add_f32s(outer, inner),
            simd.sub_f32s(outer, inner),
            simd.mul_add_f32s(splat(2.0), inner_half, outer_half),
            simd.mul_add_f32s(splat(-2.0), inner_half, outer_half),
            simd.mul_add_f32s(splat(-5.0), x3, simd.mul_add_f32s(splat(4.0), x1, x5)),
        ]
    }
}

/// `A`.
pub(super) struct Gradients;

impl Matrix<SIDE> for Gradients {
    fn place(grid: &Grid, block: &Block, tile: usize) -> Place {
        grid.place(block, tile, &block.lines, grid.lay_dy(), (0, SIDE))
    }

    #[inline(always)]
    fn multiply<S: Simd>(simd: S, [y0, y1, y2, y3]: [S::f32s; SIDE]) -> [S::f32s; REACH] {
        let splat = |value: f32| simd.splat_f32s(value);
        let (even, odd) = (simd.add_f32s(y0, y2), simd.add_f32s(y1, y3));
        let far_even = simd.mul_add_f32s(splat(4.0), y2, y0);
        let far_odd = simd.mul_add_f32s(splat(4.0), y3, y1);
        [
            y0,
            simd.add_f32s(even, odd),
            simd.sub_f32s(even, odd),
            simd.mul_add_f32s(splat(2.0), far_odd, far_even),
            simd.mul_add_f32s(splat(-2.0), far_odd, far_even),
            y3,
        ]
    }
}

/// `Gᵀ·u·G` of the sums of a panel of inputs and a piece of outputs.
pub(super) struct Weights<'a> {
    pub(super) sums: &'a [f32],
    /// Where the first product's tile is, and the distance to the next one's.
    pub(super) from: usize,
    pub(super) apart: usize,
    /// `[output][input][tap]` of the piece.
    pub(super) weight: &'a mut [f32],
    pub(super) input: usize,
    /// The panel's first input.
    pub(super) first: usize,
}

impl WithSimd for Weights<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sums, from, apart, weight, input, first } = self;
        let mut taps = [0.0f32; 9 * LANES];
        for (lane, weight) in weight.chunks_exact_mut(input * 9).enumerate() {
            for channel in (0..WIDE).step_by(S::F32_LANES) {
                let weight = weight.get_mut((first + channel) * 9..).unwrap_or_default();
                if weight.is_empty() {
                    break;
                }
                let load = |product: usize| {
                    let at = from + product * apart + lane * WIDE + channel;
                    S::as_simd_f32s(&sums[at..at + S::F32_LANES]).0[0]
                };
                let half: [[S::f32s; 3]; REACH] = std::array::from_fn(|col| {
                    thirds(simd, std::array::from_fn(|row| load(row * REACH + col)))
                });
                for row in 0..3 {
                    let line = thirds(simd, half.map(|half| half[row]));
                    for (col, value) in line.into_iter().enumerate() {
                        let at = (row * 3 + col) * S::F32_LANES;
                        S::as_mut_simd_f32s(&mut taps[at..at + S::F32_LANES]).0[0] = value;
                    }
                }
                let inputs = weight.chunks_exact_mut(9).take(S::F32_LANES).enumerate();
                for (lane, weight) in inputs.take(WIDE - channel) {
                    for (tap, to) in weight.iter_mut().enumerate() {
                        *to = taps[tap * S::F32_LANES + lane];
                    }
                }
            }
        }
    }
}

/// `Gᵀ`.
#[inline(always)]
fn thirds<S: Simd>(simd: S, [u0, u1, u2, u3, u4, u5]: [S::f32s; REACH]) -> [S::f32s; 3] {
    let splat = |value: f32| simd.splat_f32s(value);
    let (near, far) = (simd.add_f32s(u1, u2), simd.add_f32s(u3, u4));
    let (near_odd, far_odd) = (simd.sub_f32s(u1, u2), simd.sub_f32s(u3, u4));
    let less_sixth = splat(-1.0 / 6.0);
    let outer = simd.mul_f32s(splat(1.0 / 24.0), simd.mul_add_f32s(splat(6.0), u0, far));
    [
        simd.mul_add_f32s(less_sixth, near, outer),
        simd.mul_add_f32s(less_sixth, near_odd, simd.mul_f32s(splat(1.0 / 12.0), far_odd)),
        simd.mul_add_f32s(less_sixth, simd.sub_f32s(near, far), u5),
    ]
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    fn wave(count: usize) -> Vec<f32> {
        (0..count).map(|at| ((at as f32 + 1.0) * 0.7).sin()).collect()
    }

    fn assert_close(outs: &[Vec<f32>; 2]) {
        for (found, expected) in outs[0].iter().zip(&outs[1]) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
    }

    fn transformed<M: Matrix<N>, const N: usize>(simd: pulp::x86::V3) {
        let (step, source) = (35, wave(35 * 200));
        let run = |wide: bool| {
            let mut to = vec![0.0f32; PRODUCTS * GROUP * 48];
            let place = |first, rows| Place { first, rows, down: 12, right: 2 };
            let places = vec![place(0, 0..N), place(-12, 1..N), place(40, 0..N - 1)];
            let task =
                Task { matrix: PhantomData::<M>, source: &source, step, places, to: &mut to };
            if wide {
                Arch::new().dispatch(task)
            } else {
                Simd::vectorize(simd, task)
            }
            to
        };
        assert_close(&[run(true), run(false)]);
    }

    /// On a processor with wide vectors the other tests run these kernels with them alone.
    #[test]
    fn narrow_vectors_give_what_wide_ones_give() {
        let Some(simd) = pulp::x86::V3::try_new() else { return };
        transformed::<Inputs, REACH>(simd);
        transformed::<Gradients, SIDE>(simd);
        let (sums, input) = (wave(PRODUCTS * 8 * WIDE), 61);
        let run = |wide: bool, first: usize| {
            let mut weight = vec![0.0f32; 3 * input * 9];
            let (from, apart) = (0, 8 * WIDE);
            let task = Weights { sums: &sums, from, apart, weight: &mut weight, input, first };
            if wide {
                Arch::new().dispatch(task)
            } else {
                Simd::vectorize(simd, task)
            }
            weight
        };
        assert_close(&[run(true, 0), run(false, 0)]);
        assert_close(&[run(true, 48), run(false, 48)]);
    }
}
