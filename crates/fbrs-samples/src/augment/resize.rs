//! Resizing with the rounding of OpenCV's `resize` with `INTER_LINEAR` on 8 bits: weights are 2048ths.

use fbrs_clicks::Size;

use super::pixels::{Pixels, Rect};

const ONE: f32 = 2048.0;

/// Which two lines (rows or columns) of the source a line of the result is mixed from.
#[derive(Debug, Clone, Copy)]
struct Mix {
    first: usize,
    second: usize,
    weights: [i64; 2],
}

impl Mix {
    fn new(line: i64, source: usize, result: usize) -> Self {
        let scale = source as f64 / result as f64;
        let at = ((line as f64 + 0.5) * scale - 0.5) as f32;
        let first = at.floor();
        let share = at - first;
        let weight = |share: f32| (share * ONE).round_ties_even() as i64;
        let last = source.saturating_sub(1) as i64;
        let clamped = |line: i64| line.clamp(0, last) as usize;
        Self {
            first: clamped(first as i64),
            second: clamped(first as i64 + 1),
            weights: [weight(1.0 - share), weight(share)],
        }
    }

    /// The same where both lines are one: its whole weight, without rounding.
    fn joined(self) -> Self {
        match self.first == self.second {
            true => Self { weights: [ONE as i64, 0], ..self },
            false => self,
        }
    }
}

/// The pixels of `rect` of a picture that is brought to another size; `row` gives the rows of the source.
pub(super) fn resize<'a, const C: usize>(
    source: Size,
    row: impl Fn(usize) -> &'a [[u8; C]],
    result: Size,
    rect: Rect,
) -> Pixels<C> {
    let columns: Vec<Mix> = (rect.left..rect.right())
        .map(|col| Mix::new(col, source.width, result.width).joined())
        .collect();
    let mixed = |line: usize| -> Vec<[i64; C]> {
        let pixels = row(line);
        let pixel = |col: usize| pixels.get(col).copied().unwrap_or([0; C]).map(i64::from);
        let mix = |mix: &Mix| {
            let mut sums = pixel(mix.first).map(|value| value * mix.weights[0]);
            for (sum, value) in sums.iter_mut().zip(pixel(mix.second)) {
                *sum += value * mix.weights[1];
            }
            sums
        };
        columns.iter().map(mix).collect()
    };
    let mut values = Vec::with_capacity(rect.size.area());
    let mut known: [Option<(usize, Vec<[i64; C]>)>; 2] = [None, None];
    for line in rect.top..rect.bottom() {
        let mix = Mix::new(line, source.height, result.height);
        let mut take = |line: usize| {
            let held =
                known.iter_mut().find(|held| held.as_ref().is_some_and(|(at, _)| *at == line));
            held.and_then(Option::take).unwrap_or_else(|| (line, mixed(line)))
        };
        let first = take(mix.first);
        let second = if mix.second == mix.first { first.clone() } else { take(mix.second) };
        values.extend(first.1.iter().zip(&second.1).map(|(first, second)| {
            let mut pixel = [0; C];
            for ((value, first), second) in pixel.iter_mut().zip(first).zip(second) {
                let part = |sum: &i64, weight: i64| ((sum >> 4) * weight) >> 16;
                let sum = part(first, mix.weights[0]) + part(second, mix.weights[1]);
                *value = ((sum + 2) >> 2).clamp(0, 255) as u8;
            }
            pixel
        }));
        known = [Some(first), Some(second)];
    }
    Pixels { rect, values }
}

/// The line of the source that `INTER_NEAREST` takes.
pub(super) fn nearest(line: i64, source: usize, result: usize) -> i64 {
    let at = (line as f64 * (source as f64 / result as f64)).floor() as i64;
    at.min(source as i64 - 1)
}
