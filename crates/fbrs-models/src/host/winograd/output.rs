//! The outputs, `Aᵀ·m·A`.

use pulp::Simd;

use super::super::registers::{OUTPUTS, POSITIONS};
use super::grid::Grid;
use super::product::Block;
use super::vectors::{load_all, store};
use super::{REACH, SIDE};

/// Length of a line while a block is transformed.
const LINE: usize = POSITIONS;
/// What a block's transformation takes.
pub(super) const ROOM: usize = SIDE * (REACH + 1) * LINE;

/// What the tasks computed: of every tile its outputs.
pub(super) struct Tiled<'a> {
    /// First tile, number of tiles, `[output][place in a tile][tile]`.
    parts: Vec<(usize, usize, &'a [f32])>,
    grid: &'a Grid,
}

impl<'a> Tiled<'a> {
    pub(super) fn new(parts: &[(usize, usize)], values: &'a [Vec<f32>], grid: &'a Grid) -> Self {
        let parts = parts.iter().zip(values);
        Self { parts: parts.map(|(part, values)| (part.0, part.1, &**values)).collect(), grid }
    }

    /// Writes one channel of one image.
    pub(super) fn write(&self, image: usize, channel: usize, width: usize, out: &mut [f32]) {
        let Self { parts, grid } = self;
        let dilation = grid.dilation;
        let [begin, end] = [image, image + 1].map(|image| image * grid.tiles());
        for &(first, count, values) in parts {
            let (from, to) = (first.max(begin), (first + count).min(end));
            if from >= to {
                continue;
            }
            let values =
                &values[channel * SIDE * SIDE * count..(channel + 1) * SIDE * SIDE * count];
            for run in grid.runs(from - begin, to - from) {
                let at = run.tile + begin - first;
                let cols = &grid.cols[run.first..run.first + run.count];
                for (row, places) in values.chunks_exact(SIDE * count).enumerate() {
                    // The last tiles reach over the edge.
                    let row = (run.row + row * dilation) * width;
                    let Some(line) = out.get_mut(row..row + width) else { break };
                    let of_place = |col: usize| &places[col * count + at..][..run.count];
                    let done = match (dilation, cols.first()) {
                        // As many tiles as the dilation begin side by side: from the middle of these on, and
                        // with other dilations, those of each place are written by themselves.
                        (_, Some(start)) if !start.is_multiple_of(SIDE * dilation) => 0,
                        (1, Some(&start)) => interleave::<1>(of_place, &mut line[start..]),
                        (2, Some(&start)) => interleave::<2>(of_place, &mut line[start..]),
                        (4, Some(&start)) => interleave::<4>(of_place, &mut line[start..]),
                        _ => 0,
                    };
                    for col in 0..SIDE {
                        let (shift, values) = (col * dilation, of_place(col));
                        let starts = cols[done..].chunk_by(|start, next| start + 1 == *next);
                        let mut values = &values[done..];
                        for starts in starts {
                            let (own, others) = values.split_at(starts.len());
                            values = others;
                            // The last tiles reach over the edge.
                            let Some(to) = line.get_mut(starts[0] + shift..) else { break };
                            to.iter_mut().zip(own).for_each(|(to, value)| *to = *value);
                        }
                    }
                }
            }
        }
    }
}

/// Writes the columns of tiles that lie side by side: of each place `DILATION` values in turn. Gives how many
/// tiles are written; those that reach over the end of the line are not, and what is left of a place.
fn interleave<'v, const DILATION: usize>(
    of_place: impl Fn(usize) -> &'v [f32],
    line: &mut [f32],
) -> usize {
    let (line, _) = line.as_chunks_mut::<DILATION>();
    let (line, _) = line.as_chunks_mut::<SIDE>();
    let [a, b, c, d] = [0, 1, 2, 3].map(|col| of_place(col).as_chunks::<DILATION>().0);
    let written = line.len().min(a.len());
    for (to, (((a, b), c), d)) in line.iter_mut().zip(a.iter().zip(b).zip(c).zip(d)) {
        *to = [*a, *b, *c, *d];
    }
    written * DILATION
}

