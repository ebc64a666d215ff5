//! The products of a few blocks of tiles.

use pulp::{Simd, WithSimd};

use super::super::tile::{Input, OUTPUTS, VECTORS, accumulate_tile};
use super::grid::Grid;
use super::input::Compact;
use super::output::gather_outputs;
use super::{BLOCK, PRODUCTS, Winograd};

/// Computes consecutive tiles of all output channels.
pub(super) struct Task<'a> {
    pub(super) winograd: &'a Winograd,
    pub(super) grid: &'a Grid,
    pub(super) compact: &'a Compact,
    pub(super) first: usize,
    pub(super) count: usize,
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
                        let input = Input { values, channel: BLOCK, taps: &[(at, 0)] };
                        accumulate_tile(simd, &input, weight, at, out);
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
