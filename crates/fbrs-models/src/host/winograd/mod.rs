//! 3×3 convolutions of many channels with fewer products: Winograd's F(2×2, 3×3) (Lavin & Gray
//! 2016). A tile of 4×4 inputs gives 2×2 outputs by 16 products in place of 36; inputs, weights and
//! outputs are transformed by additions.
//!
//! A dilated convolution is the same one on every `dilation`-th row and column. Tiles start at
//! positions whose quotient by the dilation is even, so that a row's tiles are read from two
//! compact rows: of the positions with an even quotient and of those with an odd one.

mod grid;
mod input;
mod output;
mod task;

use pulp::Arch;
use rayon::prelude::*;

use super::stencil::Stencil;
use super::tile::{OUTPUTS, POSITIONS};
use super::{Finish, Planes, within};

use grid::Grid;
use input::Compact;
use output::Quarters;
use task::Task;

/// Products per tile.
const PRODUCTS: usize = 16;
/// Tiles that lie together.
const BLOCK: usize = POSITIONS;
/// Blocks that one task transforms and multiplies, so that they share what is read of the weight.
const BLOCKS: usize = 3;
/// With fewer channels the transformations cost about what they save.
const LEAST_INPUTS: usize = 128;
const LEAST_OUTPUTS: usize = 256;
/// Above this dilation most taps read padding, and the plain kernel leaves those out.
const LARGEST_DILATION: usize = 8;

#[derive(Debug)]
pub(super) struct Winograd {
    /// `[product][output tile][input][OUTPUTS]`.
    weight: Vec<f32>,
    input: usize,
    output: usize,
    dilation: usize,
}

/// The taps' spacing, where these are a square of 3×3 round the output's position.
fn spacing(stencil: &Stencil) -> Option<usize> {
    let dilation = stencil.taps.iter().flatten().copied().max().filter(|&most| most > 0)?;
    let mut square: Vec<_> = [-dilation, 0, dilation]
        .into_iter()
        .flat_map(|row| [-dilation, 0, dilation].map(|col| [row, col]))
        .collect();
    let mut taps = stencil.taps.clone();
    square.sort_unstable();
    taps.sort_unstable();
    (stencil.stride == 1 && taps == square).then_some(dilation as usize)
}

impl Winograd {
    /// `weight`: `[output, input, tap]`. `None` where the plain kernel serves better.
    pub(super) fn new(
        weight: &[f32],
        (input, output): (usize, usize),
        stencil: &Stencil,
    ) -> Option<Self> {
        let dilation = spacing(stencil).filter(|&dilation| dilation <= LARGEST_DILATION)?;
        if input < LEAST_INPUTS || output < LEAST_OUTPUTS {
            return None;
        }
        let tiles = output.div_ceil(OUTPUTS);
        let mut transformed = vec![0.0; PRODUCTS * tiles * input * OUTPUTS];
        let per_product = tiles * input * OUTPUTS;
        for (index, kernel) in weight.chunks_exact(stencil.taps.len()).enumerate() {
            let (channel, from) = (index / input, index % input);
            let mut square = [[0.0; 3]; 3];
            for (tap, value) in stencil.taps.iter().zip(kernel) {
                let [row, col] = tap.map(|at| (at / dilation as isize + 1) as usize);
                square[row][col] = f64::from(*value);
            }
            let at = ((channel / OUTPUTS) * input + from) * OUTPUTS + channel % OUTPUTS;
            for (product, value) in transform_weight(&square).into_iter().enumerate() {
                transformed[product * per_product + at] = value as f32;
            }
        }
        Some(Self { weight: transformed, input, output, dilation })
    }

    /// The weight in the order of the stencil's taps, but for rounding.
    pub(super) fn weight(&self, stencil: &Stencil) -> Vec<f32> {
        let per_product = self.weight.len() / PRODUCTS;
        let mut weight = Vec::with_capacity(self.output * self.input * stencil.taps.len());
        for index in 0..self.output * self.input {
            let (channel, from) = (index / self.input, index % self.input);
            let at = ((channel / OUTPUTS) * self.input + from) * OUTPUTS + channel % OUTPUTS;
            let product =
                |row: usize, col: usize| f64::from(self.weight[(4 * row + col) * per_product + at]);
            // A line's middle value is the difference of the two middle products.
            let line = |at: usize, of: &dyn Fn(usize) -> f64| match at {
                0 => of(0),
                1 => of(1) - of(2),
                _ => of(3),
            };
            weight.extend(stencil.taps.iter().map(|tap| {
                let [row, col] = tap.map(|at| (at / self.dilation as isize + 1) as usize);
                line(row, &|row| line(col, &|col| product(row, col))) as f32
            }));
        }
        weight
    }

    /// As `HostConv::forward`; the output is as large as the input.
    pub(super) fn forward(&self, x: Planes<'_>, bias: &[f32], finish: Finish<'_>) -> Vec<f32> {
        let [batch, _, height, width] = x.dims;
        let grid = Grid::new([height, width], self.dilation);
        let compact = Compact::new(x, &grid);
        let tiles = batch * grid.tiles();
        let tasks: Vec<Vec<f32>> = (0..tiles.div_ceil(BLOCKS * BLOCK))
            .into_par_iter()
            .map(|task| {
                let first = task * BLOCKS * BLOCK;
                let count = (BLOCKS * BLOCK).min(tiles - first);
                let (grid, compact) = (&grid, &compact);
                Arch::new().dispatch(Task { winograd: self, grid, compact, first, count })
            })
            .collect();
        let quarters = Quarters::new(&tasks, &grid, self.output);
        let plane = height * width;
        let mut values = vec![0.0; batch * self.output * plane];
        let range = finish.range();
        values.par_chunks_mut(plane).enumerate().for_each(|(index, out)| {
            let (image, channel) = (index / self.output, index % self.output);
            quarters.write(image, channel, width, out);
            let bias = bias.get(channel).copied().unwrap_or(0.0);
            match finish.part(index * plane..(index + 1) * plane).addend {
                Some(addend) => {
                    let sums = out.iter_mut().zip(addend);
                    sums.for_each(|(to, addend)| *to = within(range, *to + bias + addend));
                }
                None => out.iter_mut().for_each(|to| *to = within(range, *to + bias)),
            }
        });
        values
    }
}

/// `G·g·Gᵀ`.
fn transform_weight(square: &[[f64; 3]; 3]) -> [f64; PRODUCTS] {
    let line = |[a, b, c]: [f64; 3]| [a, 0.5 * (a + b + c), 0.5 * (a - b + c), c];
    let columns = [0, 1, 2].map(|col| line([0, 1, 2].map(|row| square[row][col])));
    let mut products = [0.0; PRODUCTS];
    for row in 0..4 {
        let values = line([0, 1, 2].map(|col| columns[col][row]));
        products[4 * row..4 * row + 4].copy_from_slice(&values);
    }
    products
}
