//! What is done of some tiles.

use pulp::{Simd, WithSimd};

use super::super::registers::OUTPUTS;
use super::super::scratch::{Scratch, Use};
use super::grid::Grid;
use super::input::Compact;
use super::output;
use super::product::{Block, multiply};
use super::{PRODUCTS, SIDE, Winograd, weight};

/// Values of transformed weights that are multiplied with one block after the other.
const GROUP: usize = 640 * 1024;

/// Computes consecutive tiles of all output channels.
pub(super) struct Task<'a> {
    pub(super) winograd: &'a Winograd,
    pub(super) grid: &'a Grid,
    pub(super) compact: &'a Compact,
    pub(super) first: usize,
    pub(super) count: usize,
}

impl WithSimd for Task<'_> {
    /// `[output][place in a tile][tile]`.
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let Winograd { weight, input, output, .. } = self.winograd;
        let (input, output) = (*input, *output);
        let blocks: Vec<Block> = Block::all::<S>(self.count).collect();
        let widths: usize = blocks.iter().map(|block| block.width).sum();
        let mut transformed = Scratch::take(Use::Wide, PRODUCTS * input * widths);
        let mut rest = &mut *transformed;
        for block in &blocks {
            let (own, others) = rest.split_at_mut(PRODUCTS * input * block.width);
            self.transform(simd, block, own);
            rest = others;
        }
        let tiles = output.div_ceil(OUTPUTS);
        let group = (GROUP / (PRODUCTS * input * OUTPUTS)).clamp(1, tiles);
        let mut weights = Scratch::take(Use::Packed, group * PRODUCTS * input * OUTPUTS);
        let mut products = Scratch::take(Use::Middle, group * PRODUCTS * OUTPUTS * widths);
        let mut out = vec![0.0f32; output * SIDE * SIDE * self.count];
        let per_output = SIDE * SIDE * self.count;
        let mut room = [0.0f32; output::ROOM];
        let kernels = weight.chunks(group * input * 9 * OUTPUTS);
        for (kernels, out) in kernels.zip(out.chunks_mut(group * OUTPUTS * per_output)) {
            let of_tile = PRODUCTS * input * OUTPUTS;
            let kernels = kernels.chunks_exact(input * 9 * OUTPUTS);
            let count = kernels.len();
            for (kernels, weights) in kernels.zip(weights.chunks_exact_mut(of_tile)) {
                weight::transform(kernels, weights, input * OUTPUTS);
            }
            let mut from = 0;
            let mut to = 0;
            for block in &blocks {
                let values = &transformed[from..from + PRODUCTS * input * block.width];
                let made = &mut products[to..to + count * PRODUCTS * OUTPUTS * block.width];
                from += values.len();
                to += made.len();
                for (product, values) in values.chunks_exact(input * block.width).enumerate() {
                    for tile in 0..count {
                        let weight = tile * of_tile + product * input * OUTPUTS;
                        let weight = &weights[weight..weight + input * OUTPUTS];
                        let at = (tile * PRODUCTS + product) * OUTPUTS * block.width;
                        let made = &mut made[at..at + OUTPUTS * block.width];
                        multiply(simd, values, weight, made, block.width);
                    }
                }
                for (channel, out) in out.chunks_exact_mut(per_output).enumerate() {
                    let (tile, lane) = (channel / OUTPUTS, channel % OUTPUTS);
                    let made = &made[tile * PRODUCTS * OUTPUTS * block.width..];
                    output::transform(simd, made, lane, block, out, self.count, &mut room);
                }
            }
        }
        out
    }
}
