//! Inverted residual blocks (Sandler et al. 2018).

use burn::tensor::Tensor;

use super::encoder::NORM_EPSILON;
use crate::build::Build;
use crate::conv::{Activation, Chain, Conv, ConvSpec, Layer};

/// Sizes of a block.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) input: usize,
    /// Channels of the depthwise convolution are the input's, times this.
    pub(super) expansion: usize,
    pub(super) output: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) dilation: usize,
}

/// 1×1 to many channels, depthwise, 1×1 to few; added to the input where both are alike.
#[derive(Debug, Clone)]
pub(crate) struct InvertedResidual<L = Conv>(Chain<L>);

impl<L> InvertedResidual<L> {
    pub(super) fn build<B: Build<Layer = L>>(
        build: &mut B,
        name: &str,
        shape: Shape,
    ) -> Result<Self, B::Error> {
        let Shape { input, expansion, output, kernel, stride, dilation } = shape;
        let middle = input * expansion;
        let layer = |conv: &str, norm: &str, input, output, kernel| {
            ConvSpec::new(format!("{name}.{conv}"), input, output, kernel)
                .norm(format!("{name}.{norm}"))
                .norm_epsilon(NORM_EPSILON)
        };
        let expand = match expansion {
            1 => None,
            _ => Some(build.conv(layer("expand_conv", "bn0", input, middle, 1))?),
        };
        let depthwise = layer("depthwise_conv", "bn1", middle, middle, kernel)
            .stride(stride)
            .dilation(dilation)
            .depthwise();
        Ok(Self(Chain {
            expand,
            depthwise: build.conv(depthwise)?,
            project: build.conv(layer("project_conv", "bn2", middle, output, 1))?,
            inner: Activation::Relu6,
            outer: Activation::None,
            residual: stride == 1 && input == output,
        }))
    }
}

impl<L: Layer> InvertedResidual<L> {
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.0.forward(x)
    }
}
