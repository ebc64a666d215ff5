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
    /// Bottleneck blocks [3, 8, 36, 3], deep stem.
    R152,
}

/// How image and clicks come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fusion {
    /// f-BRS's learned layers (`rgb_conv`) in front of the backbone.
    Learned,
    /// f-BRS without learned layers: a fixed formula.
    Fixed,
    /// As RITM's networks are told the clicks.
    Guided(Guidance),
}

/// How a network of RITM's kind is told the clicks (Sofiiuk, Petrov, Konushin 2021).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guidance {
    /// Where the clicks join the image.
    pub way: GuidanceWay,
    /// What the first of the fusion's layers is followed by: LeakyReLU of slope 0.2, or else ReLU.
    pub leaky: bool,
    /// Whether the network sees its previous mask.
    pub previous_mask: PreviousMask,
    /// Whether clicks are discs, or else distance maps.
    pub discs: bool,
}

/// Where the clicks of RITM's networks join the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GuidanceWay {
    /// Two convolutions, scaled and added to the stem (`maps_transform`): all published networks.
    Stem,
    /// One convolution added to the stem (`conv_extend`).
    StemExtended,
    /// Two convolutions of image and clicks in front of the backbone (`rgb_conv`), with the batch
    /// normalization before the activation.
    RgbConv,
}

/// What a network sees of its previous answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PreviousMask {
    /// Nothing.
    None,
    /// The probabilities.
    Probabilities,
    /// Where they exceed 0.5 (`binary_prev_mask`).
    Binary,
}

impl Guidance {
    /// That of the published networks with a previous mask (`itermask`).
    pub const ITERMASK: Self = Self {
        way: GuidanceWay::Stem,
        leaky: true,
        previous_mask: PreviousMask::Probabilities,
        discs: true,
    };

    /// Channels beside the image: previous mask, positive clicks, negative clicks.
    pub fn channels(&self) -> usize {
        if self.previous_mask == PreviousMask::None { 2 } else { 3 }
    }
}

/// ResNet-DeepLabV3+.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeepLabConfig {
    /// The backbone.
    pub backbone: ResNet,
    /// Channels of ASPP and of the DeepLab head (`deeplab_ch`); even.
    pub channels: usize,
    /// How image and clicks come together.
    pub fusion: Fusion,
}

/// HRNetV2-OCR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HrNetConfig {
    /// The small variant: fewer blocks and modules.
    pub small: bool,
    /// Width of the highest-resolution branch; branch `i` has `width · 2^i` channels.
    pub width: usize,
    /// Key width of the object attention; OCR features have twice as many channels. 0 for a network
    /// without it.
    pub ocr_width: usize,
    /// How image and clicks come together.
    pub fusion: Fusion,
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
/// `_nofusion` behind the first two where there is no learned fusion of image and clicks. Networks of
/// RITM's kind have `_itermask` or `_baseline` behind them, with and without a previous mask, and before
/// that what is not as in the published ones: `_rgbconv` or `_convextend`, `_relu`, `_distmaps`,
/// `_binary`.
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
    /// How image and clicks come together; `None` for the Lite family, which has a way of its own.
    pub fn fusion(&self) -> Option<Fusion> {
        match self {
            Self::DeepLab(config) => Some(config.fusion),
            Self::HrNet(config) => Some(config.fusion),
            Self::Lite(_) => None,
        }
    }

    /// How the network is told the clicks where it is of RITM's kind.
    pub fn guidance(&self) -> Option<Guidance> {
        match self.fusion() {
            Some(Fusion::Guided(guidance)) => Some(guidance),
            _ => None,
        }
    }

    /// Whether the network sees its previous mask.
    pub fn sees_previous_mask(&self) -> bool {
        self.guidance().is_some_and(|guidance| guidance.previous_mask != PreviousMask::None)
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
                    ResNet::R152 => 152,
                };
                write!(f, "resnet{depth}_dh{}", config.channels)?;
            }
            Self::HrNet(config) => {
                let small = if config.small { "s" } else { "" };
                write!(f, "hrnet{}{small}_ocr{}", config.width, config.ocr_width)?;
            }
            Self::Lite(config) => write!(f, "lite0_dh{}", config.channels)?,
        }
        match self.fusion() {
            Some(Fusion::Fixed) => f.write_str("_nofusion"),
            Some(Fusion::Guided(guidance)) => guidance.fmt(f),
            Some(Fusion::Learned) | None => Ok(()),
        }
    }
}

