//! The outputs, `Aᵀ·m·A`.

use super::grid::Grid;
use super::{BLOCK, PRODUCTS};

/// What the tasks computed: of every tile its four outputs.
pub(super) struct Quarters<'a> {
    /// Each `[output][quarter][BLOCK]`.
    blocks: Vec<&'a [f32]>,
    grid: &'a Grid,
}

impl<'a> Quarters<'a> {
    pub(super) fn new(tasks: &'a [Vec<f32>], grid: &'a Grid, outputs: usize) -> Self {
        let length = outputs * 4 * BLOCK;
        Self { blocks: tasks.iter().flat_map(|task| task.chunks_exact(length)).collect(), grid }
    }

    /// Writes one channel of one image.
    pub(super) fn write(&self, image: usize, channel: usize, width: usize, out: &mut [f32]) {
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

/// `Aᵀ·m·A` of every tile of one output channel: `[quarter][BLOCK]`.
#[inline(always)]
pub(super) fn gather_outputs(products: &[f32], channel: usize, out: &mut [f32]) {
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
