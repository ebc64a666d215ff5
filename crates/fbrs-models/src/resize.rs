//! Bilinear resize with align_corners, differentiable on every backend.

use burn::tensor::{Device, Tensor, TensorData};

/// Resizes `[batch, channels, h, w]` to `[batch, channels, height, width]`, bilinear with
/// `align_corners = true` (corner pixels map to corner pixels).
///
/// Written as two products with small interpolation matrices: Burn's own `interpolate` has no
/// gradient on GPUs.
pub fn resize_bilinear(x: Tensor<4>, [height, width]: [usize; 2]) -> Tensor<4> {
    let [batch, channels, from_height, from_width] = x.dims();
    if [from_height, from_width] == [height, width] {
        return x;
    }
    let device = x.device();
    let columns = interpolation(from_width, width, &device).transpose();
    let rows = interpolation(from_height, height, &device);
    let x = x.reshape([batch * channels * from_height, from_width]).matmul(columns);
    let x = x.reshape([batch * channels, from_height, width]);
    rows.unsqueeze::<3>()
        .expand([batch * channels, height, from_height])
        .matmul(x)
        .reshape([batch, channels, height, width])
}

/// Row `i` holds the weights of the sources of output `i`: `[to, from]`.
fn interpolation(from: usize, to: usize, device: &Device) -> Tensor<2> {
    let mut weights = vec![0.0f32; to * from];
    for (index, row) in weights.chunks_mut(from.max(1)).enumerate() {
        let (low, high, fraction) = source(index, from, to);
        if let Some(weight) = row.get_mut(low) {
            *weight += 1.0 - fraction;
        }
        if let Some(weight) = row.get_mut(high) {
            *weight += fraction;
        }
    }
    Tensor::from_data(TensorData::new(weights, [to, from]), device)
}

/// The two sources of an output position and the weight of the second.
pub(crate) fn source(index: usize, from: usize, to: usize) -> (usize, usize, f32) {
    let scale = if to > 1 { (from as f32 - 1.0) / (to as f32 - 1.0) } else { 0.0 };
    let position = scale * index as f32;
    let low = (position as usize).min(from.saturating_sub(1));
    let high = (low + 1).min(from.saturating_sub(1));
    (low, high, position - low as f32)
}
