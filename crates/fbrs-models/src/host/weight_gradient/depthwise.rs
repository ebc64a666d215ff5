//! Every channel on its own: as many sums as the kernel has taps, made in one pass over its planes.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::super::padded::Padded;
use super::super::stencil::Stencil;
use super::super::{HostShape, Planes};

/// Vectors of positions whose products are added up one after the other: rounding grows with the
/// length of a sum.
const RUN: usize = 64;
/// Values of the widest vector.
const LANES: usize = 16;

pub(super) fn weight_gradient(x: Planes<'_>, dy: Planes<'_>, shape: &HostShape) -> Vec<f32> {
    let [batch, channels, height, width] = x.dims;
    let [_, _, out_height, out_width] = dy.dims;
    let taps = shape.kernel * shape.kernel;
    let stencil = Stencil::new(shape);
    let mut weight = vec![0.0f32; channels * taps];
    weight.par_chunks_mut(taps).enumerate().for_each(|(channel, weight)| {
        let mut sums = vec![0.0f64; taps];
        let mut gradient = Vec::new();
        for image in 0..batch {
            let plane = |planes: Planes<'_>, length: usize| {
                let from = (image * channels + channel) * length;
                from..(from + length).min(planes.values.len())
            };
            let values = &x.values[plane(x, height * width)];
            let source = Planes { values, dims: [1, 1, height, width] };
            let padded = Padded::new(source, &stencil, [out_height, out_width], true);
            // The gradient, with zeros where the padded rows have no output.
            let positions = padded.positions().next_multiple_of(LANES);
            gradient.resize(out_height * padded.row + LANES, 0.0);
            let lines = dy.values[plane(dy, out_height * out_width)].chunks_exact(out_width);
            for (to, line) in gradient.chunks_mut(padded.row.max(1)).zip(lines) {
                to[..out_width].copy_from_slice(line);
            }
            let offsets: Vec<usize> = padded.taps.iter().map(|tap| tap.offset).collect();
            let (source, gradient) = (&*padded.values, &gradient[..positions]);
            Arch::new().dispatch(PlaneTask {
                source,
                gradient,
                offsets: &offsets,
                sums: &mut sums,
            });
        }
        weight.iter_mut().zip(&sums).for_each(|(to, sum)| *to = *sum as f32);
    });
    weight
}

/// Adds a plane's products to the sums of all taps.
struct PlaneTask<'a> {
    source: &'a [f32],
    /// A multiple of `LANES` positions.
    gradient: &'a [f32],
    offsets: &'a [usize],
    sums: &'a mut [f64],
}

impl WithSimd for PlaneTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let wide = S::F32_LANES >= 16;
        match self.offsets.len() {
            1 => self.add::<S, 1>(simd),
            9 => self.add::<S, 9>(simd),
            // Wide vectors come with twice as many registers.
            25 if wide => self.add::<S, 25>(simd),
            25 => self.add::<S, 5>(simd),
            49 => self.add::<S, 7>(simd),
            _ => self.add::<S, 1>(simd),
        }
    }
}

impl PlaneTask<'_> {
    #[inline(always)]
    fn add<S: Simd, const N: usize>(&mut self, simd: S) {
        let (groups, _) = self.offsets.as_chunks::<N>();
        let (all_sums, _) = self.sums.as_chunks_mut::<N>();
        let run = RUN * S::F32_LANES;
        for (offsets, totals) in groups.iter().zip(all_sums) {
            for (index, gradient) in self.gradient.chunks(run).enumerate() {
                let (gradient, _) = S::as_simd_f32s(gradient);
                let reach = gradient.len() * S::F32_LANES;
                let read = |offset: usize| {
                    let from = offset + index * run;
                    S::as_simd_f32s(&self.source[from..from + reach]).0
                };
                let sources: [&[S::f32s]; N] = offsets.map(read);
                let mut sums = [simd.splat_f32s(0.0); N];
                for (at, &gradient) in gradient.iter().enumerate() {
                    for (sum, source) in sums.iter_mut().zip(&sources) {
                        *sum = simd.mul_add_f32s(gradient, source[at], *sum);
                    }
                }
                for (total, sum) in totals.iter_mut().zip(sums) {
                    *total += f64::from(simd.reduce_sum_f32s(sum));
                }
            }
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    /// On a processor with wide vectors the other tests run these kernels with them alone.
    #[test]
    fn narrow_vectors_give_what_wide_ones_give() {
        let Some(simd) = pulp::x86::V3::try_new() else { return };
        let wave = |count: usize, step: f32| -> Vec<f32> {
            (0..count).map(|at| ((at as f32 + 1.0) * step).sin()).collect()
        };
        for (taps, length) in [(1, 16), (9, 48), (25, 1600), (49, 1040)] {
            let offsets: Vec<usize> = (0..taps).map(|tap| tap * 3).collect();
            let (source, gradient) = (wave(length + 200, 0.7), wave(length, 0.3));
            let mut outs = [vec![0.5f64; taps], vec![0.5f64; taps]];
            let (source, gradient, offsets) = (&*source, &*gradient, &*offsets);
            let [wide, narrow] = outs.each_mut();
            Arch::new().dispatch(PlaneTask { source, gradient, offsets, sums: wide });
            Simd::vectorize(simd, PlaneTask { source, gradient, offsets, sums: narrow });
            for (found, expected) in outs[0].iter().zip(&outs[1]) {
                assert!((found - expected).abs() < 1e-3, "{taps} {length}");
            }
        }
    }
}
