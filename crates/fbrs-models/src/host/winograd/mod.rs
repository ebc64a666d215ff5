//! 3×3 convolutions with fewer products: Winograd's F(4×4, 3×3) (Lavin & Gray 2016). A tile of 6×6
//! inputs gives 4×4 outputs by 36 products in place of 144; inputs, weights and outputs are transformed
//! by additions and by products with small numbers.
//!
//! A dilated convolution is the same one on every `dilation`-th row and column. Tiles start at positions
//! whose quotient by the dilation is divisible by four, so that a row's tiles are read from four compact
//! rows: of the positions with each of the remainders (`grid`). With large dilations many tiles start side by side,
//! and are read where they are; if a map is not large enough for that, more tiles reach over its edges than products
//! are saved, and the other kernels serve it, which leave out the taps that read padding.
//!
//! Tiles are worked on in tasks, of each of which the transformed input stays near a core (`input`): of many channels
//! some at a time, while the sums of all outputs wait. A task goes through the output channels in groups: transforms
//! their weights (`weight`: they are kept as they are, the transformed ones would take four times the memory),
//! multiplies (`product`), and transforms the outputs back (`output`).
//!
//! Of fewer channels half the products are saved, along rows alone, and a quarter of those of stride 2 (`rows`,
//! `strided`).

mod grid;
mod input;
mod output;
mod product;
mod rows;
mod strided;
mod task;
mod vectors;
mod weight;

use pulp::Arch;
use rayon::prelude::*;

use super::finish::FinishTask;
use super::scratch::{Scratch, Use};
use super::stencil::Stencil;
use super::tile::RUN;
use super::{Finish, Planes};

use grid::Grid;
use input::Source;
use output::Tiled;
pub(super) use rows::Rows;
use task::Task;

/// Outputs on a tile's side.
const SIDE: usize = 4;
/// Inputs on a tile's side.
const REACH: usize = SIDE + 2;
/// Products per tile.
const PRODUCTS: usize = REACH * REACH;
/// Tiles by which work is divided: what the widest vectors hold.
const UNIT: usize = 16;
/// Values of the transformed input of a task, at most, about.
const TRANSFORMED: usize = 2 << 20;
/// With fewer channels the transformations cost about what they save: of dilated convolutions.
const LEAST: usize = 64;
/// Of those without dilation, which can be made along rows alone (`rows`).
const LEAST_BESIDE_ROWS: usize = 100;
/// Up to this dilation it is made so on maps of any size, and reads compact rows.
const NEAR: usize = 8;
/// Tiles of a task, about, for which it transforms all weights, at least: if so many do not fit, its channels are
/// divided.
const LEAST_TILES: usize = 112;

/// A convolution that is made this way. Its weight stays as it is, `[output tile][input][tap][OUTPUTS]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Winograd {
    input: usize,
    output: usize,
    dilation: usize,
}

/// The taps' spacing where these are, row by row, a square of 3×3 round the output's position.
fn square(stencil: &Stencil) -> Option<usize> {
    let dilation = stencil.taps.iter().flatten().copied().max().filter(|&most| most > 0)?;
    let places = (0..9).map(|place| [place / 3, place % 3].map(|at| (at - 1) * dilation));
    stencil.taps.iter().copied().eq(places).then_some(dilation as usize)
}

impl Winograd {
    /// `None` where other kernels serve better.
    pub(super) fn new((input, output): (usize, usize), stencil: &Stencil) -> Option<Self> {
        let dilation = square(stencil)?;
        let least = if dilation == 1 { LEAST_BESIDE_ROWS } else { LEAST };
        let is_served = stencil.stride == 1 && input.min(output) >= least;
        is_served.then_some(Self { input, output, dilation })
    }

    /// Whether outputs of this size are made of such maps this way: they are as large, transformations count as a
    /// third of the products, and both together are fewer than the definition's products that read no padding.
    pub(super) fn serves(&self, map: [usize; 2], size: [usize; 2]) -> bool {
        map == size && self.pays(size)
    }

    fn pays(&self, size: [usize; 2]) -> bool {
        let reading = size.map(|side| 3 * side - 2 * self.dilation.min(side));
        let tiles = || Grid::new(size, self.dilation).tiles();
        self.dilation <= NEAR || 4 * PRODUCTS * tiles() < 3 * reading[0] * reading[1]
    }

