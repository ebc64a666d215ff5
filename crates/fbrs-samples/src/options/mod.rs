//! What is asked of samples, with the published numbers.

mod augmentation;
mod checks;
mod clicks;

use fbrs_clicks::Size;
use serde::{Deserialize, Serialize};

pub use augmentation::{Augmentation, Colors, CropPlace, Flips, ShiftRotate, ZoomIn};
pub use checks::BadOptions;
pub use clicks::{ClickOptions, ClickRules, Erosion, FirstClick, Strategies};

/// What is asked of samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleOptions {
    /// Size of the samples.
    pub crop: Size,
    /// How photos are varied.
    pub augmentation: Augmentation,
    /// Objects with fewer pixels in the crop are no targets.
    pub min_object_area: usize,
    /// Probability that a crop without any object is taken as it is.
    pub keep_background: f64,
    /// What is around a photo that does not fill the crop.
    pub margins: Unlabelled,
    /// What objects are that are too small to be targets.
    pub small_objects: Unlabelled,
    /// How clicks are drawn.
    pub clicks: ClickOptions,
}

/// What pixels count as that nobody labelled as object or background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unlabelled {
    /// They take no part in any loss or metric, and are never clicked.
    Ignored,
    /// Background, as the published programs have it.
    Background,
}

/// The crop of all published configurations.
const CROP: Size = Size { height: 320, width: 480 };

impl SampleOptions {
    /// As f-BRS was trained, on SBD. What nobody labelled is ignored: see [`SampleOptions::published`].
    pub fn fbrs() -> Self {
        Self {
            crop: CROP,
            augmentation: Augmentation::fbrs(),
            min_object_area: 80,
            keep_background: 0.0,
            margins: Unlabelled::Ignored,
            small_objects: Unlabelled::Ignored,
            clicks: ClickOptions::fbrs(),
        }
    }

    /// As RITM was trained on COCO with LVIS. What nobody labelled is ignored: see
    /// [`SampleOptions::published`].
    pub fn ritm() -> Self {
        Self {
            augmentation: Augmentation::ritm(),
            min_object_area: 1000,
            keep_background: 0.05,
            clicks: ClickOptions::ritm(),
            ..Self::fbrs()
        }
    }

    /// As RITM was trained on SBD with clicks on the network's own errors.
    pub fn ritm_sbd() -> Self {
        let augmentation = Augmentation { redraw_scale: true, ..Augmentation::fbrs() };
        Self { augmentation, min_object_area: 80, keep_background: 0.01, ..Self::ritm() }
    }

    /// The same with margins and small objects as background, as the published programs have it.
    #[must_use]
    pub fn published(self) -> Self {
        Self { margins: Unlabelled::Background, small_objects: Unlabelled::Background, ..self }
    }

    /// The same for validation: photos are cropped near their middle, and not varied but, where asked for,
    /// in their scale.
    #[must_use]
    pub fn validation(self, scale: ValidationScale) -> Self {
        let scale = match scale {
            ValidationScale::AsInTraining => self.augmentation.scale,
            ValidationScale::Original => None,
        };
        let fill_crop = self.augmentation.fill_crop;
        Self { augmentation: Augmentation { scale, fill_crop, ..Augmentation::none() }, ..self }
    }
}

/// In which scale photos of validation come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValidationScale {
    /// Drawn as in training: f-BRS, and RITM on SBD.
    AsInTraining,
    /// As they are: RITM otherwise.
    Original,
}
