//! Taps that lie far apart, as in a pyramid of dilated convolutions (ASPP): of a map of 50×50, a tap 36
//! rows and columns away reads padding for 92 % of the outputs.
//!
//! The output is divided into rectangles, in each of which a tap reads the image everywhere or nowhere: no
//! product with padding is made, and no position lies on it. With padding, dilations of 12, 24 and 36 took 1.5,
//! 2.2 and 3.3 times the products there.
//!
//! Of many channels, and on maps that are large beside the dilation, `winograd` saves more.
//!
//! What a rectangle's taps read are rectangles of the same width. Every strip of columns that some tap reads
//! is copied, so that its lines lie one behind the other and positions are consecutive over many lines.

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;

use super::padded::{Padded, Tap};
use super::stencil::Stencil;
use super::{Planes, zeros};

/// Taps nearer to one another than this are read with padding: rectangles would be too narrow.
const FAR: usize = 8;
/// Padding of at least this part of a side is worth leaving out.
const PART: usize = 8;

/// The strips that taps read, of all images and channels.
pub(super) struct Strips {
    /// `[image][channel][strip][line][column]`.
    values: Vec<f32>,
    layout: Layout,
    channels: usize,
}

/// How the output is divided, and where what it is made of lies.
struct Layout {
    size: [usize; 2],
    rows: Vec<Range<usize>>,
    cols: Vec<Range<usize>>,
    /// Columns of each strip.
    strips: Vec<Range<usize>>,
    /// Length of a channel.
    channel: usize,
}

/// Whether a convolution is made this way. Its output is as large as its input, and every output reads its
/// own place.
pub(super) fn serves(stencil: &Stencil, input: [usize; 2], output: [usize; 2]) -> bool {
    let side = |axis: usize| {
        let mut places: Vec<isize> = stencil.taps.iter().map(|tap| tap[axis]).collect();
        places.sort_unstable();
        places.dedup();
        let reach = places.iter().map(|place| place.unsigned_abs()).max().unwrap_or(0);
        let is_apart = places.windows(2).all(|pair| pair[1].abs_diff(pair[0]) >= FAR);
        is_apart && reach > 0 && reach * PART >= input[axis]
    };
    let is_own = stencil.stride == 1 && input == output && stencil.taps.contains(&[0, 0]);
    is_own && (side(0) || side(1))
}

/// How many values are copied.
pub(super) fn length([batch, channels, height, width]: [usize; 4], stencil: &Stencil) -> usize {
    batch * channels * Layout::new(stencil, [height, width]).channel
}

impl Strips {
    pub(super) fn new(x: Planes<'_>, stencil: &Stencil) -> Self {
        let [batch, channels, height, width] = x.dims;
        let layout = Layout::new(stencil, [height, width]);
        let mut values = zeros(batch * channels * layout.channel);
        let sources = x.values.par_chunks(height * width);
        values.par_chunks_mut(layout.channel).zip(sources).for_each(|(mut rest, source)| {
            for strip in &layout.strips {
                let (own, others) = rest.split_at_mut(height * strip.len());
                let lines = own.chunks_exact_mut(strip.len()).zip(source.chunks_exact(width));
                lines.for_each(|(to, from)| to.copy_from_slice(&from[strip.clone()]));
                rest = others;
            }
        });
        Self { values, layout, channels }
    }

    /// The output's rectangles.
    pub(super) fn rectangles(&self, stencil: &Stencil) -> Vec<Padded<'_>> {
        let rows = self.layout.rows.iter();
        rows.flat_map(|rows| self.layout.cols.iter().map(move |cols| (rows, cols)))
            .map(|(rows, cols)| self.rectangle(stencil, rows, cols))
            .collect()
    }

    fn rectangle(&self, stencil: &Stencil, rows: &Range<usize>, cols: &Range<usize>) -> Padded<'_> {
        let layout = &self.layout;
        let taps = stencil.taps.iter().map(|&[down, right]| {
            let line = moved(rows, down, layout.size[0]).map(|lines| lines.start);
            let strip = moved(cols, right, layout.size[1]).and_then(|strip| layout.start(&strip));
            match (line, strip) {
                (Some(line), Some(strip)) => {
                    Tap { offset: strip + line * cols.len(), lines: 0..rows.len() }
                }
                _ => Tap { offset: 0, lines: 0..0 },
            }
        });
        Padded {
            values: Cow::Borrowed(&self.values),
            taps: taps.collect(),
            channel: layout.channel,
            image: self.channels * layout.channel,
            row: cols.len(),
            corner: [rows.start, cols.start],
            out_height: rows.len(),
            out_width: cols.len(),
        }
    }
}

