//! What a network computes on the way.

use burn::tensor::{Device, Tensor};

use crate::architecture::Architecture;
use crate::build::{ParameterError, ParameterSource};
use crate::conv::Folding;
use crate::cut::Cut;
use crate::network::{Family, Network};
use crate::ocr;

/// A network whose batch normalization is an operation of its own, as published.
///
/// # Errors
/// As [`Network::build`].
pub fn build_unfolded(
    architecture: &Architecture,
    source: &mut dyn ParameterSource,
    device: &Device,
) -> Result<Network, ParameterError> {
    Network::build_with(architecture, source, device, Folding::Separate)
}

/// The tensors that a network computes between its input and its logits, by the names of the
/// published implementation's modules.
pub fn inner_tensors(
    network: &Network,
    image: Tensor<4>,
    maps: Tensor<4>,
) -> Vec<(&'static str, Tensor<4>)> {
    let late = network.run_to(Cut::Late, image.clone(), maps.clone());
    match &network.family {
        Family::DeepLab(net) => {
            let fused = net.fusion.forward(image, maps);
            let stages = net.backbone.forward(fused.clone());
            vec![
                ("rgb_conv", fused),
                ("feature_extractor.backbone.layer1", stages.first.clone()),
                ("feature_extractor.backbone.layer4", stages.last.clone()),
                ("feature_extractor.skip_project", net.skip.relu(stages.first)),
                ("feature_extractor.aspp", net.aspp.forward(stages.last)),
                ("feature_extractor.head", late.features().clone()),
                ("head", network.run_from_to_stride(late)),
            ]
        }
        Family::HrNet(net) => {
            let fused = net.fusion.forward(image, maps);
            let first = net.first_stage(fused.clone());
            let features = net.features(first.clone());
            let aux = net.ocr.auxiliary(features.clone());
            let pixels = net.ocr.features.relu(features.clone());
            vec![
                ("rgb_conv", fused),
                ("feature_extractor.layer1", first),
                ("hrnet_feats", features),
                ("feature_extractor.aux_head", aux.clone()),
                ("feature_extractor.conv3x3_ocr", pixels.clone()),
                ("feature_extractor.ocr_gather_head", ocr::gather(pixels, aux)),
                ("feature_extractor.ocr_distri_head", late.features().clone()),
                ("feature_extractor.cls_head", network.run_from_to_stride(late)),
            ]
        }
    }
}
