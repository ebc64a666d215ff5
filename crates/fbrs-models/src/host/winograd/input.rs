//! The transformed input, `Bᵀ·d·B`.

use rayon::prelude::*;

use super::super::Planes;
use super::grid::{Grid, Run, start_positions};
use super::task::Task;
use super::{BLOCK, PRODUCTS};

/// The input, its rows split in two: values at `start - dilation` and at `start` for every start
/// of a tile, so that a tile's four columns are `even[k], odd[k], even[k + dilation],
/// odd[k + dilation]`. There are `dilation` rows of zeros above and `2·dilation` below.
pub(super) struct Compact {
    pub(super) values: Vec<f32>,
    /// Length of a half row.
    pub(super) half: usize,
    /// Length of a channel.
    pub(super) plane: usize,
    pub(super) channels: usize,
}

impl Compact {
    pub(super) fn new(x: Planes<'_>, grid: &Grid) -> Self {
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

impl Task<'_> {
    /// `Bᵀ·d·B` of every tile: `[block][product][input][BLOCK]`.
    #[inline(always)]
    pub(super) fn transform(&self, into: &mut [f32]) {
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
