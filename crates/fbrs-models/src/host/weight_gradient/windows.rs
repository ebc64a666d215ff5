//! Which inputs the taps read, as runs of positions.

use std::ops::Range;

use super::super::HostShape;

/// Taps of one row that lie side by side in memory: one, or, where these are neighbors, all of a row.
pub(super) struct Window {
    /// The first one, in the order of the weight.
    pub(super) tap: usize,
    /// Its row, relative to the output's row times the stride.
    down: isize,
    /// The lines and columns of the output for which it reads the image, or zeros beside it.
    lines: Range<usize>,
    cols: Range<usize>,
    /// Where it reads for the first of these columns, in a laid-down row.
    first: usize,
}

/// How a convolution's input is laid down, and who reads it.
pub(super) struct Windows {
    pub(super) windows: Vec<Window>,
    /// Taps of a window.
    pub(super) taps: usize,
    /// Zeros before each row.
    pub(super) before: usize,
    /// Length of a row with its zeros.
    pub(super) row: usize,
    stride: usize,
    height: usize,
    out: [usize; 2],
}

/// Lines of the output, and the images that they are of.
#[derive(Clone)]
pub(super) struct Block {
    pub(super) images: Range<usize>,
    pub(super) lines: Range<usize>,
    /// The lines of the input that they read.
    pub(super) source: Range<usize>,
}

/// Consecutive positions of one line.
#[derive(Clone, Copy)]
pub(super) struct Segment {
    /// The first one in the laid-down input and in the laid-down gradient.
    pub(super) x: usize,
    pub(super) dy: usize,
    pub(super) count: usize,
}

impl Windows {
    pub(super) fn new(shape: &HostShape, [height, width]: [usize; 2], out: [usize; 2]) -> Self {
        let HostShape { kernel, stride, padding, dilation, .. } = *shape;
        // Outputs whose tap at `offset` reads one of `length`.
        let inside = |offset: isize, length: usize, out: usize| {
            let first = (-offset).max(0) as usize;
            let end = (length as isize - offset).max(0) as usize;
            let end = end.div_ceil(stride).min(out);
            first.div_ceil(stride).min(end)..end
        };
        let at = |tap: usize| (tap * dilation) as isize - padding as isize;
        let together = dilation == 1 && kernel > 1;
        let (taps, before) = if together { (kernel, padding) } else { (1, 0) };
        let reach = (out[1].saturating_sub(1)) * stride + kernel;
        let row = if together { reach.max(padding + width) } else { width };
        let windows = (0..kernel * kernel).step_by(taps).filter_map(|tap| {
            let (down, right) = (at(tap / kernel), at(tap % kernel));
            let lines = inside(down, height, out[0]);
            let cols = if together { 0..out[1] } else { inside(right, width, out[1]) };
            let first = (cols.start * stride).checked_add_signed(right + before as isize)?;
            let reads = !lines.is_empty() && !cols.is_empty();
            reads.then_some(Window { tap, down, lines, cols, first })
        });
        Self { windows: windows.collect(), taps, before, row, stride, height, out }
    }

    /// The output's lines in blocks of about `positions`.
    pub(super) fn blocks(&self, batch: usize, positions: usize) -> Vec<Block> {
        let [height, width] = self.out;
        let lines = (positions / width.max(1)).clamp(1, height);
        let parts = height.div_ceil(lines);
        let images = if parts > 1 { 1 } else { (positions / (height * width).max(1)).max(1) };
        let blocks = (0..batch).step_by(images).flat_map(|image| {
            let images = image..(image + images).min(batch);
            (0..parts).map(move |part| {
                let lines = part * height / parts..(part + 1) * height / parts;
                let source = self.source(&lines);
                Block { images: images.clone(), lines, source }
            })
        });
        blocks.collect()
    }

    fn source(&self, lines: &Range<usize>) -> Range<usize> {
        let downs = || self.windows.iter().map(|window| window.down);
        let (Some(least), Some(most)) = (downs().min(), downs().max()) else { return 0..0 };
        let within = |line: isize| line.clamp(0, self.height as isize) as usize;
        let first = within((lines.start * self.stride) as isize + least);
        let last = (lines.end.saturating_sub(1) * self.stride) as isize + most;
        first..within(last + 1).max(first)
    }

    /// What a window reads of a block, in pieces of at most `most` positions.
    pub(super) fn segments(&self, window: &Window, block: &Block, most: usize) -> Vec<Segment> {
        let width = self.out[1];
        let source = block.source.len();
        let lines =
            window.lines.start.max(block.lines.start)..window.lines.end.min(block.lines.end);
        let mut segments: Vec<Segment> = Vec::new();
        for image in 0..block.images.len() {
            for line in lines.clone() {
                let Some(from) = (line * self.stride).checked_add_signed(window.down) else {
                    continue;
                };
                let x = (image * source + from - block.source.start) * self.row + window.first;
                let dy = (image * block.lines.len() + line - block.lines.start) * width
                    + window.cols.start;
                let mut done = 0;
                while done < window.cols.len() {
                    // Lines without zeros between them go on as one.
                    if let Some(last) = segments.last_mut()
                        && last.count < most
                        && last.x + last.count * self.stride == x + done * self.stride
                        && last.dy + last.count == dy + done
                    {
                        let more = (most - last.count).min(window.cols.len() - done);
                        last.count += more;
                        done += more;
                        continue;
                    }
                    let count = most.min(window.cols.len() - done);
                    segments.push(Segment { x: x + done * self.stride, dy: dy + done, count });
                    done += count;
                }
            }
        }
        segments
    }
}
