//! The transformed input, `Bᵀ·d·B`.

use std::ops::Range;

use pulp::Simd;
use rayon::prelude::*;

use super::super::scratch::{Scratch, Use};
use super::super::{Planes, zeros};
use super::grid::Grid;
use super::product::Block;
use super::task::Task;
use super::vectors::{load_all, store};
use super::{NEAR, PRODUCTS, REACH, SIDE, UNIT};

/// What tiles are read from.
pub(super) enum Source<'a> {
    Compact(Compact),
    /// The input as it is: with large dilations many tiles begin side by side.
    Planes(Planes<'a>),
}

impl<'a> Source<'a> {
    pub(super) fn new(x: Planes<'a>, grid: &Grid) -> Self {
        match grid.dilation {
            ..=NEAR => Self::Compact(Compact::new(x, grid)),
            _ => Self::Planes(x),
        }
    }
}

/// The input, its rows split in four: for every start of a tile, the values one dilation before it, at
/// it, and one and two dilations behind it. A tile's fifth and sixth column are the first and the second
/// one of the next tile in its place, which is `dilation` starts further. There are `dilation` rows of
/// zeros above, and below as many as the last tiles reach.
pub(super) struct Compact {
    values: Vec<f32>,
    /// Length of a part of a row.
    part: usize,
    /// Length of a channel.
    plane: usize,
    channels: usize,
}

impl Compact {
    fn new(x: Planes<'_>, grid: &Grid) -> Self {
        let [batch, channels, height, width] = x.dims;
        let dilation = grid.dilation;
        let part = grid.cols.len() + dilation;
        let lines = dilation + height + SIDE * dilation;
        let plane = lines * SIDE * part;
        let mut values = zeros(batch * channels * plane + UNIT);
        let sources = x.values.par_chunks(height * width);
        values.par_chunks_mut(plane).zip(sources).for_each(|(plane, source)| {
            let lines = plane.chunks_mut(SIDE * part).skip(dilation);
            for (line, source) in lines.zip(source.chunks(width)) {
                take_apart(line, source, part, dilation);
            }
        });
        Self { values, part, plane, channels }
    }
}

/// A row to its four parts; what is left of them stays as it is.
pub(super) fn take_apart(line: &mut [f32], source: &[f32], part: usize, dilation: usize) {
    // Those of networks that lie near.
    let done = match dilation {
        1 => separate::<1>(line, source, part),
        2 => separate::<2>(line, source, part),
        4 => separate::<4>(line, source, part),
        _ => 0,
    };
    for (phase, line) in line.chunks_exact_mut(part).enumerate() {
        split(line, source, phase, dilation, done);
    }
}

/// The four parts of a row in one pass, as far as there are `DILATION` values for each of them. Gives how many
/// times that was so.
fn separate<const DILATION: usize>(line: &mut [f32], source: &[f32], part: usize) -> usize {
    let (before, rest) = line.split_at_mut(part);
    let (first, rest) = rest.split_at_mut(part);
    let (second, third) = rest.split_at_mut(part);
    let (source, _) = source.as_chunks::<DILATION>();
    let (source, _) = source.as_chunks::<SIDE>();
    // The first part begins before the row's first value.
    let (before, _) = before[DILATION..].as_chunks_mut::<DILATION>();
    let [first, second, third] =
        [first, second, third].map(|part| part.as_chunks_mut::<DILATION>().0);
    let parts = first.iter_mut().zip(second).zip(third).zip(before);
    for ((((first, second), third), before), values) in parts.zip(source) {
        [*first, *second, *third, *before] = *values;
    }
    source.len()
}

/// Every fourth `dilation` values of a row, behind those that have been copied so many times. The first part
/// begins before the row's first value.
fn split(line: &mut [f32], source: &[f32], phase: usize, dilation: usize, done: usize) {
    let (from, to) = match phase {
        0 => (3 * dilation, dilation),
        phase => ((phase - 1) * dilation, 0),
    };
    let (mut from, mut to) = (from + done * SIDE * dilation, to + done * dilation);
    while from < source.len() {
        let count = dilation.min(source.len() - from);
        for (to, from) in line[to..to + count].iter_mut().zip(&source[from..from + count]) {
            *to = *from;
        }
        (from, to) = (from + SIDE * dilation, to + dilation);
    }
}

/// Values of consecutive tiles at one place of them.
struct Piece {
    /// Where the first one is, from the channel's plane of the first image on.
    from: usize,
    /// Where it is put.
    to: usize,
    count: usize,
}

