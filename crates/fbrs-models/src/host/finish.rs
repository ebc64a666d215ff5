//! What is done to a plane's sums beside adding them up.

use pulp::{Simd, WithSimd};

use super::{Finish, within};

/// Adds bias and addend to a plane, and applies the activation.
pub(super) struct FinishTask<'a> {
    pub(super) out: &'a mut [f32],
    pub(super) bias: f32,
    /// Of this plane.
    pub(super) finish: Finish<'a>,
}

impl WithSimd for FinishTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { out, bias, finish } = self;
        let range = finish.range();
        let [least, most] = range;
        let (all_bias, least, most) =
            (simd.splat_f32s(bias), simd.splat_f32s(least), simd.splat_f32s(most));
        let (vectors, rest) = S::as_mut_simd_f32s(out);
        let (addends, rest_addends) = S::as_simd_f32s(finish.addend.unwrap_or_default());
        let mut addends = addends.iter();
        for out in vectors {
            let mut value = simd.add_f32s(*out, all_bias);
            if let Some(addend) = addends.next() {
                value = simd.add_f32s(value, *addend);
            }
            // What is not a number stays so: it is what comes second.
            *out = simd.min_f32s(most, simd.max_f32s(least, value));
        }
        let mut addends = rest_addends.iter();
        for out in rest {
            let addend = addends.next().copied().unwrap_or(0.0);
            *out = within(range, *out + bias + addend);
        }
    }
}

#[cfg(test)]
mod tests {
    use pulp::Arch;

    use super::*;
    use crate::conv::Activation;

    #[test]
    fn all_lengths_are_finished_and_what_is_no_number_stays() {
        for length in [0, 1, 7, 16, 37] {
            for activation in [Activation::None, Activation::Relu, Activation::Relu6] {
                let addend: Vec<f32> = (0..length).map(|at| at as f32 - 9.0).collect();
                for addend in [None, Some(addend.as_slice())] {
                    let mut out: Vec<f32> = (0..length).map(|at| 5.0 - at as f32 / 3.0).collect();
                    if let Some(first) = out.first_mut() {
                        *first = f32::NAN;
                    }
                    let finish = Finish { addend, activation };
                    let expected: Vec<f32> = out
                        .iter()
                        .enumerate()
                        .map(|(at, value)| {
                            let addend = addend.map_or(0.0, |addend| addend[at]);
                            within(finish.range(), value + 0.5 + addend)
                        })
                        .collect();
                    Arch::new().dispatch(FinishTask { out: &mut out, bias: 0.5, finish });
                    let bits = |values: &[f32]| -> Vec<bool> {
                        values.iter().map(|value| value.is_nan()).collect()
                    };
                    assert_eq!(bits(&out), bits(&expected));
                    assert_eq!(out.get(1..), expected.get(1..), "{length} {activation:?}");
                }
            }
        }
    }
}
