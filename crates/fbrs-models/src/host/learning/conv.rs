//! The convolution of a network that learns, as an operation on Burn's tensors: its gradients are those
//! of input and weight. The weight is another one at every step, so that it is packed anew.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Tensor;

use super::super::gradient::InputGradient;
use super::super::layer::{Tracked, numbers, tensor, values};
use super::super::weight_gradient::weight_gradient;
use super::super::{Finish, HostConv, HostShape, Planes};

/// `x` convolved with `weight`, `[output, input / groups, kernel, kernel]`; `None` for tensors that
/// these kernels do not take: of another type or device, or not on a device with gradients.
pub(crate) fn convolve(x: &Tensor<4>, weight: &Tensor<4>, shape: HostShape) -> Option<Tensor<4>> {
    if !x.is_autodiff() || !weight.is_autodiff() {
        return None;
    }
    let x = x.clone().try_into_primitive::<Tracked>().ok()?;
    let weight = weight.clone().try_into_primitive::<Tracked>().ok()?;
    let dims @ [batch, _, height, width] = x.primitive().shape().dims::<4>();
    let size = [height, width].map(|side| shape.output_side(side));
    let conv = HostConv::new(&values(weight.primitive())?, None, &shape);
    let y = {
        let planes = values(x.primitive())?;
        conv.forward(Planes { values: &planes, dims }, size, Finish::default())
    };
    let y = tensor(y, [batch, shape.output, size[0], size[1]]);
    let prepared = LearnedStep.prepare::<NoCheckpointing>([x.node(), weight.node()]);
    let y = match prepared.compute_bound().stateful() {
        OpsKind::Tracked(prepared) => {
            let state = LearnedState { conv: Arc::new(conv), shape, x: x.primitive().clone() };
            prepared.finish(state, y)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(y),
    };
    Some(Tensor::from_primitive::<Tracked>(y))
}

/// Gradients with respect to the input and to the weight.
#[derive(Debug)]
struct LearnedStep;

#[derive(Debug, Clone)]
struct LearnedState {
    conv: Arc<HostConv>,
    shape: HostShape,
    x: FlexTensor,
}

impl Backward<Flex, 2> for LearnedStep {
    type State = LearnedState;

    fn backward(self, ops: Ops<LearnedState, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        let LearnedState { conv, shape, x } = ops.state;
        let [at_input, at_weight] = ops.parents;
        let (slopes, x_values) = (numbers(&gradient), numbers(&x));
        let slopes = Planes { values: &slopes, dims: gradient.shape().dims() };
        let dims @ [_, channels, height, width] = x.shape().dims();
        if let Some(node) = at_weight {
            let x = Planes { values: &x_values, dims };
            let values = weight_gradient(x, slopes, &shape);
            gradients.register::<Flex>(node.id, tensor(values, shape.weight_shape()));
        }
        if let Some(node) = at_input {
            let values = InputGradient::new(&conv).run(slopes, channels, [height, width]);
            gradients.register::<Flex>(node.id, tensor(values, dims));
        }
    }
}
