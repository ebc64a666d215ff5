//! The gradient of a convolution with respect to its weight: of every output channel, input channel
//! and tap the sum, over all positions, of the output's gradient times the input that the tap reads.
//!
//! Seen so it is a product of matrices that is summed over positions. Both sides are laid down with
//! their channels side by side, a block of positions at a time, so that a few output and many input
//! channels are added up in registers while the block stays near a core (`dense`). Wide 3×3
//! convolutions save products (`winograd`). Depthwise ones are a few sums per channel, made while its
//! planes are read once (`depthwise`).
//!
//! How the work is divided does not show in the result: every sum is taken in an order that only the
//! shapes decide, whatever the number of threads.

mod dense;
mod depthwise;
mod packed;
mod product;
mod windows;
mod winograd;

use super::{HostShape, Planes};

/// The gradient with respect to the weight, `[output, input / groups, kernel, kernel]`, row-major.
///
/// `x`: what the convolution read, `[batch, input, height, width]`; `dy`: the gradient with respect to
/// what it gave, `[batch, output, height, width]` of the output.
pub(super) fn weight_gradient(x: Planes<'_>, dy: Planes<'_>, shape: &HostShape) -> Vec<f32> {
    let count = shape.weight_shape().iter().product();
    if count == 0 || x.values.is_empty() || dy.values.is_empty() {
        return vec![0.0; count];
    }
    if shape.depthwise {
        return depthwise::weight_gradient(x, dy, shape);
    }
    if winograd::serves(shape) {
        return winograd::weight_gradient(x, dy, shape.dilation);
    }
    dense::weight_gradient(x, dy, shape)
}

#[cfg(test)]
mod tests;
