//! Bilinear resizing with what follows it: maps of several sizes become one, by their sum or beside each other.
//!
//! Every plane of the output is finished while it is in the cache, from sources that fit into it: they are resized
//! along rows first, every row of a source once, then between two such rows. The gradient goes the other way round.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::{DType, Tensor};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::layer::{
    Tracked, TrackedTensor, numbers, plain, tensor, through_activation, tracked, values,
};
use super::scratch::{Scratch, Use};
use super::{Planes, within, zeros};
use crate::conv::Activation;
use crate::resize::{BilinearTap, Joining, bilinear_taps};

/// `parts`, each `[batch, channels, height, width]` with sides of its own, resized to `size` and joined; tracked
/// where one of them is. `None` for tensors that this is not made for: of another type or device, empty, of
/// different batches, different channels to a sum, or more than four.
pub(crate) fn join_resized(
    parts: &[Tensor<4>],
    size: [usize; 2],
    joining: Joining,
) -> Option<Tensor<4>> {
    let dims: Vec<_> = parts.iter().map(Tensor::dims).collect();
    let [batch, channels, ..] = *dims.first()?;
    let fits =
        |part: &[usize; 4]| part[0] == batch && (joining == Joining::Beside || part[1] == channels);
    if size.contains(&0) || dims.as_flattened().contains(&0) || !dims.iter().all(fits) {
        return None;
    }
    if parts.iter().any(|part| part.dtype() != DType::F32) {
        return None;
    }
    match *parts {
        [_] => join_all::<1>(parts.try_into().ok()?, size, joining),
        [_, _] => join_all::<2>(parts.try_into().ok()?, size, joining),
        [_, _, _] => join_all::<3>(parts.try_into().ok()?, size, joining),
        [_, _, _, _] => join_all::<4>(parts.try_into().ok()?, size, joining),
        _ => None,
    }
}

fn join_all<const N: usize>(
    parts: &[Tensor<4>; N],
    size: [usize; 2],
    joining: Joining,
) -> Option<Tensor<4>> {
    if parts.iter().all(|part| !part.is_autodiff()) {
        let parts = parts.iter().map(plain).collect::<Option<Vec<_>>>()?;
        return Some(Tensor::from_primitive::<Flex>(forward(&parts, size, joining)?));
    }
    let parts = parts.iter().map(tracked).collect::<Option<Vec<_>>>()?;
    let primitives: Vec<_> = parts.iter().map(|part| part.primitive().clone()).collect();
    let y = forward(&primitives, size, joining)?;
    let nodes: [_; N] =
        parts.iter().map(TrackedTensor::node).collect::<Vec<_>>().try_into().ok()?;
    let y = match JoinStep.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => {
            let inputs = primitives.iter().map(|part| part.shape().dims()).collect();
            let joined = match joining {
                Joining::Beside => Joined::Beside,
                Joining::SumRelu => Joined::SumRelu(y.clone()),
            };
            prepared.finish(JoinState { inputs, joined }, y)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(y),
    };
    Some(Tensor::from_primitive::<Tracked>(y))
}

/// How a part is resized.
struct Resizing {
    from: [usize; 2],
    rows: Vec<BilinearTap>,
    cols: Vec<BilinearTap>,
}

impl Resizing {
    fn new(from: [usize; 2], to: [usize; 2]) -> Self {
        Self { from, rows: bilinear_taps(from[0], to[0]), cols: bilinear_taps(from[1], to[1]) }
    }

    fn keeps_size(&self) -> bool {
        self.from == [self.rows.len(), self.cols.len()]
    }

    /// Values of a plane before and after.
    fn areas(&self) -> [usize; 2] {
        [self.from[0] * self.from[1], self.rows.len() * self.cols.len()]
    }
}

