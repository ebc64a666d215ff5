//! Vectors read from memory, and written.

use pulp::Simd;

/// The vectors at several places, as far apart as one is from the next.
#[inline(always)]
pub(super) fn load_all<S: Simd, const N: usize>(
    values: &[f32],
    first: usize,
    apart: usize,
) -> [S::f32s; N] {
    let mut vectors = [load::<S>(values, first); N];
    for (index, vector) in vectors.iter_mut().enumerate().skip(1) {
        *vector = load::<S>(values, first + index * apart);
    }
    vectors
}

/// Writes vectors to several places, as far apart as one is from the next.
#[inline(always)]
pub(super) fn store_all<S: Simd, const N: usize>(
    values: &mut [f32],
    first: usize,
    apart: usize,
    vectors: [S::f32s; N],
) {
    for (index, vector) in vectors.into_iter().enumerate() {
        store::<S>(values, first + index * apart, vector);
    }
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
