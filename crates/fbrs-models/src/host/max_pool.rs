//! The largest of 3×3 values at every second row and column, and which of them it was.
//!
//! Rows are split into their even and odd columns, of which a window reads one and two: so the windows of a
//! row are compared side by side. The gradient is gathered rather than scattered: every row of the input is
//! made of the one or two rows of windows that read it and is written once.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::Planes;

/// Taps of a window.
const TAPS: usize = 9;
/// Values of the widest vector.
const LANES: usize = 16;

/// The largest values, and where they were.
#[derive(Debug)]
pub(super) struct MaxPooled {
    pub(super) values: Vec<f32>,
    /// Of every value the tap, row by row from 0 to 8. The first one where several are as large; the last
    /// one that is not a number, if there is one.
    pub(super) taps: Vec<u8>,
    pub(super) dims: [usize; 4],
}

/// Windows along an axis.
fn windows(length: usize) -> usize {
    length.div_ceil(2)
}

/// With a padding of one, which is never the largest.
pub(super) fn forward(x: Planes<'_>) -> MaxPooled {
    let [batch, channels, height, width] = x.dims;
    let dims = [batch, channels, windows(height), windows(width)];
    let length = dims.iter().product();
    let (mut values, mut taps) = (vec![0.0f32; length], vec![0u8; length]);
    let plane = (dims[2] * dims[3]).max(1);
    let outs = values.par_chunks_mut(plane).zip(taps.par_chunks_mut(plane));
    let sources = x.values.par_chunks((height * width).max(1));
    outs.zip(sources).for_each(|((values, taps), source)| {
        Arch::new().dispatch(Largest { source, size: [height, width], values, taps });
    });
    MaxPooled { values, taps, dims }
}

/// The gradient with respect to the input, `[height, width]`: `dy` is that with respect to the values.
pub(super) fn backward(pooled: &MaxPooled, dy: &[f32], [height, width]: [usize; 2]) -> Vec<f32> {
    let [batch, channels, rows, cols] = pooled.dims;
    let mut dx = vec![0.0f32; batch * channels * height * width];
    let plane = (rows * cols).max(1);
    let sources = dy.par_chunks(plane).zip(pooled.taps.par_chunks(plane));
    let planes = dx.par_chunks_mut((height * width).max(1));
    planes.zip(sources).for_each(|(dx, (dy, taps))| {
        Arch::new().dispatch(Gather { dy, taps, width, dx });
    });
    dx
}

/// A row's columns. What no column is there for is less than everything.
struct Split {
    /// Before every value of `odd` is the one that its window has before the even one.
    even: Vec<f32>,
    odd: Vec<f32>,
}

impl Split {
    fn new(cols: usize) -> Self {
        let length = cols.next_multiple_of(LANES);
        let least = f32::NEG_INFINITY;
        Self { even: vec![least; length], odd: vec![least; length + 1] }
    }

    #[inline(always)]
    fn fill(&mut self, line: &[f32]) {
        let (pairs, last) = line.as_chunks::<2>();
        let odd = self.odd.iter_mut().skip(1);
        for (([first, second], even), odd) in pairs.iter().zip(&mut self.even).zip(odd) {
            (*even, *odd) = (*first, *second);
        }
        if let (Some(last), Some(even)) = (last.first(), self.even.get_mut(pairs.len())) {
            *even = *last;
        }
    }
}

/// Compares the windows of a plane.
struct Largest<'a> {
    source: &'a [f32],
    size: [usize; 2],
    values: &'a mut [f32],
    taps: &'a mut [u8],
}