fn forward(parts: &[FlexTensor], size: [usize; 2], joining: Joining) -> Option<FlexTensor> {
    let dims: Vec<[usize; 4]> = parts.iter().map(|part| part.shape().dims()).collect();
    let values = parts.iter().map(values).collect::<Option<Vec<_>>>()?;
    let planes = values.iter().zip(&dims).map(|(values, dims)| Planes { values, dims: *dims });
    let resizings = dims.iter().map(|dims| Resizing::new([dims[2], dims[3]], size));
    let parts: Vec<(Planes<'_>, Resizing)> = planes.zip(resizings).collect();
    let of_parts = dims.iter().map(|dims| dims[1]);
    let channels = match joining {
        Joining::Beside => of_parts.sum(),
        Joining::SumRelu => dims[0][1],
    };
    let (batch, plane) = (dims[0][0], size[0] * size[1]);
    let mut out = zeros(batch * channels * plane);
    out.par_chunks_mut(plane).enumerate().for_each(|(index, out)| {
        let (image, channel) = (index / channels, index % channels);
        let write = |(x, resizing): &(Planes<'_>, Resizing), channel, adds, out: &mut [f32]| {
            let source = chunk(x.values, resizing.areas()[0], image * x.dims[1] + channel);
            Arch::new().dispatch(ResizeTask { source, resizing, adds, out });
        };
        match joining {
            Joining::Beside => {
                let mut channel = channel;
                for part in &parts {
                    match channel.checked_sub(part.0.dims[1]) {
                        Some(behind) => channel = behind,
                        None => return write(part, channel, false, out),
                    }
                }
            }
            Joining::SumRelu => {
                for (place, part) in parts.iter().enumerate() {
                    write(part, channel, place > 0, out);
                }
                let range = Activation::Relu.range();
                out.iter_mut().for_each(|value| *value = within(range, *value));
            }
        }
    });
    Some(tensor(out, [batch, channels, size[0], size[1]]))
}

fn chunk(values: &[f32], length: usize, index: usize) -> &[f32] {
    &values[index * length..(index + 1) * length]
}

/// Writes a resized plane, or adds it.
struct ResizeTask<'a> {
    source: &'a [f32],
    resizing: &'a Resizing,
    adds: bool,
    out: &'a mut [f32],
}

impl WithSimd for ResizeTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { source, resizing, adds, out } = self;
        if resizing.keeps_size() {
            write(out, source.iter().copied(), adds);
            return;
        }
        let width = resizing.cols.len();
        let mut wide = Scratch::take(Use::Line, resizing.from[0] * width);
        let rows = wide.chunks_exact_mut(width).zip(source.chunks_exact(resizing.from[1]));
        for (wide, row) in rows {
            for (to, tap) in wide.iter_mut().zip(&resizing.cols) {
                *to = tap.mix(row[tap.low], row[tap.high]);
            }
        }
        for (out, tap) in out.chunks_exact_mut(width).zip(&resizing.rows) {
            let (low, high) = (chunk(&wide, width, tap.low), chunk(&wide, width, tap.high));
            let values = low.iter().zip(high).map(|(low, high)| tap.mix(*low, *high));
            write(out, values, adds);
        }
    }
}

#[inline(always)]
fn write(out: &mut [f32], values: impl Iterator<Item = f32>, adds: bool) {
    let pairs = out.iter_mut().zip(values);
    if adds {
        pairs.for_each(|(out, value)| *out += value);
    } else {
        pairs.for_each(|(out, value)| *out = value);
    }
}

/// Makes the gradient of a plane: every source gets from its outputs as much as it gave.
struct GiveBackTask<'a> {
    slopes: &'a [f32],
    resizing: &'a Resizing,
    out: &'a mut [f32],
}

impl WithSimd for GiveBackTask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { slopes, resizing, out } = self;
        if resizing.keeps_size() {
            out.copy_from_slice(slopes);
            return;
        }
        let width = resizing.cols.len();
        let mut wide = Scratch::take(Use::Line, resizing.from[0] * width);
        wide[..resizing.from[0] * width].fill(0.0);
        for (slopes, tap) in slopes.chunks_exact(width).zip(&resizing.rows) {
            for (row, weight) in [(tap.low, 1.0 - tap.fraction), (tap.high, tap.fraction)] {
                let to = &mut wide[row * width..(row + 1) * width];
                to.iter_mut().zip(slopes).for_each(|(to, slope)| *to += weight * slope);
            }
        }
        let rows = out.chunks_exact_mut(resizing.from[1]).zip(wide.chunks_exact(width));
        for (out, wide) in rows {
            give_back_row(&resizing.cols, wide, out);
        }
    }
}

