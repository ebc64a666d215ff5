//! A separable convolution or an inverted residual block in one pass: expansion, depthwise and
//! projection of a strip of rows while it is in the cache.
//!
//! Expanded channels are many and live shortly. A strip of the output is computed in two steps: eight
//! expanded channels at a time are made for the rows that the strip reads, and the depthwise
//! convolution is taken of them at once; then all of them are projected, some positions at a time.
//! Every sum is taken in the order in which the layers one by one take it, so that both ways agree to
//! the bit.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::depthwise::{SLACK, sum_taps};
use super::padded::{Lines, Phases, padding};
use super::registers::{
    Group, OUTPUTS, POSITIONS, add_products, each_group, step, store_sums, vectors, weights_of,
};
use super::scratch::{Scratch, Use};
use super::stencil::Stencil;
use super::tile::{Input, RUN, accumulate_tile};
use super::{HostConv, Planes, Weight, within, zeros};
use crate::conv::Activation;

/// Values of a strip's depthwise outputs, about: they stay in a core's own cache.
const STRIP: usize = 160 * 1024;
/// A strip is at least this many times as high as what it shares with its neighbors, which is
/// computed anew.
const LEAST_GAIN: usize = 4;
/// Values that are projected at once, about.
const GROUP: usize = 96 * 1024;

/// The layers of a block, one behind the other.
pub(crate) struct HostChain<'a, L> {
    pub(crate) expand: Option<&'a L>,
    pub(crate) depthwise: &'a L,
    pub(crate) project: &'a L,
    /// Behind the expansion and behind the depthwise convolution.
    pub(crate) inner: Activation,
    /// Behind all of it.
    pub(crate) outer: Activation,
    /// Whether the input is added.
    pub(crate) residual: bool,
}

/// A chain on its input.
struct Block<'a> {
    chain: &'a HostChain<'a, HostConv>,
    x: Planes<'a>,
    out: [usize; 2],
    geometry: Geometry,
    depthwise: &'a [f32],
    expand: Option<&'a [f32]>,
    project: &'a [f32],
    parallel: bool,
}

/// How a channel lies while the depthwise convolution reads it: as in `Padded`, but for some rows.
struct Geometry {
    stride: usize,
    /// Row of the first tap, relative to the output's row times the stride.
    top: isize,
    /// Rows behind the first one that the taps reach.
    reach: usize,
    before: usize,
    lines: Lines,
    phases: Phases,
}

impl Geometry {
    fn new(stencil: &Stencil, width: usize, out_width: usize) -> Self {
        let rows = || stencil.taps.iter().map(|[vertical, _]| *vertical);
        let top = rows().min().unwrap_or(0);
        let reach = (rows().max().unwrap_or(0) - top) as usize;
        let [before, behind] = padding(stencil, 1, width, out_width);
        let lines = Lines::new(stencil.stride, width, [before, behind]);
        let phases = Phases::new(stencil, [-top, before as isize], lines.row);
        Self { stride: stencil.stride, top, reach, before, lines, phases }
    }

    /// Rows of the input that some rows of the output read.
    fn input_rows(&self, rows: &Range<usize>) -> Range<isize> {
        let first = (rows.start * self.stride) as isize + self.top;
        first..first + (rows.len().saturating_sub(1) * self.stride + self.reach + 1) as isize
    }

    /// Values of one phase of a channel.
    fn plane(&self, rows: &Range<usize>) -> usize {
        let lines = self.input_rows(rows).len().div_ceil(self.stride);
        self.lines.lead + lines * self.lines.row
    }

    /// Where the columns from `col` on of a line lie, `line` counted from the first that is read:
    /// of which of them the first is put where.
    #[inline(always)]
    fn places(
        &self,
        plane: usize,
        line: usize,
        col: usize,
    ) -> impl Iterator<Item = (usize, usize)> + '_ {
        let of_line = self.phases.phases.iter().enumerate();
        let of_line = of_line.filter(move |(_, phase)| line % self.stride == phase.0);
        of_line.map(move |(index, (_, right))| {
            let start = self.before + col;
            let skip = (right + self.stride - start % self.stride) % self.stride;
            let lines = index * plane + self.lines.lead + (line / self.stride) * self.lines.row;
            // With stride 1 the zeros before a line are those behind the one before it.
            let at = if self.stride == 1 { col } else { (start + skip) / self.stride };
            (skip, lines + at)
        })
    }
}

/// Writes every `stride`-th value.
#[inline(always)]
fn put(to: &mut [f32], from: &[f32], stride: usize, value: impl Fn(f32) -> f32) {
    if stride == 1 {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = value(*from));
    } else {
        to.iter_mut().zip(from.iter().step_by(stride)).for_each(|(to, from)| *to = value(*from));
    }
}

