use serde::{Deserialize, Serialize};

use super::Network;
use super::check::Checks;

/// What the weights start from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Init {
    /// What the file is.
    pub kind: InitKind,
    /// The file; for [`InitKind::Checkpoint`] a name of published or built-in weights will do.
    pub file: String,
    /// Whether parameters that the file lacks may stay as they were drawn; they are listed then.
    pub partial: bool,
}

/// What the file that a network starts from is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InitKind {
    /// There is none: all weights are drawn.
    None,
    /// ImageNet weights of the backbone; all else is drawn.
    Imagenet,
    /// A whole network.
    Checkpoint,
}

impl Init {
    pub(crate) fn of(kind: InitKind) -> Self {
        Self { kind, file: String::new(), partial: false }
    }

    pub(super) fn check(&self, checks: &mut Checks) {
        let needless = self.kind == InitKind::None && !self.file.is_empty();
        let expected = "no file where init.kind is \"none\"";
        checks.that(!needless, "init.file", expected, &self.file);
    }

    pub(super) fn check_ready(&self, network: &Network, checks: &mut Checks) {
        let there = !self.file.is_empty();
        match self.kind {
            InitKind::None => {}
            InitKind::Imagenet => {
                let file = backbone_file(&network.architecture);
                let expected = format!(
                    "{file} (or init.kind = \"checkpoint\" with a trained network, or \"none\")"
                );
                checks.that(there, "init.file", &expected, "nothing");
            }
            InitKind::Checkpoint => {
                checks.that(there, "init.file", "the checkpoint to start from", "nothing");
            }
        }
    }
}

/// Which file of ImageNet weights fits an architecture.
fn backbone_file(architecture: &str) -> String {
    let of = |name: &str| format!("the file of {name}'s ImageNet weights");
    let backbone = architecture.split('_').next().unwrap_or(architecture);
    match backbone {
        "resnet34" => of("ResNet-34 v1b (torchvision's fits too)"),
        "resnet50" => of("ResNet-50 v1s"),
        "resnet101" => of("ResNet-101 v1s"),
        "resnet152" => of("ResNet-152 v1s"),
        "lite0" => of("EfficientNet-Lite0"),
        _ => match backbone.strip_prefix("hrnet").map(|width| (width, width.strip_suffix('s'))) {
            Some((_, Some(width))) => of(&format!("HRNetV2-W{width}-Small-v2")),
            Some((width, None)) => of(&format!("HRNetV2-W{width}")),
            None => "the file of the backbone's ImageNet weights".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_network_has_its_own_file() {
        assert!(backbone_file("hrnet48_ocr128").contains("HRNetV2-W48'"));
        assert!(backbone_file("hrnet18s_ocr48_itermask").contains("W18-Small-v2"));
        assert!(backbone_file("resnet34_dh128_baseline").contains("ResNet-34 v1b"));
    }
}
