//! The inner loops: some output channels at some consecutive positions, held in registers while all
//! input channels and taps are added up.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::Finish;
use super::finish::finish;
use super::padded::{Padded, Tap};
use super::registers::{
    Group, OUTPUTS, POSITIONS, add_products, each_group, step, store_sums, vectors, vectors_of,
    weights_of,
};
use super::scratch::{Scratch, Use};

/// How much of the input is gathered at once, in values: it stays in the core's own cache while all
/// output channels read it.
const GATHERED: usize = 160 * 1024;
/// Groups of positions that are gathered at once where the channels are divided, at most: each weight is read once
/// for all of them.
const DIVIDED_GROUPS: usize = 12;
/// Up to so many tiles of outputs read the input where it lies: gathered for so few, it costs more than it
/// brings.
const READ_IN_PLACE: usize = 6;
/// How many products are added up one after the other, about.
pub(super) const RUN: usize = 128;
/// Taps closer than this to one another are gathered as one piece.
const NEAR: usize = 64;

/// Computes consecutive lines of all output channels of one image.
pub(super) struct OutputTask<'a, 'out> {
    /// The output's parts, side by side and one below the other.
    pub(super) parts: &'a [Padded<'a>],
    pub(super) image: usize,
    pub(super) channels: usize,
    /// `[tile][channel · tap][OUTPUTS]`.
    pub(super) weight: &'a [f32],
    pub(super) bias: &'a [f32],
    /// Of the whole image.
    pub(super) finish: Finish<'a>,
    /// Height and width of the output.
    pub(super) size: [usize; 2],
    pub(super) lines: Range<usize>,
    /// These lines of each output channel.
    pub(super) out: Vec<&'out mut [f32]>,
}

impl OutputTask<'_, '_> {
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
    /// Channels whose products are added up one after the other.
    run: usize,
    /// The taps that read, of several, if each is gathered by itself and all of them read everywhere: channels and
    /// taps are then alike, and there is no loop over taps within that over channels.
    apart: Option<Vec<usize>>,
}

impl Plan {
    fn new(taps: &[Tap], lines: &Range<usize>, step: usize) -> Self {
        let read = |tap: &Tap| !tap.lines.is_empty();
        let reading: Vec<usize> = (0..taps.len()).filter(|&which| read(&taps[which])).collect();
        // By all of them: which of them read padding at some positions depends on how lines are shared.
        let run = (RUN / reading.len().max(1)).max(1);
        let mut sorted: Vec<usize> = reading.iter().map(|&which| taps[which].offset).collect();
        sorted.sort_unstable();
        let mut pieces: Vec<Piece> = Vec::new();
        for tap in sorted {
            match pieces.last_mut().filter(|piece| tap <= piece.from + piece.length - step + NEAR) {
                Some(piece) => piece.length = tap - piece.from + step,
                None => pieces.push(Piece { from: tap, length: step, to: 0 }),
            }
        }
        let everywhere = |which: &usize| {
            let read = &taps[*which].lines;
            read.start <= lines.start && lines.end <= read.end
        };
        let is_apart = taps.len() > 1 && pieces.len() == reading.len();
        let apart = (is_apart && reading.iter().all(everywhere)).then_some(reading);
        if let Some(apart) = &apart {
            // In the order in which they are added up elsewhere.
            let order =
                |piece: &Piece| apart.iter().position(|&tap| taps[tap].offset == piece.from);
            pieces.sort_by_key(order);
        }
        let mut channel = 0;
        for piece in &mut pieces {
            piece.to = channel;
            channel += piece.length;
        }
        let gathered = |tap: &Tap| {
            let holds = |piece: &&Piece| {
                piece.from <= tap.offset && tap.offset + step <= piece.from + piece.length
            };
            pieces.iter().find(holds).map_or(0, |piece| piece.to + tap.offset - piece.from)
        };
        let taps = taps.iter().map(gathered).collect();
        Self { pieces, taps, channel, run, apart }
    }

    /// The taps that read the image somewhere at the positions from `from` on: (where, which). `in_place`:
    /// they are read in the image, and not where they are gathered.
    fn active(
        &self,
        padded: &Padded<'_>,
        from: usize,
        step: usize,
        in_place: bool,
    ) -> Vec<(usize, usize)> {
        let lines = from / padded.row..(from + step - 1) / padded.row + 1;
        let reads = |tap: &Tap| tap.lines.start < lines.end && lines.start < tap.lines.end;
        let taps = self.taps.iter().enumerate().zip(&padded.taps);
        taps.filter(|(_, tap)| reads(tap))
            .map(|((which, at), tap)| (if in_place { from + tap.offset } else { *at }, which))
            .collect()
    }