impl fmt::Display for Guidance {
    /// What is behind the network's name, underscore first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.way {
            GuidanceWay::Stem => "",
            GuidanceWay::StemExtended => "_convextend",
            GuidanceWay::RgbConv => "_rgbconv",
        })?;
        // The extended way has no activation.
        if !self.leaky && self.way != GuidanceWay::StemExtended {
            f.write_str("_relu")?;
        }
        if !self.discs {
            f.write_str("_distmaps")?;
        }
        f.write_str(match self.previous_mask {
            PreviousMask::None => "_baseline",
            PreviousMask::Probabilities => "_itermask",
            PreviousMask::Binary => "_binary_itermask",
        })
    }
}

/// Takes the way of being told clicks off the end of a name.
fn fusion(text: &str) -> Option<(&str, Fusion)> {
    if let Some(name) = text.strip_suffix("_nofusion") {
        return Some((name, Fusion::Fixed));
    }
    let (mut name, mut previous_mask) = if let Some(name) = text.strip_suffix("_itermask") {
        (name, PreviousMask::Probabilities)
    } else if let Some(name) = text.strip_suffix("_baseline") {
        (name, PreviousMask::None)
    } else {
        return Some((text, Fusion::Learned));
    };
    let mut take = |suffix: &str| match name.strip_suffix(suffix) {
        Some(shorter) => {
            name = shorter;
            true
        }
        None => false,
    };
    if previous_mask == PreviousMask::Probabilities && take("_binary") {
        previous_mask = PreviousMask::Binary;
    }
    let discs = !take("_distmaps");
    let leaky = !take("_relu");
    let way = if take("_rgbconv") {
        GuidanceWay::RgbConv
    } else if take("_convextend") {
        GuidanceWay::StemExtended
    } else {
        GuidanceWay::Stem
    };
    Some((name, Fusion::Guided(Guidance { way, leaky, previous_mask, discs })))
}

/// A text that names no architecture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" names no architecture: expected resnet34|50|101|152_dhN (N even), hrnetN[s]_ocrN \
     or lite0_dhN; behind the first two _nofusion where image and clicks are not fused by learned \
     layers, and _itermask or _baseline for networks of RITM's kind"
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
    let (name, fusion) = fusion(text)?;
    if let Some(rest) = name.strip_prefix("resnet") {
        let (depth, channels) = rest.split_once("_dh")?;
        let backbone = match depth {
            "34" => ResNet::R34,
            "50" => ResNet::R50,
            "101" => ResNet::R101,
            "152" => ResNet::R152,
            _ => return None,
        };
        let channels = width(channels).filter(|channels| channels % 2 == 0)?;
        return Some(Architecture::DeepLab(DeepLabConfig { backbone, channels, fusion }));
    }
    let (branch, ocr_width) = name.strip_prefix("hrnet")?.split_once("_ocr")?;
    let (branch, small) = match branch.strip_suffix('s') {
        Some(branch) => (branch, true),
        None => (branch, false),
    };
    Some(Architecture::HrNet(HrNetConfig {
        small,
        width: width(branch)?,
        ocr_width: match (ocr_width, fusion) {
            ("0", Fusion::Guided(_)) => 0,
            _ => width(ocr_width)?,
        },
        fusion,
    }))
}

/// A width that a text or a file may ask for: bounded, so that no name can ask for the world.
fn width(text: &str) -> Option<usize> {
    text.parse().ok().filter(|width| (1..=4096).contains(width))
}
