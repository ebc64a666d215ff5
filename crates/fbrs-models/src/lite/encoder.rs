//! EfficientNet-Lite0 (Tan & Le 2019; the Lite variant has ReLU6 and no squeeze-and-excitation) at
//! output stride 16: the stage that would go to stride 32 keeps its stride and the blocks behind it
//! are dilated.

use burn::tensor::{Device, Tensor};

use super::PREFIX;
use super::block::{InvertedResidual, Shape};
use crate::build::Build;
use crate::conv::{Conv, ConvSpec, Layer};

/// Of every batch normalization of the encoder.
pub(super) const NORM_EPSILON: f64 = 1e-3;

const STEM: usize = 32;
const OUTPUT_STRIDE: usize = 16;

struct Stage {
    kernel: usize,
    stride: usize,
    expansion: usize,
    channels: usize,
    blocks: usize,
}

const fn stage([kernel, stride, expansion, channels, blocks]: [usize; 5]) -> Stage {
    Stage { kernel, stride, expansion, channels, blocks }
}

const STAGES: [Stage; 7] = [
    stage([3, 1, 1, 16, 1]),
    stage([3, 2, 6, 24, 2]),
    stage([5, 2, 6, 40, 2]),
    stage([3, 2, 6, 80, 3]),
    stage([5, 1, 6, 112, 3]),
    stage([5, 2, 6, 192, 4]),
    stage([3, 1, 6, 320, 1]),
];

#[derive(Debug, Clone)]
pub(crate) struct Encoder<L = Conv> {
    pub(crate) stem: L,
    pub(crate) blocks: Vec<InvertedResidual<L>>,
}

/// What the encoder of a Lite network gives: the outputs of the last blocks of four stages, each
/// `[batch, channels, h, w]`. They depend on the image alone.
#[derive(Debug, Clone)]
pub struct LiteTaps {
    /// 24 channels, stride 4.
    pub quarter: Tensor<4>,
    /// 40 channels, stride 8.
    pub eighth: Tensor<4>,
    /// 112 channels, stride 16.
    pub sixteenth: Tensor<4>,
    /// 320 channels, stride 16; the published network has them at stride 32.
    pub last: Tensor<4>,
}

/// Blocks whose outputs the neck reads, and their channels.
const QUARTER: (usize, usize) = (2, 24);
const EIGHTH: (usize, usize) = (4, 40);
const SIXTEENTH: (usize, usize) = (10, 112);
pub(super) const LAST: usize = 320;

impl LiteTaps {
    /// Channels of the four, in the order of the fields.
    pub const CHANNELS: [usize; 4] = [QUARTER.1, EIGHTH.1, SIXTEENTH.1, LAST];

    /// Of several images of one size as one batch; `None` for none.
    pub fn batch(parts: Vec<Self>) -> Option<Self> {
        let of = |tap: fn(&Self) -> &Tensor<4>| -> Option<Tensor<4>> {
            parts.first()?;
            Some(Tensor::cat(parts.iter().map(|part| tap(part).clone()).collect(), 0))
        };
        Some(Self {
            quarter: of(|taps| &taps.quarter)?,
            eighth: of(|taps| &taps.eighth)?,
            sixteenth: of(|taps| &taps.sixteenth)?,
            last: of(|taps| &taps.last)?,
        })
    }

    /// On another device.
    pub fn to_device(self, device: &Device) -> Self {
        self.map(|tap| tap.to_device(device))
    }

    pub(crate) fn autodiff(self) -> Self {
        self.map(Tensor::autodiff)
    }

    fn map(self, of: impl Fn(Tensor<4>) -> Tensor<4>) -> Self {
        Self {
            quarter: of(self.quarter),
            eighth: of(self.eighth),
            sixteenth: of(self.sixteenth),
            last: of(self.last),
        }
    }
}

impl<L> Encoder<L> {
    pub(super) fn build<B: Build<Layer = L>>(build: &mut B) -> Result<Self, B::Error> {
        let name = format!("{PREFIX}.backbone");
        let stem = ConvSpec::new(format!("{name}.conv_stem"), 3, STEM, 3)
            .norm(format!("{name}.bn0"))
            .norm_epsilon(NORM_EPSILON)
            .stride(2);
        let stem = build.conv(stem)?;
        let mut blocks = Vec::new();
        let (mut input, mut total, mut dilation) = (STEM, 2, 1);
        for stage in &STAGES {
            for index in 0..stage.blocks {
                // The first block of a stage that keeps its stride has the dilation of those before.
                let own = dilation;
                let mut stride = if index == 0 { stage.stride } else { 1 };
                if total * stride > OUTPUT_STRIDE {
                    dilation *= stride;
                    stride = 1;
                }
                total *= stride;
                let Stage { kernel, expansion, channels: output, .. } = *stage;
                let shape = Shape { input, expansion, output, kernel, stride, dilation: own };
                let name = format!("{name}.blocks.{}", blocks.len());
                blocks.push(InvertedResidual::build(build, &name, shape)?);
                input = output;
            }
        }
        Ok(Self { stem, blocks })
    }
}

impl<L: Layer> Encoder<L> {
    /// `[batch, 3, height, width]`.
    pub(crate) fn forward(&self, image: Tensor<4>) -> LiteTaps {
        let mut x = self.stem.relu6(image);
        let mut taps = [None, None, None];
        for (index, block) in self.blocks.iter().enumerate() {
            x = block.forward(x);
            for (tap, (last, _)) in taps.iter_mut().zip([QUARTER, EIGHTH, SIXTEENTH]) {
                if index == last {
                    *tap = Some(x.clone());
                }
            }
        }
        let [quarter, eighth, sixteenth] = taps.map(|tap| tap.unwrap_or_else(|| x.clone()));
        LiteTaps { quarter, eighth, sixteenth, last: x }
    }
}
