//! The input as the kernels read it.

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;

use super::depthwise::SLACK;
use super::stencil::Stencil;
use super::{Planes, zeros};

/// Input planes with zeros around them; or what a part of the output reads where it reads none (`far`).
///
/// With stride 1, the zeros behind a row are those before the next one. With a larger stride the
/// padded image is split into planes of every `stride`-th row and column, so that each tap reads
/// consecutive values.
///
/// Positions of the output, row after row with the padded row's width, are `0..positions`; tap `t`
/// of channel `c` reads position `i` at `c · channel + taps[t].offset + i`.
pub(super) struct Padded<'a> {
    pub(super) values: Cow<'a, [f32]>,
    pub(super) taps: Vec<Tap>,
    /// Distance between channels.
    pub(super) channel: usize,
    /// Distance between images.
    pub(super) image: usize,
    /// Width of a padded row.
    pub(super) row: usize,
    /// Where the output begins that is made of it: row and column.
    pub(super) corner: [usize; 2],
    pub(super) out_height: usize,
    pub(super) out_width: usize,
}

/// Where a tap of the kernel reads.
pub(super) struct Tap {
    /// Offset within a channel.
    pub(super) offset: usize,
    /// Lines of the output for which it reads the image rather than the padding above or below it.
    pub(super) lines: Range<usize>,
}

impl<'a> Padded<'a> {
    /// How many values it would hold, about.
    pub(super) fn length(dims: [usize; 4], stencil: &Stencil, size: [usize; 2]) -> usize {
        let [batch, channels, height, width] = dims;
        let [above, below] = padding(stencil, 0, height, size[0]);
        let [before, behind] = padding(stencil, 1, width, size[1]);
        batch * channels * (above + height + below) * (width + before.max(behind))
    }

    /// `size`: height and width of the output. With `slack`, there are values behind the last
    /// position.
    pub(super) fn new(x: Planes<'a>, stencil: &Stencil, size: [usize; 2], slack: bool) -> Self {
        let [batch, channels, height, width] = x.dims;
        let [out_height, out_width] = size;
        let stride = stencil.stride;
        let [above, below] = padding(stencil, 0, height, out_height);
        let [before, behind] = padding(stencil, 1, width, out_width);
        let Lines { row, lead } = Lines::new(stride, width, [before, behind]);
        let rows = (above + height + below).div_ceil(stride);
        let plane = lead + rows * row;
        let Phases { phases, taps } = Phases::new(stencil, [above as isize, before as isize], row);
        let taps = taps.into_iter().map(|tap| {
            let first = above.saturating_sub(tap.down).div_ceil(stride);
            let end = (height + above).saturating_sub(tap.down).div_ceil(stride);
            Tap { offset: tap.phase * plane + tap.offset, lines: first..end }
        });
        let taps = taps.collect();
        let channel = phases.len() * plane;
        let image = channels * channel;
        let values = if stride == 1 && above + below + before + behind == 0 && !slack {
            Cow::Borrowed(x.values)
        } else {
            let behind = if slack { SLACK } else { 0 };
            let mut values = zeros(batch * image + behind);
            let source = x.values.par_chunks((height * width).max(1));
            values.par_chunks_mut(channel.max(1)).zip(source).for_each(|(planes, source)| {
                if stride == 1 {
                    let start = lead + above * row;
                    let lines = planes.get_mut(start..).into_iter().flat_map(|p| p.chunks_mut(row));
                    for (line, source) in lines.zip(source.chunks(width)) {
                        line[..width].copy_from_slice(source);
                    }
                    return;
                }
                for (plane, phase) in planes.chunks_mut(plane.max(1)).zip(&phases) {
                    fill(plane, source, row, width, stride, [above, before], *phase);
                }
            });
            Cow::Owned(values)
        };
        Self { values, taps, channel, image, row, corner: [0, 0], out_height, out_width }
    }

    /// Number of positions of the output, those on padding counted.
    pub(super) fn positions(&self) -> usize {
        self.out_height.saturating_sub(1) * self.row + self.out_width
    }

    /// How many products an output channel takes per channel in a line.
    pub(super) fn work(&self, line: usize) -> usize {
        self.row * self.taps.iter().filter(|tap| tap.lines.contains(&line)).count()
    }

