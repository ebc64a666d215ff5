//! From names and shapes to an architecture and its parameters.

use std::collections::HashMap;

use fbrs_data::text::printable;
use fbrs_models::{
    Architecture, DeepLabConfig, Fusion, Guidance, GuidanceWay, HrNetConfig, LiteConfig,
    ParameterShape, PreviousMask, ResNet,
};

use crate::entry::Entry;
use crate::mismatch::{Mismatch, Misshaped};
use crate::state_dict::MARK;
use crate::{Element, ExtraKeys, WeightsError};

/// Parameters of an HRNet's `feature_extractor`: the small one has 771, the others 1576.
const SMALL_BELOW: usize = 1200;

/// Its rows are a DeepLab's channels.
const ASPP_OUTPUT: &str = "feature_extractor.aspp.project.0.weight";

/// Its rows are an HRNet's key width.
const OCR_KEY: &str = "feature_extractor.ocr_distri_head.object_context_block.f_down.1.0.bias";
/// Only networks without object attention have it.
const PLAIN_HEAD: &str = "feature_extractor.cls_head.3.";

/// Largest width that is believed.
pub(crate) const MAX_WIDTH: usize = 4096;

/// The network that a state dict is closest to, or why it is close to none.
pub(crate) fn architecture(entries: &[Entry]) -> Result<Architecture, String> {
    let fusion = fusion(entries)?;
    if has(entries, "feature_extractor.stage2.0.branches.") {
        let feature_extractor = count(entries, MARK);
        Ok(Architecture::HrNet(HrNetConfig {
            small: feature_extractor < SMALL_BELOW,
            width: rows(entries, "feature_extractor.stage2.0.branches.0.0.conv1.weight")?,
            ocr_width: if has(entries, PLAIN_HEAD) { 0 } else { rows(entries, OCR_KEY)? },
            fusion,
        }))
    } else if has(entries, "feature_extractor.backbone.conv_stem.") {
        // Before the ResNets, whose rule by the number of tensors would take it for one of them.
        Ok(Architecture::Lite(LiteConfig { channels: rows(entries, ASPP_OUTPUT)? }))
    } else if has(entries, "feature_extractor.backbone.") {
        let backbone = count(entries, "feature_extractor.backbone.");
        let depth = match backbone {
            0..=181 => ResNet::R34,
            182..=276 => ResNet::R50,
            277..=531 => ResNet::R101,
            532..=786 => ResNet::R152,
            _ => {
                return Err(format!(
                    "its backbone has {backbone} tensors, more than ResNet-152's 786"
                ));
            }
        };
        let channels = rows(entries, ASPP_OUTPUT)?;
        if channels % 2 != 0 {
            return Err(format!("{ASPP_OUTPUT} has {channels} rows, expected an even number"));
        }
        Ok(Architecture::DeepLab(DeepLabConfig { backbone: depth, channels, fusion }))
    } else {
        let mut found: Vec<_> =
            entries.iter().take(3).map(|entry| printable(&entry.name)).collect();
        if entries.len() > found.len() {
            found.push("…".to_owned());
        }
        let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
        Err(format!(
            "expected names such as feature_extractor.backbone.* (ResNet-DeepLabV3+, Lite) or \
             feature_extractor.stage2.0.branches.* (HRNetV2-OCR), found {} tensors ({found})",
            entries.len()
        ))
    }
}

/// How image and clicks come together. What names and shapes do not tell of RITM's kind (LeakyReLU or
/// ReLU, discs or distance maps, a mask of probabilities or binary) is as in the published networks.
fn fusion(entries: &[Entry]) -> Result<Fusion, String> {
    let columns = |name: &str| {
        let entry = entries.iter().find(|entry| entry.name == name)?;
        entry.shape.get(1).copied()
    };
    let (way, channels, name) = if let Some(channels) = columns("maps_transform.0.weight") {
        (GuidanceWay::Stem, Some(channels), "maps_transform.0.weight")
    } else if let Some(channels) = columns("maps_transform.weight") {
        (GuidanceWay::StemExtended, Some(channels), "maps_transform.weight")
    } else if has(entries, "rgb_conv.1.running_mean") {
        // In f-BRS's networks the normalization comes third.
        let name = "rgb_conv.0.weight";
        (GuidanceWay::RgbConv, columns(name).and_then(|all| all.checked_sub(3)), name)
    } else if has(entries, "rgb_conv.") {
        return Ok(Fusion::Learned);
    } else {
        return Ok(Fusion::Fixed);
    };
    let previous_mask = match channels {
        Some(2) => PreviousMask::None,
        Some(3) => PreviousMask::Probabilities,
        _ => return Err(format!("{name} has a shape that no network has")),
    };
    Ok(Fusion::Guided(Guidance { way, previous_mask, ..Guidance::ITERMASK }))
}

