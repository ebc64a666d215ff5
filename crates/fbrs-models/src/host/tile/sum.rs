//! The sums of a tile, of some outputs at some consecutive positions, over all channels and taps.

use pulp::Simd;

use super::super::registers::{
    Group, OUTPUTS, POSITIONS, add_products, each_group, store_sums, vectors_of, weights_of,
};

/// How many products are added up one after the other, about.
pub(in super::super) const RUN: usize = 128;

/// What one tile of positions reads.
#[derive(Clone, Copy)]
pub(in super::super) struct Input<'a> {
    pub(in super::super) values: &'a [f32],
    /// Length of a channel.
    pub(in super::super) channel: usize,
    /// (where in a channel, which tap).
    pub(in super::super) taps: &'a [(usize, usize)],
    /// Channels whose products are added up one after the other.
    pub(in super::super) run: usize,
}

/// Adds up outputs of a tile, over all channels and taps, into `[OUTPUTS][POSITIONS]`; `adds`: to what is
/// there. `made`: how many vectors of positions, and outputs.
///
/// Products are added up in runs, and the runs' sums after that: rounding grows with the length of
/// a sum, and a search through a network follows its rounding. A run's input stays in the nearest cache for all
/// outputs.
#[inline(always)]
pub(in super::super) fn accumulate_tile<S: Simd>(
    simd: S,
    input: &Input<'_>,
    weight: &[f32],
    tile: &mut [f32],
    adds: bool,
    [vectors, outputs]: [usize; 2],
) {
    let Input { values, channel, taps, run } = *input;
    let channels = values.len() / channel;
    let per_channel = (weight.len() / channels.max(1)).max(1);
    let runs = values.chunks(run * channel).zip(weight.chunks(run * per_channel));
    for (index, (values, weight)) in runs.enumerate() {
        let input = Input { values, channel, taps, run };
        let mut run = Run { input, weight, per_channel, tile, adds: adds || index > 0 };
        each_group(simd, vectors, outputs, &mut run);
    }
}

/// Some channels of a tile.
struct Run<'a> {
    input: Input<'a>,
    weight: &'a [f32],
    /// Weights of a channel.
    per_channel: usize,
    tile: &'a mut [f32],
    adds: bool,
}

impl Group for Run<'_> {
    #[inline(always)]
    fn run<S: Simd, const N: usize, const COUNT: usize>(&mut self, simd: S, first: usize) {
        let Input { values, channel: length, taps, .. } = self.input;
        let mut sums = [[simd.splat_f32s(0.0); N]; COUNT];
        let weights = self.weight.chunks_exact(self.per_channel);
        let channels = values.chunks_exact(length).zip(weights);
        // The loop over a single tap would cost as much as its products.
        if let &[(at, which)] = taps {
            for (channel, weight) in channels {
                let x = vectors_of::<S, N>(&channel[at..]);
                let weight = weights_of(weight, which * OUTPUTS + first);
                add_products(simd, x, weight, &mut sums);
            }
        } else {
            for (channel, weight) in channels {
                for &(at, which) in taps {
                    let x = vectors_of::<S, N>(&channel[at..]);
                    let weight = weights_of(weight, which * OUTPUTS + first);
                    add_products(simd, x, weight, &mut sums);
                }
            }
        }
        let out = &mut self.tile[first * POSITIONS..];
        store_sums(simd, &sums, out, POSITIONS, self.adds);
    }
}