    /// Whether the positions up to `end`, which may be behind the last one, can be read where they are: within
    /// a channel, whatever the tap.
    pub(super) fn holds(&self, end: usize) -> bool {
        self.taps.iter().all(|tap| end + tap.offset <= self.channel)
    }
}

/// How lines lie one behind the other.
pub(super) struct Lines {
    /// Width of a padded line.
    pub(super) row: usize,
    /// Zeros before the first one.
    pub(super) lead: usize,
}

impl Lines {
    /// With stride 1, the zeros behind a line are those before the next one.
    pub(super) fn new(stride: usize, width: usize, [before, behind]: [usize; 2]) -> Self {
        match stride {
            1 => Self { row: width + before.max(behind), lead: before },
            _ => Self { row: (before + width + behind).div_ceil(stride), lead: 0 },
        }
    }
}

/// The planes of every `stride`-th row and column that some tap reads, and the taps in them.
pub(super) struct Phases {
    /// First row and column of each, in the padded image.
    pub(super) phases: Vec<(usize, usize)>,
    pub(super) taps: Vec<PhaseTap>,
}

pub(super) struct PhaseTap {
    /// Which plane it reads.
    pub(super) phase: usize,
    /// Where in that plane it reads the output's first position.
    pub(super) offset: usize,
    /// Its row in the padded image.
    pub(super) down: usize,
}

impl Phases {
    /// `padding`: rows above and columns before the image; `row`: width of a plane's line.
    pub(super) fn new(stencil: &Stencil, padding: [isize; 2], row: usize) -> Self {
        let stride = stencil.stride;
        let mut phases: Vec<(usize, usize)> = Vec::new();
        let taps = stencil.taps.iter().map(|&[vertical, horizontal]| {
            let down = (vertical + padding[0]).max(0) as usize;
            let right = (horizontal + padding[1]).max(0) as usize;
            let phase = (down % stride, right % stride);
            let known = phases.iter().position(|known| *known == phase);
            let index = known.unwrap_or_else(|| {
                phases.push(phase);
                phases.len() - 1
            });
            PhaseTap { phase: index, offset: (down / stride) * row + right / stride, down }
        });
        let taps = taps.collect();
        Self { phases, taps }
    }
}

/// Zeros that the taps read on either side of the image along one axis.
pub(super) fn padding(stencil: &Stencil, axis: usize, length: usize, output: usize) -> [usize; 2] {
    let taps = || stencil.taps.iter().filter_map(|tap| tap.get(axis).copied());
    let last = (output.saturating_sub(1) * stencil.stride) as isize;
    let first = taps().min().unwrap_or(0);
    let end = last + taps().max().unwrap_or(0) + 1;
    [(-first).max(0) as usize, (end - length as isize).max(0) as usize]
}

/// Copies every `stride`-th row and column of the padded image, from a phase on.
fn fill(
    plane: &mut [f32],
    source: &[f32],
    row: usize,
    width: usize,
    stride: usize,
    [above, before]: [usize; 2],
    (down, right): (usize, usize),
) {
    // First index whose padded position is not before the image.
    let top = above.saturating_sub(down).div_ceil(stride);
    let left = before.saturating_sub(right).div_ceil(stride);
    let source_row = |index: usize| index * stride + down - above;
    let source_left = left * stride + right - before;
    for (index, line) in plane.chunks_mut(row.max(1)).enumerate().skip(top) {
        let from = source_row(index) * width;
        let Some(source) = source.get(from..from + width) else { return };
        let Some(source) = source.get(source_left..) else { continue };
        let Some(line) = line.get_mut(left..) else { continue };
        match stride {
            2 => every::<2>(line, source),
            _ => line
                .iter_mut()
                .zip(source.iter().step_by(stride))
                .for_each(|(to, from)| *to = *from),
        }
    }
}

/// Copies every `STRIDE`-th value: whole steps, so that many are taken at once.
fn every<const STRIDE: usize>(line: &mut [f32], source: &[f32]) {
    let (steps, rest) = source.as_chunks::<STRIDE>();
    line.iter_mut().zip(steps).for_each(|(to, step)| *to = step[0]);
    if let (Some(to), Some(from)) = (line.get_mut(steps.len()), rest.first()) {
        *to = *from;
    }
}
