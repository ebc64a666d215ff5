use fbrs_clicks::Size;

use super::pixels::{Pixels, Rect};

/// A shift and a rotation: where in the picture before a pixel of the one after comes from.
///
/// x = xs · (x, y, 1), and the same for y; with the rounding of OpenCV's `warpAffine`, in which places
/// are whole 1024ths of a pixel, and weights 32nds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Affine {
    xs: [f64; 3],
    ys: [f64; 3],
}

/// 1 in places.
const ONE: f64 = 1024.0;
const ONE_BITS: u32 = 10;
/// 1 in weights.
const WEIGHT: i64 = 32;
const WEIGHT_BITS: u32 = 5;

impl Affine {
    /// Rotated counterclockwise about the middle of the picture, then shifted by shares of its sides.
    pub(super) fn new(size: Size, degrees: f64, shift_x: f64, shift_y: f64) -> Self {
        // The middle of the first pixel is 0, that of the last one is the side less 1.
        let center = ((size.width as f64 - 1.0) / 2.0, (size.height as f64 - 1.0) / 2.0);
        Self::about(center, size, degrees, shift_x, shift_y)
    }

    pub(super) fn about(
        center: (f64, f64),
        size: Size,
        degrees: f64,
        shift_x: f64,
        shift_y: f64,
    ) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (x, y) = center;
        let right = (1.0 - cos) * x - sin * y + shift_x * size.width as f64;
        let down = sin * x + (1.0 - cos) * y + shift_y * size.height as f64;
        // x' = cos x + sin y + right, y' = -sin x + cos y + down; turned around:
        Self {
            xs: [cos, -sin, sin * down - cos * right],
            ys: [sin, cos, -sin * right - cos * down],
        }
    }

    /// The same for the pixels of a rectangle, with what all of a column have in common already reckoned.
    pub(super) fn over(&self, rect: Rect) -> Moved {
        let fixed = |place: f64| (place * ONE).round_ties_even() as i64;
        let columns = (rect.left..rect.right()).map(|col| {
            let [x, y] = [self.xs, self.ys].map(|[x, _, _]| fixed(x * col as f64));
            (y, x)
        });
        let rows = (rect.top..rect.bottom()).map(|row| {
            let of = |[_, y, rest]: [f64; 3]| fixed(y * row as f64 + rest);
            (of(self.ys), of(self.xs))
        });
        Moved { top: rect.top, left: rect.left, rows: rows.collect(), columns: columns.collect() }
    }

    /// All pixels before that those of `rect` are mixed from, and perhaps some more.
    pub(super) fn needed(&self, rect: Rect) -> Rect {
        let (bottom, right) = (rect.bottom() - 1, rect.right() - 1);
        let corners =
            [(rect.top, rect.left), (rect.top, right), (bottom, rect.left), (bottom, right)];
        let moved = self.over(rect);
        let places = corners.map(|(row, col)| moved.before_of(row, col));
        let of = |part: fn((i64, i64)) -> i64| {
            let parts = places.map(part);
            (parts.iter().min().copied().unwrap_or(0), parts.iter().max().copied().unwrap_or(0))
        };
        let ((top, bottom), (left, right)) = (of(|place| place.0), of(|place| place.1));
        Rect::between(top - 2, left - 2, bottom + 3, right + 3)
    }

    /// The pixels of `rect`, mixed from those of a part of the picture; outside of that is black.
    pub(super) fn apply<const C: usize>(&self, part: &Pixels<C>, rect: Rect) -> Pixels<C> {
        let half = 1 << (ONE_BITS - WEIGHT_BITS - 1);
        let moved = self.over(rect);
        Pixels::from_fn(rect, |row, col| {
            let (row, col) = moved.place(row, col);
            let (row, col) = (
                (row + half) >> (ONE_BITS - WEIGHT_BITS),
                (col + half) >> (ONE_BITS - WEIGHT_BITS),
            );
            let (top, left) = (row >> WEIGHT_BITS, col >> WEIGHT_BITS);
            let (lower, righter) = (row & (WEIGHT - 1), col & (WEIGHT - 1));
            let taps = [
                (part.get(top, left), (WEIGHT - lower) * (WEIGHT - righter)),
                (part.get(top, left + 1), (WEIGHT - lower) * righter),
                (part.get(top + 1, left), lower * (WEIGHT - righter)),
                (part.get(top + 1, left + 1), lower * righter),
            ];
            let mut sums = [0; C];
            for (pixel, weight) in taps {
                for (sum, value) in sums.iter_mut().zip(pixel) {
                    *sum += i64::from(value) * weight;
                }
            }
            let half = WEIGHT * WEIGHT / 2;
            sums.map(|sum| ((sum + half) >> (2 * WEIGHT_BITS)) as u8)
        })
    }
}

/// Where the pixels of a rectangle come from.
#[derive(Debug, Clone)]
pub(super) struct Moved {
    top: i64,
    left: i64,
    /// Row and column, in 1024ths of a pixel: the sum of the two is the place.
    rows: Vec<(i64, i64)>,
    columns: Vec<(i64, i64)>,
}

impl Moved {
    /// The place before, in 1024ths of a pixel.
    fn place(&self, row: i64, col: i64) -> (i64, i64) {
        let at = |list: &[(i64, i64)], at: i64| list.get(at as usize).copied().unwrap_or_default();
        let (row, col) = (at(&self.rows, row - self.top), at(&self.columns, col - self.left));
        (row.0 + col.0, row.1 + col.1)
    }

    /// The pixel before that is nearest to the place this one comes from.
    pub(super) fn before_of(&self, row: i64, col: i64) -> (i64, i64) {
        let (row, col) = self.place(row, col);
        let half = 1 << (ONE_BITS - 1);
        ((row + half) >> ONE_BITS, (col + half) >> ONE_BITS)
    }
}
