//! What some consecutive positions read of a channel, and how it lies when it was gathered: taps beside one another
//! share a piece of the image, taps apart have one each, side by side, so that channels and taps are one loop.

use std::ops::Range;

use pulp::Simd;

use super::super::padded::{Padded, Tap};
use super::super::registers::{OUTPUTS, step};
use super::sum::{Input, RUN};

/// How much of the input is gathered at once, in values: it stays in the core's own cache while all
/// output channels read it.
const GATHERED: usize = 160 * 1024;
/// Groups of positions that are gathered at once where the channels are divided, at most: each weight is read once
/// for all of them.
const DIVIDED_GROUPS: usize = 12;
/// Taps closer than this to one another are gathered as one piece.
const NEAR: usize = 64;

/// A piece of a channel that some taps read, and where it is gathered to.
struct Piece {
    from: usize,
    length: usize,
    to: usize,
}

/// What one tile of positions reads of a channel.
pub(super) struct Plan {
    pieces: Vec<Piece>,
    /// Where each tap reads, within a gathered channel.
    taps: Vec<usize>,
    /// Length of a gathered channel.
    pub(super) channel: usize,
    /// Channels whose products are added up one after the other.
    pub(super) run: usize,
    /// The taps that read, of several, if each is gathered by itself and all of them read everywhere: channels and
    /// taps are then alike, and there is no loop over taps within that over channels.
    apart: Option<Vec<usize>>,
}

impl Plan {
    pub(super) fn new(taps: &[Tap], lines: &Range<usize>, step: usize) -> Self {
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
        let is_apart = taps.len() > 1 && !reading.is_empty() && pieces.len() == reading.len();
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
    pub(super) fn active(
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
    pub(super) fn gather<S: Simd>(
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

    pub(super) fn is_apart(&self) -> bool {
        self.apart.is_some()
    }

    /// How many weights of so many channels are packed.
    pub(super) fn packed(&self, channels: usize) -> usize {
        self.apart.as_ref().map_or(0, |apart| channels * apart.len() * OUTPUTS)
    }

    /// The weights that the gathered values take, of those of so many channels, `[channel][tap][OUTPUTS]`.
    pub(super) fn weight<'a>(
        &self,
        weight: &'a [f32],
        channels: usize,
        packed: &'a mut [f32],
    ) -> &'a [f32] {
        let Some(apart) = &self.apart else { return weight };
        let (from, _) = weight.as_chunks::<OUTPUTS>();
        let (to, _) = packed.as_chunks_mut::<OUTPUTS>();
        for (to, from) in to.chunks_exact_mut(apart.len()).zip(from.chunks_exact(self.taps.len())) {
            to.iter_mut().zip(apart).for_each(|(to, &which)| *to = from[which]);
        }
        &packed[..self.packed(channels)]
    }

    /// The gathered values of a group, as they are added up. `taps`: the active ones.
    pub(super) fn input<'a>(
        &self,
        values: &'a [f32],
        taps: &'a [(usize, usize)],
        step: usize,
    ) -> Input<'a> {
        match &self.apart {
            Some(apart) => {
                Input { values, channel: step, taps: &[(0, 0)], run: self.run * apart.len() }
            }
            None => Input { values, channel: self.channel, taps, run: self.run },
        }
    }

    /// How much is gathered at once, of so many groups of positions: groups, and channels. No more than fits, and whole
    /// runs: so sums are cut at the same channels for any number of threads.
    pub(super) fn portion(&self, channels: usize, groups: usize) -> (usize, usize) {
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
