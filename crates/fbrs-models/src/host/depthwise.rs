//! Depthwise convolution: every channel on its own.

use pulp::{Arch, Simd, WithSimd};

use super::padded::Padded;
use super::{Addend, Finish, within};

/// Vectors of positions that are computed at once.
const VECTORS: usize = 4;
/// Values behind the last position that may be read, and nothing is made of them: positions are
/// computed this many at a time at most.
pub(super) const SLACK: usize = VECTORS * 16;

/// `out[i] = bias + Σ weight[t] · source[taps[t] + i]` for all of `out`, whose length is a multiple
/// of [`SLACK`].
#[inline(always)]
pub(super) fn sum_taps<S: Simd>(
    simd: S,
    source: &[f32],
    taps: &[usize],
    weight: &[f32],
    bias: f32,
    out: &mut [f32],
) {
    let step = VECTORS * S::F32_LANES;
    for (index, out) in out.chunks_exact_mut(step).enumerate() {
        let mut sums = [simd.splat_f32s(bias); VECTORS];
        for (&tap, &weight) in taps.iter().zip(weight) {
            let from = tap + index * step;
            let (x, _) = S::as_simd_f32s(&source[from..from + step]);
            let weight = simd.splat_f32s(weight);
            for (sum, &x) in sums.iter_mut().zip(x) {
                *sum = simd.mul_add_f32s(weight, x, *sum);
            }
        }
        let (out, _) = S::as_mut_simd_f32s(out);
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum);
    }
}

/// One channel of one image.
pub(super) struct PlaneTask<'a> {
    pub(super) padded: &'a Padded<'a>,
    /// Counts channels over the whole batch.
    pub(super) index: usize,
    pub(super) weight: &'a [f32],
    pub(super) bias: f32,
    pub(super) finish: Finish<'a>,
    pub(super) out: &'a mut [f32],
}

impl PlaneTask<'_> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for PlaneTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { padded, index, weight, bias, finish, out } = self;
        let range = finish.range();
        let taps: Vec<usize> = padded.taps.iter().map(|tap| tap.offset).collect();
        let source = &padded.values[index * padded.channel..];
        let width = padded.out_width;
        let mut sums = vec![0.0f32; padded.positions().next_multiple_of(SLACK)];
        sum_taps(simd, source, &taps, weight, bias, &mut sums);
        let lines = out.chunks_mut(width.max(1)).zip(sums.chunks(padded.row.max(1)));
        for (line, (out, sums)) in lines.enumerate() {
            let pairs = out.iter_mut().zip(sums);
            match finish.addend {
                Addend::None => pairs.for_each(|(out, sum)| *out = within(range, *sum)),
                Addend::InPlace => pairs.for_each(|(out, sum)| *out = within(range, sum + *out)),
                Addend::Beside(addend) => {
                    let addend = addend.iter().skip(line * width);
                    let pairs = pairs.zip(addend);
                    pairs.for_each(|((out, sum), addend)| *out = within(range, sum + addend));
                }
            }
        }
    }
}
