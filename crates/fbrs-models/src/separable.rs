//! Depthwise separable convolutions (Chollet 2017), which every decoder of the DeepLab kind is made
//! of.

use burn::tensor::Tensor;

use crate::build::Build;
use crate::conv::{Activation, Chain, Conv, ConvSpec, Layer};

/// Depthwise 3×3, pointwise 1×1, BatchNorm, ReLU.
#[derive(Debug, Clone)]
pub(crate) struct SeparableConv<L = Conv>(Chain<L>);

impl<L> SeparableConv<L> {
    /// How far it sees, in pixels.
    pub(crate) const RADIUS: usize = 1;

    pub(crate) fn build<B: Build<Layer = L>>(
        build: &mut B,
        name: &str,
        input: usize,
        output: usize,
    ) -> Result<Self, B::Error> {
        let depthwise = ConvSpec::new(format!("{name}.body.0"), input, input, 3).depthwise();
        let pointwise = ConvSpec::new(format!("{name}.body.1"), input, output, 1)
            .norm(format!("{name}.body.2"));
        Ok(Self(Chain {
            expand: None,
            depthwise: build.conv(depthwise)?,
            project: build.conv(pointwise)?,
            inner: Activation::None,
            outer: Activation::Relu,
            residual: false,
        }))
    }
}

impl<L: Layer> SeparableConv<L> {
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.0.forward(x)
    }
}