impl WithSimd for Largest<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { source, size: [_, width], values, taps } = self;
        let cols = windows(width).max(1);
        let mut lines = source.chunks_exact(width.max(1));
        let room = cols.next_multiple_of(LANES);
        let (mut best, mut which) = (vec![0.0f32; room], vec![0u32; room]);
        let mut above = Split::new(cols);
        let (mut middle, mut below) = (Split::new(cols), Split::new(cols));
        let outs = values.chunks_exact_mut(cols).zip(taps.chunks_exact_mut(cols));
        for (row, (values, taps)) in outs.enumerate() {
            let Some(line) = lines.next() else { return };
            middle.fill(line);
            let has_below = lines.next().map(|line| below.fill(line)).is_some();
            // There is nothing above the first row.
            let rows: [Option<&Split>; 3] =
                [(row > 0).then_some(&above), Some(&middle), has_below.then_some(&below)];
            let first = if row > 0 { 0 } else { 3 };
            for from in (0..room).step_by(S::F32_LANES) {
                let to = from..from + S::F32_LANES;
                let mut largest = simd.splat_f32s(f32::NEG_INFINITY);
                let mut tap = simd.splat_u32s(first);
                for (down, split) in rows.iter().enumerate() {
                    let Some(split) = split else { continue };
                    let columns =
                        [&split.odd[to.clone()], &split.even[to.clone()], &split.odd[from + 1..]];
                    for (right, column) in columns.into_iter().enumerate() {
                        let value = S::as_simd_f32s(&column[..S::F32_LANES]).0[0];
                        let larger = simd.less_than_f32s(largest, value);
                        let no_number = simd.not_m32s(simd.equal_f32s(value, value));
                        let larger = simd.or_m32s(larger, no_number);
                        largest = simd.select_f32s(larger, value, largest);
                        let this = simd.splat_u32s((down * 3 + right) as u32);
                        tap = simd.select_u32s(larger, this, tap);
                    }
                }
                S::as_mut_simd_f32s(&mut best[to.clone()]).0[0] = largest;
                S::as_mut_simd_u32s(&mut which[to]).0[0] = tap;
            }
            values.copy_from_slice(&best[..cols]);
            taps.iter_mut().zip(&which).for_each(|(to, tap)| *to = *tap as u8);
            // There is nothing before the first column either: where all else is least, it is not that.
            if let Some(tap) = taps.first_mut().filter(|tap| **tap == first as u8) {
                *tap += 1;
            }
            std::mem::swap(&mut above, &mut below);
        }
    }
}

/// Makes the gradient of a plane.
struct Gather<'a> {
    dy: &'a [f32],
    taps: &'a [u8],
    width: usize,
    dx: &'a mut [f32],
}

/// A row of windows, and nothing behind it.
struct Row {
    dy: Vec<f32>,
    taps: Vec<u8>,
}

impl Row {
    fn new(cols: usize) -> Self {
        Self { dy: vec![0.0; cols + 1], taps: vec![TAPS as u8; cols + 1] }
    }

    #[inline(always)]
    fn fill(&mut self, dy: &[f32], taps: &[u8]) {
        self.dy.iter_mut().zip(dy).for_each(|(to, from)| *to = *from);
        self.taps.iter_mut().zip(taps).for_each(|(to, from)| *to = *from);
    }

    /// Adds what goes to the even and the odd columns of a row that is the windows' row `down`.
    #[inline(always)]
    fn add(&self, down: u8, even: &mut [f32], odd: &mut [f32]) {
        let [left, middle, right] = [0, 1, 2].map(|col| 3 * down + col);
        for ((to, dy), tap) in even.iter_mut().zip(&self.dy).zip(&self.taps) {
            *to += pick(*dy, *tap, middle);
        }
        let next = self.dy.iter().zip(&self.taps).skip(1);
        let own = self.dy.iter().zip(&self.taps);
        for ((to, (dy, tap)), (next_dy, next_tap)) in odd.iter_mut().zip(own).zip(next) {
            *to = *to + pick(*dy, *tap, right) + pick(*next_dy, *next_tap, left);
        }
    }
}

#[inline(always)]
fn pick(dy: f32, tap: u8, wanted: u8) -> f32 {
    if tap == wanted { dy } else { 0.0 }
}

