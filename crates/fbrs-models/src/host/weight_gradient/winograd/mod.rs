//! Wide 3×3 convolutions: the sums are made of Winograd's products, of which a tile of 4×4 outputs takes
//! 36 in place of 144.
//!
//! The convolution makes a tile as `Aᵀ·((G·g·Gᵀ) ⊙ (Bᵀ·d·B))·A`, so that the gradient with respect to the
//! weight `g` is `Gᵀ·(Σ (A·dy·Aᵀ) ⊙ (Bᵀ·d·B))·G`: the tiles are transformed (`transform`), each of the 36
//! products is a product of matrices that is summed over tiles, and what comes back is transformed once.
//!
//! Channels lie side by side, so that a dilated convolution is read as fast as any other: a tile's values
//! are one dilation apart from one another.

mod tiles;
mod transform;

use pulp::Arch;
use rayon::prelude::*;

use super::super::{HostShape, Planes};
use super::packed::Packed;
use super::product::{NARROW, TILE, TileTask, WIDE};
use super::windows::Segment;
use tiles::{Block, Grid};
use transform::{Gradients, Inputs, Transformed, Weights};

/// Outputs on a tile's side.
const SIDE: usize = 4;
/// Inputs on a tile's side.
const REACH: usize = SIDE + 2;
/// Products per tile.
const PRODUCTS: usize = REACH * REACH;
/// Tiles that are transformed as one piece of work.
const GROUP: usize = 32;
/// With fewer channels the transformations cost about what they save.
const LEAST: usize = 32;
/// Above this dilation most tiles reach over the edges.
const LARGEST_DILATION: usize = 8;
/// Values of the transformed tiles of a block, about.
const BLOCK: usize = 1 << 20;

/// Whether this is the faster way.
pub(super) fn serves(shape: &HostShape) -> bool {
    let HostShape { input, output, kernel, stride, padding, dilation, depthwise } = *shape;
    let square = (kernel, stride, padding, depthwise) == (3, 1, dilation, false);
    square && input.min(output) >= LEAST && dilation <= LARGEST_DILATION
}

pub(super) fn weight_gradient(x: Planes<'_>, dy: Planes<'_>, dilation: usize) -> Vec<f32> {
    let [batch, input, height, width] = x.dims;
    let output = dy.dims[1];
    let grid = Grid::new([height, width], dilation);
    let mut packed_x = Packed::new(input, WIDE);
    let mut packed_dy = Packed::new(output, WIDE);
    let mut transformed_x = Transformed::new(input);
    let mut transformed_dy = Transformed::new(output);
    let panels = packed_x.panels();
    let pieces = output.div_ceil(NARROW);
    // `[product][piece of outputs][panel of inputs]`.
    let mut sums = vec![0.0f32; PRODUCTS * pieces * panels * TILE];
    // As many that a block's sums are not more than its tiles.
    let least = GROUP.max(input * output / (input + output));
    let tiles = (BLOCK / (PRODUCTS * (input + output))).max(least);
    for block in grid.blocks(batch, tiles) {
        let Block { images, source, lines, .. } = &block;
        packed_x.fill(x, images.clone(), source.clone(), grid.lay_x(), WIDE);
        packed_dy.fill(dy, images.clone(), lines.clone(), grid.lay_dy(), WIDE);
        transformed_x.fill::<Inputs, REACH>(&packed_x, &grid, &block);
        transformed_dy.fill::<Gradients, SIDE>(&packed_dy, &grid, &block);
        let segments: Vec<Vec<Segment>> = (0..PRODUCTS)
            .map(|product| {
                let groups = (0..block.tiles()).step_by(GROUP).enumerate();
                let groups = groups.map(|(group, first)| {
                    let at = (group * PRODUCTS + product) * GROUP;
                    Segment { x: at, dy: at, count: GROUP.min(block.tiles() - first) }
                });
                groups.collect()
            })
            .collect();
        sums.par_chunks_mut(TILE).enumerate().for_each(|(index, sums)| {
            let (place, panel) = (index / panels, index % panels);
            let (product, piece) = (place / pieces, place % pieces);
            let Some(segments) = segments.get(product) else { return };
            let first = piece * NARROW;
            let dy = transformed_dy.side(first / WIDE, first % WIDE);
            let x = transformed_x.side(panel, 0);
            let wide = packed_x.channels_of(panel).len();
            let narrow = NARROW.min(output - first);
            let (stride, swapped) = (1, false);
            Arch::new().dispatch(TileTask { x, dy, stride, swapped, segments, wide, narrow, sums });
        });
    }
    let mut weight = vec![0.0f32; output * input * 9];
    let outputs = weight.par_chunks_mut(NARROW * input * 9).enumerate();
    outputs.for_each(|(piece, weight)| {
        for panel in 0..panels {
            let first = packed_x.channels_of(panel).start;
            let (from, apart) = ((piece * panels + panel) * TILE, pieces * panels * TILE);
            let task = Weights { sums: &sums, from, apart, weight: &mut *weight, input, first };
            Arch::new().dispatch(task);
        }
    });
    weight
}