    /// Copies what the groups of `step` positions from `from` on read of some channels:
    /// `[group][channel]`. A channel is read once for all groups.
    #[inline(always)]
    fn gather<S: Simd>(
        &self,
        padded: &Padded<'_>,
        image: usize,
        channels: Range<usize>,
        [from, step]: [usize; 2],
        into: &mut [f32],
    ) {
        let group = (channels.len() * self.channel).max(1);
        for (place, channel) in channels.enumerate() {
            let base = image * padded.image + channel * padded.channel + from;
            for (index, into) in into.chunks_exact_mut(group).enumerate() {
                let into = &mut into[place * self.channel..(place + 1) * self.channel];
                for piece in &self.pieces {
                    let start = base + index * step + piece.from;
                    if piece.length == step && start + step <= padded.values.len() {
                        copy_group::<S>(&padded.values[start..], &mut into[piece.to..]);
                        continue;
                    }
                    // Behind the last position there is nothing to read, and nothing is made of it.
                    let length = piece.length.min(padded.values.len().saturating_sub(start));
                    into[piece.to..piece.to + length]
                        .copy_from_slice(&padded.values[start..start + length]);
                }
            }
        }
    }

    /// How much is gathered at once, of so many groups of positions: groups, and channels. No more than fits, and whole
    /// runs: so sums are cut at the same channels for any number of threads.
    fn portion(&self, channels: usize, groups: usize) -> (usize, usize) {
        let all = (channels * self.channel).max(1);
        if all <= GATHERED {
            return ((GATHERED / all).clamp(1, 8), channels.max(1));
        }
        let groups = groups.div_ceil(groups.div_ceil(DIVIDED_GROUPS));
        let fit = GATHERED / (groups * self.channel);
        (groups, (fit / self.run).max(1) * self.run)
    }
}

/// Copies a group's positions: a length that is known when it is compiled.
#[inline(always)]
fn copy_group<S: Simd>(from: &[f32], to: &mut [f32]) {
    to[..step::<S>()].copy_from_slice(&from[..step::<S>()]);
}

/// The weights of some taps, of all: `[channel][tap][OUTPUTS]`.
fn pack<'a>(
    weight: &[f32],
    [taps, channels]: [usize; 2],
    which: &[usize],
    into: &'a mut [f32],
) -> &'a [f32] {
    let (from, _) = weight.as_chunks::<OUTPUTS>();
    let (to, _) = into.as_chunks_mut::<OUTPUTS>();
    for (to, from) in to.chunks_exact_mut(which.len()).zip(from.chunks_exact(taps)) {
        to.iter_mut().zip(which).for_each(|(to, &which)| *to = from[which]);
    }
    &into[..channels * which.len() * OUTPUTS]
}

impl WithSimd for OutputTask<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for part in self.parts {
            let first = self.lines.start.max(part.corner[0]);
            let end = self.lines.end.min(part.corner[0] + part.out_height);
            if first < end {
                self.make(simd, part, first - part.corner[0]..end - part.corner[0]);
            }
        }
    }
}

