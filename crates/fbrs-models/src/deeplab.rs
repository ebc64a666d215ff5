//! ResNet-DeepLabV3+ (Chen et al. 2018).

use burn::tensor::Tensor;

use crate::architecture::DeepLabConfig;
use crate::aspp::Aspp;
use crate::build::Build;
use crate::click_input::ClickInput;
use crate::conv::{Conv, ConvSpec, Layer};
use crate::cut::{Beside, Cut, CutState};
use crate::fusion::ClickFusion;
use crate::resize::{Joining, join_resized};
use crate::resnet::Backbone;
use crate::separable::SeparableConv;

/// Channels of the skip connection.
const SKIP_CHANNELS: usize = 32;
/// How far either head sees: two depthwise convolutions 3×3.
pub(crate) const HEAD_RADIUS: usize = 2 * SeparableConv::<Conv>::RADIUS;
/// Dilations of ASPP's 3×3 branches at output stride 8.
const ASPP_DILATIONS: [usize; 3] = [12, 24, 36];

#[derive(Debug, Clone)]
pub(crate) struct DeepLab<L = Conv> {
    pub(crate) fusion: ClickFusion<L>,
    pub(crate) backbone: Backbone<L>,
    head: Head<L>,
    pub(crate) skip: L,
    pub(crate) aspp: Aspp<L>,
    output: Head<L>,
}

impl<L> DeepLab<L> {
    pub(crate) fn build<B: Build<Layer = L>>(
        config: &DeepLabConfig,
        build: &mut B,
    ) -> Result<Self, B::Error> {
        let (first, last) = config.backbone.channels();
        let channels = config.channels;
        Ok(Self {
            fusion: ClickFusion::build(config.fusion, build)?,
            backbone: Backbone::build(config.backbone, "feature_extractor.backbone", build)?,
            head: Head::build(
                build,
                "feature_extractor.head.block",
                [channels + SKIP_CHANNELS, channels, channels],
            )?,
            skip: build.conv(
                ConvSpec::new(
                    "feature_extractor.skip_project.skip_project.0",
                    first,
                    SKIP_CHANNELS,
                    1,
                )
                .norm("feature_extractor.skip_project.skip_project.1"),
            )?,
            aspp: Aspp::build(build, "feature_extractor.aspp", last, channels, ASPP_DILATIONS)?,
            output: Head::build(build, "head.layers", [channels, channels / 2, 1])?,
        })
    }
}

impl DeepLabConfig {
    pub(crate) fn channels_at(&self, cut: Cut) -> usize {
        match cut {
            Cut::Image => 3,
            Cut::DistanceMaps => 2,
            Cut::Early => self.backbone.channels().1,
            Cut::Middle => self.channels + SKIP_CHANNELS,
            Cut::Late => self.channels,
        }
    }
}

impl<L: Layer> DeepLab<L> {
    /// Behind the first cut: from one to the next; a state at the last one stays as it is.
    pub(crate) fn advance(&self, state: CutState) -> CutState {
        let CutState { cut, features, beside, size } = state;
        match (cut, beside) {
            (Cut::Early, Beside::Skip(skip)) => {
                let [_, _, height, width] = skip.dims();
                let parts = vec![self.aspp.forward(features), *skip];
                let features = join_resized(parts, [height, width], Joining::Beside);
                CutState { cut: Cut::Middle, features, beside: Beside::Nothing, size }
            }
            (Cut::Middle, beside) => {
                CutState { cut: Cut::Late, features: self.head.forward(features), beside, size }
            }
            (_, beside) => CutState { cut, features, beside, size },
        }
    }

    /// The last cut's features to the logits at stride 4.
    pub(crate) fn output(&self, features: Tensor<4>) -> Tensor<4> {
        self.output.forward(features)
    }

    /// The stem's output where it depends on the image alone, else the image.
    pub(crate) fn image_features(&self, image: Tensor<4>) -> Tensor<4> {
        match self.fusion {
            ClickFusion::Stem { .. } => self.backbone.stem(image),
            _ => image,
        }
    }

    /// From the image's features, of an image of `size`, and the clicks to the first cut.
    pub(crate) fn encode(&self, image: Tensor<4>, told: &ClickInput, size: [usize; 2]) -> CutState {
        let stages = self.backbone.forward(self.stem(image, told));
        let beside = Beside::Skip(Box::new(self.skip.relu(stages.first)));
        CutState { cut: Cut::Early, features: stages.last, beside, size }
    }

    /// The image's features and the clicks to the stem's output.
    pub(crate) fn stem(&self, image: Tensor<4>, told: &ClickInput) -> Tensor<4> {
        match self.fusion.in_stem(told) {
            Some(maps) => add_first(image, maps),
            None => self.backbone.stem(self.fusion.forward(image, told)),
        }
    }
}

/// Adds maps to the first channels. A deep stem has more of them.
fn add_first(x: Tensor<4>, maps: Tensor<4>) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    match channels.checked_sub(maps.dims()[1]) {
        None | Some(0) => x + maps,
        Some(more) => {
            let zeros = Tensor::zeros([batch, more, height, width], &x.device());
            x + Tensor::cat(vec![maps, zeros], 1)
        }
    }
}

/// Two separable convolutions and a 1×1 convolution: the DeepLab head and the output head.
#[derive(Debug, Clone)]
struct Head<L = Conv> {
    first: SeparableConv<L>,
    second: SeparableConv<L>,
    last: L,
}

impl<L> Head<L> {
    fn build<B: Build<Layer = L>>(
        build: &mut B,
        name: &str,
        [input, middle, output]: [usize; 3],
    ) -> Result<Self, B::Error> {
        Ok(Self {
            first: SeparableConv::build(build, &format!("{name}.0"), input, middle)?,
            second: SeparableConv::build(build, &format!("{name}.1"), middle, middle)?,
            last: build.conv(ConvSpec::new(format!("{name}.2"), middle, output, 1).bias())?,
        })
    }
}

impl<L: Layer> Head<L> {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.last.forward(self.second.forward(self.first.forward(x)))
    }
}
