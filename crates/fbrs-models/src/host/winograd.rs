//! 3×3 convolutions of many channels with fewer products: Winograd's F(2×2, 3×3) (Lavin & Gray
//! 2016). A tile of 4×4 inputs gives 2×2 outputs by 16 products in place of 36; inputs, weights and
//! outputs are transformed by additions.
//!
//! A dilated convolution is the same one on every `dilation`-th row and column. Tiles start at
//! positions whose quotient by the dilation is even, so that a row's tiles are read from two
//! compact rows: of the positions with an even quotient and of those with an odd one.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::stencil::Stencil;
use super::tile::{Input, OUTPUTS, POSITIONS, VECTORS, accumulate};
use super::{Finish, Planes, at_least};

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
        let floor = finish.floor();
        values.par_chunks_mut(plane).enumerate().for_each(|(index, out)| {
            let (image, channel) = (index / self.output, index % self.output);
            quarters.write(image, channel, width, out);
            let bias = bias.get(channel).copied().unwrap_or(0.0);
            match finish.part(index * plane..(index + 1) * plane).addend {
                Some(addend) => {
                    let sums = out.iter_mut().zip(addend);
                    sums.for_each(|(to, addend)| *to = at_least(floor, *to + bias + addend));
                }
                None => out.iter_mut().for_each(|to| *to = at_least(floor, *to + bias)),
            }
        });
        values
    }
}

/// What the tasks computed: of every tile its four outputs.
struct Quarters<'a> {
    /// Each `[output][quarter][BLOCK]`.
    blocks: Vec<&'a [f32]>,
    grid: &'a Grid,
}

impl<'a> Quarters<'a> {
    fn new(tasks: &'a [Vec<f32>], grid: &'a Grid, outputs: usize) -> Self {
        let length = outputs * 4 * BLOCK;
        Self { blocks: tasks.iter().flat_map(|task| task.chunks_exact(length)).collect(), grid }
    }

    /// Writes one channel of one image.
    fn write(&self, image: usize, channel: usize, width: usize, out: &mut [f32]) {
        let Self { blocks, grid } = self;
        let first = image * grid.tiles();
        let mut tile = 0;
        while tile < grid.tiles() {
            let (block, at) = ((first + tile) / BLOCK, (first + tile) % BLOCK);
            let count = (grid.tiles() - tile).min(BLOCK - at);
            let quarters = &blocks[block][channel * 4 * BLOCK..][..4 * BLOCK];
            for run in grid.runs(tile, count) {
                let place = at + run.tile - tile..at + run.tile - tile + run.count;
                let cols = &grid.cols[run.first..run.first + run.count];
                for (quarter, values) in quarters.chunks_exact(BLOCK).enumerate() {
                    let row = run.row + (quarter / 2) * grid.dilation;
                    let shift = (quarter % 2) * grid.dilation;
                    // The last tiles reach over the edge.
                    let Some(line) = out.chunks_exact_mut(width).nth(row) else { continue };
                    for (col, value) in cols.iter().zip(&values[place.clone()]) {
                        if let Some(to) = line.get_mut(col + shift) {
                            *to = *value;
                        }
                    }
                }
            }
            tile += count;
        }
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

/// Where an image's tiles lie, row after row.
struct Grid {
    dilation: usize,
    /// First row, or column, of the outputs of each row, or column, of tiles.
    rows: Vec<usize>,
    cols: Vec<usize>,
}

/// Consecutive tiles of one row.
struct Run {
    /// The first one's number in the image.
    tile: usize,
    /// The first one's column among the tiles.
    first: usize,
    count: usize,
    /// First row of their outputs.
    row: usize,
}

impl Grid {
    fn new(size: [usize; 2], dilation: usize) -> Self {
        let [rows, cols] = size.map(|length| start_positions(dilation, length).collect());
        Self { dilation, rows, cols }
    }

    fn tiles(&self) -> usize {
        self.rows.len() * self.cols.len()
    }

    /// The rows' parts of consecutive tiles.
    fn runs(&self, first: usize, count: usize) -> impl Iterator<Item = Run> + '_ {
        let end = first + count;
        let mut tile = first;
        std::iter::from_fn(move || {
            if tile >= end {
                return None;
            }
            let (row, col) = (tile / self.cols.len(), tile % self.cols.len());
            let count = (self.cols.len() - col).min(end - tile);
            let run = Run { tile, first: col, count, row: self.rows[row] };
            tile += count;
            Some(run)
        })
    }
}

/// Positions below `length` whose quotient by `dilation` is even.
fn start_positions(dilation: usize, length: usize) -> impl Iterator<Item = usize> {
    (0..length).filter(move |position| (position / dilation).is_multiple_of(2))
}

/// The input, its rows split in two: values at `start - dilation` and at `start` for every start
/// of a tile, so that a tile's four columns are `even[k], odd[k], even[k + dilation],
/// odd[k + dilation]`. There are `dilation` rows of zeros above and `2·dilation` below.
struct Compact {
    values: Vec<f32>,
    /// Length of a half row.
    half: usize,
    /// Length of a channel.
    plane: usize,
    channels: usize,
}

impl Compact {
    fn new(x: Planes<'_>, grid: &Grid) -> Self {
        let [batch, channels, height, width] = x.dims;
        let dilation = grid.dilation;
        let half = grid.cols.len() + dilation;
        let plane = (height + 3 * dilation) * 2 * half;
        let starts: Vec<_> = start_positions(dilation, usize::MAX).take(half).collect();
        let evens = starts.partition_point(|start| start.saturating_sub(dilation) < width);
        let odds = starts.partition_point(|&start| start < width);
        let mut values = vec![0.0f32; batch * channels * plane];
        let sources = x.values.par_chunks(height * width);
        values.par_chunks_mut(plane).zip(sources).for_each(|(plane, source)| {
            let lines = plane.chunks_mut(2 * half).skip(dilation);
            for (line, source) in lines.zip(source.chunks(width)) {
                let (even, odd) = line.split_at_mut(half);
                // The first `dilation` starts have nothing before them.
                let evens = even.iter_mut().zip(&starts).take(evens).skip(dilation);
                evens.for_each(|(to, start)| *to = source[start - dilation]);
                let odds = odd.iter_mut().zip(&starts).take(odds);
                odds.for_each(|(to, &start)| *to = source[start]);
            }
        });
        Self { values, half, plane, channels }
    }
}

/// Computes consecutive tiles of all output channels.
struct Task<'a> {
    winograd: &'a Winograd,
    grid: &'a Grid,
    compact: &'a Compact,
    first: usize,
    count: usize,
}

