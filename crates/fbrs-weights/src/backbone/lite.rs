//! EfficientNet-Lite0, the encoder of the Lite family.
//!
//! Other programs number its blocks within stages, call its layers otherwise, and read other colors than
//! our networks do; the difference is folded into the stem, so that nothing remains to be done at run
//! time. At an image's border the stem's padding then stands for another color.

use crate::InputScaling;
use crate::entry::Entry;
use crate::partial::{Change, Partial};

/// Blocks of each stage.
const STAGES: [usize; 7] = [1, 2, 2, 3, 3, 4, 1];

/// What our encoder adds to variances.
const ADDED: f64 = 1e-3;
/// What timm's own training adds.
const ADDED_BY_TIMM: f64 = 1e-5;

/// Whose training the weights of an EfficientNet-Lite0 come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LiteOrigin {
    /// TensorFlow's, as published: colors are `(v - 127) / 128`, 1e-3 is added to variances. Among
    /// timm's files it is `tf_efficientnet_lite0`.
    TensorFlow,
    /// timm's own, `efficientnet_lite0`: ImageNet's mean and deviation, and 1e-5.
    Timm,
}

/// Of a file of which nobody says whose training it comes from.
pub(super) const GUESSED: &str = "it does not say whose training it comes from: TensorFlow's is taken \
                                  for granted, with colors of (v - 127) / 128";

/// Whose names a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// `bn1`, `blocks.1.0.conv_pw`.
    Timm,
    /// `_bn0`, `_blocks.1._expand_conv`.
    Underscores,
    /// `bn0`, `blocks.1.expand_conv`: a network of ours, in which nothing remains to be folded.
    Ours,
}

impl Naming {
    pub(super) fn of(entries: &[Entry]) -> Self {
        let has = |part: &str| entries.iter().any(|entry| entry.name.contains(part));
        if has("_depthwise_conv.") {
            Self::Underscores
        } else if has(".depthwise_conv.") {
            Self::Ours
        } else {
            Self::Timm
        }
    }

    /// The name without the underscores that these programs put before its parts.
    pub(super) fn plain(self, name: &str) -> String {
        match self {
            Self::Underscores => {
                let parts: Vec<_> =
                    name.split('.').map(|part| part.strip_prefix('_').unwrap_or(part)).collect();
                parts.join(".")
            }
            Self::Timm | Self::Ours => name.to_owned(),
        }
    }

    /// The name of a tensor of the encoder in our networks; `None` where they have none.
    pub(super) fn in_network(self, name: &str) -> Option<String> {
        if self != Self::Timm {
            return Some(name.to_owned());
        }
        if let Some(rest) = name.strip_prefix("bn1.") {
            return Some(format!("bn0.{rest}"));
        }
        let Some(rest) = name.strip_prefix("blocks.") else { return Some(name.to_owned()) };
        let mut parts = rest.splitn(4, '.');
        let (stage, index) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let (layer, end) = (parts.next()?, parts.next()?);
        if STAGES.get(stage).is_none_or(|blocks| index >= *blocks) {
            return None;
        }
        // The first block does not expand: it begins with what comes second in the others.
        let layer = match (stage, layer) {
            (0, "conv_dw") => "depthwise_conv",
            (0, "bn1") => "bn1",
            (0, "conv_pw") => "project_conv",
            (0, "bn2") => "bn2",
            (1.., "conv_pw") => "expand_conv",
            (1.., "bn1") => "bn0",
            (1.., "conv_dw") => "depthwise_conv",
            (1.., "bn2") => "bn1",
            (1.., "conv_pwl") => "project_conv",
            (1.., "bn3") => "bn2",
            _ => return None,
        };
        let before: usize = STAGES.iter().take(stage).sum();
        Some(format!("blocks.{}.{layer}.{end}", before.saturating_add(index)))
    }
}

/// What a network of such tensors is called.
pub(super) fn kind(entries: &[Entry]) -> String {
    let ends = |entry: &&Entry| {
        ["conv_dw.weight", "depthwise_conv.weight"].iter().any(|end| entry.name.ends_with(end))
    };
    let blocks = entries.iter().filter(ends).count();
    if entries.iter().any(|entry| entry.name.contains(".se.")) {
        "an EfficientNet with squeeze-and-excitation".to_owned()
    } else if blocks == STAGES.iter().sum::<usize>() {
        "EfficientNet-Lite0".to_owned()
    } else {
        format!("an EfficientNet of {blocks} blocks")
    }
}

/// Makes of the published encoder's parameters those of ours. `prefix` stands before their names.
pub(super) fn adapt(partial: &mut Partial, prefix: &str, origin: LiteOrigin) {
    match origin {
        LiteOrigin::TensorFlow => {
            let InputScaling { mean, deviation, .. } = InputScaling::PUBLISHED;
            let kernels = format!("{prefix}conv_stem.weight");
            if !partial.filled().contains(&kernels) {
                return;
            }
            let constants = mean.map(|mean| (255.0 * f64::from(mean) - 127.0) / 128.0);
            let factors = deviation.map(|deviation| 255.0 * f64::from(deviation) / 128.0);
            partial.change(&kernels, Change::Times(factors));
            let mean = format!("{prefix}bn0.running_mean");
            partial.change(&mean, Change::Minus { kernels, constants });
        }
        LiteOrigin::Timm => {
            let norms = partial.filled().iter().filter_map(|name| name.strip_suffix("running_var"));
            let norms: Vec<_> = norms.map(str::to_owned).collect();
            for norm in norms {
                let variance = format!("{norm}running_var");
                let change = Change::Epsilon { variance, added: ADDED_BY_TIMM, adds: ADDED };
                partial.change(&format!("{norm}weight"), change);
            }
        }
    }
}
