//! A convolution as an operation on Burn's tensors, tracked or not.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::{Autodiff, Flex, TensorMetadata};
use burn::tensor::{DType, Device, Float, Tensor, TensorData};
use rayon::prelude::*;

use super::gradient::InputGradient;
use super::separable::{self, HostChain};
use super::{Addend, Finish, HostConv, HostShape, Planes, zeros};
use crate::cancel::Interrupt;
use crate::conv::Activation;

/// A convolution, its bias, what is added to it, and what follows, as one operation.
#[derive(Debug)]
pub(crate) struct HostLayer {
    conv: HostConv,
    shape: HostShape,
    /// Made when first needed.
    gradient: OnceLock<InputGradient>,
}

impl HostLayer {
    /// `weight`: `[output, input / groups, kernel, kernel]`, row-major.
    pub(crate) fn new(weight: &[f32], bias: Option<Vec<f32>>, shape: HostShape) -> Self {
        Self { conv: HostConv::new(weight, bias, &shape), shape, gradient: OnceLock::new() }
    }

    /// The weight as it was given, and its shape.
    pub(crate) fn weight(&self) -> (Vec<f32>, [usize; 4]) {
        (self.conv.weight(), self.shape.weight_shape())
    }

    pub(crate) fn bias(&self) -> &[f32] {
        &self.conv.bias
    }

    /// The output's shape.
    pub(crate) fn output_dims(&self, [batch, _, height, width]: [usize; 4]) -> [usize; 4] {
        let [height, width] = [height, width].map(|side| self.shape.output_side(side));
        [batch, self.shape.output, height, width]
    }

    /// `conv(x) + addend`, which is shaped like the output, and its activation, in the addend's memory where nobody
    /// else holds it. Tracked where both are. `None`, with the addend left where it is, for tensors that these kernels do not take: of another
    /// type or device, tracked in another way, or only one of them tracked.
    pub(crate) fn forward(
        self: &Arc<Self>,
        x: &Tensor<4>,
        addend: &mut Option<Tensor<4>>,
        activation: Activation,
    ) -> Option<Tensor<4>> {
        if x.is_autodiff() {
            return self.forward_tracked(x, addend.as_ref(), activation);
        }
        if !is_served(x) || !addend.as_ref().is_none_or(is_served) {
            return None;
        }
        let x = x.clone().try_into_primitive::<Flex>().ok()?;
        let own = match addend {
            Some(addend) => Some(addend.clone().try_into_primitive::<Flex>().ok()?),
            None => None,
        };
        // From here on nobody else holds it, unless somebody else did.
        let addend = addend.take().and(own);
        Some(Tensor::from_primitive::<Flex>(self.run(&x, addend, activation)))
    }

    fn forward_tracked(
        self: &Arc<Self>,
        x: &Tensor<4>,
        addend: Option<&Tensor<4>>,
        activation: Activation,
    ) -> Option<Tensor<4>> {
        let tracked = |tensor: &Tensor<4>| {
            let tensor = tensor.clone().try_into_primitive::<Tracked>().ok()?;
            (tensor.primitive().dtype() == DType::F32).then_some(tensor)
        };
        let x = tracked(x)?;
        let addend = match addend {
            Some(addend) => Some(tracked(addend)?),
            None => None,
        };
        let beside = addend.as_ref().map(|addend| addend.primitive().clone());
        let y = self.run(x.primitive(), beside, activation);
        Some(Tensor::from_primitive::<Tracked>(match addend {
            Some(addend) => self.track(&x, [x.node(), addend.node()], y, activation),
            None => self.track(&x, [x.node()], y, activation),
        }))
    }

    fn run(
        &self,
        x: &FlexTensor,
        addend: Option<FlexTensor>,
        activation: Activation,
    ) -> FlexTensor {
        let dims = x.shape().dims::<4>();
        let dims_out @ [_, _, height, width] = self.output_dims(dims);
        let size = [height, width];
        if Interrupt::current().is_due() {
            return zero_tensor(dims_out);
        }
        let x = numbers(x);
        let x = Planes { values: &x, dims };
        let finish = |addend| Finish { addend, activation };
        let addend = match addend {
            Some(mut addend) => match memory(&mut addend, dims_out) {
                Some(out) => {
                    self.conv.forward_into(x, size, finish(Addend::InPlace), out);
                    return addend;
                }
                None => Some(addend),
            },
            None => None,
        };
        let beside = addend.as_ref().map(numbers);
        let beside = beside.as_deref().map_or(Addend::None, Addend::Beside);
        tensor(self.conv.forward(x, size, finish(beside)), dims_out)
    }

    /// Enters the operation into the graph of gradients.
    fn track<const N: usize>(
        self: &Arc<Self>,
        x: &TrackedTensor,
        nodes: [NodeGuard; N],
        y: FlexTensor,
        activation: Activation,
    ) -> TrackedTensor {
        match ConvStep.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let state = ConvState {
                    layer: self.clone(),
                    input: x.primitive().shape().dims(),
                    output: (activation != Activation::None).then(|| y.clone()),
                    range: activation.range(),
                    interrupt: Interrupt::current(),
                };
                prepared.finish(state, y)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(y),
        }
    }
}

