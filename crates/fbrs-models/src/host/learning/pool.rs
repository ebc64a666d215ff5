//! The largest of 3×3 values at every second row and column, as one operation.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::Tensor;

use super::super::Planes;
use super::super::layer::{Tracked, numbers, tensor, values};
use super::super::max_pool::{self, MaxPooled};

/// Max pooling 3×3 of stride 2 with padding 1; `None` for tensors that this is not made for: of another
/// type or device.
pub(crate) fn max_pool(x: &Tensor<4>) -> Option<Tensor<4>> {
    let dims = x.dims();
    if !x.is_autodiff() {
        let x = x.clone().try_into_primitive::<Flex>().ok()?;
        let planes = values(&x)?;
        let pooled = max_pool::forward(Planes { values: &planes, dims });
        return Some(Tensor::from_primitive::<Flex>(tensor(pooled.values, pooled.dims)));
    }
    let x = x.clone().try_into_primitive::<Tracked>().ok()?;
    let mut pooled = {
        let planes = values(x.primitive())?;
        max_pool::forward(Planes { values: &planes, dims })
    };
    let y = tensor(std::mem::take(&mut pooled.values), pooled.dims);
    let size = [dims[2], dims[3]];
    let y = match PoolStep.prepare::<NoCheckpointing>([x.node()]).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => {
            prepared.finish(PoolState { pooled: Arc::new(pooled), size }, y)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(y),
    };
    Some(Tensor::from_primitive::<Tracked>(y))
}

#[derive(Debug)]
struct PoolStep;

#[derive(Debug, Clone)]
struct PoolState {
    /// Where the largest values were; the values themselves are given on.
    pooled: Arc<MaxPooled>,
    size: [usize; 2],
}

impl Backward<Flex, 1> for PoolStep {
    type State = PoolState;

    fn backward(self, ops: Ops<PoolState, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        let PoolState { pooled, size } = ops.state;
        let [Some(node)] = ops.parents else { return };
        let slopes = numbers(&gradient);
        let [batch, channels, ..] = gradient.shape().dims::<4>();
        let at_input = max_pool::backward(&pooled, &slopes, size);
        gradients.register::<Flex>(node.id, tensor(at_input, [batch, channels, size[0], size[1]]));
    }
}
