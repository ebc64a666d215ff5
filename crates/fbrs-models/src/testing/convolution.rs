use std::sync::Arc;

use burn::tensor::Tensor;

use super::uniform;
use crate::conv::Activation;
use crate::host::{HostLayer, HostShape};

/// One convolution by the processor's own kernels, followed by ReLU, with weights and a bias of the formula:
/// for times of single layers.
#[derive(Debug)]
pub struct Convolution {
    layer: Arc<HostLayer>,
    /// Products per position of the output, counted as if none was saved.
    products: usize,
}

/// What a convolution looks like; square in every respect, and padded so that stride 1 keeps the size.
#[derive(Debug, Clone, Copy)]
pub struct ConvolutionShape {
    /// Channels that it reads.
    pub input: usize,
    /// Channels that it makes.
    pub output: usize,
    /// Side of the kernel.
    pub kernel: usize,
    /// Step between outputs.
    pub stride: usize,
    /// Step between taps.
    pub dilation: usize,
    /// Whether every channel is by itself.
    pub depthwise: bool,
}

impl Convolution {
    /// Packs the weights.
    pub fn new(shape: ConvolutionShape) -> Self {
        let ConvolutionShape { input, output, kernel, stride, dilation, depthwise } = shape;
        let padding = dilation * (kernel / 2);
        let host = HostShape { input, output, kernel, stride, padding, dilation, depthwise };
        let products = output * kernel * kernel * if depthwise { 1 } else { input };
        let weight: Vec<f32> = uniform("weight", products).collect();
        let bias = uniform("bias", output).collect();
        Self { layer: Arc::new(HostLayer::new(&weight, Some(bias), host)), products }
    }

    /// `[batch, input, height, width]` to `[batch, output, …]`; with gradients where `x` has them. `None` for
    /// tensors that lie on another device than the processor.
    pub fn forward(&self, x: &Tensor<4>) -> Option<Tensor<4>> {
        self.layer.forward(x, &mut None, Activation::Relu)
    }

    /// Multiply-adds of an output of this shape, `[batch, output, height, width]`, counted as if none was
    /// saved.
    pub fn products(&self, output: [usize; 4]) -> usize {
        let [batch, _, height, width] = output;
        batch * height * width * self.products
    }
}