impl WithSimd for Task<'_> {
    /// `[block][output][quarter][BLOCK]`.
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let Winograd { weight, input, output, .. } = self.winograd;
        let (input, output) = (*input, *output);
        let blocks = self.count.div_ceil(BLOCK);
        let mut transformed = vec![0.0f32; blocks * PRODUCTS * input * BLOCK];
        self.transform(&mut transformed);
        let tiles = output.div_ceil(OUTPUTS);
        let out_length = tiles * OUTPUTS * BLOCK;
        let mut products = vec![0.0f32; blocks * PRODUCTS * out_length];
        let weights = weight.chunks_exact(tiles * input * OUTPUTS);
        for (product, weight) in weights.enumerate() {
            for (tile, weight) in weight.chunks_exact(input * OUTPUTS).enumerate() {
                for block in 0..blocks {
                    let values = (block * PRODUCTS + product) * input * BLOCK;
                    let values = &transformed[values..values + input * BLOCK];
                    let out = (block * PRODUCTS + product) * out_length + tile * OUTPUTS * BLOCK;
                    let out = &mut products[out..out + OUTPUTS * BLOCK];
                    for at in (0..BLOCK).step_by(VECTORS * S::F32_LANES) {
                        // Wide vectors come with twice as many registers.
                        let input = Input { values, channel: BLOCK, taps: &[(at, 0)] };
                        if S::F32_LANES >= 16 {
                            accumulate::<S, 8>(simd, &input, weight, [0, at], out);
                        } else {
                            accumulate::<S, 4>(simd, &input, weight, [0, at], out);
                            accumulate::<S, 4>(simd, &input, weight, [4, at], out);
                        }
                    }
                }
            }
        }
        let mut quarters = vec![0.0f32; blocks * output * 4 * BLOCK];
        let outs = quarters.chunks_exact_mut(output * 4 * BLOCK);
        for (products, out) in products.chunks_exact(PRODUCTS * out_length).zip(outs) {
            for (channel, out) in out.chunks_exact_mut(4 * BLOCK).enumerate() {
                gather_outputs(products, channel, out);
            }
        }
        quarters
    }
}

