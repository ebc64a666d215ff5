//! What there is to say about a mask.

use fbrs::Region;
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
    pub(super) bounds: Option<Region>,
}

impl MaskSummary {
    pub(super) fn of(mask: &GrayImage) -> Self {
        let width = mask.width() as usize;
        let (mut area, mut bounds) = (0, None::<Region>);
        for (row, pixels) in mask.as_raw().chunks(width.max(1)).enumerate() {
            let Some(left) = pixels.iter().position(|value| *value > 0) else { continue };
            let right = pixels.iter().rposition(|value| *value > 0).unwrap_or(left);
            area += pixels.iter().filter(|value| **value > 0).count() as u64;
            let line = Region::new(row..=row, left..=right);
            bounds = line.map(|line| bounds.map_or(line, |bounds| bounds.union(line)));
        }
        let pixels = mask.as_raw().len().max(1);
        Self { area, share: area as f64 / pixels as f64, bounds }
    }
}
