//! The decoder: from the fusion of image and clicks to the logits.

use burn::tensor::Tensor;

use super::PREFIX;
use super::clicks::{CLICK_MAPS, Similarity};
use super::neck::{DEEP_EMBEDDING, MID, SKIP, SKIP_EMBEDDING, conv_norm};
use crate::architecture::LiteConfig;
use crate::aspp::Aspp;
use crate::build::Build;
use crate::conv::{Conv, ConvSpec, Layer};
use crate::cut::Cut;
use crate::resize::{Joining, join_resized};
use crate::separable::SeparableConv;

/// Channels of the fusion of image and clicks, ASPP's input.
pub(super) const FUSED: usize = 96;
/// Channels that go from stride 8 to stride 4.
const REDUCED: usize = 32;
/// Channels of the head and of the output head.
const HEAD: usize = 48;
const OUTPUT: usize = 32;
/// Dilations of ASPP's 3×3 branches at output stride 16.
const ASPP_DILATIONS: [usize; 3] = [3, 6, 12];
/// Separable convolutions of the output head, and of both heads.
const OUTPUT_LAYERS: usize = 1;
const HEAD_LAYERS: usize = 2;

#[derive(Debug, Clone)]
pub(crate) struct Decoder<L = Conv> {
    pub(crate) aspp: Aspp<L>,
    mid: [SeparableConv<L>; 2],
    reduce: L,
    head: [SeparableConv<L>; HEAD_LAYERS],
    output: SeparableConv<L>,
    classes: L,
}

/// What the decoder reads beside ASPP's input: image features, click maps and similarity maps.
#[derive(Debug, Clone)]
pub(crate) struct LiteBeside {
    /// At stride 8.
    pub(crate) mid: Tensor<4>,
    /// At stride 4.
    pub(crate) skip: Tensor<4>,
}

impl<L> Decoder<L> {
    pub(super) fn build<B: Build<Layer = L>>(
        config: &LiteConfig,
        build: &mut B,
    ) -> Result<Self, B::Error> {
        let width = config.channels;
        let mid = width + MID + CLICK_MAPS + Similarity::channels(DEEP_EMBEDDING);
        let aspp = Aspp::build(build, &format!("{PREFIX}.aspp"), FUSED, width, ASPP_DILATIONS)?;
        let mut separable = |name: &str, input, output| {
            SeparableConv::build(build, &format!("{PREFIX}.{name}"), input, output)
        };
        let mid =
            [separable("mid_fusion.0", mid, width)?, separable("mid_fusion.1", width, width)?];
        let reduce = build.conv(conv_norm("mid_reduce", width, REDUCED, 1))?;
        let mut separable = |name: &str, input, output| {
            SeparableConv::build(build, &format!("{PREFIX}.head.block.{name}"), input, output)
        };
        let middle = LiteConfig::channels_at(Cut::Middle);
        let head = [separable("0", middle, HEAD)?, separable("1", HEAD, HEAD)?];
        let output = SeparableConv::build(build, "head.layers.0", HEAD, OUTPUT)?;
        let classes = build.conv(ConvSpec::new("head.layers.1", OUTPUT, 1, 1).bias())?;
        Ok(Self { aspp, mid, reduce, head, output, classes })
    }
}

impl LiteConfig {
    pub(crate) fn channels_at(cut: Cut) -> usize {
        match cut {
            Cut::Image => 3,
            Cut::DistanceMaps => 2,
            Cut::Early => FUSED,
            Cut::Middle => REDUCED + SKIP + CLICK_MAPS + Similarity::channels(SKIP_EMBEDDING),
            Cut::Late => HEAD,
        }
    }

    /// How far a logit sees in the features at a cut, where nothing but convolutions lies between.
    pub(crate) fn neighborhood(cut: Cut) -> Option<usize> {
        let radius = SeparableConv::<Conv>::RADIUS;
        match cut {
            Cut::Middle => Some((HEAD_LAYERS + OUTPUT_LAYERS) * radius),
            Cut::Late => Some(OUTPUT_LAYERS * radius),
            _ => None,
        }
    }
}

impl<L: Layer> Decoder<L> {
    /// ASPP's output to that of the layers at stride 8.
    pub(crate) fn mid_fusion(&self, context: Tensor<4>, beside: &LiteBeside) -> Tensor<4> {
        let [_, _, height, width] = beside.mid.dims();
        let x = join_resized(vec![context, beside.mid.clone()], [height, width], Joining::Beside);
        self.mid.iter().fold(x, |x, layer| layer.forward(x))
    }

    /// The output of the layers at stride 8 to the head's input.
    pub(crate) fn middle(&self, mid: Tensor<4>, beside: LiteBeside) -> Tensor<4> {
        let reduced = self.reduce.relu(mid);
        let [_, _, height, width] = beside.skip.dims();
        join_resized(vec![reduced, beside.skip], [height, width], Joining::Beside)
    }

    /// The head's input to its output.
    pub(super) fn head(&self, features: Tensor<4>) -> Tensor<4> {
        self.head.iter().fold(features, |x, layer| layer.forward(x))
    }

    /// The last cut's features to the logits at stride 4.
    pub(crate) fn output(&self, features: Tensor<4>) -> Tensor<4> {
        self.classes.forward(self.output.forward(features))
    }
}