impl OutputTask<'_, '_> {
    /// Makes lines of a part of the output.
    #[inline(always)]
    fn make<S: Simd>(&mut self, simd: S, padded: &Padded<'_>, lines: Range<usize>) {
        let step = step::<S>();
        let plan = Plan::new(&padded.taps, &lines, step);
        let per_channel = plan.taps.len() * OUTPUTS;
        let per_tile = (self.channels * per_channel).max(1);
        let tiles = self.weight.len() / per_tile;
        let start = lines.start * padded.row;
        let end = lines.end.saturating_sub(1) * padded.row + padded.out_width;
        let (groups, portion) = plan.portion(self.channels, (end - start).div_ceil(step));
        let mut room = Scratch::take(Use::Wide, groups * portion.min(self.channels) * plan.channel);
        // Where channels are divided, the sums of all tiles wait for the others.
        let is_divided = portion < self.channels;
        let apart = plan.apart.as_deref();
        let packed = apart.map_or(0, |apart| portion.min(self.channels) * apart.len() * OUTPUTS);
        let mut packed = vec![0.0f32; packed];
        let kept = if is_divided { tiles * groups } else { 1 };
        let mut sums = vec![0.0f32; kept * OUTPUTS * POSITIONS];
        let image = &padded.values[self.image * padded.image..][..padded.image];
        for block in (start..end).step_by(groups * step) {
            let starts = || (block..end).step_by(step).take(groups);
            let count = starts().count();
            let reads = padded.holds(block + count * step);
            // Taps apart are one loop where they are gathered, side by side.
            let in_place = tiles <= READ_IN_PLACE && !is_divided && reads && apart.is_none();
            let active: Vec<_> =
                starts().map(|from| plan.active(padded, from, step, in_place)).collect();
            for first in (0..self.channels).step_by(portion) {
                let channels = first..(first + portion).min(self.channels);
                let gathered = channels.len() * plan.channel;
                if !in_place {
                    let room = &mut room[..count * gathered];
                    plan.gather::<S>(padded, self.image, channels.clone(), [block, step], room);
                }
                let is_last = channels.end == self.channels;
                for (tile, weight) in self.weight.chunks_exact(per_tile).enumerate() {
                    let weight = &weight[channels.start * per_channel..channels.end * per_channel];
                    let outputs = self.bias.len() - tile * OUTPUTS;
                    let weight = match apart {
                        Some(apart) => {
                            pack(weight, [plan.taps.len(), channels.len()], apart, &mut packed)
                        }
                        None => weight,
                    };
                    for (group, (from, taps)) in starts().zip(&active).enumerate() {
                        let place = if is_divided { tile * groups + group } else { 0 };
                        let sums = &mut sums
                            [place * OUTPUTS * POSITIONS..(place + 1) * OUTPUTS * POSITIONS];
                        let values = match in_place {
                            true => image,
                            false => &room[group * gathered..(group + 1) * gathered],
                        };
                        let run = plan.run;
                        let input = match apart {
                            _ if in_place => Input { values, channel: padded.channel, taps, run },
                            Some(apart) => {
                                let run = run * apart.len();
                                Input { values, channel: step, taps: &[(0, 0)], run }
                            }
                            None => Input { values, channel: plan.channel, taps, run },
                        };
                        let left = (end - from).div_ceil(S::F32_LANES);
                        let made = [left.min(vectors::<S>()), outputs];
                        accumulate_tile(simd, &input, weight, sums, first > 0, made);
                        if is_last {
                            self.store(simd, padded, tile, sums, from..end.min(from + step));
                        }
                    }
                }
            }
        }
    }
}

/// What one tile of positions reads.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) values: &'a [f32],
    /// Length of a channel.
    pub(super) channel: usize,
    /// (where in a channel, which tap).
    pub(super) taps: &'a [(usize, usize)],
    /// Channels whose products are added up one after the other.
    pub(super) run: usize,
}

