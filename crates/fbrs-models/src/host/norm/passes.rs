//! What is made of a plane.

use pulp::{Simd, WithSimd};

use super::super::within;

/// Values whose products are added up one after the other: rounding grows with the length of a sum.
const RUN: usize = 2048;

/// `y = activation(scale · x + shift + addend)`.
pub(super) struct Forward<'a> {
    pub(super) x: &'a [f32],
    /// Empty for none.
    pub(super) addend: &'a [f32],
    pub(super) scale: f32,
    pub(super) shift: f32,
    pub(super) range: [f32; 2],
    pub(super) y: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, addend, scale, shift, range, y } = self;
        let [least, most] = range.map(|end| simd.splat_f32s(end));
        let (all_scale, all_shift) = (simd.splat_f32s(scale), simd.splat_f32s(shift));
        let (to, rest_to) = S::as_mut_simd_f32s(y);
        let (from, rest_from) = S::as_simd_f32s(x);
        let (added, rest_added) = S::as_simd_f32s(addend);
        // What is not a number stays so: it is what comes second.
        let finish = |value| simd.min_f32s(most, simd.max_f32s(least, value));
        let scaled = |x: S::f32s| simd.mul_add_f32s(all_scale, x, all_shift);
        if addend.is_empty() {
            to.iter_mut().zip(from).for_each(|(to, x)| *to = finish(scaled(*x)));
        } else {
            let from = from.iter().zip(added);
            let pairs = to.iter_mut().zip(from);
            pairs.for_each(|(to, (x, added))| *to = finish(simd.add_f32s(scaled(*x), *added)));
        }
        for (index, (to, x)) in rest_to.iter_mut().zip(rest_from).enumerate() {
            let added = rest_added.get(index).copied().unwrap_or(0.0);
            *to = within(range, scale.mul_add(*x, shift) + added);
        }
    }
}

/// What the gradient of a plane is made of.
#[derive(Clone, Copy)]
pub(super) struct Slopes<'a> {
    pub(super) dy: &'a [f32],
    /// Empty for no activation.
    pub(super) y: &'a [f32],
    pub(super) range: [f32; 2],
    pub(super) x: &'a [f32],
    /// The channel's mean, rounded.
    pub(super) mean: f32,
}

impl Slopes<'_> {
    fn run(&self, index: usize) -> Self {
        fn part(values: &[f32], index: usize) -> &[f32] {
            let from = (index * RUN).min(values.len());
            &values[from..(from + RUN).min(values.len())]
        }
        let (dy, y, x) = (part(self.dy, index), part(self.y, index), part(self.x, index));
        Self { dy, y, x, ..*self }
    }

    /// Calls `vector` with the place, the slope behind the activation and `x - mean` of every vector, and
    /// `value` with those of what is left behind them.
    #[inline(always)]
    fn each<S: Simd>(
        &self,
        simd: S,
        mut vector: impl FnMut(usize, S::f32s, S::f32s),
        mut value: impl FnMut(usize, f32, f32),
    ) {
        let (sources, rest) = S::as_simd_f32s(self.x);
        let (slopes, rest_slopes) = S::as_simd_f32s(self.dy);
        let (outputs, rest_outputs) = S::as_simd_f32s(self.y);
        let [floor, ceiling] = self.range;
        let mean = simd.splat_f32s(self.mean);
        let pairs = sources.iter().zip(slopes).enumerate();
        if self.y.is_empty() {
            for (place, (x, slope)) in pairs {
                vector(place, *slope, simd.sub_f32s(*x, mean));
            }
        } else {
            let (least, most) = (simd.splat_f32s(floor), simd.splat_f32s(ceiling));
            for ((place, (x, slope)), y) in pairs.zip(outputs) {
                let above = simd.less_than_f32s(least, *y);
                let inside = simd.and_m32s(above, simd.less_than_f32s(*y, most));
                let slope = simd.select_f32s(inside, *slope, simd.splat_f32s(0.0));
                vector(place, slope, simd.sub_f32s(*x, mean));
            }
        }
        for (place, (x, slope)) in rest.iter().zip(rest_slopes).enumerate() {
            let y = rest_outputs.get(place);
            let inside = y.is_none_or(|y| *y > floor && *y < ceiling);
            value(place, if inside { *slope } else { 0.0 }, x - self.mean);
        }
    }
}

/// Of a plane, the sum of the slopes and that of the slopes times `x - mean`.
pub(super) struct Sums<'a> {
    pub(super) slopes: Slopes<'a>,
    /// Where the slopes are written, or empty.
    pub(super) addend: &'a mut [f32],
    /// Where `scale` times the slopes are written, or empty.
    pub(super) dx: &'a mut [f32],
    pub(super) scale: f32,
}

impl WithSimd for Sums<'_> {
    type Output = [f64; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [f64; 2] {
        let Self { slopes, addend, dx, scale } = self;
        let all_scale = simd.splat_f32s(scale);
        let (mut addends, mut dxs) = (addend.chunks_mut(RUN), dx.chunks_mut(RUN));
        let mut totals = [0.0f64; 2];
        for index in 0..slopes.x.len().div_ceil(RUN) {
            let (addend, rest_addend) = S::as_mut_simd_f32s(addends.next().unwrap_or_default());
            let (dx, rest_dx) = S::as_mut_simd_f32s(dxs.next().unwrap_or_default());
            let mut sums = [simd.splat_f32s(0.0); 2];
            let mut rest = [0.0f32; 2];
            slopes.run(index).each(
                simd,
                |place, slope, x| {
                    sums = [simd.add_f32s(sums[0], slope), simd.mul_add_f32s(slope, x, sums[1])];
                    if let Some(to) = addend.get_mut(place) {
                        *to = slope;
                    }
                    if let Some(to) = dx.get_mut(place) {
                        *to = simd.mul_f32s(slope, all_scale);
                    }
                },
                |place, slope, x| {
                    rest = [rest[0] + slope, slope.mul_add(x, rest[1])];
                    if let Some(to) = rest_addend.get_mut(place) {
                        *to = slope;
                    }
                    if let Some(to) = rest_dx.get_mut(place) {
                        *to = slope * scale;
                    }
                },
            );
            for ((total, sum), rest) in totals.iter_mut().zip(sums).zip(rest) {
                *total += f64::from(simd.reduce_sum_f32s(sum)) + f64::from(rest);
            }
        }
        totals
    }
}

/// `dx = by_slope · slope + by_distance · (x - mean) + shift`.
pub(super) struct Backward<'a> {
    pub(super) slopes: Slopes<'a>,
    pub(super) by_slope: f32,
    pub(super) by_distance: f32,
    pub(super) shift: f32,
    pub(super) dx: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { slopes, by_slope, by_distance, shift, dx } = self;
        let [all_by_slope, all_by_distance, all_shift] =
            [by_slope, by_distance, shift].map(|value| simd.splat_f32s(value));
        let (dx, rest) = S::as_mut_simd_f32s(dx);
        slopes.each(
            simd,
            |place, slope, x| {
                if let Some(to) = dx.get_mut(place) {
                    let far = simd.mul_add_f32s(all_by_distance, x, all_shift);
                    *to = simd.mul_add_f32s(all_by_slope, slope, far);
                }
            },
            |place, slope, x| {
                if let Some(to) = rest.get_mut(place) {
                    *to = by_slope.mul_add(slope, by_distance.mul_add(x, shift));
                }
            },
        );
    }
}
