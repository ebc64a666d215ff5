//! The inner loops: some output channels at some consecutive positions, held in registers while all
//! input channels and taps are added up (`sum`). What they read is mostly gathered before (`plan`), so that it lies
//! side by side near the core while all outputs read it.

mod plan;
mod sum;

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::Finish;
use super::finish::finish;
use super::padded::Padded;
use super::registers::{OUTPUTS, POSITIONS, step, vectors};
use super::scratch::{Scratch, Use};

use plan::Plan;
pub(super) use sum::{Input, RUN, accumulate_tile};

/// Up to so many tiles of outputs read the input where it lies: gathered for so few, it costs more than it
/// brings.
const READ_IN_PLACE: usize = 6;

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
        let per_channel = padded.taps.len() * OUTPUTS;
        let per_tile = (self.channels * per_channel).max(1);
        let tiles = self.weight.len() / per_tile;
        let start = lines.start * padded.row;
        let end = lines.end.saturating_sub(1) * padded.row + padded.out_width;
        let (groups, portion) = plan.portion(self.channels, (end - start).div_ceil(step));
        let together = portion.min(self.channels);
        let mut room = Scratch::take(Use::Wide, groups * together * plan.channel);
        let mut packed = Scratch::take(Use::Packed, plan.packed(together));
        // Where channels are divided, the sums of all tiles wait for the others.
        let is_divided = portion < self.channels;
        let kept = if is_divided { tiles * groups } else { 1 };
        let mut sums = Scratch::take(Use::Middle, kept * OUTPUTS * POSITIONS);
        let image = &padded.values[self.image * padded.image..][..padded.image];
        for block in (start..end).step_by(groups * step) {
            let starts = || (block..end).step_by(step).take(groups);
            let count = starts().count();
            let reads = padded.holds(block + count * step);
            // Taps apart are one loop where they are gathered, side by side.
            let in_place = tiles <= READ_IN_PLACE && !is_divided && reads && !plan.is_apart();
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
                    let weight = plan.weight(weight, channels.len(), &mut packed);
                    for (group, (from, taps)) in starts().zip(&active).enumerate() {
                        let place = if is_divided { tile * groups + group } else { 0 };
                        let sums = &mut sums
                            [place * OUTPUTS * POSITIONS..(place + 1) * OUTPUTS * POSITIONS];
                        let input = if in_place {
                            Input { values: image, channel: padded.channel, taps, run: plan.run }
                        } else {
                            let values = &room[group * gathered..(group + 1) * gathered];
                            plan.input(values, taps, step)
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
