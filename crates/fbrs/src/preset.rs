use std::fmt;
use std::str::FromStr;

use fbrs_refine::Mode;

use crate::options::{Options, View, ZoomIn};

/// How a published program looks at photos and answers clicks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Preset {
    /// The evaluation of both papers (`cvpr`): zoomed in from the second click on, no limit of the
    /// size, threshold 0.49.
    Evaluation,
    /// RITM's other evaluation (`fixedN`): every region, from the first click on, resized to a square
    /// of this side.
    FixedEvaluation(usize),
    /// The window of f-BRS (`fbrs-demo`).
    FbrsDemo,
    /// The window of RITM (`ritm-demo`).
    RitmDemo,
}

impl Preset {
    /// The options; all else is as [`Options::default`] has it.
    pub fn options(self) -> Options {
        let mut options = Options::default();
        let fixed = |side| {
            let zoom = ZoomIn::default().with_from_start(true).with_fixed_crop(true);
            View::ZoomIn(zoom.with_target_size(side))
        };
        match self {
            Self::Evaluation => {
                options.max_size = None;
                options.refine.threshold = 0.49;
            }
            Self::FixedEvaluation(side) => {
                options = Self::Evaluation.options();
                options.view = fixed(side);
                options.refine.mode = Mode::NoBrs;
            }
            Self::FbrsDemo => {
                options.view = View::ZoomIn(ZoomIn::default().with_target_size(480));
                options.refine.min_iou_diff = 0.001;
            }
            Self::RitmDemo => {
                options.view = fixed(400);
                options.refine.mode = Mode::NoBrs;
                options.refine.min_iou_diff = 0.001;
            }
        }
        options
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Evaluation => f.write_str("cvpr"),
            Self::FixedEvaluation(side) => write!(f, "fixed{side}"),
            Self::FbrsDemo => f.write_str("fbrs-demo"),
            Self::RitmDemo => f.write_str("ritm-demo"),
        }
    }
}

/// A text that names no preset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" names no preset: expected cvpr, fixedN (fixed400), fbrs-demo or ritm-demo")]
pub struct ParsePresetError(String);

impl FromStr for Preset {
    type Err = ParsePresetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fixed = || text.strip_prefix("fixed")?.parse().ok().map(Self::FixedEvaluation);
        match text {
            "cvpr" => Ok(Self::Evaluation),
            "fbrs-demo" => Ok(Self::FbrsDemo),
            "ritm-demo" => Ok(Self::RitmDemo),
            _ => fixed().ok_or_else(|| ParsePresetError(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_read_back_and_options_are_sound() {
        for name in ["cvpr", "fixed400", "fixed96", "fbrs-demo", "ritm-demo"] {
            let preset: Preset = name.parse().unwrap();
            assert_eq!(preset.to_string(), name);
            preset.options().check().unwrap();
        }
        for name in ["", "fixed", "fixed-4", "CVPR", "demo"] {
            assert!(name.parse::<Preset>().is_err(), "{name}");
        }
        assert!("fixed4".parse::<Preset>().unwrap().options().check().is_err());
    }
}