/// Whether names and shapes are the same for both networks: they differ in nothing else than what only
/// a description can tell.
pub(crate) fn are_alike(a: &Architecture, b: &Architecture) -> bool {
    let shape = |architecture: &Architecture| {
        let mut architecture = *architecture;
        let fusion = match &mut architecture {
            Architecture::DeepLab(config) => &mut config.fusion,
            Architecture::HrNet(config) => &mut config.fusion,
            Architecture::Lite(_) => return architecture,
        };
        if let Fusion::Guided(guidance) = fusion {
            let previous_mask = match guidance.previous_mask {
                PreviousMask::None => PreviousMask::None,
                _ => PreviousMask::Probabilities,
            };
            *guidance = Guidance { way: guidance.way, previous_mask, ..Guidance::ITERMASK };
        }
        architecture
    };
    shape(a) == shape(b)
}

fn has(entries: &[Entry], prefix: &str) -> bool {
    entries.iter().any(|entry| entry.name.starts_with(prefix))
}

fn count(entries: &[Entry], prefix: &str) -> usize {
    entries.iter().filter(|entry| entry.name.starts_with(prefix)).count()
}

/// The first extent of a tensor, as a width.
fn rows(entries: &[Entry], name: &str) -> Result<usize, String> {
    let entry = entries.iter().find(|entry| entry.name == name);
    let rows = entry.and_then(|entry| entry.shape.first());
    match rows {
        Some(rows) if (1..=MAX_WIDTH).contains(rows) => Ok(*rows),
        Some(rows) => Err(format!("{name} has {rows} rows, expected 1 to {MAX_WIDTH}")),
        None => Err(format!("{name} is missing, which tells the network's width")),
    }
}

/// The network's parameters among `entries`, in network order, and the names of the others, those
/// of what lies `beside` included.
pub(crate) fn parameters(
    file: &str,
    architecture: &Architecture,
    entries: Vec<Entry>,
    beside: Vec<String>,
    extra: ExtraKeys,
) -> Result<(Vec<Entry>, Vec<String>), WeightsError> {
    let Matched { matched, missing, misshaped, others } =
        matched(file, architecture.parameters(), entries)?;
    let mut others: Vec<_> = others.into_iter().chain(beside).collect();
    others.sort();
    let refused = extra == ExtraKeys::Refuse && !others.is_empty();
    if !missing.is_empty() || !misshaped.is_empty() || refused {
        return Err(WeightsError::Mismatch(Box::new(Mismatch {
            file: file.to_owned(),
            architecture: architecture.to_string(),
            missing,
            unexpected: others,
            misshaped,
        })));
    }
    Ok((matched, others))
}

/// What of a list of parameters a file has.
#[derive(Debug)]
pub(crate) struct Matched {
    /// In the list's order.
    pub(crate) matched: Vec<Entry>,
    /// Names that the file lacks, in the list's order.
    pub(crate) missing: Vec<String>,
    /// Tensors of another shape, in the list's order.
    pub(crate) misshaped: Vec<Misshaped>,
    /// Names that are not in the list.
    pub(crate) others: Vec<String>,
}

/// Looks for parameters among the tensors of a file.
pub(crate) fn matched(
    file: &str,
    wanted: Vec<ParameterShape>,
    entries: Vec<Entry>,
) -> Result<Matched, WeightsError> {
    let mut found: HashMap<String, Entry> =
        entries.into_iter().map(|entry| (entry.name.clone(), entry)).collect();
    let (mut matched, mut missing, mut misshaped) = (Vec::new(), Vec::new(), Vec::new());
    for parameter in wanted {
        match found.remove(&parameter.name) {
            None => missing.push(parameter.name),
            Some(entry) if entry.shape != parameter.shape => misshaped.push(Misshaped {
                name: parameter.name,
                expected: parameter.shape,
                found: entry.shape,
            }),
            Some(Entry { element: Element::Other(kind), .. }) => {
                let reason = format!(
                    "{} holds {kind} numbers, expected f32, f16, bf16 or f64",
                    parameter.name
                );
                return Err(WeightsError::Unsupported { file: file.to_owned(), reason });
            }
            Some(entry) => matched.push(entry),
        }
    }
    Ok(Matched { matched, missing, misshaped, others: found.into_keys().collect() })
}
