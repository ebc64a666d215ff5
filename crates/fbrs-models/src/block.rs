//! Residual blocks (He et al. 2016), shared by both backbones.

use burn::tensor::Tensor;
use burn::tensor::activation::relu;

use crate::build::Build;
use crate::conv::{Conv, ConvSpec, Layer};

/// Factor between a bottleneck's planes and its output.
pub(crate) const BOTTLENECK_EXPANSION: usize = 4;

/// Convolutions with ReLU between them, added to the input, ReLU after the sum.
#[derive(Debug, Clone)]
pub(crate) struct Block<L = Conv> {
    convs: Vec<L>,
    shortcut: Option<L>,
}

/// Dilations of a block's 3×3 convolutions.
#[derive(Clone, Copy)]
pub(crate) struct Dilation {
    /// Of the strided one.
    pub(crate) own: usize,
    /// Of a basic block's second one.
    pub(crate) previous: usize,
}

impl Dilation {
    pub(crate) const ONE: Self = Self { own: 1, previous: 1 };
}

impl<L> Block<L> {
    /// Two 3×3 convolutions (`BasicBlock`).
    pub(crate) fn basic<B: Build<Layer = L>>(
        build: &mut B,
        name: &str,
        (input, output): (usize, usize),
        stride: usize,
        dilation: Dilation,
    ) -> Result<Self, B::Error> {
        let first = ConvSpec::new(format!("{name}.conv1"), input, output, 3)
            .norm(format!("{name}.bn1"))
            .stride(stride)
            .dilation(dilation.own);
        let second = ConvSpec::new(format!("{name}.conv2"), output, output, 3)
            .norm(format!("{name}.bn2"))
            .dilation(dilation.previous);
        Ok(Self {
            convs: vec![build.conv(first)?, build.conv(second)?],
            shortcut: Self::shortcut(build, name, (input, output), stride)?,
        })
    }

    /// 1×1, 3×3, 1×1 (`Bottleneck`); `output` is four times the planes.
    pub(crate) fn bottleneck<B: Build<Layer = L>>(
        build: &mut B,
        name: &str,
        (input, output): (usize, usize),
        stride: usize,
        dilation: Dilation,
    ) -> Result<Self, B::Error> {
        let planes = output / BOTTLENECK_EXPANSION;
        let first =
            ConvSpec::new(format!("{name}.conv1"), input, planes, 1).norm(format!("{name}.bn1"));
        let second = ConvSpec::new(format!("{name}.conv2"), planes, planes, 3)
            .norm(format!("{name}.bn2"))
            .stride(stride)
            .dilation(dilation.own);
        let third =
            ConvSpec::new(format!("{name}.conv3"), planes, output, 1).norm(format!("{name}.bn3"));
        Ok(Self {
            convs: vec![build.conv(first)?, build.conv(second)?, build.conv(third)?],
            shortcut: Self::shortcut(build, name, (input, output), stride)?,
        })
    }

    fn shortcut<B: Build<Layer = L>>(
        build: &mut B,
        name: &str,
        (input, output): (usize, usize),
        stride: usize,
    ) -> Result<Option<L>, B::Error> {
        if stride == 1 && input == output {
            return Ok(None);
        }
        let spec = ConvSpec::new(format!("{name}.downsample.0"), input, output, 1)
            .norm(format!("{name}.downsample.1"))
            .stride(stride);
        build.conv(spec).map(Some)
    }
}

impl<L: Layer> Block<L> {
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let shortcut = match &self.shortcut {
            Some(shortcut) => shortcut.forward(x.clone()),
            None => x.clone(),
        };
        let Some((last, first)) = self.convs.split_last() else { return relu(x + shortcut) };
        last.add_relu(first.iter().fold(x, |x, conv| conv.relu(x)), shortcut)
    }
}

/// Runs blocks one after the other.
pub(crate) fn run<L: Layer>(blocks: &[Block<L>], x: Tensor<4>) -> Tensor<4> {
    blocks.iter().fold(x, |x, block| block.forward(x))
}