impl HostChain<'_, HostLayer> {
    /// `None` for tensors that are tracked or lie elsewhere, and for layers that are not made for it.
    pub(crate) fn forward(self, x: &Tensor<4>) -> Option<Tensor<4>> {
        if x.is_autodiff() {
            return None;
        }
        let x = x.clone().try_into_primitive::<Flex>().ok()?;
        let dims @ [batch, _, height, width] = x.shape().dims::<4>();
        let size = [height, width].map(|side| self.depthwise.shape.output_side(side));
        let dims_out = [batch, self.project.shape.output, size[0], size[1]];
        if Interrupt::current().is_due() {
            return Some(Tensor::from_primitive::<Flex>(zero_tensor(dims_out)));
        }
        let chain = HostChain {
            expand: self.expand.map(|layer| &layer.conv),
            depthwise: &self.depthwise.conv,
            project: &self.project.conv,
            inner: self.inner,
            outer: self.outer,
            residual: self.residual,
        };
        let y = separable::forward(&chain, Planes { values: &values(&x)?, dims }, size)?;
        Some(Tensor::from_primitive::<Flex>(tensor(y, dims_out)))
    }
}

/// Whether these kernels take a tensor without gradients.
fn is_served(tensor: &Tensor<4>) -> bool {
    !tensor.is_autodiff() && tensor.device() == Device::flex() && tensor.dtype() == DType::F32
}

/// A tensor's memory, row-major, if it has this shape; `None` where somebody else holds it too, or it has more
/// than the tensor's values.
fn memory(tensor: &mut FlexTensor, dims: [usize; 4]) -> Option<&mut [f32]> {
    let is_all = tensor.is_contiguous()
        && tensor.layout().start_offset() == 0
        && tensor.shape().dims() == dims;
    let values = tensor.try_storage_mut::<f32>()?;
    (is_all && values.len() == dims.iter().product::<usize>()).then_some(values)
}

pub(super) type Tracked = Autodiff<Flex>;
pub(super) type TrackedTensor = <Float as burn::tensor::BackendPrimitive<Tracked>>::Primitive;

/// Gradients with respect to the input, and to the addend where there is one.
#[derive(Debug)]
struct ConvStep;

#[derive(Debug, Clone)]
struct ConvState {
    layer: Arc<HostLayer>,
    input: [usize; 4],
    /// Where an activation follows: its gradient is 0 where this is at an end of the range.
    output: Option<FlexTensor>,
    range: [f32; 2],
    /// That of the run that the gradient belongs to.
    interrupt: Interrupt,
}

impl<const N: usize> Backward<Flex, N> for ConvStep {
    type State = ConvState;

    fn backward(self, ops: Ops<ConvState, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        let ConvState { layer, input, output, range, interrupt } = ops.state;
        if interrupt.is_due() {
            // Whoever waits for these gradients throws them away.
            let dims = gradient.shape().dims();
            for (node, dims) in ops.parents.into_iter().zip([input, dims]) {
                if let Some(node) = node {
                    gradients.register::<Flex>(node.id, zero_tensor(dims));
                }
            }
            return;
        }
        let gradient = match &output {
            Some(output) => through_activation(&gradient, output, range),
            None => gradient,
        };
        let mut parents = ops.parents.into_iter();
        if let Some(node) = parents.next().flatten() {
            let [_, channels, height, width] = input;
            let transposed = layer.gradient.get_or_init(|| InputGradient::new(&layer.conv));
            let dims = gradient.shape().dims();
            let planes = Planes { values: &numbers(&gradient), dims };
            let at_input = transposed.run(planes, channels, [height, width]);
            gradients.register::<Flex>(node.id, tensor(at_input, input));
        }
        if let Some(node) = parents.next().flatten() {
            gradients.register::<Flex>(node.id, gradient);
        }
    }
}

pub(super) fn through_activation(
    gradient: &FlexTensor,
    output: &FlexTensor,
    [floor, ceiling]: [f32; 2],
) -> FlexTensor {
    let (slopes, outputs) = (numbers(gradient), numbers(output));
    let masked = slopes
        .par_iter()
        .zip(outputs.par_iter())
        .with_min_len(4096)
        .map(|(slope, output)| {
            let is_flat = *output <= floor || ceiling.is_finite() && *output >= ceiling;
            if is_flat { 0.0 } else { *slope }
        })
        .collect();
    tensor(masked, gradient.shape().dims())
}

/// A tensor without gradients; `None` of another device.
pub(super) fn plain(tensor: &Tensor<4>) -> Option<FlexTensor> {
    tensor.clone().try_into_primitive::<Flex>().ok()
}