/// The chain's output, `[batch, outputs, size]`; `None` for layers that are not made for it.
pub(super) fn forward(
    chain: &HostChain<'_, HostConv>,
    x: Planes<'_>,
    size: [usize; 2],
) -> Option<Vec<f32>> {
    let Weight::Depthwise(depthwise) = &chain.depthwise.weight else { return None };
    let expand = match chain.expand {
        Some(expand) => Some(expand.tiles()?),
        None => None,
    };
    let project = chain.project.tiles()?;
    let [batch, _, _, width] = x.dims;
    let [height, out_width] = size;
    let (plane, outputs) = (height * out_width, chain.project.output);
    if batch * outputs * plane == 0 {
        return Some(Vec::new());
    }
    let geometry = Geometry::new(&chain.depthwise.stencil, width, out_width);
    let middle = chain.depthwise.output;
    let shared = geometry.reach.div_ceil(geometry.stride);
    let rows = (STRIP / (middle * out_width)).max(LEAST_GAIN * shared).clamp(1, height);
    // As many strips of about one height as that makes.
    let rows = height.div_ceil(height.div_ceil(rows));
    let strips: Vec<(usize, Range<usize>)> = (0..batch)
        .flat_map(|image| {
            let starts = (0..height).step_by(rows);
            starts.map(move |start| (image, start..(start + rows).min(height)))
        })
        .collect();
    let parallel = strips.len() < 2 * rayon::current_num_threads();
    let block = Block { chain, x, out: size, geometry, depthwise, expand, project, parallel };
    let pieces: Vec<Vec<Piece>> = strips
        .par_iter()
        .map(|(image, rows)| Arch::new().dispatch(StripTask { block: &block, image: *image, rows }))
        .collect();
    let mut values = zeros(batch * outputs * plane);
    values.par_chunks_mut(plane).enumerate().for_each(|(index, out)| {
        let (image, channel) = (index / outputs, index % outputs);
        let of_image = strips.iter().zip(&pieces).filter(|((of, _), _)| *of == image);
        for piece in of_image.flat_map(|(_, pieces)| pieces) {
            let from = channel * piece.length;
            out[piece.at..piece.at + piece.length]
                .copy_from_slice(&piece.values[from..from + piece.length]);
        }
    });
    Some(values)
}

/// Consecutive positions of all outputs, `[outputs, length]`.
struct Piece {
    at: usize,
    length: usize,
    values: Vec<f32>,
}

struct StripTask<'a> {
    block: &'a Block<'a>,
    image: usize,
    rows: &'a Range<usize>,
}

impl WithSimd for StripTask<'_> {
    type Output = Vec<Piece>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<Piece> {
        let Self { block, image, rows } = self;
        let step = step::<S>();
        let [_, inputs, height, width] = block.x.dims;
        let wanted = block.geometry.input_rows(rows);
        let there = wanted.start.clamp(0, height as isize) as usize
            ..wanted.end.clamp(0, height as isize) as usize;
        let (first, count) = (there.start * width, there.len() * width);
        let packed = block.expand.map(|_| {
            let mut packed = Scratch::take(Use::Packed, count.div_ceil(step) * inputs * step);
            for channel in 0..inputs {
                let from = (image * inputs + channel) * height * width + first;
                let from = &block.x.values[from..from + count];
                for (index, from) in from.chunks(step).enumerate() {
                    let at = (index * inputs + channel) * step;
                    packed[at..at + from.len()].copy_from_slice(from);
                }
            }
            packed
        });
        let packed = packed.as_deref().unwrap_or_default();
        let positions = rows.len() * block.out[1];
        let per_tile = positions.div_ceil(step) * OUTPUTS * step;
        let tiles = block.chain.depthwise.output.div_ceil(OUTPUTS);
        let mut middle = Scratch::take(Use::Middle, tiles * per_tile);
        let wide = |(tile, out): (usize, &mut [f32])| {
            let task = WideTask { block, image, rows, there: &there, packed, tile, out };
            Arch::new().dispatch(task);
        };
        match block.parallel {
            true => middle.par_chunks_mut(per_tile).take(tiles).enumerate().for_each(wide),
            false => middle.chunks_mut(per_tile).take(tiles).enumerate().for_each(wide),
        }
        let blocks = positions.div_ceil(step);
        let group = (GROUP / (tiles * OUTPUTS * step)).clamp(1, blocks);
        let project = |start: usize| {
            let blocks = start..(start + group).min(blocks);
            let (at, positions) = (rows.start * block.out[1], positions);
            let (middle, per_tile) = (&*middle, per_tile);
            Arch::new().dispatch(ProjectTask {
                block,
                image,
                middle,
                per_tile,
                blocks,
                at,
                positions,
            })
        };
        let starts: Vec<usize> = (0..blocks).step_by(group).collect();
        match block.parallel {
            true => starts.into_par_iter().map(project).collect(),
            false => starts.into_iter().map(project).collect(),
        }
    }
}

