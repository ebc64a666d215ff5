//! The innermost loop of every convolution: some outputs times some vectors of positions, added up in
//! registers.
//!
//! A processor reaches its peak if every value that it reads goes into several products, and if enough
//! sums are under way to wait for none: AVX-512 has 32 registers, which hold 8 outputs × 3 vectors beside
//! what is read. The 16 registers of AVX2 reach it too, with 2 outputs × 6 vectors; 4 × 3 would need all of
//! them, so that one sum went through memory at every step, which took twice as long. NEON's 32 narrow ones
//! hold 4 × 6.

use pulp::Simd;

/// Output channels of a tile.
pub(super) const OUTPUTS: usize = 8;
/// Positions that are computed at once, at most.
pub(super) const POSITIONS: usize = 48;

/// Vectors of positions that are computed at once.
pub(super) const fn vectors<S: Simd>() -> usize {
    if S::F32_LANES >= 16 { 3 } else { 6 }
}

/// Positions that are computed at once.
pub(super) const fn step<S: Simd>() -> usize {
    vectors::<S>() * S::F32_LANES
}

/// How many outputs there are registers for, beside so many vectors of positions.
pub(super) const fn outputs<S: Simd>(vectors: usize) -> usize {
    // Wide vectors and 32 registers, narrow ones and as many (aarch64), narrow ones and 16.
    match (S::F32_LANES >= 16, S::REGISTER_COUNT >= 32, vectors) {
        (true, _, _) | (_, _, 0 | 1) | (_, true, 2 | 3) => 8,
        (_, true, _) | (_, _, 2) => 4,
        _ => 2,
    }
}

/// What is done for `COUNT` outputs of a tile, at `N` vectors of positions.
pub(super) trait Group {
    /// Does it for the outputs from `first` on.
    fn run<S: Simd, const N: usize, const COUNT: usize>(&mut self, simd: S, first: usize);
}

/// Does it for the first outputs of a tile, at so many vectors of positions, in groups for which there are
/// registers. Of the outputs behind them, up to the tile's, some may be made too, or none.
#[inline(always)]
pub(super) fn each_group<S: Simd>(simd: S, vectors: usize, made: usize, group: &mut impl Group) {
    match (vectors, outputs::<S>(vectors)) {
        (0 | 1, _) => all::<S, 1, 8>(simd, made, group),
        (2, 8) => all::<S, 2, 8>(simd, made, group),
        (2, _) => all::<S, 2, 4>(simd, made, group),
        // Two or four outputs times three vectors are enough sums, so that a last tile need not make eight.
        (3, 8) if made <= 2 => all::<S, 3, 2>(simd, made, group),
        (3, 8) if made <= 4 => all::<S, 3, 4>(simd, made, group),
        (3, 8) => all::<S, 3, 8>(simd, made, group),
        (3, _) => all::<S, 3, 2>(simd, made, group),
        (4, 4) => all::<S, 4, 4>(simd, made, group),
        (4, _) => all::<S, 4, 2>(simd, made, group),
        (5, 4) => all::<S, 5, 4>(simd, made, group),
        (5, _) => all::<S, 5, 2>(simd, made, group),
        (_, 4) => all::<S, 6, 4>(simd, made, group),
        (_, _) => all::<S, 6, 2>(simd, made, group),
    }
}

#[inline(always)]
fn all<S: Simd, const N: usize, const COUNT: usize>(simd: S, made: usize, group: &mut impl Group) {
    // No closures in here and below: what is called in one is not compiled for the processor's vectors.
    for first in (0..made.min(OUTPUTS)).step_by(COUNT) {
        group.run::<S, N, COUNT>(simd, first);
    }
}

/// Adds the products of `N` vectors and `COUNT` weights to their sums.
///
/// All lengths are known when it is compiled, here as where sums are stored: else sums would not stay in
/// registers.
#[inline(always)]
pub(super) fn add_products<S: Simd, const N: usize, const COUNT: usize>(
    simd: S,
    x: &[S::f32s; N],
    weight: &[f32; COUNT],
    sums: &mut [[S::f32s; N]; COUNT],
) {
    if COUNT <= N {
        // The weights are kept, each vector is read once.
        let mut kept = [simd.splat_f32s(0.0); COUNT];
        for (kept, &weight) in kept.iter_mut().zip(weight) {
            *kept = simd.splat_f32s(weight);
        }
        for (vector, &x) in x.iter().enumerate() {
            for (sums, &weight) in sums.iter_mut().zip(&kept) {
                sums[vector] = simd.mul_add_f32s(weight, x, sums[vector]);
            }
        }
    } else {
        for (sums, &weight) in sums.iter_mut().zip(weight) {
            let weight = simd.splat_f32s(weight);
            for (sum, &x) in sums.iter_mut().zip(x) {
                *sum = simd.mul_add_f32s(weight, x, *sum);
            }
        }
    }
}

/// Stores sums, or adds them to what is there: those of each output from `row · stride` on.
#[inline(always)]
pub(super) fn store_sums<S: Simd, const N: usize, const COUNT: usize>(
    simd: S,
    sums: &[[S::f32s; N]; COUNT],
    out: &mut [f32],
    stride: usize,
    adds: bool,
) {
    for (row, sums) in sums.iter().enumerate() {
        let row = vectors_of_mut::<S, N>(&mut out[row * stride..]);
        for (out, sum) in row.iter_mut().zip(sums) {
            *out = if adds { simd.add_f32s(*out, *sum) } else { *sum };
        }
    }
}

/// The first vectors of some values.
#[inline(always)]
pub(super) fn vectors_of<S: Simd, const N: usize>(values: &[f32]) -> &[S::f32s; N] {
    let (values, _) = S::as_simd_f32s(&values[..N * S::F32_LANES]);
    let (values, _) = values.as_chunks::<N>();
    &values[0]
}

#[inline(always)]
fn vectors_of_mut<S: Simd, const N: usize>(values: &mut [f32]) -> &mut [S::f32s; N] {
    let (values, _) = S::as_mut_simd_f32s(&mut values[..N * S::F32_LANES]);
    let (values, _) = values.as_chunks_mut::<N>();
    &mut values[0]
}

/// The weights of `COUNT` outputs from `first` on, of a tile's.
#[inline(always)]
pub(super) fn weights_of<const COUNT: usize>(weight: &[f32], first: usize) -> &[f32; COUNT] {
    let (weight, _) = weight[first..first + COUNT].as_chunks::<COUNT>();
    &weight[0]
}
