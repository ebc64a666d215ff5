//! From names and shapes to an architecture.

use fbrs_data::text::printable;
use fbrs_models::{Architecture, DeepLabConfig, HrNetConfig, ResNet};

use crate::entry::Entry;
use crate::state_dict::MARK;

/// Parameters of an HRNet's `feature_extractor`: the small one has 771, the others 1576.
const SMALL_BELOW: usize = 1200;

/// Largest width that is believed.
const MAX_WIDTH: usize = 4096;

/// The network that a state dict is closest to, or why it is close to none.
pub(crate) fn architecture(entries: &[Entry]) -> Result<Architecture, String> {
    let learned_fusion = entries.iter().any(|entry| entry.name.starts_with("rgb_conv."));
    if has(entries, "feature_extractor.stage2.0.branches.") {
        let feature_extractor = count(entries, MARK);
        Ok(Architecture::HrNet(HrNetConfig {
            small: feature_extractor < SMALL_BELOW,
            width: rows(entries, "feature_extractor.stage2.0.branches.0.0.conv1.weight")?,
            ocr_width: rows(
                entries,
                "feature_extractor.ocr_distri_head.object_context_block.f_down.1.0.bias",
            )?,
            learned_fusion,
        }))
    } else if has(entries, "feature_extractor.backbone.") {
        let backbone = count(entries, "feature_extractor.backbone.");
        let depth = match backbone {
            0..=181 => ResNet::R34,
            182..=276 => ResNet::R50,
            277..=531 => ResNet::R101,
            _ => {
                return Err(format!(
                    "its backbone has {backbone} tensors, more than ResNet-101's 531"
                ));
            }
        };
        let project = "feature_extractor.aspp.project.0.weight";
        let channels = rows(entries, project)?;
        if channels % 2 != 0 {
            return Err(format!("{project} has {channels} rows, expected an even number"));
        }
        Ok(Architecture::DeepLab(DeepLabConfig { backbone: depth, channels, learned_fusion }))
    } else {
        let mut found: Vec<_> =
            entries.iter().take(3).map(|entry| printable(&entry.name)).collect();
        if entries.len() > found.len() {
            found.push("…".to_owned());
        }
        let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
        Err(format!(
            "expected names such as feature_extractor.backbone.* (ResNet-DeepLabV3+) or \
             feature_extractor.stage2.0.branches.* (HRNetV2-OCR), found {} tensors ({found})",
            entries.len()
        ))
    }
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
