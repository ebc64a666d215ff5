//! Planes with their channels side by side.

use std::ops::Range;

use rayon::prelude::*;

use super::super::Planes;

/// Channels that are laid side by side at once.
const SIDE: usize = 8;
/// Lines that are laid down as one piece of work.
const LINES: usize = 8;

/// Some lines of some images, `[panel][image, line, column][channel]`: panels of `width` channels, the
/// last one of what is left. Values behind the last one may be read, and nothing is made of them.
pub(super) struct Packed {
    values: Vec<f32>,
    channels: usize,
    width: usize,
    /// Of all lines.
    positions: usize,
}

/// How lines are laid down.
#[derive(Clone, Copy)]
pub(super) struct Lay {
    /// Zeros before a line.
    pub(super) before: usize,
    /// Length of a line with zeros.
    pub(super) row: usize,
}

impl Packed {
    pub(super) fn new(channels: usize, width: usize) -> Self {
        Self { values: Vec::new(), channels, width, positions: 0 }
    }

    pub(super) fn panels(&self) -> usize {
        self.channels.div_ceil(self.width)
    }

    /// Channels of a panel.
    pub(super) fn channels_of(&self, panel: usize) -> Range<usize> {
        let first = panel * self.width;
        first..(first + self.width).min(self.channels)
    }

    /// The values of a panel and of all behind it.
    pub(super) fn panel(&self, panel: usize) -> &[f32] {
        self.values.get(panel * self.width * self.positions..).unwrap_or_default()
    }

    /// Lays down lines of images. `slack`: values behind the last one that may be read.
    pub(super) fn fill(
        &mut self,
        planes: Planes<'_>,
        images: Range<usize>,
        lines: Range<usize>,
        lay: Lay,
        slack: usize,
    ) {
        let [_, channels, height, width] = planes.dims;
        self.positions = images.len() * lines.len() * lay.row;
        let length = channels * self.positions;
        if self.values.len() < length + slack {
            self.values.resize(length + slack, 0.0);
        }
        let plane = height * width;
        let per_panel = (self.width * self.positions).max(1);
        let panels = self.values[..length].par_chunks_mut(per_panel).enumerate();
        panels.for_each(|(panel, values)| {
            let first = panel * self.width;
            let count = self.width.min(channels - first);
            let line_length = lay.row * count;
            let pieces = values.par_chunks_mut(LINES * line_length).enumerate();
            pieces.for_each(|(piece, values)| {
                let runs = runs(piece * LINES, values.len() / line_length, lines.len());
                let mut at = 0;
                let runs = runs.map(|(image, line, count)| {
                    let from = (images.start + image) * channels + first;
                    let from = from * plane + (lines.start + line) * width;
                    let to = at * lay.row + lay.before;
                    at += count;
                    // Without zeros between them they are one.
                    let (count, length) =
                        if lay.row == width { (1, count * width) } else { (count, width) };
                    Run { from, to, count, length }
                });
                let runs: Vec<Run> = runs.collect();
                let task = Task { source: planes.values, plane, row: lay.row, width, count, runs };
                task.run(values);
                for line in values.chunks_exact_mut(line_length) {
                    let (before, rest) = line.split_at_mut(lay.before * count);
                    before.fill(0.0);
                    rest[width * count..].fill(0.0);
                }
            });
        });
    }
}

/// `count` lines from the `first` one on, those of an image together: its number, the line in it, and how
/// many.
fn runs(first: usize, count: usize, lines: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    let end = first + count;
    let mut at = first;
    std::iter::from_fn(move || {
        let (image, line) = (at / lines.max(1), at % lines.max(1));
        let count = (lines - line).min(end - at);
        at += count;
        (count > 0).then_some((image, line, count))
    })
}

/// Lines of an image that follow one another.
struct Run {
    /// Where the first channel's first one is.
    from: usize,
    /// Its first position among those that are laid down.
    to: usize,
    count: usize,
    length: usize,
}

/// Lays lines of `count` channels, `plane` from one another, side by side.
struct Task<'a> {
    source: &'a [f32],
    plane: usize,
    row: usize,
    width: usize,
    count: usize,
    runs: Vec<Run>,
}

