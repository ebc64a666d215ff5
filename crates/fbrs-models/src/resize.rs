//! Bilinear resize with align_corners, differentiable on every backend.

use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};

/// How maps that were resized to one size become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joining {
    /// Their channels after one another.
    Beside,
    /// Their sum in the order of the parts, and ReLU.
    SumRelu,
}

/// Resizes `[batch, channels, h, w]` to `[batch, channels, height, width]`, bilinear with
/// `align_corners = true` (corner pixels map to corner pixels).
///
/// On the processor it is one pass; elsewhere it is written as two products with small interpolation matrices:
/// Burn's own `interpolate` has no gradient on GPUs.
pub fn resize_bilinear(x: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    if [height, width] == size {
        return x;
    }
    join_resized(vec![x], size, Joining::Beside)
}

/// `parts`, each resized as [`resize_bilinear`] does, joined: `[batch, _, height, width]`.
pub(crate) fn join_resized(parts: Vec<Tensor<4>>, size: [usize; 2], joining: Joining) -> Tensor<4> {
    #[cfg(feature = "cpu")]
    if let Some(y) = crate::host::join_resized(&parts, size, joining) {
        return y;
    }
    join_by_products(parts, size, joining)
}

/// The same, resized by products of matrices: on any device.
pub(crate) fn join_by_products(
    parts: Vec<Tensor<4>>,
    size: [usize; 2],
    joining: Joining,
) -> Tensor<4> {
    let mut parts = parts.into_iter().map(|part| resize_by_products(part, size));
    match (joining, parts.next()) {
        (Joining::SumRelu, Some(first)) => relu(parts.fold(first, |sum, part| sum + part)),
        (Joining::Beside, Some(only)) if parts.len() == 0 => only,
        (_, first) => Tensor::cat(first.into_iter().chain(parts).collect(), 1),
    }
}

/// `x` resized by two products with interpolation matrices.
fn resize_by_products(x: Tensor<4>, [height, width]: [usize; 2]) -> Tensor<4> {
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
    for (row, tap) in weights.chunks_mut(from.max(1)).zip(bilinear_taps(from, to)) {
        if let Some(weight) = row.get_mut(tap.low) {
            *weight += 1.0 - tap.fraction;
        }
        if let Some(weight) = row.get_mut(tap.high) {
            *weight += tap.fraction;
        }
    }
    Tensor::from_data(TensorData::new(weights, [to, from]), device)
}

/// The two sources of an output position along one axis, and the weight of the second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BilinearTap {
    /// Index of the first source.
    pub low: usize,
    /// Index of the second one.
    pub high: usize,
    /// Weight of the second one, in [0, 1).
    pub fraction: f32,
}

impl BilinearTap {
    /// The value between the two sources' values.
    pub fn mix(&self, low: f32, high: f32) -> f32 {
        low * (1.0 - self.fraction) + high * self.fraction
    }
}

/// Where an axis of `to` positions reads one of `from`: bilinear with `align_corners = true`.
pub fn bilinear_taps(from: usize, to: usize) -> Vec<BilinearTap> {
    let scale = if to > 1 { (from as f32 - 1.0) / (to as f32 - 1.0) } else { 0.0 };
    let last = from.saturating_sub(1);
    let tap = |index: usize| {
        let position = scale * index as f32;
        let low = (position as usize).min(last);
        BilinearTap { low, high: (low + 1).min(last), fraction: position - low as f32 }
    };
    (0..to).map(tap).collect()
}
