//! 3×3 convolutions of stride 2 along rows. Of an output's three inputs in a row the outer ones lie on odd columns,
//! which its neighbors read too, and the middle one on an even column, which it alone reads: F(4, 2) of the
//! former, five products for four outputs, and four products of the latter; nine in place of twelve.
//!
//! F(4, 2) is Toom's and Cook's scheme at 0, 1, -1, 2 and infinity (Lavin & Gray 2016 derive F(m, r) so).

use pulp::Simd;

use super::super::registers::OUTPUTS;
use super::SIDE;
use super::vectors::{load, load_all};

/// Products of four outputs in a row.
pub(super) const PRODUCTS: usize = 9;
/// Different weights among them: the last four have the same.
pub(super) const WEIGHTS: usize = 6;
/// Parts of a row: the odd columns' four, then the even ones'.
pub(super) const PARTS: usize = 2 * SIDE;

/// A row to its eight parts, each `part` long; what is left of them stays as it is. The first part begins before
/// the row's first value: outputs read the column before theirs.
pub(super) fn take_apart(line: &mut [f32], source: &[f32], part: usize) {
    let (whole, rest) = source.as_chunks::<PARTS>();
    let (odd, even) = line.split_at_mut(SIDE * part);
    let (odd0, odd) = odd.split_at_mut(part);
    let (odd1, odd) = odd.split_at_mut(part);
    let (odd2, odd3) = odd.split_at_mut(part);
    let (even0, even) = even.split_at_mut(part);
    let (even1, even) = even.split_at_mut(part);
    let (even2, even3) = even.split_at_mut(part);
    let mut parts = [even0, odd1, even1, odd2, even2, odd3, even3, &mut odd0[1..]];
    // In the order of eight consecutive values; all of one length, which the compiler then knows.
    let [a, b, c, d, e, f, g, h] = parts.each_mut().map(|part| &mut part[..whole.len()]);
    for (tile, values) in whole.iter().enumerate() {
        [a[tile], b[tile], c[tile], d[tile]] = [values[0], values[1], values[2], values[3]];
        [e[tile], f[tile], g[tile], h[tile]] = [values[4], values[5], values[6], values[7]];
    }
    for (part, value) in parts.iter_mut().zip(rest) {
        part[whole.len()] = *value;
    }
}

/// `Bᵀ` of consecutive tiles' values, whose parts are `part` long.
#[inline(always)]
pub(super) fn nine<S: Simd>(
    simd: S,
    parts: &[f32],
    part: usize,
    tile: usize,
) -> [S::f32s; PRODUCTS] {
    let [x0, x1, x2, x3, e0, e1, e2, e3] = load_all::<S, PARTS>(parts, tile, part);
    let x4 = load::<S>(parts, tile + 1);
    let two = simd.splat_f32s(2.0);
    let less_two = simd.splat_f32s(-2.0);
    let less_three = simd.splat_f32s(-3.0);
    let outer = simd.sub_f32s(x3, x1);
    [
        simd.add_f32s(outer, simd.mul_add_f32s(less_two, x2, simd.add_f32s(x0, x0))),
        simd.sub_f32s(simd.mul_add_f32s(less_two, x1, x3), x2),
        simd.mul_add_f32s(less_three, x2, simd.mul_add_f32s(two, x1, x3)),
        outer,
        simd.mul_add_f32s(less_two, outer, simd.sub_f32s(x4, x2)),
        e0,
        e1,
        e2,
        e3,
    ]
}

/// `G` of three values, for every output.
#[inline(always)]
pub(super) fn line(
    a: &[f32; OUTPUTS],
    b: &[f32; OUTPUTS],
    c: &[f32; OUTPUTS],
    into: &mut [[f32; OUTPUTS]; WEIGHTS],
) {
    for lane in 0..OUTPUTS {
        let (a, b, c) = (a[lane], b[lane], c[lane]);
        into[0][lane] = 0.5 * a;
        into[1][lane] = -0.5 * (a + c);
        into[2][lane] = (-1.0 / 6.0) * (a - c);
        into[3][lane] = (1.0 / 6.0) * (a + 2.0 * c);
        into[4][lane] = c;
        into[5][lane] = b;
    }
}

/// `Aᵀ` of nine products.
#[inline(always)]
pub(super) fn four<S: Simd>(simd: S, products: [S::f32s; PRODUCTS]) -> [S::f32s; 4] {
    let [m0, m1, m2, m3, m4, e0, e1, e2, e3] = products;
    let two = simd.splat_f32s(2.0);
    let four = simd.splat_f32s(4.0);
    let eight = simd.splat_f32s(8.0);
    let (sum, difference) = (simd.add_f32s(m1, m2), simd.sub_f32s(m1, m2));
    [
        simd.add_f32s(simd.add_f32s(m0, sum), simd.add_f32s(m3, e0)),
        simd.add_f32s(simd.mul_add_f32s(two, m3, difference), e1),
        simd.add_f32s(simd.mul_add_f32s(four, m3, sum), e2),
        simd.add_f32s(simd.mul_add_f32s(eight, m3, difference), simd.add_f32s(m4, e3)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever a row's width, each column gets to its place: the odd ones from one before the row on, then the even
    /// ones. What there is no column for stays.
    #[test]
    fn every_column_is_in_its_part() {
        for width in 1..40usize {
            let source: Vec<f32> = (0..width).map(|column| column as f32).collect();
            let part = width.div_ceil(2).div_ceil(SIDE) + 1;
            let mut found = vec![-1.0; PARTS * part];
            take_apart(&mut found, &source, part);
            for (place, &found) in found.iter().enumerate() {
                let (of, tile) = (place / part, place % part);
                let column = match of < SIDE {
                    true => (PARTS * tile + 2 * of).checked_sub(1),
                    false => Some(PARTS * tile + 2 * (of - SIDE)),
                };
                let expected = column.filter(|column| *column < width);
                assert_eq!(found, expected.map_or(-1.0, |column| column as f32), "{width} {place}");
            }
        }
    }
}