/// `taps` are in the order of what they read.
#[inline(always)]
fn give_back_row(taps: &[BilinearTap], slopes: &[f32], out: &mut [f32]) {
    let mut outputs = taps.iter().zip(slopes).peekable();
    let last = out.len().saturating_sub(1);
    let mut carried = 0.0;
    for (index, to) in out.iter_mut().enumerate() {
        let (mut own, mut next) = (carried, 0.0);
        while let Some((tap, slope)) = outputs.next_if(|(tap, _)| tap.low == index) {
            own += (1.0 - tap.fraction) * slope;
            next += tap.fraction * slope;
        }
        // Behind the last source there is none: it is read twice.
        *to = if index == last { own + next } else { own };
        carried = next;
    }
}

#[derive(Debug)]
struct JoinStep;

#[derive(Debug, Clone)]
struct JoinState {
    /// Shapes of the parts.
    inputs: Vec<[usize; 4]>,
    joined: Joined,
}

#[derive(Debug, Clone)]
enum Joined {
    Beside,
    /// With the output: where it is 0, there is no gradient.
    SumRelu(FlexTensor),
}

impl<const N: usize> Backward<Flex, N> for JoinStep {
    type State = JoinState;

    fn backward(self, ops: Ops<JoinState, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        let JoinState { inputs, joined } = ops.state;
        let gradient = match &joined {
            Joined::SumRelu(output) => {
                through_activation(&gradient, output, Activation::Relu.range())
            }
            Joined::Beside => gradient,
        };
        let [_, channels, height, width] = gradient.shape().dims::<4>();
        let size = [height, width];
        let slopes = numbers(&gradient);
        let mut behind = 0;
        for (node, dims) in ops.parents.into_iter().zip(inputs) {
            let begin = match &joined {
                Joined::SumRelu(_) => 0,
                Joined::Beside => behind,
            };
            behind += dims[1];
            let Some(node) = node else { continue };
            let resizing = Resizing::new([dims[2], dims[3]], size);
            if resizing.keeps_size() && dims[1] == channels {
                gradients.register::<Flex>(node.id, gradient.clone());
                continue;
            }
            let [from, to] = resizing.areas();
            let mut out = vec![0.0; dims.iter().product()];
            out.par_chunks_mut(from).enumerate().for_each(|(index, out)| {
                let (image, channel) = (index / dims[1], begin + index % dims[1]);
                let slopes = chunk(&slopes, to, image * channels + channel);
                Arch::new().dispatch(GiveBackTask { slopes, resizing: &resizing, out });
            });
            gradients.register::<Flex>(node.id, tensor(out, dims));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use burn::tensor::{Device, TensorData};

    use super::super::tests::noise;
    use super::*;
    use crate::resize::join_by_products;

    const BESIDE: [[usize; 4]; 4] = [[2, 3, 9, 13], [2, 1, 5, 7], [2, 4, 3, 4], [2, 2, 1, 1]];
    const SUM: [[usize; 4]; 4] = [[2, 3, 5, 7], [2, 3, 9, 13], [2, 3, 3, 20], [2, 3, 1, 30]];

    fn read(tensor: Tensor<4>) -> Vec<f32> {
        tensor.into_data().iter::<f32>().collect()
    }

    fn input(dims: [usize; 4], seed: u32) -> Tensor<4> {
        let values = noise(dims.iter().product(), seed);
        Tensor::from_data(TensorData::new(values, dims), &Device::flex())
    }

    fn agree(found: &[f32], expected: &[f32], case: &str) {
        assert_eq!(found.len(), expected.len(), "{case}");
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{case}: {found} {expected}");
        }
    }

    /// Against matrices on Burn's own operations: larger, smaller, the same size, a single row or column.
    #[test]
    fn values_and_gradients_are_those_of_products_with_matrices() {
        for (size, joining, parts) in [
            ([9, 13], Joining::Beside, &BESIDE[..]),
            ([9, 13], Joining::SumRelu, &SUM[..]),
            ([9, 13], Joining::SumRelu, &SUM[1..2]),
            ([40, 3], Joining::Beside, &BESIDE[..1]),
            ([1, 1], Joining::Beside, &BESIDE[..3]),
            ([1, 17], Joining::SumRelu, &SUM[..3]),
            // Rounded, the last position lies behind the last source.
            ([22, 22], Joining::Beside, &[[1, 2, 4, 4]]),
        ] {
            let case = format!("{size:?} {joining:?} of {}", parts.len());
            let parts: Vec<_> =
                parts.iter().zip(3..).map(|(dims, seed)| input(*dims, seed)).collect();
            let plain = join_resized(&parts, size, joining).unwrap();
            assert!(!plain.is_autodiff());
            let parts: Vec<_> =
                parts.into_iter().map(|part| part.autodiff().require_grad()).collect();
            let found = join_resized(&parts, size, joining).unwrap();
            let expected = join_by_products(parts.clone(), size, joining);
            assert_eq!(found.dims(), expected.dims(), "{case}");
            assert_eq!(read(plain), read(found.clone()), "{case}");
            agree(&read(found.clone()), &read(expected.clone()), &case);
            let weights = input(found.dims(), 41).autodiff();
            let found = (found * weights.clone()).sum().backward();
            let expected = (expected * weights).sum().backward();
            for part in &parts {
                let [found, expected] =
                    [&found, &expected].map(|all| read(part.grad(all).unwrap()));
                agree(&found, &expected, &case);
            }
        }
    }

    /// As training and sessions mix them: tracked parts beside those that are not, one part twice.
    #[test]
    fn untracked_and_repeated_parts_are_taken_beside_tracked_ones() {
        for joining in [Joining::Beside, Joining::SumRelu] {
            let [plain, leaf] = [input([2, 3, 3, 4], 3), input([2, 3, 6, 5], 5)];
            // Not as it lies in memory.
            let plain = plain.swap_dims(2, 3);
            let leaf = leaf.autodiff().require_grad();
            let parts = vec![plain.clone(), leaf.clone(), plain, leaf.clone()];
            let found = join_resized(&parts, [6, 5], joining).unwrap();
            let tracked = |part: Tensor<4>| if part.is_autodiff() { part } else { part.autodiff() };
            let parts = parts.into_iter().map(tracked).collect();
            let expected = join_by_products(parts, [6, 5], joining);
            agree(&read(found.clone()), &read(expected.clone()), "values");
            let weights = input(found.dims(), 41).autodiff();
            let found = leaf.grad(&(found * weights.clone()).sum().backward()).unwrap();
            let expected = leaf.grad(&(expected * weights).sum().backward()).unwrap();
            agree(&read(found), &read(expected), "gradients");
        }
    }

    #[test]
    fn what_is_no_number_stays_so_and_other_tensors_are_left_to_burn() {
        let values = TensorData::new(vec![f32::NAN, -1.0, 2.0, 0.0], [1, 1, 2, 2]);
        let x = Tensor::<4>::from_data(values, &Device::flex());
        let y = read(join_resized(std::slice::from_ref(&x), [2, 2], Joining::SumRelu).unwrap());
        assert!(y[0].is_nan());
        assert_eq!(y[1..], [0.0, 2.0, 0.0]);
        let other = Tensor::<4>::ones([1, 2, 2, 2], &Device::flex());
        assert!(join_resized(&[x.clone(), other], [2, 2], Joining::SumRelu).is_none());
        assert!(join_resized(std::slice::from_ref(&x), [0, 2], Joining::Beside).is_none());
        assert!(join_resized(&[], [2, 2], Joining::Beside).is_none());
        assert!(join_resized(&vec![x; 5], [2, 2], Joining::Beside).is_none());
    }
}