/// Eight expanded channels of a strip, through the depthwise convolution.
struct WideTask<'a> {
    block: &'a Block<'a>,
    image: usize,
    rows: &'a Range<usize>,
    /// Rows of the input that are not padding.
    there: &'a Range<usize>,
    /// The input's rows, `[position block][channel][step]`.
    packed: &'a [f32],
    tile: usize,
    /// `[position block][OUTPUTS][step]`.
    out: &'a mut [f32],
}

impl WithSimd for WideTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { block, image, rows, there, packed, tile, out } = self;
        let (geometry, chain) = (&block.geometry, block.chain);
        let step = step::<S>();
        let [_, inputs, height, width] = block.x.dims;
        let plane = geometry.plane(rows);
        let length = geometry.phases.phases.len() * plane;
        let channels = OUTPUTS.min(chain.depthwise.output - tile * OUTPUTS);
        let mut wide = Scratch::take(Use::Wide, channels * length + SLACK);
        // What is not written below is padding.
        wide[..channels * length].fill(0.0);
        let above = (there.start as isize - geometry.input_rows(rows).start) as usize;
        match block.expand {
            Some(weight) => {
                let per_tile = inputs * OUTPUTS;
                let weight = &weight[tile * per_tile..(tile + 1) * per_tile];
                let bias = chain.expand.map_or(&[][..], |expand| &expand.bias);
                let range = chain.inner.range();
                let mut sums = [0.0f32; OUTPUTS * POSITIONS];
                let count = there.len() * width;
                let blocks = packed.chunks_exact((inputs * step).max(1));
                for (index, values) in blocks.take(count.div_ceil(step)).enumerate() {
                    let input = Input { values, channel: step, taps: &[(0, 0)], run: RUN };
                    let made = [vectors::<S>(), channels];
                    accumulate_tile(simd, &input, weight, &mut sums, false, made);
                    let (mut at, end) = (index * step, ((index + 1) * step).min(count));
                    while at < end {
                        let (line, col) = (at / width, at % width);
                        let next = ((line + 1) * width).min(end);
                        let from = at - index * step..next - index * step;
                        for (skip, place) in geometry.places(plane, above + line, col) {
                            let own =
                                sums.chunks_exact(POSITIONS).zip(bias.iter().skip(tile * OUTPUTS));
                            for ((sums, bias), wide) in own.zip(wide.chunks_exact_mut(length)) {
                                let from = &sums[from.clone()][skip..];
                                let value = |sum| within(range, sum + bias);
                                put(&mut wide[place..], from, geometry.stride, value);
                            }
                        }
                        at = next;
                    }
                }
            }
            None => {
                for (channel, wide) in wide.chunks_exact_mut(length).take(channels).enumerate() {
                    let of = (image * inputs + tile * OUTPUTS + channel) * height * width;
                    for (line, row) in there.clone().enumerate() {
                        let from = &block.x.values[of + row * width..of + (row + 1) * width];
                        for (skip, place) in geometry.places(plane, above + line, 0) {
                            let to = &mut wide[place..];
                            put(to, &from[skip..], geometry.stride, |value| value);
                        }
                    }
                }
            }
        }
        let taps: Vec<usize> =
            geometry.phases.taps.iter().map(|tap| tap.phase * plane + tap.offset).collect();
        let out_width = block.out[1];
        let row_length = geometry.lines.row;
        let positions = (rows.len() - 1) * row_length + out_width;
        let mut lines = Scratch::take(Use::Line, positions.next_multiple_of(SLACK));
        let line = &mut lines[..positions.next_multiple_of(SLACK)];
        let range = chain.inner.range();
        for channel in 0..channels {
            let number = tile * OUTPUTS + channel;
            let weight = &block.depthwise[number * taps.len()..(number + 1) * taps.len()];
            let bias = chain.depthwise.bias.get(number).copied().unwrap_or(0.0);
            sum_taps(simd, &wide[channel * length..], &taps, weight, bias, line);
            let mut position = 0;
            for row in 0..rows.len() {
                let mut from = &line[row * row_length..row * row_length + out_width];
                while !from.is_empty() {
                    let (index, at) = (position / step, position % step);
                    let (now, rest) = from.split_at(from.len().min(step - at));
                    let to = &mut out[(index * OUTPUTS + channel) * step + at..][..now.len()];
                    to.iter_mut().zip(now).for_each(|(to, value)| *to = within(range, *value));
                    position += now.len();
                    from = rest;
                }
            }
        }
    }
}