/// A tensor with gradients, of any; `None` of another device.
pub(super) fn tracked(tensor: &Tensor<4>) -> Option<TrackedTensor> {
    let tensor = if tensor.is_autodiff() { tensor.clone() } else { tensor.clone().autodiff() };
    tensor.try_into_primitive::<Tracked>().ok()
}

/// The tensor's values, row-major; `None` where they are not f32.
pub(super) fn values(tensor: &FlexTensor) -> Option<Cow<'_, [f32]>> {
    match tensor.as_slice::<f32>() {
        Some(values) => Some(Cow::Borrowed(values)),
        None => Some(Cow::Owned(tensor.to_contiguous().as_slice::<f32>()?.to_vec())),
    }
}

/// The same of a gradient, or of what one is computed from: of another type as f32. A gradient is never
/// lost.
pub(super) fn numbers(tensor: &FlexTensor) -> Cow<'_, [f32]> {
    values(tensor).unwrap_or_else(|| {
        let data = tensor.clone().into_data();
        Cow::Owned(data.iter::<f32>().collect())
    })
}

fn zero_tensor(dims: [usize; 4]) -> FlexTensor {
    tensor(zeros(dims.iter().product()), dims)
}

pub(super) fn tensor(values: Vec<f32>, dims: [usize; 4]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, dims))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use burn::tensor::f16;

    use super::super::tests::noise;
    use super::*;

    /// An addend that somebody else holds, or that has another shape, stays as it is.
    #[test]
    fn only_an_addend_that_nobody_holds_is_written_to() {
        let (kernel, stride, padding, dilation, depthwise) = (3, 1, 1, 1, false);
        let shape =
            HostShape { input: 16, output: 16, kernel, stride, padding, dilation, depthwise };
        let layer = Arc::new(HostLayer::new(&noise(16 * 16 * 9, 3), None, shape));
        let dims = [2, 16, 7, 9];
        let maps = |seed| {
            let values = noise(dims.iter().product(), seed);
            Tensor::<4>::from_data(TensorData::new(values, dims), &Device::flex())
        };
        let read =
            |tensor: &Tensor<4>| tensor.clone().into_data().iter::<f32>().collect::<Vec<_>>();
        let (x, addend) = (maps(5), maps(7));
        let run = |addend: Tensor<4>| {
            let mut addend = Some(addend);
            layer.forward(&x, &mut addend, Activation::Relu).unwrap()
        };
        let sum = layer.forward(&x, &mut None, Activation::None).unwrap() + addend.clone();
        let expected: Vec<f32> = read(&sum).into_iter().map(|sum| sum.max(0.0)).collect();
        let (held, before) = (addend.clone(), read(&addend));
        assert_eq!(read(&run(addend)), expected);
        assert_eq!(read(&held), before);
        // Of a larger tensor a part.
        let larger = Tensor::cat(vec![held.clone(), held.clone()], 0);
        assert_eq!(read(&run(larger.narrow(0, 0, 2))), expected);
        // Now nobody else holds it.
        let place = |tensor: &Tensor<4>| {
            let tensor = tensor.clone().try_into_primitive::<Flex>().unwrap();
            tensor.as_slice::<f32>().map(<[f32]>::as_ptr)
        };
        let memory = place(&held);
        let y = run(held);
        assert_eq!(read(&y), expected);
        assert!(place(&y) == memory);
        // The input itself.
        let own = layer.forward(&x, &mut None, Activation::None).unwrap() + x.clone();
        let expected: Vec<f32> = read(&own).into_iter().map(|sum| sum.max(0.0)).collect();
        assert_eq!(read(&run(x.clone())), expected);
    }

    /// As PyTorch's ReLU has it: what is no number keeps its gradient.
    #[test]
    fn only_the_ends_of_an_activation_have_no_gradient() {
        let of = |values: [f32; 5]| tensor(values.to_vec(), [1, 1, 1, 5]);
        let (slopes, outputs) = (of([1.0; 5]), of([0.0, 0.5, 6.0, f32::INFINITY, f32::NAN]));
        let expected = [
            (Activation::Relu, [0.0, 1.0, 1.0, 1.0, 1.0]),
            (Activation::Relu6, [0.0, 1.0, 0.0, 0.0, 1.0]),
        ];
        for (activation, expected) in expected {
            let found = through_activation(&slopes, &outputs, activation.range());
            assert_eq!(*numbers(&found), expected);
        }
    }

    #[test]
    fn numbers_of_another_type_are_not_lost() {
        let values = [0.5f32, -2.0, 0.25];
        let half = values.map(f16::from_f32).to_vec();
        let half = FlexTensor::from_data(TensorData::new(half, [3]));
        assert!(super::values(&half).is_none());
        assert_eq!(*numbers(&half), values);
        let single = FlexTensor::from_data(TensorData::new(values.to_vec(), [3]));
        assert_eq!(*numbers(&single), values);
    }
}
