//! A scale and a shift for every channel, whose gradients are wanted: memory decides how long that takes, so
//! that it is one pass over the maps each way.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Tensor;
use rayon::prelude::*;

use super::layer::{Tracked, numbers, plain, tensor, tracked, values};

/// Values whose products are added up in single precision, each to one of as many sums as a chunk has.
const CHUNK: usize = 16;
/// Chunks that are added up so.
const CHUNKS: usize = 64;

/// `x` is `[batch, channels, height, width]`, the others are `[1, channels, 1, 1]`; tracked where one of them is.
/// `None` for tensors that this is not made for: of another type, shape or device.
pub(crate) fn channel_affine(
    x: &Tensor<4>,
    scale: &Tensor<4>,
    shift: &Tensor<4>,
) -> Option<Tensor<4>> {
    let dims @ [_, channels, height, width] = x.dims();
    let is_per_channel = |tensor: &Tensor<4>| tensor.dims() == [1, channels, 1, 1];
    if !is_per_channel(scale) || !is_per_channel(shift) {
        return None;
    }
    let plane = height * width;
    if [x, scale, shift].iter().all(|tensor| !tensor.is_autodiff()) {
        let (x, scale, shift) = (plain(x)?, plain(scale)?, plain(shift)?);
        let y = forward(&values(&x)?, &values(&scale)?, &values(&shift)?, plane);
        return Some(Tensor::from_primitive::<Flex>(tensor(y, dims)));
    }
    let (x, scale, shift) = (tracked(x)?, tracked(scale)?, tracked(shift)?);
    let (scales, shifts) = (values(scale.primitive())?.into_owned(), values(shift.primitive())?);
    let y = tensor(forward(&values(x.primitive())?, &scales, &shifts, plane), dims);
    let nodes = [x.node(), scale.node(), shift.node()];
    let y = match AffineStep.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => {
            let state = AffineState { x: x.primitive().clone(), scales: scales.into() };
            prepared.finish(state, y)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(y),
    };
    Some(Tensor::from_primitive::<Tracked>(y))
}

fn forward(x: &[f32], scales: &[f32], shifts: &[f32], plane: usize) -> Vec<f32> {
    let mut y = vec![0.0; x.len()];
    let planes = y.par_chunks_mut(plane.max(1)).zip(x.par_chunks(plane.max(1)));
    planes.enumerate().for_each(|(index, (y, x))| {
        let channel = index % scales.len();
        let (scale, shift) = (scales[channel], shifts[channel]);
        y.iter_mut().zip(x).for_each(|(y, x)| *y = scale * x + shift);
    });
    y
}

#[derive(Debug)]
struct AffineStep;

#[derive(Debug, Clone)]
struct AffineState {
    x: FlexTensor,
    scales: Arc<[f32]>,
}

impl Backward<Flex, 3> for AffineStep {
    type State = AffineState;

    fn backward(self, ops: Ops<AffineState, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        let AffineState { x, scales } = ops.state;
        let [at_x, at_scale, at_shift] = ops.parents;
        let slopes = numbers(&gradient);
        let dims @ [_, channels, height, width] = gradient.shape().dims::<4>();
        let plane = height * width;
        if at_scale.is_some() || at_shift.is_some() {
            let sums = sums(&slopes, &numbers(&x), channels, plane);
            let of = |which: usize| {
                let values = sums.iter().map(|sums| sums[which] as f32).collect();
                tensor(values, [1, channels, 1, 1])
            };
            for (which, node) in [at_scale, at_shift].into_iter().enumerate() {
                if let Some(node) = node {
                    gradients.register::<Flex>(node.id, of(which));
                }
            }
        }
        if let Some(node) = at_x {
            let values = forward(&slopes, &scales, &vec![0.0; channels], plane);
            gradients.register::<Flex>(node.id, tensor(values, dims));
        }
    }
}

/// Per channel, over all images: the sum of the slopes' products with the values, and that of the slopes.
fn sums(slopes: &[f32], values: &[f32], channels: usize, plane: usize) -> Vec<[f64; 2]> {
    let planes = slopes.par_chunks(plane.max(1)).zip(values.par_chunks(plane.max(1)));
    let of_plane: Vec<[f64; 2]> =
        planes.map(|(slopes, values)| plane_sums(slopes, values)).collect();
    let mut sums = vec![[0.0; 2]; channels];
    for image in of_plane.chunks(channels.max(1)) {
        for (sums, [products, slopes]) in sums.iter_mut().zip(image) {
            sums[0] += products;
            sums[1] += slopes;
        }
    }
    sums
}

