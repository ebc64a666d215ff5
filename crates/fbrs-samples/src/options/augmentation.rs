use serde::{Deserialize, Serialize};

/// How photos are varied. What is left out is not done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Least and greatest scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<[f64; 2]>,
    /// Whether another try at a crop with an object draws another scale.
    pub redraw_scale: bool,
    /// Mirror images.
    pub flips: Flips,
    /// Whether every other photo is turned by quarters of a full turn.
    pub quarter_turns: bool,
    /// A slight shift and rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift_rotate: Option<ShiftRotate>,
    /// Where crops lie.
    pub crop_place: CropPlace,
    /// Whether photos that are smaller than the crop are enlarged until they fill it, fourfold at most.
    pub fill_crop: bool,
    /// Crops around one object, in its scale, as inference sees objects when it zooms in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zoom_in: Option<ZoomIn>,
    /// Brightness, contrast and color.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colors: Option<Colors>,
}

/// Mirror images; every other photo stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flips {
    /// None.
    None,
    /// Left and right change places.
    Horizontal,
    /// Left and right, top and bottom, or both, equally often.
    Both,
}

/// Where crops lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CropPlace {
    /// Anywhere.
    Uniform,
    /// Rather in the middle: every offset is the mean of two draws.
    Middle,
}

/// A shift and a rotation about the middle.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShiftRotate {
    /// How often.
    pub probability: f64,
    /// Up to how many degrees, either way.
    pub degrees: f64,
    /// Up to which share of width and height, either way.
    pub shift: f64,
}

/// A crop around one object, resized to the samples' size; the other objects become background.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ZoomIn {
    /// The object's box, brought to the crop's shape and enlarged.
    Shaped {
        /// How often.
        probability: f64,
        /// How much it is enlarged, at least and at most.
        expansion: [f64; 2],
    },
    /// The object's box as inference would see it, every edge moved a little.
    AsInference {
        /// How often.
        probability: f64,
        /// How much it is enlarged.
        expansion: f64,
        /// Least side, in pixels of the photo.
        min_side: usize,
        /// How far edges move at most, as a share of the side.
        jitter: f64,
        /// Objects with no more pixels are not zoomed in on.
        area_above: usize,
    },
}

impl ZoomIn {
    /// f-BRS's, which none of its configurations uses.
    pub fn shaped() -> Self {
        Self::Shaped { probability: 0.2, expansion: [1.25, 2.0] }
    }

    /// RITM's, which none of its configurations uses.
    pub fn as_inference() -> Self {
        let (probability, expansion) = (0.5, 1.4);
        Self::AsInference { probability, expansion, min_side: 200, jitter: 0.1, area_above: 100 }
    }
}

/// Changes of brightness, contrast and color.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Colors {
    /// How often brightness and contrast change, and how often the channels do.
    pub probability: f64,
    /// What is added, as a share of white: from, to.
    pub brightness: [f64; 2],
    /// What is added to a contrast of 1: from, to.
    pub contrast: [f64; 2],
    /// What is added to red, green and blue, each by itself, at most and either way; white is 255.
    pub channel_shift: f64,
}

impl Augmentation {
    /// f-BRS's on SBD.
    pub fn fbrs() -> Self {
        Self {
            scale: Some([0.75, 1.25]),
            redraw_scale: false,
            flips: Flips::Both,
            quarter_turns: true,
            shift_rotate: Some(ShiftRotate { probability: 0.75, degrees: 3.0, shift: 0.03 }),
            crop_place: CropPlace::Uniform,
            fill_crop: false,
            zoom_in: None,
            colors: Some(Colors::published()),
        }
    }

    /// RITM's on all sets but SBD with iterative clicks.
    pub fn ritm() -> Self {
        Self {
            scale: Some([0.75, 1.40]),
            redraw_scale: true,
            flips: Flips::Horizontal,
            quarter_turns: false,
            shift_rotate: None,
            ..Self::fbrs()
        }
    }

    /// None: a crop near the middle.
    pub fn none() -> Self {
        Self {
            scale: None,
            redraw_scale: false,
            flips: Flips::None,
            quarter_turns: false,
            shift_rotate: None,
            crop_place: CropPlace::Middle,
            fill_crop: false,
            zoom_in: None,
            colors: None,
        }
    }
}

impl Colors {
    /// What both programs do.
    pub fn published() -> Self {
        Self {
            probability: 0.75,
            brightness: [-0.25, 0.25],
            contrast: [-0.15, 0.40],
            channel_shift: 10.0,
        }
    }
}