impl Task<'_> {
    /// `Bᵀ·d·B` of a block's tiles, of some channels: `[product]`, each as `Block::product`
    /// says.
    #[inline(always)]
    pub(super) fn transform<S: Simd>(
        &self,
        simd: S,
        block: &Block,
        channels: Range<usize>,
        into: &mut [f32],
    ) {
        let width = block.width;
        // Of each of a tile's 36 places, the values of all tiles side by side.
        let line = width + UNIT;
        let pieces = self.pieces(block, line);
        let mut tiles = Scratch::take(Use::Tiles, 2 * PRODUCTS * line);
        let (tiles, half) = tiles.split_at_mut(PRODUCTS * line);
        if let Source::Planes(_) = self.source {
            // Where a tile reads no input nothing is written below.
            tiles.fill(0.0);
        }
        let per_product = block.product(channels.len());
        for (place, channel) in channels.enumerate() {
            match self.source {
                // Whole units: what is too much is written over by the next one, or lies in the room behind.
                Source::Compact(compact) => {
                    let plane = &compact.values[channel * compact.plane..];
                    for piece in &pieces {
                        let mut at = 0;
                        while at < piece.count {
                            let [from, to] = [piece.from + at, piece.to + at];
                            tiles[to..to + UNIT].copy_from_slice(&plane[from..from + UNIT]);
                            at += UNIT;
                        }
                    }
                }
                Source::Planes(Planes { values, dims }) => {
                    let plane = &values[channel * dims[2] * dims[3]..];
                    for &Piece { from, to, count } in &pieces {
                        tiles[to..to + count].copy_from_slice(&plane[from..from + count]);
                    }
                }
            }
            for col in 0..REACH {
                let places = [col * line, REACH * line];
                transform(simd, tiles, places, half, places, width);
            }
            for row in 0..REACH {
                let from = [REACH * row * line, line];
                let to = [REACH * row * per_product + place * width, per_product];
                transform(simd, half, from, into, to, width);
            }
        }
    }

    /// What the places of a block's tiles are read from, and where they are put: `line` apart.
    fn pieces(&self, block: &Block, line: usize) -> Vec<Piece> {
        let Self { grid, source, .. } = self;
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < block.count {
            let tile = self.first + block.first + at;
            let (image, inside) = (tile / grid.tiles(), tile % grid.tiles());
            let count = (block.count - at).min(grid.tiles() - inside);
            for run in grid.runs(inside, count) {
                for (row, col) in (0..PRODUCTS).map(|place| (place / REACH, place % REACH)) {
                    let to = (REACH * row + col) * line + at;
                    match source {
                        Source::Compact(compact) => {
                            let row = (run.row + row * grid.dilation) * SIDE + col % SIDE;
                            let first = run.first + col / SIDE * grid.dilation;
                            let image = image * compact.channels * compact.plane;
                            let from = image + row * compact.part + first;
                            pieces.push(Piece { from, to, count: run.count });
                        }
                        Source::Planes(x) => {
                            let cols = &grid.cols[run.first..run.first + run.count];
                            let [_, channels, height, width] = x.dims;
                            let image = image * channels * height * width;
                            let read = |start: usize, by: usize, length: usize| {
                                (start + by * grid.dilation)
                                    .checked_sub(grid.dilation)
                                    .filter(|position| *position < length)
                            };
                            let Some(row) = read(run.row, row, height) else { continue };
                            for (index, &start) in cols.iter().enumerate() {
                                let Some(col) = read(start, col, width) else { continue };
                                let (from, to) = (image + row * width + col, to + index);
                                match pieces.last_mut() {
                                    Some(Piece { from: first, to: place, count })
                                        if *first + *count == from && *place + *count == to =>
                                    {
                                        *count += 1;
                                    }
                                    _ => pieces.push(Piece { from, to, count: 1 }),
                                }
                            }
                        }
                    }
                }
                at += run.count;
            }
        }
        pieces
    }
}

/// `Bᵀ` of six lines: the first one's place and the step to the next.
#[inline(always)]
fn transform<S: Simd>(
    simd: S,
    values: &[f32],
    [from, apart]: [usize; 2],
    into: &mut [f32],
    [to, step]: [usize; 2],
    width: usize,
) {
    let mut at = 0;
    while at < width {
        let made = six(simd, load_all::<S, _>(values, from + at, apart));
        for (index, made) in made.into_iter().enumerate() {
            store::<S>(into, to + index * step + at, made);
        }
        at += S::F32_LANES;
    }
}

/// `Bᵀ` of six values.
#[inline(always)]
pub(super) fn six<S: Simd>(simd: S, [x0, x1, x2, x3, x4, x5]: [S::f32s; 6]) -> [S::f32s; 6] {
    let two = simd.splat_f32s(2.0);
    let four = simd.splat_f32s(4.0);
    let less_two = simd.splat_f32s(-2.0);
    let less_four = simd.splat_f32s(-4.0);
    let less_five = simd.splat_f32s(-5.0);
    let outer = simd.mul_add_f32s(less_four, x2, x4);
    let inner = simd.mul_add_f32s(less_four, x1, x3);
    let outer_half = simd.sub_f32s(x4, x2);
    let inner_half = simd.sub_f32s(x3, x1);
    [
        simd.mul_add_f32s(less_five, x2, simd.mul_add_f32s(four, x0, x4)),
        simd.add_f32s(outer, inner),
        simd.sub_f32s(outer, inner),
        simd.mul_add_f32s(two, inner_half, outer_half),
        simd.mul_add_f32s(less_two, inner_half, outer_half),
        simd.mul_add_f32s(less_five, x3, simd.mul_add_f32s(four, x1, x5)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However wide a row is, its parts hold what they hold where they are copied value by value.
    #[test]
    fn whole_tiles_are_taken_apart_as_single_values_are() {
        for (dilation, width) in [1, 2, 4].into_iter().flat_map(|d| (1..40).map(move |w| (d, w))) {
            let source: Vec<f32> = (1..=width).map(|value| value as f32).collect();
            let part = Grid::new([1, width], dilation).cols.len() + dilation;
            let mut expected = vec![0.0; SIDE * part];
            for (phase, line) in expected.chunks_exact_mut(part).enumerate() {
                split(line, &source, phase, dilation, 0);
            }
            let mut found = vec![0.0; SIDE * part];
            let done = match dilation {
                1 => separate::<1>(&mut found, &source, part),
                2 => separate::<2>(&mut found, &source, part),
                _ => separate::<4>(&mut found, &source, part),
            };
            assert_eq!(done, width / (SIDE * dilation));
            for (phase, line) in found.chunks_exact_mut(part).enumerate() {
                split(line, &source, phase, dilation, done);
            }
            assert_eq!(found, expected, "{dilation} {width}");
        }
    }
}
