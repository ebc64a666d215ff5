//! Which parameters learn at a fraction of the rate: those of the pretrained backbone.

use fbrs_models::Architecture;

/// Parts of an HRNet that no ImageNet checkpoint has.
const HRNET_NEW: [&str; 6] = [
    "rgb_conv",
    "maps_transform",
    "feature_extractor.aux_head",
    "feature_extractor.cls_head",
    "feature_extractor.conv3x3_ocr",
    "feature_extractor.ocr_distri_head",
];

/// Whether a parameter or layer with this published name belongs to the backbone.
pub fn is_backbone(architecture: &Architecture, name: &str) -> bool {
    match architecture {
        Architecture::DeepLab(_) | Architecture::Lite(_) => {
            name.starts_with("feature_extractor.backbone.")
        }
        Architecture::HrNet(_) => {
            name.starts_with("feature_extractor.")
                && !HRNET_NEW.iter().any(|new| name.starts_with(new))
        }
    }
}

/// Whether the published RITM code gives an HRNet's parameter the backbone's rate although it is new.
pub fn ritm_slows(architecture: &Architecture, name: &str) -> bool {
    matches!(architecture, Architecture::HrNet(_))
        && architecture.guidance().is_some()
        && ["feature_extractor.aux_head", "feature_extractor.cls_head"]
            .iter()
            .any(|head| name.starts_with(head))
}