impl Task<'_> {
    fn run(self, to: &mut [f32]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            return simd.vectorize(shuffles::Vectorized { simd, task: self, to });
        }
        self.lay(to, |block| std::array::from_fn(|col| block.map(|line| line[col])));
    }

    /// `transposed`: a block's columns.
    #[inline(always)]
    fn lay(&self, to: &mut [f32], transposed: impl Fn([[f32; SIDE]; SIDE]) -> [[f32; SIDE]; SIDE]) {
        let whole = self.count / SIDE * SIDE;
        // What is left over comes first: it is written with what follows, which is written over.
        let groups = [whole].into_iter().filter(|_| whole < self.count);
        for channel in groups.chain((0..whole).step_by(SIDE)) {
            let group = SIDE.min(self.count - channel);
            for run in &self.runs {
                for line in 0..run.count {
                    let from = run.from + channel * self.plane + line * self.width;
                    let at = (run.to + line * self.row) * self.count + channel;
                    self.lay_line(from, group, &mut to[at..], run.length, &transposed);
                }
            }
        }
    }

    #[inline(always)]
    fn lay_line(
        &self,
        from: usize,
        group: usize,
        to: &mut [f32],
        length: usize,
        transposed: impl Fn([[f32; SIDE]; SIDE]) -> [[f32; SIDE]; SIDE],
    ) {
        let lines: [&[f32]; SIDE] = std::array::from_fn(|lane| {
            let from = from + lane.min(group - 1) * self.plane;
            &self.source[from..from + length]
        });
        let blocks = lines.map(|line| line.as_chunks::<SIDE>().0);
        let inside = length / SIDE;
        for at in 0..inside {
            let block = blocks.map(|line| line.get(at).copied().unwrap_or_default());
            for (col, values) in transposed(block).iter().enumerate() {
                let place = (at * SIDE + col) * self.count;
                match to.get_mut(place..place + SIDE) {
                    Some(to) => to.copy_from_slice(values),
                    None => to.iter_mut().skip(place).zip(values).for_each(|(to, v)| *to = *v),
                }
            }
        }
        for at in inside * SIDE..length {
            for (lane, line) in lines.iter().enumerate().take(group) {
                to[at * self.count + lane] = line[at];
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod shuffles {
    use pulp::x86::V3;
    use pulp::{NullaryFnOnce, cast};

    use super::{SIDE, Task};

    /// The task, for processors that shuffle eight values at once.
    pub(super) struct Vectorized<'a, 'b> {
        pub(super) simd: V3,
        pub(super) task: Task<'a>,
        pub(super) to: &'b mut [f32],
    }

    impl NullaryFnOnce for Vectorized<'_, '_> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            let Self { simd, task, to } = self;
            task.lay(
                to,
                #[inline(always)]
                |block| transposed(simd, block),
            );
        }
    }

    #[inline(always)]
    fn transposed(simd: V3, block: [[f32; SIDE]; SIDE]) -> [[f32; SIDE]; SIDE] {
        let avx = simd.avx;
        let [a, b, c, d, e, f, g, h] = block.map(cast);
        let pairs = [(a, b), (c, d), (e, f), (g, h)];
        let low = pairs.map(|(a, b)| avx._mm256_unpacklo_ps(a, b));
        let high = pairs.map(|(a, b)| avx._mm256_unpackhi_ps(a, b));
        let fours = |[a, b, c, d]: [_; 4]| {
            [
                (avx._mm256_shuffle_ps::<0x44>(a, b), avx._mm256_shuffle_ps::<0x44>(c, d)),
                (avx._mm256_shuffle_ps::<0xee>(a, b), avx._mm256_shuffle_ps::<0xee>(c, d)),
            ]
        };
        let ([first, second], [third, fourth]) = (fours(low), fours(high));
        let all = [first, second, third, fourth];
        let lower = all.map(|(a, b)| cast(avx._mm256_permute2f128_ps::<0x20>(a, b)));
        let upper = all.map(|(a, b)| cast(avx._mm256_permute2f128_ps::<0x31>(a, b)));
        let ([a, b, c, d], [e, f, g, h]) = (lower, upper);
        [a, b, c, d, e, f, g, h]
    }
}
