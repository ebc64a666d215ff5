//! ResNet backbone with output stride 8 (`resnet_v1b`/`v1s`).

use burn::tensor::Tensor;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;

use crate::architecture::ResNet;
use crate::block::{self, BOTTLENECK_EXPANSION, Block, Dilation};
use crate::build::Build;
use crate::conv::{Conv, ConvSpec, Layer};

/// Planes, stride and dilation of the four stages.
const STAGES: [(usize, usize, usize); 4] = [(64, 1, 1), (128, 2, 1), (256, 1, 2), (512, 1, 4)];

impl ResNet {
    fn blocks(self) -> [usize; 4] {
        match self {
            Self::R34 | Self::R50 => [3, 4, 6, 3],
            Self::R101 => [3, 4, 23, 3],
            Self::R152 => [3, 8, 36, 3],
        }
    }

    fn expansion(self) -> usize {
        match self {
            Self::R34 => 1,
            Self::R50 | Self::R101 | Self::R152 => BOTTLENECK_EXPANSION,
        }
    }

    /// Channels of the first stage's and the last stage's output.
    pub(crate) fn channels(self) -> (usize, usize) {
        (64 * self.expansion(), 512 * self.expansion())
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Backbone<L = Conv> {
    /// One 7×7, or three 3×3 (deep stem), ReLU after each.
    stem: Vec<L>,
    stages: Vec<Vec<Block<L>>>,
}

impl<L> Backbone<L> {
    pub(crate) fn build<B: Build<Layer = L>>(
        depth: ResNet,
        name: &str,
        build: &mut B,
    ) -> Result<Self, B::Error> {
        let (stem, mut input) = match depth {
            ResNet::R34 => {
                let conv = ConvSpec::new(format!("{name}.conv1"), 3, 64, 7)
                    .norm(format!("{name}.bn1"))
                    .stride(2);
                (vec![build.conv(conv)?], 64)
            }
            ResNet::R50 | ResNet::R101 | ResNet::R152 => {
                let first = ConvSpec::new(format!("{name}.conv1.0"), 3, 64, 3)
                    .norm(format!("{name}.conv1.1"))
                    .stride(2);
                let second = ConvSpec::new(format!("{name}.conv1.3"), 64, 64, 3)
                    .norm(format!("{name}.conv1.4"));
                let third = ConvSpec::new(format!("{name}.conv1.6"), 64, 128, 3)
                    .norm(format!("{name}.bn1"));
                (vec![build.conv(first)?, build.conv(second)?, build.conv(third)?], 128)
            }
        };
        let mut stages = Vec::new();
        for (stage, (blocks, (planes, stride, dilation))) in
            depth.blocks().into_iter().zip(STAGES).enumerate()
        {
            let output = planes * depth.expansion();
            let mut layers = Vec::new();
            for index in 0..blocks {
                let name = format!("{name}.layer{}.{index}", stage + 1);
                let first = index == 0;
                let own = if first { (dilation / 2).max(1) } else { dilation };
                let dilation = Dilation { own, previous: dilation };
                let stride = if first { stride } else { 1 };
                let channels = (input, output);
                layers.push(match depth {
                    ResNet::R34 => Block::basic(build, &name, channels, stride, dilation)?,
                    _ => Block::bottleneck(build, &name, channels, stride, dilation)?,
                });
                input = output;
            }
            stages.push(layers);
        }
        Ok(Self { stem, stages })
    }
}

/// What DeepLab reads of a backbone.
pub(crate) struct Stages {
    /// First stage, stride 4.
    pub(crate) first: Tensor<4>,
    /// Last stage, stride 8.
    pub(crate) last: Tensor<4>,
}

impl<L: Layer> Backbone<L> {
    /// `[batch, 3, height, width]` to half the resolution, before the pooling.
    pub(crate) fn stem(&self, x: Tensor<4>) -> Tensor<4> {
        self.stem.iter().fold(x, |x, conv| conv.relu(x))
    }

    /// Of the stem's output.
    pub(crate) fn forward(&self, x: Tensor<4>) -> Stages {
        let mut x = pooled(x);
        let mut first = None;
        for blocks in &self.stages {
            x = block::run(blocks, x);
            first.get_or_insert_with(|| x.clone());
        }
        Stages { first: first.unwrap_or_else(|| x.clone()), last: x }
    }
}

/// The stem's output, pooled: a quarter of the image's resolution.
pub(crate) fn pooled(x: Tensor<4>) -> Tensor<4> {
    #[cfg(feature = "cpu")]
    if let Some(y) = crate::host::max_pool(&x) {
        return y;
    }
    max_pool2d(x, MaxPoolOptions::new([3, 3]).with_stride([2, 2]).with_padding([1, 1]))
}