impl Layout {
    fn new(stencil: &Stencil, size: [usize; 2]) -> Self {
        let [rows, cols] = [0, 1].map(|axis| parts(stencil, axis, size[axis]));
        let mut strips: Vec<Range<usize>> = Vec::new();
        for cols in &cols {
            for tap in &stencil.taps {
                let strip = moved(cols, tap[1], size[1]);
                strips.extend(strip.filter(|strip| !strips.contains(strip)));
            }
        }
        let channel = size[0] * strips.iter().map(Range::len).sum::<usize>();
        Self { size, rows, cols, strips, channel }
    }

    /// Where a strip begins within a channel.
    fn start(&self, strip: &Range<usize>) -> Option<usize> {
        let before = self.strips.iter().position(|known| known == strip)?;
        Some(self.size[0] * self.strips.iter().take(before).map(Range::len).sum::<usize>())
    }
}

/// The parts of a side in each of which a tap reads the image everywhere or nowhere.
fn parts(stencil: &Stencil, axis: usize, length: usize) -> Vec<Range<usize>> {
    let end = length as isize;
    let mut bounds: Vec<isize> =
        stencil.taps.iter().flat_map(|tap| [-tap[axis], end - tap[axis]]).collect();
    bounds.retain(|bound| (0..=end).contains(bound));
    bounds.sort_unstable();
    bounds.dedup();
    bounds.windows(2).map(|pair| pair[0] as usize..pair[1] as usize).collect()
}

/// Where a part's outputs read through a tap at this distance; `None` if that is padding.
fn moved(part: &Range<usize>, by: isize, length: usize) -> Option<Range<usize>> {
    let start = part.start.checked_add_signed(by)?;
    let end = start + part.len();
    (end <= length).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::super::HostShape;
    use super::*;

    fn dilated(kernel: usize, dilation: usize) -> Stencil {
        let (input, output, stride, depthwise) = (1, 1, 1, false);
        let padding = dilation * (kernel / 2);
        Stencil::new(&HostShape { input, output, kernel, stride, padding, dilation, depthwise })
    }

    #[test]
    fn taps_that_lie_far_apart_for_the_map_are_served() {
        let all = |side: usize, kernel, dilation| {
            serves(&dilated(kernel, dilation), [side, side], [side, side])
        };
        assert!(all(50, 3, 12) && all(50, 3, 36) && all(96, 3, 12));
        // A wide map, near taps, a dense kernel.
        assert!(!all(97, 3, 12) && !all(9, 3, 4) && !all(50, 17, 1) && !all(50, 1, 1));
        let copied = |dilation| length([1, 1, 50, 50], &dilated(3, dilation)) / 50;
        assert_eq!([12, 24, 36].map(copied), [126, 102, 50]);
    }

    #[test]
    fn rectangles_cover_the_output_once_and_leave_padding_out() {
        for (size, dilation) in [
            ([50, 50], 12),
            ([50, 50], 24),
            ([50, 50], 36),
            ([9, 40], 20),
            ([5, 3], 8),
            ([16, 16], 8),
        ] {
            let stencil = dilated(3, dilation);
            let values: Vec<f32> = (0..size[0] * size[1]).map(|value| value as f32).collect();
            let strips =
                Strips::new(Planes { values: &values, dims: [1, 1, size[0], size[1]] }, &stencil);
            let mut seen = vec![0; values.len()];
            for rectangle in strips.rectangles(&stencil) {
                for position in 0..rectangle.out_height * rectangle.row {
                    let row = rectangle.corner[0] + position / rectangle.row;
                    let col = rectangle.corner[1] + position % rectangle.row;
                    seen[row * size[1] + col] += 1;
                    for (tap, [down, right]) in rectangle.taps.iter().zip(&stencil.taps) {
                        let at = [row.checked_add_signed(*down), col.checked_add_signed(*right)];
                        let expected = match at {
                            [Some(row), Some(col)] if row < size[0] && col < size[1] => {
                                values.get(row * size[1] + col)
                            }
                            _ => None,
                        };
                        let reads = !tap.lines.is_empty();
                        let found =
                            reads.then(|| strips.values.get(tap.offset + position)).flatten();
                        assert_eq!(found, expected, "{size:?} {dilation} {row} {col}");
                    }
                }
            }
            assert!(seen.iter().all(|times| *times == 1), "{size:?} {dilation}");
        }
    }
}
