use std::ops::Range;

use crate::click::Click;
use crate::position::{CropSpace, ImageSpace, Position, Size};

/// A rectangle of pixels of the photo, all four ends inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Region {
    /// First row.
    pub top: usize,
    /// Last row.
    pub bottom: usize,
    /// First column.
    pub left: usize,
    /// Last column.
    pub right: usize,
}

impl Region {
    /// The whole image.
    pub fn whole(size: Size) -> Self {
        let last = |length: usize| length.saturating_sub(1);
        Self { top: 0, bottom: last(size.height), left: 0, right: last(size.width) }
    }

    /// Bounding box of the pixels of a row-major mask; `None` where it is empty.
    pub fn bounding_box(mask: &[bool], size: Size) -> Option<Self> {
        let mut found: Option<Self> = None;
        for (row, pixels) in mask.chunks(size.width.max(1)).enumerate() {
            let Some(left) = pixels.iter().position(|&set| set) else { continue };
            let right = pixels.iter().rposition(|&set| set).unwrap_or(left);
            let before = found.unwrap_or(Self { top: row, bottom: row, left, right });
            found = Some(Self {
                top: before.top,
                bottom: row,
                left: before.left.min(left),
                right: before.right.max(right),
            });
        }
        found
    }

    /// The region expanded about its center to `ratio` times its sides, at least `min_side` pixels
    /// each, clamped to the image. Each end is rounded half to even.
    pub fn expanded(self, ratio: f64, min_side: usize, image: Size) -> Self {
        let side = |first: usize, last: usize, length: usize| {
            let center = 0.5 * (first + last) as f64;
            let extent = (ratio * (last - first + 1) as f64).max(min_side as f64);
            let end = |end: f64| end.round_ties_even().clamp(0.0, length.saturating_sub(1) as f64);
            (end(center - 0.5 * extent) as usize, end(center + 0.5 * extent) as usize)
        };
        let (top, bottom) = side(self.top, self.bottom, image.height);
        let (left, right) = side(self.left, self.right, image.width);
        Self { top, bottom, left, right }
    }

    /// Height and width.
    pub fn size(self) -> Size {
        Size { height: self.bottom + 1 - self.top, width: self.right + 1 - self.left }
    }

    /// Rows, as a half-open range.
    pub fn rows(self) -> Range<usize> {
        self.top..self.bottom + 1
    }

    /// Columns, as a half-open range.
    pub fn cols(self) -> Range<usize> {
        self.left..self.right + 1
    }

    /// Whether the region lies in an image of this size.
    pub fn fits(self, image: Size) -> bool {
        self.top <= self.bottom
            && self.left <= self.right
            && self.bottom < image.height
            && self.right < image.width
    }

    /// Whether a position counts as inside when it is decided if the region must be replaced. The
    /// last row and column do not, as published.
    pub fn holds(self, position: Position<ImageSpace>) -> bool {
        let within = |x: f64, first: usize, last: usize| x >= first as f64 && x < last as f64;
        within(position.row, self.top, self.bottom) && within(position.col, self.left, self.right)
    }

    /// Product of the intersections over unions of the two axes' segments.
    ///
    /// This is the measure that decides whether a region is replaced; it is not the ratio of areas.
    pub fn iou(self, other: Self) -> f64 {
        let axis = |a: (usize, usize), b: (usize, usize)| {
            let intersection = (a.1.min(b.1) + 1).saturating_sub(a.0.max(b.0));
            let union = (a.1.max(b.1) + 1).saturating_sub(a.0.min(b.0)).max(1);
            intersection as f64 / union as f64
        };
        axis((self.top, self.bottom), (other.top, other.bottom))
            * axis((self.left, self.right), (other.left, other.right))
    }
}

/// How a region of the photo became the crop that the network sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CropTransform {
    region: Region,
    crop: Size,
}

impl CropTransform {
    /// The image at its own size.
    pub fn identity(image: Size) -> Self {
        Self { region: Region::whole(image), crop: image }
    }

    /// The region at its own size.
    pub fn unscaled(region: Region) -> Self {
        Self { region, crop: region.size() }
    }

    /// The region resized so that its longer side has `target` pixels; sides rounded half to even,
    /// at least 1.
    pub fn longest_side(region: Region, target: usize) -> Self {
        Self { region, crop: scaled(region.size(), target) }
    }

    /// The same, its crop resized once more where its longer side exceeds `limit`.
    pub fn limited(self, limit: usize) -> Self {
        match self.crop.longest_side() > limit {
            true => Self { crop: scaled(self.crop, limit), ..self },
            false => self,
        }
    }

    /// The part of the photo.
    pub fn region(&self) -> Region {
        self.region
    }

    /// The size that the network sees.
    pub fn crop(&self) -> Size {
        self.crop
    }

    /// `r' = crop_height · (r - top) / region_height`, and likewise for columns.
    pub fn to_crop(&self, position: Position<ImageSpace>) -> Position<CropSpace> {
        let region = self.region.size();
        let axis = |x: f64, first: usize, length: usize, crop: usize| {
            crop as f64 * (x - first as f64) / length as f64
        };
        Position::from_row_col(
            axis(position.row, self.region.top, region.height, self.crop.height),
            axis(position.col, self.region.left, region.width, self.crop.width),
        )
    }

    /// [`CropTransform::to_crop`] of a click.
    pub fn click_to_crop(&self, click: Click<ImageSpace>) -> Click<CropSpace> {
        Click { position: self.to_crop(click.position), sign: click.sign }
    }
}

fn scaled(size: Size, target: usize) -> Size {
    let scale = target as f64 / size.longest_side().max(1) as f64;
    let side = |length: usize| ((length as f64 * scale).round_ties_even() as usize).max(1);
    Size { height: side(size.height), width: side(size.width) }
}
