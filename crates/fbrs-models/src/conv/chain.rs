//! Layers round a depthwise convolution, in one pass where the processor's own kernels can.

use burn::tensor::Tensor;

use super::activation::Activation;
use super::layer::Conv;
#[cfg(feature = "cpu")]
use crate::host::HostChain;

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

impl Chain {
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        #[cfg(feature = "cpu")]
        if let Some(y) = self.at_once(&x) {
            return y;
        }
        let wide = match &self.expand {
            Some(expand) => expand.run(x.clone(), None, self.inner),
            None => x.clone(),
        };
        let wide = self.depthwise.run(wide, None, self.inner);
        self.project.run(wide, self.residual.then_some(x), self.outer)
    }

    #[cfg(feature = "cpu")]
    fn at_once(&self, x: &Tensor<4>) -> Option<Tensor<4>> {
        let expand = match &self.expand {
            Some(expand) => Some(expand.host()?),
            None => None,
        };
        let (depthwise, project) = (self.depthwise.host()?, self.project.host()?);
        let (inner, outer, residual) = (self.inner, self.outer, self.residual);
        HostChain { expand, depthwise, project, inner, outer, residual }.forward(x)
    }
}