/// The projection of some position blocks of a strip.
struct ProjectTask<'a> {
    block: &'a Block<'a>,
    image: usize,
    /// `[tile][position block][OUTPUTS][step]`.
    middle: &'a [f32],
    per_tile: usize,
    blocks: Range<usize>,
    /// Where the strip begins in the output's plane.
    at: usize,
    /// Of the strip.
    positions: usize,
}

impl WithSimd for ProjectTask<'_> {
    type Output = Piece;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Piece {
        let Self { block, image, middle, per_tile, blocks, at, positions } = self;
        let chain = block.chain;
        let step = step::<S>();
        let first = blocks.start * step;
        let length = (blocks.end * step).min(positions) - first;
        let outputs = chain.project.output;
        let mut values = vec![0.0f32; outputs * length];
        let middle_channels = chain.depthwise.output;
        let weights = block.project.chunks_exact((middle_channels * OUTPUTS).max(1));
        let range = chain.outer.range();
        let plane = block.out[0] * block.out[1];
        let mut sums = [0.0f32; OUTPUTS * POSITIONS];
        for (tile, weight) in weights.enumerate() {
            for index in blocks.clone() {
                let input = Tiled { values: middle, per_tile, index, channels: middle_channels };
                project(simd, &input, weight, &mut sums, outputs - tile * OUTPUTS);
                let from = index * step - first;
                let count = step.min(length - from);
                let outs = values.chunks_exact_mut(length).enumerate().skip(tile * OUTPUTS);
                let bias = chain.project.bias.iter().skip(tile * OUTPUTS);
                for (((channel, out), sums), bias) in
                    outs.zip(sums.chunks_exact(POSITIONS)).zip(bias)
                {
                    let to = out[from..from + count].iter_mut().zip(sums);
                    if chain.residual {
                        let start = (image * outputs + channel) * plane + at + index * step;
                        let addend = &block.x.values[start..start + count];
                        to.zip(addend).for_each(|((to, sum), addend)| {
                            *to = within(range, sum + bias + addend);
                        });
                    } else {
                        to.for_each(|(to, sum)| *to = within(range, sum + bias));
                    }
                }
            }
        }
        Piece { at: at + first, length, values }
    }
}

/// One position block of channels that lie by tiles.
struct Tiled<'a> {
    values: &'a [f32],
    per_tile: usize,
    index: usize,
    channels: usize,
}

/// Adds up outputs over them, as `accumulate_tile` with a single tap, in the same order.
#[inline(always)]
fn project<S: Simd>(simd: S, input: &Tiled<'_>, weight: &[f32], sums: &mut [f32], outputs: usize) {
    let tiles = input.channels.div_ceil(OUTPUTS);
    for start in (0..tiles).step_by(RUN / OUTPUTS) {
        let run = start..(start + RUN / OUTPUTS).min(tiles);
        let mut projected = Projected { input, weight, run, sums, adds: start > 0 };
        each_group(simd, vectors::<S>(), outputs, &mut projected);
    }
}

/// A run of tiles.
struct Projected<'a> {
    input: &'a Tiled<'a>,
    weight: &'a [f32],
    run: Range<usize>,
    sums: &'a mut [f32],
    adds: bool,
}

impl Group for Projected<'_> {
    #[inline(always)]
    fn run<S: Simd, const N: usize, const COUNT: usize>(&mut self, simd: S, first: usize) {
        let Self { input, weight, .. } = self;
        let piece = OUTPUTS * N * S::F32_LANES;
        let mut sums = [[simd.splat_f32s(0.0); N]; COUNT];
        for index in self.run.clone() {
            let from = index * input.per_tile + input.index * piece;
            let (values, _) = S::as_simd_f32s(&input.values[from..from + piece]);
            let (values, _) = values.as_chunks::<N>();
            let weight = weight[index * OUTPUTS * OUTPUTS..].chunks_exact(OUTPUTS);
            for (x, weight) in values.iter().zip(weight) {
                add_products(simd, x, weights_of(weight, first), &mut sums);
            }
        }
        let out = &mut self.sums[first * POSITIONS..];
        store_sums(simd, &sums, out, POSITIONS, self.adds);
    }
}
