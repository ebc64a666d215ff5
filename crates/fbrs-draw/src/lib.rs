//! Masks, outlines and clicks, drawn on photos: what a segmentation looks like.
//!
//! The decision that shaped this crate: it draws into the photo itself. Colors are mixed row by
//! row, and what has soft edges is painted in bands of a few rows, so that a photo of a hundred
//! megapixels needs its own memory, its mask, and a few megabytes. Every measure grows with the
//! photo: the picture looks the same whatever its size once it is shown in a window, and small
//! photos get lines and marks that can still be told apart.
//!
//! ```
//! use fbrs_clicks::{Click, ImageSpace};
//! use image::{GrayImage, Luma, Rgb, RgbImage};
//!
//! # fn main() -> Result<(), fbrs_draw::SizesDiffer> {
//! let mut photo = RgbImage::from_pixel(320, 240, Rgb([120, 120, 120]));
//! let inside = |x: u32, y: u32| (80..240).contains(&x) && (60..180).contains(&y);
//! let mask = GrayImage::from_fn(320, 240, |x, y| Luma([255 * u8::from(inside(x, y))]));
//! let clicks: [Click<ImageSpace>; 2] =
//!     [Click::positive_at(160.0, 120.0), Click::negative_at(20.0, 20.0)];
//! fbrs_draw::overlay(&mut photo, &mask, &clicks)?;
//! # assert!(photo.get_pixel(100, 120).0[2] > photo.get_pixel(100, 120).0[0]);
//! # Ok(())
//! # }
//! ```
//!
//! This crate follows `fbrs`, the one stable public crate: its interface may change with any
//! release.

mod bands;
mod clicks;
mod mask;
mod outline;

use fbrs_clicks::Click;
use image::{GrayImage, RgbImage};

pub use clicks::clicks;
pub use mask::{ignored, mask};

/// Colors, red, green and blue.
pub mod colors {
    /// The inside of a mask that a network answered with.
    pub const PREDICTED: [u8; 3] = [30, 136, 255];
    /// The edge of such a mask.
    pub const PREDICTED_EDGE: [u8; 3] = [20, 110, 245];
    /// The inside of a mask that is right.
    pub const TRUE: [u8; 3] = [245, 158, 11];
    /// The edge of such a mask.
    pub const TRUE_EDGE: [u8; 3] = [217, 119, 6];
    /// What counts neither as object nor as background.
    pub const IGNORED: [u8; 3] = [128, 128, 128];
    /// A click on the object.
    pub const POSITIVE: [u8; 3] = [22, 163, 74];
    /// A click on what is not the object.
    pub const NEGATIVE: [u8; 3] = [220, 38, 38];
    /// Rims and signs.
    pub const WHITE: [u8; 3] = [255, 255, 255];
    /// Shadows.
    pub(crate) const BLACK: [u8; 3] = [0, 0, 0];
}

/// Colors of a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MaskColors {
    /// What the object is tinted with.
    pub inside: [u8; 3],
    /// The line along its edge.
    pub edge: [u8; 3],
}

impl MaskColors {
    /// Of masks that a network answered with.
    pub const PREDICTED: Self = Self { inside: colors::PREDICTED, edge: colors::PREDICTED_EDGE };
    /// Of masks that are right.
    pub const TRUE: Self = Self { inside: colors::TRUE, edge: colors::TRUE_EDGE };

    /// Other colors, red, green and blue: the tint of the object and the line along its edge.
    pub const fn new(inside: [u8; 3], edge: [u8; 3]) -> Self {
        Self { inside, edge }
    }
}

/// A mask of another size than the photo's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the mask has {}×{} pixels, expected those of the photo, {}×{}",
    mask.0, mask.1, photo.0, photo.1
)]
pub struct SizesDiffer {
    /// Width and height of the photo.
    pub photo: (u32, u32),
    /// Width and height of the mask.
    pub mask: (u32, u32),
}

/// Draws what was answered to clicks: the mask in [`MaskColors::PREDICTED`], and the clicks on top.
///
/// In the mask, every value but 0 is object. Clicks are positions in the photo.
///
/// # Errors
/// Where mask and photo differ in size; the photo is then as it was.
pub fn overlay<Space>(
    photo: &mut RgbImage,
    mask: &GrayImage,
    clicks: &[Click<Space>],
) -> Result<(), SizesDiffer> {
    self::mask(photo, mask, MaskColors::PREDICTED)?;
    self::clicks(photo, clicks);
    Ok(())
}

/// Longer side of a photo on which the unit of every measure is one pixel.
const DESIGN_SIDE: f32 = 640.0;

/// What a measure of 1 is on this photo, in pixels.
fn unit(photo: &RgbImage) -> f32 {
    photo.width().max(photo.height()) as f32 / DESIGN_SIDE
}
