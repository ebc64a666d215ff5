use std::fmt;
use std::str::FromStr;

/// Depth of a ResNet backbone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResNet {
    /// Basic blocks [3, 4, 6, 3], 7×7 stem.
    R34,
    /// Bottleneck blocks [3, 4, 6, 3], deep stem.
    R50,
    /// Bottleneck blocks [3, 4, 23, 3], deep stem.
    R101,
}

/// ResNet-DeepLabV3+.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeepLabConfig {
    /// The backbone.
    pub backbone: ResNet,
    /// Channels of ASPP and of the DeepLab head (`deeplab_ch`); even.
    pub channels: usize,
    /// Whether image and clicks are fused by learned layers (`rgb_conv`).
    pub learned_fusion: bool,
}

/// HRNetV2-OCR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HrNetConfig {
    /// The small variant: fewer blocks and modules.
    pub small: bool,
    /// Width of the highest-resolution branch; branch `i` has `width · 2^i` channels.
    pub width: usize,
    /// Key width of the object attention; OCR features have twice as many channels.
    pub ocr_width: usize,
    /// Whether image and clicks are fused by learned layers (`rgb_conv`).
    pub learned_fusion: bool,
}

/// The Lite family: EfficientNet-Lite0, a decoder in the manner of DeepLabV3+, clicks behind the
/// encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LiteConfig {
    /// Channels of ASPP and of the layers at stride 8.
    pub channels: usize,
}

/// What a checkpoint is a checkpoint of.
///
/// Its text form is the published one, `resnet50_dh128`, `hrnet18s_ocr64` or `lite0_dh64`, with
/// `_nofusion` behind the first two where there is no learned fusion of image and clicks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Architecture {
    /// ResNet-DeepLabV3+.
    DeepLab(DeepLabConfig),
    /// HRNetV2-OCR.
    HrNet(HrNetConfig),
    /// EfficientNet-Lite0 with clicks behind it.
    Lite(LiteConfig),
}

impl Architecture {
    /// Whether image and clicks are fused by learned layers.
    pub fn learned_fusion(&self) -> bool {
        match self {
            Self::DeepLab(config) => config.learned_fusion,
            Self::HrNet(config) => config.learned_fusion,
            Self::Lite(_) => true,
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeepLab(config) => {
                let depth = match config.backbone {
                    ResNet::R34 => 34,
                    ResNet::R50 => 50,
                    ResNet::R101 => 101,
                };
                write!(f, "resnet{depth}_dh{}", config.channels)?;
            }
            Self::HrNet(config) => {
                let small = if config.small { "s" } else { "" };
                write!(f, "hrnet{}{small}_ocr{}", config.width, config.ocr_width)?;
            }
            Self::Lite(config) => write!(f, "lite0_dh{}", config.channels)?,
        }
        if !self.learned_fusion() {
            f.write_str("_nofusion")?;
        }
        Ok(())
    }
}

/// A text that names no architecture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" names no architecture: expected resnet34|50|101_dhN (N even), hrnetN[s]_ocrN or \
     lite0_dhN; of the first two, with _nofusion behind it where image and clicks are not fused by \
     learned layers"
)]
pub struct ParseArchitectureError(String);

impl FromStr for Architecture {
    type Err = ParseArchitectureError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| ParseArchitectureError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Architecture> {
    if let Some(channels) = text.strip_prefix("lite0_dh") {
        return Some(Architecture::Lite(LiteConfig { channels: width(channels)? }));
    }
    let (name, learned_fusion) = match text.strip_suffix("_nofusion") {
        Some(name) => (name, false),
        None => (text, true),
    };
    if let Some(rest) = name.strip_prefix("resnet") {
        let (depth, channels) = rest.split_once("_dh")?;
        let backbone = match depth {
            "34" => ResNet::R34,
            "50" => ResNet::R50,
            "101" => ResNet::R101,
            _ => return None,
        };
        let channels = width(channels).filter(|channels| channels % 2 == 0)?;
        return Some(Architecture::DeepLab(DeepLabConfig { backbone, channels, learned_fusion }));
    }
    let (branch, ocr_width) = name.strip_prefix("hrnet")?.split_once("_ocr")?;
    let (branch, small) = match branch.strip_suffix('s') {
        Some(branch) => (branch, true),
        None => (branch, false),
    };
    Some(Architecture::HrNet(HrNetConfig {
        small,
        width: width(branch)?,
        ocr_width: width(ocr_width)?,
        learned_fusion,
    }))
}

/// A width that a text or a file may ask for: bounded, so that no name can ask for the world.
fn width(text: &str) -> Option<usize> {
    text.parse().ok().filter(|width| (1..=4096).contains(width))
}
