//! The inner loops: some output channels at some consecutive positions, held in registers while all
//! input channels and taps are added up.

use pulp::{Arch, Simd, WithSimd};

use super::padded::{Padded, Tap};
use super::{Finish, within};

/// Output channels of a tile.
pub(super) const OUTPUTS: usize = 8;
/// Vectors of positions that are computed at once.
pub(super) const VECTORS: usize = 3;
/// Positions of a tile: as many as the widest vectors hold.
pub(super) const POSITIONS: usize = VECTORS * 16;
/// How much of the input is gathered at once, in values: it stays in the core's own cache while all
/// output channels read it.
const GATHERED: usize = 160 * 1024;
/// How many products are added up one after the other, about.
pub(super) const RUN: usize = 128;
/// Taps closer than this to one another are gathered as one piece.
const NEAR: usize = 64;

/// Computes consecutive output channels of one image.
pub(super) struct OutputTask<'a> {
    pub(super) padded: &'a Padded<'a>,
    pub(super) image: usize,
    pub(super) channels: usize,
    /// `[tile][channel · tap][OUTPUTS]`.
    pub(super) weight: &'a [f32],
    pub(super) bias: &'a [f32],
    pub(super) finish: Finish<'a>,
    /// `[outputs, height, width]`.
    pub(super) out: &'a mut [f32],
}

impl OutputTask<'_> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

/// A piece of a channel that some taps read, and where it is gathered to.
struct Piece {
    from: usize,
    length: usize,
    to: usize,
}

/// What one tile of positions reads of a channel.
struct Plan {
    pieces: Vec<Piece>,
    /// Where each tap reads, within a gathered channel.
    taps: Vec<usize>,
    /// Length of a gathered channel.
    channel: usize,
}

impl Plan {
    fn new(taps: &[Tap], step: usize) -> Self {
        let mut sorted: Vec<usize> = taps.iter().map(|tap| tap.offset).collect();
        sorted.sort_unstable();
        let mut pieces: Vec<Piece> = Vec::new();
        let mut channel = 0;
        for tap in sorted {
            match pieces.last_mut().filter(|piece| tap <= piece.from + piece.length - step + NEAR) {
                Some(piece) => piece.length = tap - piece.from + step,
                None => pieces.push(Piece { from: tap, length: step, to: 0 }),
            }
        }
        for piece in &mut pieces {
            piece.to = channel;
            channel += piece.length;
        }
        let gathered = |tap: &Tap| {
            let piece = pieces.iter().rfind(|piece| piece.from <= tap.offset);
            piece.map_or(0, |piece| piece.to + tap.offset - piece.from)
        };
        let taps = taps.iter().map(gathered).collect();
        Self { pieces, taps, channel }
    }

    /// The taps that read the image somewhere at the positions from `from` on: (where, which).
    fn active(&self, padded: &Padded<'_>, from: usize, step: usize) -> Vec<(usize, usize)> {
        let lines = from / padded.row..(from + step - 1) / padded.row + 1;
        let reads = |tap: &Tap| tap.lines.start < lines.end && lines.start < tap.lines.end;
        let taps = self.taps.iter().enumerate().zip(&padded.taps);
        taps.filter(|(_, tap)| reads(tap)).map(|((which, at), _)| (*at, which)).collect()
    }

    /// Copies what the groups of `step` positions from `from` on read of every channel:
    /// `[group][channel]`. A channel is read once for all groups.
    fn gather(&self, task: &OutputTask<'_>, from: usize, step: usize, into: &mut [f32]) {
        let padded = task.padded;
        let group = (task.channels * self.channel).max(1);
        for channel in 0..task.channels {
            let base = task.image * padded.image + channel * padded.channel + from;
            for (index, into) in into.chunks_exact_mut(group).enumerate() {
                let into = &mut into[channel * self.channel..(channel + 1) * self.channel];
                for piece in &self.pieces {
                    let start = base + index * step + piece.from;
                    // Behind the last position there is nothing to read, and nothing is made of it.
                    let length = piece.length.min(padded.values.len().saturating_sub(start));
                    into[piece.to..piece.to + length]
                        .copy_from_slice(&padded.values[start..start + length]);
                }
            }
        }
    }
}

impl WithSimd for OutputTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let step = VECTORS * S::F32_LANES;
        let plan = Plan::new(&self.padded.taps, step);
        let gathered = self.channels * plan.channel;
        let groups = (GATHERED / gathered.max(1)).clamp(1, 8);
        let mut input = vec![0.0f32; groups * gathered];
        let mut sums = [0.0f32; OUTPUTS * POSITIONS];
        let per_tile = self.channels * plan.taps.len() * OUTPUTS;
        let positions = self.padded.positions;
        for block in (0..positions).step_by(groups * step) {
            let starts = || (block..positions).step_by(step).take(groups);
            let count = starts().len();
            plan.gather(&self, block, step, &mut input[..count * gathered]);
            let active: Vec<_> =
                starts().map(|from| plan.active(self.padded, from, step)).collect();
            for (tile, weight) in self.weight.chunks_exact(per_tile.max(1)).enumerate() {
                let inputs = input.chunks_exact(gathered.max(1)).zip(&active);
                for (from, (input, taps)) in starts().zip(inputs) {
                    let input = Input { values: input, channel: plan.channel, taps };
                    accumulate_tile(simd, &input, weight, 0, &mut sums);
                    self.store(tile, &sums, from, step);
                }
            }
        }
    }
}