/// Adds up outputs of a tile, over all channels and taps, into `[OUTPUTS][POSITIONS]`; `adds`: to what is
/// there. `made`: how many vectors of positions, and outputs.
///
/// Products are added up in runs, and the runs' sums after that: rounding grows with the length of
/// a sum, and a search through a network follows its rounding. A run's input stays in the nearest cache for all
/// outputs.
#[inline(always)]
pub(super) fn accumulate_tile<S: Simd>(
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

impl OutputTask<'_, '_> {
    /// Adds bias and addend and writes the positions that are not on padding.
    #[inline(always)]
    fn store<S: Simd>(
        &mut self,
        simd: S,
        padded: &Padded<'_>,
        tile: usize,
        sums: &[f32],
        positions: Range<usize>,
    ) {
        let [height, full] = self.size;
        let plane = height * full;
        let above = self.lines.start * full;
        // Without padding a plane is one line.
        let (width, row, full) = match padded.out_width == padded.row && padded.row == full {
            true => (plane, plane, plane),
            false => (padded.out_width, padded.row, full),
        };
        let corner = padded.corner[0] * self.size[1] + padded.corner[1];
        let mut at = positions.start;
        while at < positions.end {
            let (line, col) = (at / row, at % row);
            let next = ((line + 1) * row).min(positions.end);
            if col < width {
                let length = (next - at).min(width - col);
                let start = corner + line * full + col;
                let place = start..start + length;
                let outs = self.out.iter_mut().enumerate().skip(tile * OUTPUTS);
                let bias = self.bias.iter().skip(tile * OUTPUTS);
                let sums = sums.chunks_exact(POSITIONS);
                let first = at - positions.start;
                for (((channel, out), sums), &bias) in outs.zip(sums).zip(bias) {
                    let of_channel = channel * plane + place.start..channel * plane + place.end;
                    let out = &mut out[place.start - above..place.end - above];
                    let sums = &sums[first..first + length];
                    finish(simd, sums, bias, self.finish.part(of_channel), out);
                }
            }
            at = next;
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::super::far::{self, Strips};
    use super::super::stencil::Stencil;
    use super::super::tests::noise;
    use super::super::{HostConv, HostShape, Planes, tiles};
    use super::*;

    /// Few outputs read the input where it lies, many where it was gathered: the same sums, to the bit.
    #[test]
    fn read_in_place_and_gathered_it_is_the_same() {
        // Eleven channels: of more, 3×3 is made otherwise.
        for (input, size, kernel, dilation) in [(11, [17, 50], 3, 1), (40, [9, 31], 1, 1)] {
            let (few, many) = (20, (READ_IN_PLACE + 1) * OUTPUTS);
            let padding = dilation * (kernel / 2);
            let weight = noise(many * input * kernel * kernel, 5);
            let bias = noise(many, 3);
            let values = noise(2 * input * size[0] * size[1], 7);
            let x = Planes { values: &values, dims: [2, input, size[0], size[1]] };
            let made = |output: usize| {
                let (stride, depthwise) = (1, false);
                let shape =
                    HostShape { input, output, kernel, stride, padding, dilation, depthwise };
                let weight = &weight[..output * input * kernel * kernel];
                let bias = Some(bias[..output].to_vec());
                HostConv::new(weight, bias, &shape).forward(x, size, Finish::default())
            };
            let (found, expected) = (made(few), made(many));
            let plane = size[0] * size[1];
            let images = found.chunks(few * plane).zip(expected.chunks(many * plane));
            for (found, expected) in images {
                assert!(found == &expected[..few * plane], "{input}");
            }
        }
    }

    /// On a processor with wide vectors the other tests run these kernels with them alone.
    #[test]
    fn narrow_vectors_give_what_wide_ones_give() {
        let Some(narrow) = pulp::x86::V3::try_new() else { return };
        // The last two have more than is gathered at once.
        for (input, output, size, kernel, dilation) in [
            (19, 21, [7, 50], 3, 1),
            (130, 8, [9, 31], 1, 1),
            (40, 3, [5, 5], 3, 2),
            (900, 19, [11, 13], 3, 12),
            (40, 19, [30, 29], 3, 12),
            (420, 9, [40, 42], 3, 12),
            (3500, 9, [7, 8], 1, 1),
        ] {
            let padding = dilation * (kernel / 2);
            let (stride, depthwise) = (1, false);
            let shape = HostShape { input, output, kernel, stride, padding, dilation, depthwise };
            let stencil = Stencil::new(&shape);
            let weight = noise(output * input * kernel * kernel, 5);
            let weight = tiles(&weight, input * stencil.taps.len());
            let values = noise(input * size[0] * size[1], 7);
            let x = Planes { values: &values, dims: [1, input, size[0], size[1]] };
            let strips = Strips::new(x, &stencil);
            let padded = match far::serves(&stencil, size, size) {
                true => strips.rectangles(&stencil),
                false => vec![Padded::new(x, &stencil, size, false)],
            };
            let bias = noise(output, 3);
            let made = |is_narrow: bool| {
                let mut out = vec![0.0f32; output * size[0] * size[1]];
                let task = OutputTask {
                    parts: &padded,
                    image: 0,
                    channels: input,
                    weight: &weight,
                    bias: &bias,
                    finish: Finish::default(),
                    size,
                    lines: 0..size[0],
                    out: out.chunks_mut(size[0] * size[1]).collect(),
                };
                match is_narrow {
                    true => Simd::vectorize(narrow, task),
                    false => Arch::new().dispatch(task),
                }
                out
            };
            let most = ((input * kernel * kernel) as f32).sqrt();
            for (found, expected) in made(true).iter().zip(made(false)) {
                assert!((found - expected).abs() < 1e-6 * most, "{input} {dilation}");
            }
        }
    }
}
