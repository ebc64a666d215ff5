//! Object-contextual representations (Yuan et al. 2020) with one class, and the class head.
//!
//! With one class the attention's softmax runs over a single similarity and is 1 everywhere: every
//! pixel receives the same value vector, whatever query and key say. So query and key are never
//! read, and the context's half of the output convolution is one vector instead of a map. Both
//! savings are exact.

use burn::tensor::Tensor;
use burn::tensor::activation::softmax;

use crate::architecture::HrNetConfig;
use crate::build::Build;
use crate::conv::{Conv, ConvSpec, Layer};
use crate::learning::Dropout;

/// Prefix of every parameter behind the click fusion.
pub(crate) const PREFIX: &str = "feature_extractor";

#[derive(Debug, Clone)]
pub(crate) struct Ocr<L = Conv> {
    pub(crate) features: L,
    value: L,
    up: L,
    output_of_context: L,
    output_of_features: L,
    classes: L,
    aux: (L, L),
}

impl<L> Ocr<L> {
    pub(crate) fn build<B: Build<Layer = L>>(
        config: &HrNetConfig,
        build: &mut B,
    ) -> Result<Self, B::Error> {
        let (input, key, output) = (config.features(), config.ocr_width, 2 * config.ocr_width);
        let features = ConvSpec::new(format!("{PREFIX}.conv3x3_ocr.0"), input, output, 3)
            .bias()
            .norm(format!("{PREFIX}.conv3x3_ocr.1"));
        let features = build.conv(features)?;
        let attention = format!("{PREFIX}.ocr_distri_head.object_context_block");
        let layer = |name: &str, index: usize, input, output| {
            ConvSpec::new(format!("{attention}.{name}.{index}"), input, output, 1)
                .norm(format!("{attention}.{name}.{}.0", index + 1))
        };
        for name in ["f_pixel", "f_object"] {
            build.unused(layer(name, 0, output, key))?;
            build.unused(layer(name, 2, key, key))?;
        }
        let value = build.conv(layer("f_down", 0, output, key))?;
        let up = build.conv(layer("f_up", 0, key, output))?;
        let name = format!("{PREFIX}.ocr_distri_head.conv_bn_dropout");
        let concat = ConvSpec::new(format!("{name}.0"), 2 * output, output, 1)
            .norm(format!("{name}.1.0"))
            .dropout(Dropout::Channels);
        let [output_of_context, output_of_features] = build.conv_split(concat, output)?;
        let classes =
            build.conv(ConvSpec::new(format!("{PREFIX}.cls_head"), output, 1, 1).bias())?;
        let aux = ConvSpec::new(format!("{PREFIX}.aux_head.0"), input, input, 1)
            .bias()
            .norm(format!("{PREFIX}.aux_head.1"));
        let aux_classes = ConvSpec::new(format!("{PREFIX}.aux_head.3"), input, 1, 1).bias();
        let aux = (build.conv(aux)?, build.conv(aux_classes)?);
        Ok(Self { features, value, up, output_of_context, output_of_features, classes, aux })
    }
}

impl<L: Layer> Ocr<L> {
    /// Concatenated branches `[batch, 15 · width, h, w]` to OCR's output `[batch, 2k, h, w]`.
    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let aux = self.auxiliary(x.clone());
        self.with_auxiliary(x, aux)
    }

    /// The same where the auxiliary head's logits are known.
    pub(crate) fn with_auxiliary(&self, x: Tensor<4>, aux: Tensor<4>) -> Tensor<4> {
        let features = self.features.relu(x);
        let context = self.context(gather(features.clone(), aux));
        self.output_of_features.add_relu(features, self.output_of_context.forward(context))
    }

    /// Logits of the auxiliary head, `[batch, 1, h, w]`.
    pub(crate) fn auxiliary(&self, x: Tensor<4>) -> Tensor<4> {
        self.aux.1.forward(self.aux.0.relu(x))
    }

    /// What every pixel receives from the one class: `[batch, 2k, 1, 1]`.
    fn context(&self, gathered: Tensor<4>) -> Tensor<4> {
        self.up.relu(self.value.relu(gathered))
    }

    /// Class head: logits at stride 4, `[batch, 1, h, w]`.
    pub(crate) fn classify(&self, x: Tensor<4>) -> Tensor<4> {
        self.classes.forward(x)
    }
}

/// The features' mean, weighted by the softmax of the auxiliary logits over all pixels:
/// `[batch, 2k, 1, 1]`.
pub(crate) fn gather(features: Tensor<4>, aux: Tensor<4>) -> Tensor<4> {
    let [batch, channels, height, width] = features.dims();
    let weights = softmax(aux.reshape([batch, 1, height * width]), 2);
    let features = features.reshape([batch, channels, height * width]);
    features.matmul(weights.swap_dims(1, 2)).reshape([batch, channels, 1, 1])
}
