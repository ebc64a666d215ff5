//! What there is to say about a mask.

use image::GrayImage;
use serde::Serialize;

/// How much of a photo is object, and where.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct MaskSummary {
    /// Pixels of the object.
    pub(super) area: u64,
    /// The same as a share of the photo.
    pub(super) share: f64,
    /// Smallest rectangle around the object; `None` where there is none.
    #[serde(rename = "box")]
    pub(super) bounds: Option<Rectangle>,
}

/// A rectangle of pixels of the photo, all four ends inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Rectangle {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) right: usize,
    pub(super) bottom: usize,
}

impl From<fbrs::Region> for Rectangle {
    fn from(region: fbrs::Region) -> Self {
        let (left, right) = (region.left(), region.right());
        Self { left, top: region.top(), right, bottom: region.bottom() }
    }
}

impl MaskSummary {
    pub(super) fn of(mask: &GrayImage) -> Self {
        let (width, height) = (mask.width() as usize, mask.height() as usize);
        let pixels: Vec<bool> = mask.as_raw().iter().map(|value| *value > 0).collect();
        let area = pixels.iter().filter(|set| **set).count() as u64;
        let bounds = fbrs::Region::bounding_box(&pixels, fbrs::Size { height, width });
        Self {
            area,
            share: area as f64 / (pixels.len().max(1) as f64),
            bounds: bounds.map(Rectangle::from),
        }
    }
}
