use std::fmt;
use std::str::FromStr;

use fbrs_models::Cut;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What refinement changes inside the network.
///
/// Text forms are the published ones, read in any case and with or without hyphens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Mode {
    /// Nothing: the network's plain answer.
    NoBrs,
    /// An offset of the input image (Jang & Kim 2019, on the image).
    RgbBrs,
    /// An offset of the distance maps (Jang & Kim 2019).
    DistMapBrs,
    /// Scale and bias per channel behind the backbone.
    FBrsA,
    /// Scale and bias per channel before the DeepLab head; on HRNet the same as A.
    #[default]
    FBrsB,
    /// Scale and bias per channel before the output head.
    FBrsC,
}

impl Mode {
    /// All modes, in the order of the paper.
    pub const ALL: [Self; 6] =
        [Self::NoBrs, Self::RgbBrs, Self::DistMapBrs, Self::FBrsA, Self::FBrsB, Self::FBrsC];

    /// Where the mode acts; `None` for [`Mode::NoBrs`].
    pub fn cut(self) -> Option<Cut> {
        match self {
            Self::NoBrs => None,
            Self::RgbBrs => Some(Cut::Image),
            Self::DistMapBrs => Some(Cut::DistanceMaps),
            Self::FBrsA => Some(Cut::Early),
            Self::FBrsB => Some(Cut::Middle),
            Self::FBrsC => Some(Cut::Late),
        }
    }

    /// How many clicks go into the network as published; later ones act through the loss alone.
    pub fn published_net_clicks(self) -> Option<usize> {
        match self {
            Self::NoBrs => None,
            Self::RgbBrs | Self::DistMapBrs => Some(5),
            Self::FBrsA | Self::FBrsB | Self::FBrsC => Some(8),
        }
    }

    /// The published name.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoBrs => "NoBRS",
            Self::RgbBrs => "RGB-BRS",
            Self::DistMapBrs => "DistMap-BRS",
            Self::FBrsA => "f-BRS-A",
            Self::FBrsB => "f-BRS-B",
            Self::FBrsC => "f-BRS-C",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(de::Error::custom)
    }
}

/// A text that names no mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" names no mode: expected NoBRS, RGB-BRS, DistMap-BRS, f-BRS-A, f-BRS-B or f-BRS-C")]
pub struct ParseModeError(String);

impl FromStr for Mode {
    type Err = ParseModeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |text: &str| text.replace(['-', '_'], "").to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|mode| plain(mode.name()) == plain(text))
            .ok_or_else(|| ParseModeError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case() {
        for (text, mode) in [
            ("NoBRS", Mode::NoBrs),
            ("no-brs", Mode::NoBrs),
            ("rgb-brs", Mode::RgbBrs),
            ("DistMap-BRS", Mode::DistMapBrs),
            ("dist-map-brs", Mode::DistMapBrs),
            ("f-BRS-A", Mode::FBrsA),
            ("fbrs_b", Mode::FBrsB),
            ("F-BRS-C", Mode::FBrsC),
        ] {
            assert_eq!(text.parse(), Ok(mode));
        }
        assert!("f-BRS-D".parse::<Mode>().is_err());
        assert!("".parse::<Mode>().is_err());
    }
}
