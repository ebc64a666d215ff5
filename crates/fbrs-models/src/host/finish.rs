//! What is done to sums beside adding them up.

use pulp::{Simd, WithSimd};

use super::{Addend, Finish, within};

/// Adds bias and addend to sums, and applies the activation. The sums, and an addend that lies beside, are as
/// long as `out`.
#[inline(always)]
pub(super) fn finish<S: Simd>(
    simd: S,
    sums: &[f32],
    bias: f32,
    finish: Finish<'_>,
    out: &mut [f32],
) {
    let range = finish.range();
    let (all_bias, ends) = (simd.splat_f32s(bias), range.map(|end| simd.splat_f32s(end)));
    let (out, rest) = S::as_mut_simd_f32s(out);
    let (sums, rest_sums) = S::as_simd_f32s(sums);
    let pairs = out.iter_mut().zip(sums);
    let rest = rest.iter_mut().zip(rest_sums);
    match finish.addend {
        Addend::None => {
            for (out, &sum) in pairs {
                *out = vectors_within(simd, ends, simd.add_f32s(sum, all_bias));
            }
            for (out, sum) in rest {
                *out = within(range, sum + bias);
            }
        }
        Addend::InPlace => {
            for (out, &sum) in pairs {
                let sum = simd.add_f32s(sum, all_bias);
                *out = vectors_within(simd, ends, simd.add_f32s(sum, *out));
            }
            for (out, sum) in rest {
                *out = within(range, sum + bias + *out);
            }
        }
        Addend::Beside(addend) => {
            let (addend, rest_addend) = S::as_simd_f32s(addend);
            for ((out, &sum), &addend) in pairs.zip(addend) {
                let sum = simd.add_f32s(sum, all_bias);
                *out = vectors_within(simd, ends, simd.add_f32s(sum, addend));
            }
            for ((out, sum), addend) in rest.zip(rest_addend) {
                *out = within(range, sum + bias + addend);
            }
        }
    }
}

/// As `within`: what is not a number stays so, since it is what comes second.
#[inline(always)]
fn vectors_within<S: Simd>(simd: S, [least, most]: [S::f32s; 2], value: S::f32s) -> S::f32s {
    simd.min_f32s(most, simd.max_f32s(least, value))
}

/// Finishes a plane.
pub(super) struct FinishTask<'a> {
    pub(super) sums: &'a [f32],
    pub(super) bias: f32,
    /// Of this plane.
    pub(super) finish: Finish<'a>,
    /// As long as the sums.
    pub(super) out: &'a mut [f32],
}

impl WithSimd for FinishTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        finish(simd, self.sums, self.bias, self.finish, self.out);
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
                for addend in [Addend::None, Addend::Beside(&addend), Addend::InPlace] {
                    let mut sums: Vec<f32> = (0..length).map(|at| 5.0 - at as f32 / 3.0).collect();
                    if let Some(first) = sums.first_mut() {
                        *first = f32::NAN;
                    }
                    let finish = Finish { addend, activation };
                    let mut out: Vec<f32> = (0..length).map(|at| 0.5 - at as f32).collect();
                    let expected: Vec<f32> = sums
                        .iter()
                        .zip(&out)
                        .enumerate()
                        .map(|(at, (value, out))| {
                            let addend = match addend {
                                Addend::None => 0.0,
                                Addend::Beside(addend) => addend[at],
                                Addend::InPlace => *out,
                            };
                            within(finish.range(), value + 0.5 + addend)
                        })
                        .collect();
                    let task = FinishTask { sums: &sums, bias: 0.5, finish, out: &mut out };
                    Arch::new().dispatch(task);
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
