//! Vectors read from memory, and written.

use pulp::Simd;

/// The vectors at six places, as far apart as one is from the next.
#[inline(always)]
pub(super) fn load_six<S: Simd>(values: &[f32], first: usize, apart: usize) -> [S::f32s; 6] {
    [
        load::<S>(values, first),
        load::<S>(values, first + apart),
        load::<S>(values, first + 2 * apart),
        load::<S>(values, first + 3 * apart),
        load::<S>(values, first + 4 * apart),
        load::<S>(values, first + 5 * apart),
    ]
}

/// A vector from a place.
#[inline(always)]
pub(super) fn load<S: Simd>(values: &[f32], at: usize) -> S::f32s {
    S::as_simd_f32s(&values[at..at + S::F32_LANES]).0[0]
}

/// Writes a vector to a place.
#[inline(always)]
pub(super) fn store<S: Simd>(values: &mut [f32], at: usize, vector: S::f32s) {
    S::as_mut_simd_f32s(&mut values[at..at + S::F32_LANES]).0[0] = vector;
}