impl WithSimd for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { dy, taps, width, dx } = self;
        let cols = windows(width).max(1);
        let (mut row, mut next) = (Row::new(cols), Row::new(cols));
        let mut rows = dy.chunks_exact(cols).zip(taps.chunks_exact(cols));
        let (mut even, mut odd) = (vec![0.0f32; cols], vec![0.0f32; cols]);
        if let Some((dy, taps)) = rows.next() {
            row.fill(dy, taps);
        }
        for lines in dx.chunks_mut(2 * width.max(1)) {
            let has_next = rows.next().map(|(dy, taps)| next.fill(dy, taps)).is_some();
            for (index, line) in lines.chunks_exact_mut(width.max(1)).enumerate() {
                even.fill(0.0);
                odd.fill(0.0);
                row.add(1 + index as u8, &mut even, &mut odd);
                if index == 1 && has_next {
                    next.add(0, &mut even, &mut odd);
                }
                let (pairs, last) = line.as_chunks_mut::<2>();
                for ((pair, even), odd) in pairs.iter_mut().zip(&even).zip(&odd) {
                    *pair = [*even, *odd];
                }
                if let (Some(last), Some(even)) = (last.first_mut(), even.last()) {
                    *last = *even;
                }
            }
            std::mem::swap(&mut row, &mut next);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    /// Value and place of a window's largest value, as PyTorch chooses it.
    fn plain(source: &[f32], [height, width]: [usize; 2], row: usize, col: usize) -> (f32, usize) {
        let lines = (2 * row).saturating_sub(1)..(2 * row + 2).min(height);
        let cols = (2 * col).saturating_sub(1)..(2 * col + 2).min(width);
        let mut best = (f32::NEG_INFINITY, lines.start * width + cols.start);
        for place in lines.flat_map(|line| cols.clone().map(move |col| line * width + col)) {
            let value = source[place];
            if value > best.0 || value.is_nan() {
                best = (value, place);
            }
        }
        best
    }

    #[test]
    fn values_and_gradients_agree_with_the_definition() {
        for size in [[1, 1], [1, 2], [2, 1], [3, 5], [4, 6], [7, 33], [8, 64], [9, 67], [40, 30]] {
            let [height, width] = size;
            // Whole numbers, so that many are as large; some are least, some are not numbers.
            let value = |index: usize| match (index * 7919 + index / 3) % 23 {
                0 => f32::NEG_INFINITY,
                1 if index.is_multiple_of(5) => f32::NAN,
                value => (value / 4) as f32 - 3.0,
            };
            for all_least in [false, true] {
                let values: Vec<f32> = (0..6 * height * width)
                    .map(|index| if all_least { f32::NEG_INFINITY } else { value(index) })
                    .collect();
                let x = Planes { values: &values, dims: [2, 3, height, width] };
                let pooled = forward(x);
                let [_, _, rows, cols] = pooled.dims;
                assert_eq!([rows, cols], size.map(|side| (side - 1) / 2 + 1));
                let dy: Vec<f32> =
                    (0..6 * rows * cols).map(|index| (index as f32 * 0.7).sin()).collect();
                let mut expected = vec![0.0f32; values.len()];
                for (index, dy) in dy.iter().enumerate() {
                    let (plane, place) = (index / (rows * cols), index % (rows * cols));
                    let source = &values[plane * height * width..(plane + 1) * height * width];
                    let (value, from) = plain(source, size, place / cols, place % cols);
                    let found = pooled.values[index];
                    assert!(found == value || found.is_nan() && value.is_nan(), "{size:?} {index}");
                    expected[plane * height * width + from] += dy;
                }
                let found = backward(&pooled, &dy, size);
                assert!(found == expected, "{size:?}: {found:?} {expected:?}");
            }
        }
    }

    /// On a processor with wide vectors the other test runs these kernels with them alone.
    #[cfg(target_arch = "x86_64")]
    #[test]
    fn narrow_vectors_give_what_wide_ones_give() {
        let Some(narrow) = pulp::x86::V3::try_new() else { return };
        for [height, width] in [[3, 5], [8, 64], [9, 67]] {
            let source: Vec<f32> = (0..height * width).map(|at| (at as f32 * 7.3).sin()).collect();
            let run = |wide: bool| {
                let count = windows(height) * windows(width);
                let (mut values, mut taps) = (vec![0.0; count], vec![0; count]);
                let (size, source) = ([height, width], &*source);
                let task = Largest { source, size, values: &mut values, taps: &mut taps };
                if wide {
                    Arch::new().dispatch(task)
                } else {
                    Simd::vectorize(narrow, task)
                }
                let mut dx = vec![0.0; source.len()];
                let task = Gather { dy: &values, taps: &taps, width, dx: &mut dx };
                if wide {
                    Arch::new().dispatch(task)
                } else {
                    Simd::vectorize(narrow, task)
                }
                (values, taps, dx)
            };
            assert!(run(true) == run(false), "{height} {width}");
        }
    }
}