/// Rounding grows with the length of a sum: long ones are made of short ones, in double precision.
fn plane_sums(slopes: &[f32], values: &[f32]) -> [f64; 2] {
    let mut all = [0.0f64; 2];
    let pieces = slopes.chunks(CHUNK * CHUNKS).zip(values.chunks(CHUNK * CHUNKS));
    for (slopes, values) in pieces {
        let (slopes, rest) = slopes.as_chunks::<CHUNK>();
        let (values, rest_values) = values.as_chunks::<CHUNK>();
        let (mut products, mut sums) = ([0.0f32; CHUNK], [0.0f32; CHUNK]);
        for (slopes, values) in slopes.iter().zip(values) {
            for lane in 0..CHUNK {
                products[lane] += slopes[lane] * values[lane];
                sums[lane] += slopes[lane];
            }
        }
        let whole = |lanes: &[f32]| lanes.iter().copied().map(f64::from).sum::<f64>();
        let rest_products = rest.iter().zip(rest_values);
        let rest_products = rest_products.map(|(slope, value)| f64::from(slope * value));
        all[0] += whole(&products) + rest_products.sum::<f64>();
        all[1] += whole(&sums) + whole(rest);
    }
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use burn::tensor::{Device, TensorData};

    use super::super::tests::noise;
    use super::*;

    /// Against Burn's own operations, in all shapes of a plane that sums are divided by.
    #[test]
    fn values_and_gradients_are_those_of_a_product_and_a_sum() {
        for dims in [[2, 3, 5, 7], [1, 1, 1, 1], [3, 2, 40, 53], [2, 5, 1, 1024]] {
            let channels = dims[1];
            let input = |dims: [usize; 4], seed| {
                let values = noise(dims.iter().product(), seed);
                let tensor = Tensor::<4>::from_data(TensorData::new(values, dims), &Device::flex());
                tensor.autodiff().require_grad()
            };
            let of_channels = [1, channels, 1, 1];
            let [x, scale, shift] = [input(dims, 3), input(of_channels, 5), input(of_channels, 7)];
            let weights = input(dims, 9);
            let read = |tensor: Tensor<4>| tensor.into_data().iter::<f32>().collect::<Vec<_>>();
            let found = channel_affine(&x, &scale, &shift).unwrap();
            let expected = scale.clone() * x.clone() + shift.clone();
            assert_eq!(read(found.clone()), read(expected.clone()), "{dims:?}");
            let found = (found * weights.clone()).sum().backward();
            let expected = (expected * weights).sum().backward();
            for tensor in [&x, &scale, &shift] {
                let (found, expected) =
                    (read(tensor.grad(&found).unwrap()), read(tensor.grad(&expected).unwrap()));
                let most = expected.iter().fold(1.0f32, |most, value| most.max(value.abs()));
                assert_eq!(found.len(), expected.len());
                for (found, expected) in found.iter().zip(&expected) {
                    assert!((found - expected).abs() < 2e-5 * most, "{dims:?} {found} {expected}");
                }
            }
        }
    }

    #[test]
    fn other_shapes_are_left_to_burn_and_untracked_maps_are_taken() {
        let ones = |dims: [usize; 4]| Tensor::<4>::ones(dims, &Device::flex());
        let (maps, per_channel) = ([1, 2, 3, 3], [1, 2, 1, 1]);
        assert!(channel_affine(&ones(maps), &ones([1, 1, 1, 1]), &ones(per_channel)).is_none());
        let plain = channel_affine(&ones(maps), &ones(per_channel), &ones(per_channel)).unwrap();
        assert!(!plain.is_autodiff());
        let leaf = ones(per_channel).autodiff().require_grad();
        let mixed = channel_affine(&ones(maps), &leaf, &ones(per_channel)).unwrap();
        assert!(mixed.is_autodiff());
        for y in [plain, mixed.clone()] {
            assert!(y.into_data().iter::<f32>().all(|value| value == 2.0));
        }
        let gradient = leaf.grad(&mixed.sum().backward()).unwrap();
        assert!(gradient.into_data().iter::<f32>().all(|value| value == 9.0));
    }
}
