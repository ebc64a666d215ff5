//! 3×3 convolutions with fewer products: Winograd's F(4×4, 3×3) (Lavin & Gray 2016). A tile of 6×6
//! inputs gives 4×4 outputs by 36 products in place of 144; inputs, weights and outputs are transformed
//! by additions and by products with small numbers.
//!
//! A dilated convolution is the same one on every `dilation`-th row and column. Tiles start at positions
//! whose quotient by the dilation is divisible by four, so that a row's tiles are read from four compact
//! rows: of the positions with each of the remainders (`grid`).
//!
//! Tiles are worked on in tasks, of each of which the transformed input stays near a core (`input`). A
//! task goes through the output channels in groups: transforms their weights (`weight`: they are kept as
//! they are, the transformed ones would take four times the memory), multiplies (`product`), and
//! transforms the outputs back (`output`).
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
use super::registers::OUTPUTS;
use super::scratch::{Scratch, Use};
use super::stencil::Stencil;
use super::{Finish, Planes, transposed_tiles};

use grid::Grid;
use input::Compact;
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
/// Above this dilation most taps read padding, and the other kernels leave those out.
const LARGEST_DILATION: usize = 8;

/// A convolution that is made this way.
#[derive(Debug)]
pub(super) struct Winograd {
    /// `[output tile][input][tap, row by row][OUTPUTS]`.
    weight: Vec<f32>,
    input: usize,
    output: usize,
    dilation: usize,
    /// Which of the stencil's taps each of the square's is.
    order: [usize; 9],
}

/// The taps' spacing and which is where, where these are a square of 3×3 round the output's position.
fn square(stencil: &Stencil) -> Option<(usize, [usize; 9])> {
    let dilation = stencil.taps.iter().flatten().copied().max().filter(|&most| most > 0)?;
    let mut order = [0; 9];
    for (place, order) in order.iter_mut().enumerate() {
        let wanted = [place / 3, place % 3].map(|at| (at as isize - 1) * dilation);
        *order = stencil.taps.iter().position(|tap| *tap == wanted)?;
    }
    (stencil.taps.len() == 9).then_some((dilation as usize, order))
}

/// The same of a convolution that is made this way.
fn served((input, output): (usize, usize), stencil: &Stencil) -> Option<(usize, [usize; 9])> {
    let served = |dilation: usize| match dilation {
        1 => input.min(output) >= LEAST_BESIDE_ROWS,
        2..=LARGEST_DILATION => input.min(output) >= LEAST,
        _ => false,
    };
    square(stencil).filter(|(dilation, _)| stencil.stride == 1 && served(*dilation))
}

impl Winograd {
    /// Whether a convolution is made this way; elsewhere another kernel serves better.
    pub(super) fn serves(channels: (usize, usize), stencil: &Stencil) -> bool {
        served(channels, stencil).is_some()
    }

    /// `weight`: `[output, input, tap]`. `None` where another kernel serves better.
    pub(super) fn new(
        weight: &[f32],
        (input, output): (usize, usize),
        stencil: &Stencil,
    ) -> Option<Self> {
        let (dilation, order) = served((input, output), stencil)?;
        let per_tile = (input * 9 * OUTPUTS).max(1);
        let mut packed = vec![0.0; output.div_ceil(OUTPUTS) * per_tile];
        let tiles = packed.par_chunks_mut(per_tile).zip(weight.par_chunks(per_tile));
        tiles.for_each(|(packed, weight)| {
            for (lane, weight) in weight.chunks_exact(input * 9).enumerate() {
                let places = packed.chunks_exact_mut(9 * OUTPUTS);
                for (packed, kernel) in places.zip(weight.chunks_exact(9)) {
                    let places = packed.iter_mut().skip(lane).step_by(OUTPUTS);
                    places.zip(order).for_each(|(to, tap)| *to = kernel[tap]);
                }
            }
        });
        Some(Self { weight: packed, input, output, dilation, order })
    }

    /// The weight in the order of the stencil's taps.
    pub(super) fn weight(&self) -> Vec<f32> {
        let mut weight = vec![0.0; self.output * self.input * 9];
        let per_tile = (self.input * 9 * OUTPUTS).max(1);
        let tiles = weight.par_chunks_mut(per_tile).zip(self.weight.par_chunks(per_tile));
        tiles.for_each(|(weight, packed)| {
            for (lane, weight) in weight.chunks_exact_mut(self.input * 9).enumerate() {
                let places = packed.chunks_exact(9 * OUTPUTS);
                for (packed, kernel) in places.zip(weight.chunks_exact_mut(9)) {
                    let places = packed.iter().skip(lane).step_by(OUTPUTS);
                    places.zip(self.order).for_each(|(from, tap)| kernel[tap] = *from);
                }
            }
        });
        weight
    }

    /// The transposed convolution: its taps lie the other way round.
    pub(super) fn transposed(&self) -> Self {
        let Self { input, output, dilation, mut order, .. } = *self;
        let weight =
            transposed_tiles(&self.weight, (input, output), 9, &[8, 7, 6, 5, 4, 3, 2, 1, 0]);
        order.reverse();
        Self { weight, input: output, output: input, dilation, order }
    }

    /// As `HostConv::forward_into`; the output is as large as the input.
    pub(super) fn forward(&self, x: Planes<'_>, bias: &[f32], finish: Finish<'_>, out: &mut [f32]) {
        let [batch, _, height, width] = x.dims;
        let grid = Grid::new([height, width], self.dilation);
        let compact = Compact::new(x, &grid);
        let tiles = batch * grid.tiles();
        let parts: Vec<_> = parts(tiles, self.input).collect();
        let outputs: Vec<Vec<f32>> = parts
            .par_iter()
            .map(|&(first, count)| {
                let (grid, compact) = (&grid, &compact);
                Arch::new().dispatch(Task { winograd: self, grid, compact, first, count })
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
/// it falls on no tile.
fn parts(tiles: usize, input: usize) -> impl Iterator<Item = (usize, usize)> {
    let threads = rayon::current_num_threads();
    let most = (TRANSFORMED / (PRODUCTS * input)).max(UNIT) / UNIT;
    let units = tiles.div_ceil(UNIT);
    let count = (threads * units.div_ceil(threads * most)).min(units);
    let start = move |index: usize| (index * units / count.max(1) * UNIT).min(tiles);
    (0..count).map(move |index| (start(index), start(index + 1) - start(index)))
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pulp::Simd;

    use super::super::HostShape;
    use super::*;

    /// On a processor with wide vectors the other tests run these kernels with them alone.
    #[test]
    fn narrow_vectors_give_what_wide_ones_give() {
        let Some(narrow) = pulp::x86::V3::try_new() else { return };
        for (input, output, size, dilation) in
            [(128, 100, [9, 50], 1), (67, 64, [25, 25], 2), (150, 64, [4, 3], 4)]
        {
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
            let winograd = Winograd::new(&weight, (input, output), &stencil).unwrap();
            let values = wave(2 * input * size[0] * size[1], 0.31);
            let x = Planes { values: &values, dims: [2, input, size[0], size[1]] };
            let grid = Grid::new(size, dilation);
            let compact = Compact::new(x, &grid);
            let tiles = 2 * grid.tiles();
            // From the start, from within an image, and what is left.
            for (first, count) in [(0, tiles), (tiles / 3, tiles / 2), (tiles - 1, 1)] {
                let (grid, compact) = (&grid, &compact);
                let task = || Task { winograd: &winograd, grid, compact, first, count };
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