    /// As `HostConv::forward_into`; the output is as large as the input.
    pub(super) fn forward(
        &self,
        weight: &[f32],
        x: Planes<'_>,
        bias: &[f32],
        finish: Finish<'_>,
        out: &mut [f32],
    ) {
        let [batch, _, height, width] = x.dims;
        let grid = Grid::new([height, width], self.dilation);
        let source = Source::new(x, &grid);
        let tiles = batch * grid.tiles();
        // A portion is a run of products: sums are rounded at the same places, divided or not.
        let fit = TRANSFORMED / (PRODUCTS * self.input);
        let is_divided = fit < LEAST_TILES;
        let portion = if is_divided { RUN } else { self.input };
        let parts: Vec<_> = parts(tiles, fit.max(LEAST_TILES)).collect();
        let outputs: Vec<Vec<f32>> = parts
            .par_iter()
            .map(|&(first, count)| {
                let (grid, source) = (&grid, &source);
                let task = Task { winograd: self, weight, grid, source, portion, first, count };
                Arch::new().dispatch(task)
            })
            .collect();
        let tiled = Tiled::new(&parts, &outputs, &grid);
        let plane = height * width;
        out.par_chunks_mut(plane).enumerate().for_each(|(index, out)| {
            let (image, channel) = (index / self.output, index % self.output);
            let mut sums = Scratch::take(Use::Line, plane);
            let sums = &mut sums[..plane];
            tiled.write(image, channel, width, sums);
            let bias = bias.get(channel).copied().unwrap_or(0.0);
            let finish = finish.part(index * plane..(index + 1) * plane);
            Arch::new().dispatch(FinishTask { sums, bias, finish, out });
        });
    }
}

/// The tiles of each task, first and count: as much work for each core, of whole units, so that little of
/// it falls on no tile. `most`: tiles of a task, about.
fn parts(tiles: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let threads = rayon::current_num_threads();
    let most = most / UNIT;
    let units = tiles.div_ceil(UNIT);
    let count = (threads * units.div_ceil(threads * most)).min(units);
    let start = move |index: usize| (index * units / count.max(1) * UNIT).min(tiles);
    (0..count).map(move |index| (start(index), start(index + 1) - start(index)))
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pulp::Simd;

    use super::super::{HostShape, tiles};
    use super::*;

    /// On a processor with wide vectors the other tests run these kernels with them alone.
    #[test]
    fn narrow_vectors_give_what_wide_ones_give() {
        let Some(narrow) = pulp::x86::V3::try_new() else { return };
        for (input, output, size, dilation, divided) in [
            (128, 100, [9, 50], 1, false),
            (67, 64, [25, 25], 2, false),
            (150, 64, [4, 3], 4, true),
            (300, 70, [37, 26], 12, true),
        ] {
            let wave = |count: usize, step: f32| -> Vec<f32> {
                (0..count).map(|i| ((i as f32 + 1.0) * step).sin()).collect()
            };
            let shape = HostShape {
                input,
                output,
                kernel: 3,
                stride: 1,
                padding: dilation,
                dilation,
                depthwise: false,
            };
            let weight = wave(output * input * 9, 0.7);
            let stencil = Stencil::new(&shape);
            let winograd = Winograd::new((input, output), &stencil).unwrap();
            let weight = tiles(&weight, input * 9);
            let values = wave(2 * input * size[0] * size[1], 0.31);
            let x = Planes { values: &values, dims: [2, input, size[0], size[1]] };
            let grid = Grid::new(size, dilation);
            let source = Source::new(x, &grid);
            let tiles = 2 * grid.tiles();
            // From the start, from within an image, and what is left.
            for (first, count) in [(0, tiles), (tiles / 3, tiles / 2), (tiles - 1, 1)] {
                let (winograd, weight, grid, source) = (&winograd, &weight, &grid, &source);
                let portion = if divided { RUN } else { input };
                let task = || Task { winograd, weight, grid, source, portion, first, count };
                let (found, expected) =
                    (Simd::vectorize(narrow, task()), Arch::new().dispatch(task()));
                assert_eq!(found.len(), expected.len());
                for (found, expected) in found.iter().zip(&expected) {
                    let bound = 2e-4;
                    assert!((found - expected).abs() < bound, "{input} {dilation} {first}");
                }
            }
        }
    }
}
