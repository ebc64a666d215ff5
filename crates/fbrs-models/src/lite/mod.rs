//! The Lite family: EfficientNet-Lite0 as an encoder that knows nothing of the clicks, and a small
//! decoder in the manner of DeepLabV3+ that sees them.
//!
//! The encoder, the neck behind it and what the fusion reads of them are computed once for an image
//! ([`LiteFeatures`]); a click costs the decoder alone. Beside the distance maps the decoder is told
//! where the image looks like the clicked places: dot products of embeddings (`clicks`).

mod block;
mod clicks;
mod decoder;
mod encoder;
mod neck;

use burn::tensor::Tensor;

use crate::architecture::LiteConfig;
use crate::build::Build;
use crate::click_input::ClickInput;
use crate::conv::{Conv, ConvSpec, Layer};
use crate::cut::{Beside, Cut, CutState};
use crate::resize::resize_bilinear;

use clicks::{CLICK_MAPS, Similarity};
pub(crate) use clicks::{click_maps, similarity};
pub(crate) use decoder::LiteBeside;
use decoder::{Decoder, FUSED};
use encoder::Encoder;
pub use encoder::LiteTaps;
use neck::{DEEP, DEEP_EMBEDDING, Neck};

/// Prefix of every parameter but the output head's.
const PREFIX: &str = "feature_extractor";

#[derive(Debug, Clone)]
pub(crate) struct Lite<L = Conv> {
    pub(crate) encoder: Encoder<L>,
    pub(crate) neck: Neck<L>,
    fusion: Fusion<L>,
    pub(crate) decoder: Decoder<L>,
}

/// The convolution of concat(deep features, what is told of the clicks), in two parts that add up:
/// that of the deep features depends on the image alone.
#[derive(Debug, Clone)]
struct Fusion<L> {
    of_image: L,
    of_clicks: L,
}

/// What depends on the image alone.
#[derive(Debug, Clone)]
pub(crate) struct LiteFeatures {
    /// The deep features' part of the fusion, `[batch, 96, h/16, w/16]`.
    fused: Tensor<4>,
    /// `[batch, 64, h/8, w/8]`.
    mid: Tensor<4>,
    /// `[batch, 48, h/4, w/4]`.
    skip: Tensor<4>,
    /// `[batch, 64, h/16, w/16]`.
    deep_unit: Tensor<4>,
    /// `[batch, 32, h/4, w/4]`.
    skip_unit: Tensor<4>,
}

impl<L> Lite<L> {
    pub(crate) fn build<B: Build<Layer = L>>(
        config: &LiteConfig,
        build: &mut B,
    ) -> Result<Self, B::Error> {
        let encoder = Encoder::build(build)?;
        let neck = Neck::build(build)?;
        let told = CLICK_MAPS + Similarity::channels(DEEP_EMBEDDING);
        let name = format!("{PREFIX}.click_fusion");
        let spec =
            ConvSpec::new(format!("{name}.0"), DEEP + told, FUSED, 3).norm(format!("{name}.1"));
        let [of_image, of_clicks] = build.conv_split(spec, DEEP)?;
        let decoder = Decoder::build(config, build)?;
        Ok(Self { encoder, neck, fusion: Fusion { of_image, of_clicks }, decoder })
    }
}

impl<L: Layer> Lite<L> {
    /// `image`: `[batch, 3, height, width]`.
    pub(crate) fn image_features(&self, image: Tensor<4>) -> LiteFeatures {
        self.features_of_taps(self.encoder.forward(image))
    }

    /// What depends on the image alone, from the encoder's outputs.
    pub(crate) fn features_of_taps(&self, taps: LiteTaps) -> LiteFeatures {
        let neck = self.neck.forward(taps);
        LiteFeatures {
            fused: self.fusion.of_image.forward(neck.deep),
            mid: neck.mid,
            skip: neck.skip,
            deep_unit: neck.deep_unit,
            skip_unit: neck.skip_unit,
        }
    }

    /// From the image's features and what is told of the clicks to the first cut.
    pub(crate) fn fuse(&self, image: &LiteFeatures, told: &ClickInput) -> CutState {
        let [_, _, height, width] = told.maps.dims();
        let size = [height, width];
        let maps = |like: &Tensor<4>| {
            let [_, _, height, width] = like.dims();
            click_maps(told.maps.clone(), [height, width])
        };
        let deep_similarity = similarity(&image.deep_unit, &told.points, size);
        let skip_similarity = similarity(&image.skip_unit, &told.points, size);
        let deep = Tensor::cat(vec![maps(&image.fused), deep_similarity.clone()], 1);
        let features = self.fusion.of_clicks.add_relu(deep, image.fused.clone());
        let [_, _, height, width] = image.mid.dims();
        let deep_similarity = resize_bilinear(deep_similarity, [height, width]);
        let beside = Beside::Lite(Box::new(LiteBeside {
            mid: Tensor::cat(vec![image.mid.clone(), maps(&image.mid), deep_similarity], 1),
            skip: Tensor::cat(vec![image.skip.clone(), maps(&image.skip), skip_similarity], 1),
        }));
        CutState { cut: Cut::Early, features, beside, size }
    }
}

impl<L: Layer> Lite<L> {
    /// Behind the first cut: from one to the next; a state at the last one stays as it is.
    pub(crate) fn advance(&self, state: CutState) -> CutState {
        let CutState { cut, features, beside, size } = state;
        let at = |cut, features| CutState { cut, features, beside: Beside::Nothing, size };
        match (cut, beside) {
            (Cut::Early, Beside::Lite(beside)) => {
                let context = self.decoder.aspp.forward(features);
                let mid = self.decoder.mid_fusion(context, &beside);
                at(Cut::Middle, self.decoder.middle(mid, *beside))
            }
            (Cut::Middle, _) => at(Cut::Late, self.decoder.head(features)),
            (_, beside) => CutState { cut, features, beside, size },
        }
    }
}

impl<L: Layer> Lite<L> {
    /// The features at stride 4 from what the head reads.
    pub(crate) fn output(&self, middle: Tensor<4>) -> Tensor<4> {
        self.decoder.output(self.decoder.head(middle))
    }
}

impl LiteFeatures {
    pub(crate) fn tensors(&self) -> [&Tensor<4>; 5] {
        [&self.fused, &self.mid, &self.skip, &self.deep_unit, &self.skip_unit]
    }
}
