//! What is done of some tiles.

use pulp::{Simd, WithSimd};

use super::super::registers::OUTPUTS;
use super::super::scratch::{Scratch, Use};
use super::grid::Grid;
use super::input::Source;
use super::output;
use super::product::{BETWEEN, Block, multiply};
use super::{PRODUCTS, SIDE, Winograd, weight};

/// Values of transformed weights that are multiplied with one block after the other.
const GROUP: usize = 640 * 1024;

/// Computes consecutive tiles of all output channels.
pub(super) struct Task<'a> {
    pub(super) winograd: &'a Winograd,
    /// `[output tile][input][tap][OUTPUTS]`.
    pub(super) weight: &'a [f32],
    pub(super) grid: &'a Grid,
    pub(super) source: &'a Source<'a>,
    /// Channels that are transformed at once.
    pub(super) portion: usize,
    pub(super) first: usize,
    pub(super) count: usize,
}

impl WithSimd for Task<'_> {
    /// `[output][place in a tile][tile]`.
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let Winograd { input, output, .. } = *self.winograd;
        let portion = self.portion.min(input);
        let blocks: Vec<Block> = Block::all::<S>(self.count).collect();
        let widths: usize = blocks.iter().map(|block| block.width).sum();
        let tiles = output.div_ceil(OUTPUTS);
        let group = (GROUP / (PRODUCTS * portion * OUTPUTS)).clamp(1, tiles);
        // Where channels are divided, the sums of all outputs wait for the others.
        let kept = if portion < input { tiles } else { group };
        let values: usize = blocks.iter().map(|block| PRODUCTS * block.product(portion)).sum();
        let mut transformed = Scratch::take(Use::Wide, values);
        let mut weights =
            Scratch::take(Use::Packed, group * PRODUCTS * (portion * OUTPUTS + BETWEEN));
        let mut products = Scratch::take(Use::Middle, kept * PRODUCTS * OUTPUTS * widths);
        let mut out = vec![0.0f32; output * SIDE * SIDE * self.count];
        let per_output = SIDE * SIDE * self.count;
        let mut room = [0.0f32; output::ROOM];
        for first in (0..input).step_by(portion) {
            let channels = first..(first + portion).min(input);
            let mut rest = &mut *transformed;
            for block in &blocks {
                let (own, others) = rest.split_at_mut(PRODUCTS * block.product(channels.len()));
                self.transform(simd, block, channels.clone(), own);
                rest = others;
            }
            let of_product = channels.len() * OUTPUTS + BETWEEN;
            let of_tile = PRODUCTS * of_product;
            let per_tile = input * 9 * OUTPUTS;
            let kernels = self.weight.chunks(group * per_tile).enumerate();
            for ((index, kernels), out) in kernels.zip(out.chunks_mut(group * OUTPUTS * per_output))
            {
                let kernels = kernels.chunks_exact(per_tile);
                let count = kernels.len();
                for (kernels, weights) in kernels.zip(weights.chunks_exact_mut(of_tile)) {
                    let kernels =
                        &kernels[channels.start * 9 * OUTPUTS..channels.end * 9 * OUTPUTS];
                    weight::transform(kernels, weights, of_product);
                }
                let mut from = 0;
                let kept = if portion < input { index * group } else { 0 };
                let mut to = kept * PRODUCTS * OUTPUTS * widths;
                for block in &blocks {
                    let per_product = block.product(channels.len());
                    let values = &transformed[from..from + PRODUCTS * per_product];
                    let made = &mut products[to..to + count * PRODUCTS * OUTPUTS * block.width];
                    from += values.len();
                    to += made.len();
                    for (product, values) in values.chunks_exact(per_product).enumerate() {
                        let values = &values[..channels.len() * block.width];
                        for tile in 0..count {
                            let weight = tile * of_tile + product * of_product;
                            let weight = &weights[weight..weight + channels.len() * OUTPUTS];
                            let at = (tile * PRODUCTS + product) * OUTPUTS * block.width;
                            let made = &mut made[at..at + OUTPUTS * block.width];
                            multiply(simd, values, weight, made, block.width, first > 0);
                        }
                    }
                    if channels.end < input {
                        continue;
                    }
                    for (channel, out) in out.chunks_exact_mut(per_output).enumerate() {
                        let (tile, lane) = (channel / OUTPUTS, channel % OUTPUTS);
                        let made = &made[tile * PRODUCTS * OUTPUTS * block.width..];
                        output::transform(simd, made, lane, block, out, self.count, &mut room);
                    }
                }
            }
        }
        out
    }
}
