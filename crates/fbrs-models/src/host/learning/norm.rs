//! Batch normalization with what is added to it and what follows, as one operation.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::{Tensor, TensorData};

use super::super::Planes;
use super::super::layer::{Tracked, TrackedTensor, numbers, tensor, values};
use super::super::norm::{Moments, Norm, NormInput};
use crate::conv::Activation;

/// How planes are normalized.
pub(crate) struct Normalizing<'a> {
    pub(crate) gamma: &'a Tensor<1>,
    pub(crate) beta: &'a Tensor<1>,
    pub(crate) epsilon: f64,
    /// Mean and variance by channel; `None` for those of the planes.
    pub(crate) given: Option<[Vec<f32>; 2]>,
}

/// `activation(norm(x) + addend)`, and the mean and the biased variance by channel; `None` for tensors that
/// this is not made for: of another type or device, not on a device with gradients, or an addend of
/// another shape.
pub(crate) fn normalize(
    x: &Tensor<4>,
    by: &Normalizing<'_>,
    addend: Option<&Tensor<4>>,
    activation: Activation,
) -> Option<(Tensor<4>, Arc<Moments>)> {
    let dims = x.dims();
    let served = x.is_autodiff() && addend.is_none_or(|it| it.is_autodiff() && it.dims() == dims);
    if !served {
        return None;
    }
    let x = x.clone().try_into_primitive::<Tracked>().ok()?;
    let [gamma, beta] =
        [by.gamma, by.beta].map(|tensor| tensor.clone().try_into_primitive::<Tracked>());
    let (gamma, beta) = (gamma.ok()?, beta.ok()?);
    let addend = match addend {
        Some(addend) => Some(addend.clone().try_into_primitive::<Tracked>().ok()?),
        None => None,
    };
    let (moments, y, scale) = {
        let planes = values(x.primitive())?;
        let moments = match &by.given {
            None => Moments::of(&planes, dims),
            Some([mean, variance]) => Moments::given(mean, variance),
        };
        let (scale, shift) = (values(gamma.primitive())?, values(beta.primitive())?);
        let norm = Norm {
            moments: &moments,
            of_batch: by.given.is_none(),
            gamma: &scale,
            beta: &shift,
            eps: by.epsilon,
            activation,
        };
        let added = match &addend {
            Some(addend) => Some(values(addend.primitive())?),
            None => None,
        };
        let y = norm.forward(Planes { values: &planes, dims }, added.as_deref());
        let scale = scale.to_vec();
        (Arc::new(moments), tensor(y, dims), scale)
    };
    let state = NormState {
        x: x.primitive().clone(),
        y: (activation != Activation::None).then(|| y.clone()),
        moments: moments.clone(),
        gamma: scale.into(),
        of_batch: by.given.is_none(),
        epsilon: by.epsilon,
        activation,
    };
    let y = match addend {
        Some(addend) => track(state, [x.node(), gamma.node(), beta.node(), addend.node()], y),
        None => track(state, [x.node(), gamma.node(), beta.node()], y),
    };
    Some((Tensor::from_primitive::<Tracked>(y), moments))
}

fn track<const N: usize>(state: NormState, nodes: [NodeGuard; N], y: FlexTensor) -> TrackedTensor {
    match NormStep.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(state, y),
        OpsKind::UnTracked(prepared) => prepared.finish(y),
    }
}

/// Gradients with respect to planes, factors, shifts, and what was added where something was.
#[derive(Debug)]
struct NormStep;

#[derive(Debug, Clone)]
struct NormState {
    x: FlexTensor,
    /// Where an activation follows: its gradient is 0 where this is at an end of the range.
    y: Option<FlexTensor>,
    moments: Arc<Moments>,
    gamma: Arc<[f32]>,
    of_batch: bool,
    epsilon: f64,
    activation: Activation,
}

impl<const N: usize> Backward<Flex, N> for NormStep {
    type State = NormState;

    fn backward(self, ops: Ops<NormState, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        let state = ops.state;
        let dims = state.x.shape().dims();
        let mut parents = ops.parents.into_iter();
        let [at_x, at_gamma, at_beta, at_addend] =
            std::array::from_fn(|_| parents.next().flatten());
        let (slopes, x) = (numbers(&gradient), numbers(&state.x));
        let y = state.y.as_ref().map(numbers);
        // The shift does not matter for any gradient.
        let norm = Norm {
            moments: &state.moments,
            of_batch: state.of_batch,
            gamma: &state.gamma,
            beta: &state.gamma,
            eps: state.epsilon,
            activation: state.activation,
        };
        let input = NormInput {
            x: Planes { values: &x, dims },
            y: y.as_deref().unwrap_or_default(),
            dy: &slopes,
        };
        let found = norm.backward(input, at_addend.is_some());
        if let Some(node) = at_x {
            gradients.register::<Flex>(node.id, tensor(found.x, dims));
        }
        for (node, values) in [(at_gamma, found.gamma), (at_beta, found.beta)] {
            if let Some(node) = node {
                let shape = [values.len()];
                let values = FlexTensor::from_data(TensorData::new(values, shape));
                gradients.register::<Flex>(node.id, values);
            }
        }
        if let (Some(node), Some(values)) = (at_addend, found.addend) {
            gradients.register::<Flex>(node.id, tensor(values, dims));
        }
    }
}
