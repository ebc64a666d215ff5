//! Layers round a depthwise convolution, in one pass where the processor's own kernels can.

use burn::tensor::Tensor;

use super::activation::Activation;
use super::fixed::Conv;
use super::layer::Layer;

/// A 1×1 convolution to more channels (not everywhere), a depthwise one, and a 1×1 convolution to
/// fewer.
#[derive(Debug, Clone)]
pub(crate) struct Chain<L = Conv> {
    pub(crate) expand: Option<L>,
    pub(crate) depthwise: L,
    pub(crate) project: L,
    /// Behind the expansion and the depthwise convolution.
    pub(crate) inner: Activation,
    /// Behind all of it.
    pub(crate) outer: Activation,
    /// Whether the input is added to the output.
    pub(crate) residual: bool,
}

impl<L: Layer> Chain<L> {
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        if let Some(y) = L::at_once(self, &x) {
            return y;
        }
        let wide = match &self.expand {
            Some(expand) => expand.run(x.clone(), None, self.inner),
            None => x.clone(),
        };
        let wide = self.depthwise.run(wide, None, self.inner);
        self.project.run(wide, self.residual.then_some(x), self.outer)
    }
}
