//! What backbones' layers are called, in their own networks and in ours.

use std::collections::BTreeSet;

use fbrs_models::{Architecture, ParameterShape, ResNet};

use super::lite::{self, Naming};
use crate::entry::Entry;
use crate::state_dict::MARK;

/// Kinds of backbones, told apart by their layers' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    ResNet,
    HrNet,
    Lite(Naming),
}

/// Parts of an HRNet's feature extractor that are no part of its backbone.
const HEADS: [&str; 4] = ["aux_head.", "cls_head.", "conv3x3_ocr.", "ocr_distri_head."];

/// The head of an HRNet for segmentation, in its own network.
const LAST_LAYER: &str = "last_layer.";
/// In ours.
const AUX_HEAD: &str = "aux_head.";

impl Family {
    pub(super) fn of(entries: &[Entry]) -> Option<Self> {
        let has = |part: &str| entries.iter().any(|entry| begins_at_a_dot(&entry.name, part));
        // An HRNet has layers of a ResNet's names.
        if has("stage2.0.branches.") {
            Some(Self::HrNet)
        } else if has("layer1.0.conv1.weight") {
            Some(Self::ResNet)
        } else if has("conv_stem.weight") || has("_conv_stem.weight") {
            Some(Self::Lite(Naming::of(entries)))
        } else {
            None
        }
    }

    /// What the names of many of its tensors begin with.
    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::ResNet => "layer3.",
            Self::HrNet => "stage4.",
            Self::Lite(_) => "blocks.",
        }
    }

    /// Whether a tensor belongs to layers whose number makes the network what it is. A stem and a
    /// classifier do not.
    pub(super) fn is_own(self, name: &str) -> bool {
        let starts: &[&str] = match self {
            Self::ResNet => &["layer"],
            Self::HrNet => &["layer1.", "transition", "stage"],
            Self::Lite(_) => &["blocks."],
        };
        starts.iter().any(|start| name.starts_with(start))
    }

    /// The name in our networks, without the prefix of the backbone; `None` for a layer that none has.
    pub(super) fn in_network(self, name: &str) -> Option<String> {
        match self {
            Self::ResNet => Some(name.to_owned()),
            Self::HrNet => Some(match name.strip_prefix(LAST_LAYER) {
                Some(rest) => format!("{AUX_HEAD}{rest}"),
                None => name.to_owned(),
            }),
            Self::Lite(naming) => naming.in_network(name),
        }
    }

    /// What a backbone of such tensors is called.
    pub(super) fn kind(self, entries: &[Entry]) -> String {
        match self {
            Self::ResNet => resnet(entries),
            Self::HrNet => {
                let named = |name: &str| entries.iter().find(|entry| entry.name == name);
                let width = named("stage2.0.branches.0.0.conv1.weight");
                let width = width.and_then(|entry| entry.shape.first()).copied().unwrap_or(0);
                let small = if numbers(entries, "layer1.") < 4 { "-Small" } else { "" };
                format!("HRNetV2-W{width}{small}")
            }
            Self::Lite(_) => lite::kind(entries),
        }
    }
}

fn resnet(entries: &[Entry]) -> String {
    let blocks = ["layer1.", "layer2.", "layer3.", "layer4."].map(|layer| numbers(entries, layer));
    let is_bottleneck = entries.iter().any(|entry| entry.name == "layer1.0.conv3.weight");
    match (blocks, is_bottleneck) {
        ([2, 2, 2, 2], false) => "ResNet-18".to_owned(),
        ([3, 4, 6, 3], false) => "ResNet-34".to_owned(),
        ([3, 4, 6, 3], true) => "ResNet-50".to_owned(),
        ([3, 4, 23, 3], true) => "ResNet-101".to_owned(),
        ([3, 8, 36, 3], true) => "ResNet-152".to_owned(),
        ([a, b, c, d], _) => format!("a ResNet of {a}, {b}, {c}, {d} blocks"),
    }
}

/// How many different numbers follow a beginning of names.
fn numbers(entries: &[Entry], start: &str) -> usize {
    let rests = entries.iter().filter_map(|entry| entry.name.strip_prefix(start));
    let numbers: BTreeSet<_> = rests.filter_map(|rest| rest.split('.').next()).collect();
    numbers.len()
}

fn begins_at_a_dot(name: &str, part: &str) -> bool {
    name.match_indices(part)
        .any(|(at, _)| at == 0 || name.get(..at).is_some_and(|before| before.ends_with('.')))
}

/// What stands before the names of a network's backbone.
pub(super) fn prefix(architecture: &Architecture) -> &'static str {
    match architecture {
        Architecture::HrNet(_) => MARK,
        Architecture::DeepLab(_) | Architecture::Lite(_) => "feature_extractor.backbone.",
    }
}

/// The parameters of a network's backbone.
pub(super) fn backbone(architecture: &Architecture) -> Vec<ParameterShape> {
    let prefix = prefix(architecture);
    let mut parameters = architecture.parameters();
    parameters.retain(|parameter| match parameter.name.strip_prefix(prefix) {
        Some(name) => {
            !matches!(architecture, Architecture::HrNet(_))
                || !HEADS.iter().any(|head| name.starts_with(head))
        }
        None => false,
    });
    parameters
}

/// The parameters of the auxiliary head of a network that has one.
pub(super) fn auxiliary_head(architecture: &Architecture) -> Vec<ParameterShape> {
    let mut parameters = architecture.parameters();
    let prefix = format!("{MARK}{AUX_HEAD}");
    parameters.retain(|parameter| parameter.name.starts_with(&prefix));
    parameters
}

/// Whether a tensor belongs to the head of an HRNet for segmentation.
pub(super) fn is_head(entry: &Entry) -> bool {
    [LAST_LAYER, AUX_HEAD].iter().any(|head| entry.name.starts_with(head))
}

/// Which published file a network starts from, as it reads after "starts from".
pub(super) fn expected(architecture: &Architecture) -> String {
    match architecture {
        Architecture::DeepLab(config) => {
            let depth = match config.backbone {
                ResNet::R34 => {
                    return "ResNet-34: torchvision's resnet34 or Gluon's resnet34_v1b".to_owned();
                }
                ResNet::R50 => 50,
                ResNet::R101 => 101,
                ResNet::R152 => 152,
            };
            format!(
                "ResNet-{depth}: Gluon's resnet{depth}_v1s, or torchvision's resnet{depth}, which \
                 fills all but the stem"
            )
        }
        Architecture::HrNet(config) => {
            let width = config.width;
            if config.small {
                format!("HRNetV2-W{width}-Small-v2 (timm's hrnet_w{width}_small_v2)")
            } else {
                format!("HRNetV2-W{width} (timm's hrnet_w{width})")
            }
        }
        Architecture::Lite(_) => "EfficientNet-Lite0 (timm's tf_efficientnet_lite0)".to_owned(),
    }
}