/// `Aᵀ·m·A` of a block's tiles, one output channel: from `[product][OUTPUTS][width]` to
/// `[place][count]`.
#[inline(always)]
pub(super) fn transform<S: Simd>(
    simd: S,
    products: &[f32],
    lane: usize,
    block: &Block,
    out: &mut [f32],
    count: usize,
    room: &mut [f32; ROOM],
) {
    let width = block.width;
    let (half, places) = room.split_at_mut(SIDE * REACH * LINE);
    let apart = REACH * OUTPUTS * width;
    for col in 0..REACH {
        let from = (col * OUTPUTS + lane) * width;
        lines(simd, products, [from, apart], half, [col * LINE, REACH * LINE], width);
    }
    for row in 0..SIDE {
        lines(simd, half, [row * REACH * LINE, LINE], places, [0, LINE], width);
        for (col, place) in places.chunks_exact(LINE).enumerate() {
            let to = (SIDE * row + col) * count + block.first;
            out[to..to + block.count].copy_from_slice(&place[..block.count]);
        }
    }
}

/// `Aᵀ` of six lines: the first one's place and the step to the next.
#[inline(always)]
fn lines<S: Simd>(
    simd: S,
    values: &[f32],
    [from, apart]: [usize; 2],
    into: &mut [f32],
    [to, step]: [usize; 2],
    width: usize,
) {
    let mut at = 0;
    while at < width {
        let made = four(simd, load_all::<S, _>(values, from + at, apart));
        for (index, made) in made.into_iter().enumerate() {
            store::<S>(into, to + index * step + at, made);
        }
        at += S::F32_LANES;
    }
}

/// `Aᵀ` of six values.
#[inline(always)]
pub(super) fn four<S: Simd>(simd: S, [m0, m1, m2, m3, m4, m5]: [S::f32s; 6]) -> [S::f32s; 4] {
    let two = simd.splat_f32s(2.0);
    let four = simd.splat_f32s(4.0);
    let eight = simd.splat_f32s(8.0);
    let (sum, difference) = (simd.add_f32s(m1, m2), simd.sub_f32s(m1, m2));
    let (far_sum, far_difference) = (simd.add_f32s(m3, m4), simd.sub_f32s(m3, m4));
    [
        simd.add_f32s(m0, simd.add_f32s(sum, far_sum)),
        simd.mul_add_f32s(two, far_difference, difference),
        simd.mul_add_f32s(four, far_sum, sum),
        simd.add_f32s(simd.mul_add_f32s(eight, far_difference, difference), m5),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wherever a task begins and however wide the line is, each value gets to its place.
    #[test]
    fn every_tile_is_written_to_its_place() {
        for (dilation, width, part) in
            (1..=5).flat_map(|d| (1..40).flat_map(move |w| [1, 5, 16].map(|part| (d, w, part))))
        {
            let height = 6;
            let grid = Grid::new([height, width], dilation);
            let tiles = 2 * grid.tiles();
            let parts: Vec<_> =
                (0..tiles).step_by(part).map(|first| (first, part.min(tiles - first))).collect();
            // What is at (place in the tile, tile) says which tile and place it is.
            let number = |place: usize, tile: usize| (tile * SIDE * SIDE + place + 1) as f32;
            let values = parts.iter().map(|&(first, count)| {
                let places = 0..SIDE * SIDE;
                places
                    .flat_map(|place| (0..count).map(move |at| number(place, first + at)))
                    .collect()
            });
            let values: Vec<Vec<f32>> = values.collect();
            let tiled = Tiled::new(&parts, &values, &grid);
            for image in 0..2 {
                let mut expected = vec![0.0; height * width];
                for (tile, (row, col)) in grid
                    .rows
                    .iter()
                    .flat_map(|row| grid.cols.iter().map(move |col| (row, col)))
                    .enumerate()
                {
                    for place in 0..SIDE * SIDE {
                        let row = row + place / SIDE * dilation;
                        let col = col + place % SIDE * dilation;
                        if row < height && col < width {
                            expected[row * width + col] =
                                number(place, image * grid.tiles() + tile);
                        }
                    }
                }
                let mut out = vec![0.0; height * width];
                tiled.write(image, 0, width, &mut out);
                assert_eq!(out, expected, "{dilation} {width} {part} {image}");
            }
        }
    }
}
