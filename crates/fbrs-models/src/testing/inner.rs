//! What a network computes on the way.

use burn::tensor::{Device, Tensor};

use crate::architecture::Architecture;
use crate::build::{ParameterError, ParameterSource};
use crate::click_input::ClickInput;
use crate::conv::{Folding, Layer as _};
use crate::cut::{Beside, Cut};
use crate::family::Family;
use crate::fusion::{ClickFusion, coordinates};
use crate::hrnet::HrNetHead;
use crate::lite;
use crate::network::Network;
use crate::ocr;
use crate::resize::resize_bilinear;
use crate::resnet;

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
    told: ClickInput,
) -> Vec<(String, Tensor<4>)> {
    let features = network.image_features(image.clone());
    let at = |cut| network.run_to(cut, &features, told.clone());
    let late = at(Cut::Late);
    let [_, _, height, width] = image.dims();
    let maps = told.maps.clone();
    let named: Vec<(&str, Tensor<4>)> = match &network.family {
        Family::StandIn(_) => Vec::new(),
        Family::DeepLab(net) => {
            let image_features = net.image_features(image.clone());
            let stages = net.backbone.forward(net.stem(image_features.clone(), &told));
            let mut named = fused(&net.fusion, image, &told);
            named.extend([
                (
                    "feature_extractor.backbone.maxpool",
                    resnet::pooled(net.stem(image_features, &told)),
                ),
                ("feature_extractor.backbone.layer1", stages.first.clone()),
                ("feature_extractor.backbone.layer4", stages.last.clone()),
                ("feature_extractor.skip_project", net.skip.relu(stages.first)),
                ("feature_extractor.aspp", net.aspp.forward(stages.last)),
                ("feature_extractor.head", late.features().clone()),
                ("head", network.run_from_to_stride(late)),
            ]);
            named
        }
        Family::HrNet(net) => {
            let first = net.first_stage(net.image_features(image.clone()), &told);
            let features = net.features(first.clone());
            let mut named = fused(&net.fusion, image, &told);
            named.extend([
                ("feature_extractor.layer1", first),
                ("hrnet_feats", features.clone()),
                ("feature_extractor.cls_head", network.run_from_to_stride(late.clone())),
            ]);
            if let HrNetHead::Ocr(ocr) = &net.head {
                let aux = ocr.auxiliary(features.clone());
                let pixels = ocr.features.relu(features);
                named.extend([
                    ("feature_extractor.aux_head", aux.clone()),
                    ("logits_aux", resize_bilinear(aux.clone(), [height, width])),
                    ("feature_extractor.conv3x3_ocr", pixels.clone()),
                    ("feature_extractor.ocr_gather_head", ocr::gather(pixels, aux)),
                    ("feature_extractor.ocr_distri_head", late.features().clone()),
                ]);
            }
            named
        }
        Family::Lite(net) => {
            let neck = net.neck.forward(net.encoder.forward(image.clone()));
            let maps_like = |like: &Tensor<4>| {
                let [_, _, height, width] = like.dims();
                lite::click_maps(maps.clone(), [height, width])
            };
            let similar = |unit| lite::similarity(unit, &told.points, [height, width]);
            let early = at(Cut::Early);
            let mid_fusion = match &early.beside {
                Beside::Lite(beside) => {
                    let context = net.decoder.aspp.forward(early.features.clone());
                    vec![("mid_fusion", net.decoder.mid_fusion(context, beside))]
                }
                _ => Vec::new(),
            };
            let mut named = vec![
                ("deep_click_maps", maps_like(&neck.deep)),
                ("mid_click_maps", maps_like(&neck.mid)),
                ("skip_click_maps", maps_like(&neck.skip)),
                ("deep_similarity", similar(&neck.deep_unit)),
                ("skip_similarity", similar(&neck.skip_unit)),
                ("deep", neck.deep),
                ("mid", neck.mid),
                ("skip", neck.skip),
                ("deep_unit", neck.deep_unit),
                ("skip_unit", neck.skip_unit),
                ("aspp", net.decoder.aspp.forward(early.features.clone())),
                ("cut_a", early.features),
                ("cut_b", at(Cut::Middle).features),
                ("cut_c", late.features().clone()),
                ("head", network.run_from_to_stride(late)),
            ];
            named.extend(mid_fusion);
            let stem = net.encoder.stem.relu6(image);
            let mut blocks = vec![("backbone.stem".to_owned(), stem.clone())];
            let mut x = stem;
            for (index, block) in net.encoder.blocks.iter().enumerate() {
                x = block.forward(x);
                blocks.push((format!("backbone.blocks.{index}"), x.clone()));
            }
            return blocks.into_iter().chain(named.into_iter().map(own)).collect();
        }
    };
    named.into_iter().map(own).collect()
}

/// Where image and clicks come together.
fn fused(
    fusion: &ClickFusion,
    image: Tensor<4>,
    told: &ClickInput,
) -> Vec<(&'static str, Tensor<4>)> {
    let mut named = vec![("rgb_conv", fusion.forward(image, told))];
    if let ClickFusion::Guided { guidance, .. } | ClickFusion::Stem { guidance, .. } = fusion {
        named.push(("coord_features", coordinates(told, *guidance)));
    }
    named.extend(fusion.in_stem(told).map(|maps| ("maps_transform", maps)));
    named
}

fn own((name, value): (&str, Tensor<4>)) -> (String, Tensor<4>) {
    (name.to_owned(), value)
}
