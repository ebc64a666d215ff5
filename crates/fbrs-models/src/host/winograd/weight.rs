//! The transformed weights, `G·g·Gᵀ`.

use super::super::registers::OUTPUTS;
use super::REACH;

/// `[input][tap][OUTPUTS]` of one tile of outputs to `[product][input][OUTPUTS]`; `step`: the length of a
/// product.
#[inline(always)]
pub(super) fn transform(weight: &[f32], into: &mut [f32], step: usize) {
    let (kernels, _) = weight.as_chunks::<OUTPUTS>();
    for (input, kernel) in kernels.chunks_exact(9).enumerate() {
        let mut half = [[[0.0f32; OUTPUTS]; REACH]; 3];
        for (col, half) in half.iter_mut().enumerate() {
            line(&kernel[col], &kernel[3 + col], &kernel[6 + col], half);
        }
        let [left, middle, right] = &half;
        for (row, ((left, middle), right)) in left.iter().zip(middle).zip(right).enumerate() {
            let mut values = [[0.0f32; OUTPUTS]; REACH];
            line(left, middle, right, &mut values);
            for (col, value) in values.iter().enumerate() {
                let to = (REACH * row + col) * step + input * OUTPUTS;
                into[to..to + OUTPUTS].copy_from_slice(value);
            }
        }
    }
}

/// `G` of three values, for every output.
#[inline(always)]
pub(super) fn line(
    a: &[f32; OUTPUTS],
    b: &[f32; OUTPUTS],
    c: &[f32; OUTPUTS],
    into: &mut [[f32; OUTPUTS]; REACH],
) {
    for lane in 0..OUTPUTS {
        let (a, b, c) = (a[lane], b[lane], c[lane]);
        let outer = a + c;
        let (far, middle) = ((1.0 / 24.0) * (a + 4.0 * c), (1.0 / 12.0) * b);
        into[0][lane] = 0.25 * a;
        into[1][lane] = (-1.0 / 6.0) * (outer + b);
        into[2][lane] = (-1.0 / 6.0) * (outer - b);
        into[3][lane] = far + middle;
        into[4][lane] = far - middle;
        into[5][lane] = c;
    }
}
