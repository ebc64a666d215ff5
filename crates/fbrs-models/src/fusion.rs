//! Fusion of image and clicks, in front of either backbone (`rgb_conv`).

use burn::tensor::Tensor;
use burn::tensor::activation::leaky_relu;

use crate::build::Build;
use crate::conv::{Conv, ConvSpec};

const LEAKY_SLOPE: f64 = 0.2;

#[derive(Debug, Clone)]
pub(crate) enum ClickFusion<L = Conv> {
    /// conv1×1 5→8, LeakyReLU, BatchNorm, conv1×1 8→3.
    Learned { first: L, second: L },
    /// `0.8 · image · concat(d₊, d₋, 1) + 0.2 · image`, for checkpoints without `rgb_conv`.
    Fixed,
}

impl<L> ClickFusion<L> {
    pub(crate) fn build<B: Build<Layer = L>>(
        learned: bool,
        build: &mut B,
    ) -> Result<Self, B::Error> {
        if !learned {
            return Ok(Self::Fixed);
        }
        Ok(Self::Learned {
            first: build.conv(ConvSpec::new("rgb_conv.0", 5, 8, 1).bias())?,
            second: build
                .conv(ConvSpec::new("rgb_conv.3", 8, 3, 1).bias().norm_before("rgb_conv.2"))?,
        })
    }
}

impl ClickFusion {
    /// Image `[batch, 3, height, width]`, maps `[batch, 2, height, width]`, to what the backbone
    /// reads: `[batch, 3, height, width]`.
    pub(crate) fn forward(&self, image: Tensor<4>, maps: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Learned { first, second } => {
                let x = first.forward(Tensor::cat(vec![image, maps], 1));
                second.forward(leaky_relu(x, LEAKY_SLOPE))
            }
            Self::Fixed => {
                let [batch, _, height, width] = image.dims();
                let ones = Tensor::ones([batch, 1, height, width], &image.device());
                let weights = Tensor::cat(vec![maps, ones], 1);
                image.clone() * weights * 0.8 + image * 0.2
            }
        }
    }
}