/// What one tile of positions reads.
pub(super) struct Input<'a> {
    pub(super) values: &'a [f32],
    /// Length of a channel.
    pub(super) channel: usize,
    /// (where in a channel, which tap).
    pub(super) taps: &'a [(usize, usize)],
}

/// Adds up all outputs of a tile, over all channels and taps, into `[OUTPUTS][POSITIONS]` from position
/// `to` on.
#[inline(always)]
pub(super) fn accumulate_tile<S: Simd>(
    simd: S,
    input: &Input<'_>,
    weight: &[f32],
    to: usize,
    tile: &mut [f32],
) {
    // Wide vectors come with twice as many registers.
    if S::F32_LANES >= 16 {
        accumulate::<S, 8>(simd, input, weight, [0, to], tile);
    } else {
        accumulate::<S, 4>(simd, input, weight, [0, to], tile);
        accumulate::<S, 4>(simd, input, weight, [4, to], tile);
    }
}

/// Adds up `COUNT` outputs from `first` on, over all channels and taps, into `[OUTPUTS][POSITIONS]`
/// from position `to` on.
///
/// Products are added up in runs, and the runs' sums after that: rounding grows with the length of
/// a sum, and a search through a network follows its rounding.
#[inline(always)]
fn accumulate<S: Simd, const COUNT: usize>(
    simd: S,
    input: &Input<'_>,
    weight: &[f32],
    [first, to]: [usize; 2],
    tile: &mut [f32],
) {
    let step = VECTORS * S::F32_LANES;
    let channels = input.values.len() / input.channel;
    let per_channel = (weight.len() / channels.max(1)).max(1);
    let run = (RUN / input.taps.len().max(1)).max(1);
    let inputs = input.values.chunks(run * input.channel);
    for (index, (values, weight)) in inputs.zip(weight.chunks(run * per_channel)).enumerate() {
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; COUNT];
        let channels = values.chunks_exact(input.channel).zip(weight.chunks_exact(per_channel));
        // The loop over a single tap would cost as much as its products.
        if let &[(at, which)] = input.taps {
            for (channel, weight) in channels {
                let weight = &weight[which * OUTPUTS + first..which * OUTPUTS + first + COUNT];
                add_products::<S, COUNT>(simd, &channel[at..at + step], weight, &mut sums);
            }
        } else {
            for (channel, weight) in channels {
                for &(at, which) in input.taps {
                    let weight = &weight[which * OUTPUTS + first..which * OUTPUTS + first + COUNT];
                    add_products::<S, COUNT>(simd, &channel[at..at + step], weight, &mut sums);
                }
            }
        }
        for (out, sums) in tile.chunks_exact_mut(POSITIONS).skip(first).zip(&sums) {
            let (out, _) = S::as_mut_simd_f32s(&mut out[to..to + step]);
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = if index == 0 { *sum } else { simd.add_f32s(*out, *sum) };
            }
        }
    }
}

#[inline(always)]
pub(super) fn add_products<S: Simd, const COUNT: usize>(
    simd: S,
    x: &[f32],
    weight: &[f32],
    sums: &mut [[S::f32s; VECTORS]; COUNT],
) {
    let (x, _) = S::as_simd_f32s(x);
    let x: [S::f32s; VECTORS] = [x[0], x[1], x[2]];
    for (sums, &weight) in sums.iter_mut().zip(weight) {
        let weight = simd.splat_f32s(weight);
        for (sum, &x) in sums.iter_mut().zip(&x) {
            *sum = simd.mul_add_f32s(weight, x, *sum);
        }
    }
}

impl OutputTask<'_> {
    /// Adds bias and addend and writes the positions that are not on padding.
    #[inline(always)]
    fn store(&mut self, tile: usize, sums: &[f32], from: usize, count: usize) {
        let (width, row) = (self.padded.out_width, self.padded.row);
        let plane = self.padded.out_height * width;
        let range = self.finish.range();
        let end = (from + count).min(self.padded.positions);
        let mut at = from;
        while at < end {
            let (line, col) = (at / row, at % row);
            let next = ((line + 1) * row).min(end);
            if col < width {
                let length = (next - at).min(width - col);
                let outs = self.out.chunks_exact_mut(plane).enumerate().skip(tile * OUTPUTS);
                let bias = self.bias.iter().skip(tile * OUTPUTS);
                let sums = sums.chunks_exact(POSITIONS);
                for (((channel, out), sums), bias) in outs.zip(sums).zip(bias) {
                    let place = line * width + col..line * width + col + length;
                    let sums = &sums[at - from..at - from + length];
                    let to = &mut out[place.clone()];
                    match self.finish.addend {
                        None => to
                            .iter_mut()
                            .zip(sums)
                            .for_each(|(to, sum)| *to = within(range, sum + bias)),
                        Some(addend) => {
                            let addend = &addend[channel * plane..][place];
                            to.iter_mut()
                                .zip(sums)
                                .zip(addend)
                                .for_each(|((to, sum), a)| *to = within(range, sum + bias + a));
                        }
                    }
                }
            }
            at = next;
        }
    }
}