impl Task<'_> {
    /// `Bᵀ·d·B` of every tile: `[block][product][input][BLOCK]`.
    #[inline(always)]
    fn transform(&self, into: &mut [f32]) {
        let Self { grid, compact, .. } = self;
        let per_block = PRODUCTS * compact.channels * BLOCK;
        let mut mixed = vec![0.0f32; 2 * compact.half];
        let mut done = 0;
        while done < self.count {
            let tile = self.first + done;
            let (image, inside) = (tile / grid.tiles(), tile % grid.tiles());
            let (block, at) = (done / BLOCK, done % BLOCK);
            let count = (self.count - done).min(grid.tiles() - inside).min(BLOCK - at);
            let into = &mut into[block * per_block..(block + 1) * per_block];
            for run in grid.runs(inside, count) {
                let at = at + run.tile - inside;
                for channel in 0..compact.channels {
                    self.transform_run(&run, image, channel, at, &mut mixed, into);
                }
            }
            done += count;
        }
    }

    /// One run of one input channel, to place `at` of a block.
    #[inline(always)]
    fn transform_run(
        &self,
        run: &Run,
        image: usize,
        channel: usize,
        at: usize,
        mixed: &mut [f32],
        into: &mut [f32],
    ) {
        let Self { grid, compact, .. } = self;
        let (dilation, half, count) = (grid.dilation, compact.half, run.count);
        let plane = (image * compact.channels + channel) * compact.plane;
        let line = |step: usize| {
            let row = run.row + step * dilation;
            &compact.values[plane + row * 2 * half..][..2 * half]
        };
        let lines = [line(0), line(1), line(2), line(3)];
        let per_product = compact.channels * BLOCK;
        // Which two lines a row of products reads, and the second one's sign.
        let rows = [(0, 2, -1.0), (1, 2, 1.0), (2, 1, -1.0), (1, 3, -1.0)];
        for (row, (a, b, sign)) in rows.into_iter().enumerate() {
            for from in [run.first, half + run.first] {
                let place = from..from + count + dilation;
                let (a, b) = (&lines[a][place.clone()], &lines[b][place.clone()]);
                for ((to, a), b) in mixed[place].iter_mut().zip(a).zip(b) {
                    *to = a + sign * b;
                }
            }
            let (even, odd) = mixed.split_at(half);
            let (e0, e1) = (&even[run.first..], &even[run.first + dilation..]);
            let (o0, o1) = (&odd[run.first..], &odd[run.first + dilation..]);
            let parts = [(e0, e1, -1.0), (o0, e1, 1.0), (e1, o0, -1.0), (o0, o1, -1.0)];
            for (col, (a, b, sign)) in parts.into_iter().enumerate() {
                let to = (4 * row + col) * per_product + channel * BLOCK + at;
                let to = &mut into[to..to + count];
                for ((to, a), b) in to.iter_mut().zip(&a[..count]).zip(&b[..count]) {
                    *to = a + sign * b;
                }
            }
        }
    }
}

/// `Aᵀ·m·A` of every tile of one output channel: `[quarter][BLOCK]`.
#[inline(always)]
fn gather_outputs(products: &[f32], channel: usize, out: &mut [f32]) {
    let per_product = products.len() / PRODUCTS;
    let product = |index: usize| &products[index * per_product + channel * BLOCK..][..BLOCK];
    let mut rows = [[[0.0f32; BLOCK]; 4]; 2];
    let [upper, lower] = &mut rows;
    for (col, (upper, lower)) in upper.iter_mut().zip(lower).enumerate() {
        let [m0, m1, m2, m3] = [0, 1, 2, 3].map(|row| product(4 * row + col));
        for at in 0..BLOCK {
            upper[at] = m0[at] + m1[at] + m2[at];
            lower[at] = m1[at] - m2[at] - m3[at];
        }
    }
    for ([c0, c1, c2, c3], out) in rows.iter().zip(out.chunks_exact_mut(2 * BLOCK)) {
        let (left, right) = out.split_at_mut(BLOCK);
        for at in 0..BLOCK {
            left[at] = c0[at] + c1[at] + c2[at];
            right[at] = c1[at] - c2[at] - c3[at];
        }
    }
}
