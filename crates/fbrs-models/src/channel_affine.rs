//! A scale and a shift for every channel.

use burn::tensor::Tensor;

/// `scale · x + shift`: `x` `[batch, channels, height, width]`, `scale` and `shift` `[1, channels, 1, 1]`.
///
/// Differentiable with respect to all three. On the processor it is one pass over `x` forwards, and one
/// backwards for the gradients of both scale and shift.
pub fn channel_affine(x: Tensor<4>, scale: Tensor<4>, shift: Tensor<4>) -> Tensor<4> {
    #[cfg(feature = "cpu")]
    if let Some(y) = crate::host::channel_affine(&x, &scale, &shift) {
        return y;
    }
    scale * x + shift
}
