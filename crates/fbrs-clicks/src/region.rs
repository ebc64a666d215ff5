use std::ops::{Range, RangeInclusive};

use serde::{Deserialize, Serialize};

use crate::position::{ImageSpace, Position, Size};

/// A rectangle of pixels of the photo, all four ends inclusive; at least one pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Ends", into = "Ends")]
pub struct Region {
    top: usize,
    bottom: usize,
    left: usize,
    right: usize,
}

/// A region as files and wires have it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ends {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl From<Region> for Ends {
    fn from(Region { top, bottom, left, right }: Region) -> Self {
        Self { left, top, right, bottom }
    }
}

impl TryFrom<Ends> for Region {
    type Error = &'static str;

    fn try_from(Ends { top, bottom, left, right }: Ends) -> Result<Self, Self::Error> {
        Self::new(top..=bottom, left..=right).ok_or("expected top ≤ bottom and left ≤ right")
    }
}

impl Region {
    /// These rows and columns; `None` where there are none.
    pub fn new(rows: RangeInclusive<usize>, cols: RangeInclusive<usize>) -> Option<Self> {
        let ((top, bottom), (left, right)) = (rows.into_inner(), cols.into_inner());
        let bounded = bottom < usize::MAX && right < usize::MAX;
        (top <= bottom && left <= right && bounded).then_some(Self { top, bottom, left, right })
    }

    /// First row.
    pub fn top(self) -> usize {
        self.top
    }

    /// Last row.
    pub fn bottom(self) -> usize {
        self.bottom
    }

    /// First column.
    pub fn left(self) -> usize {
        self.left
    }

    /// Last column.
    pub fn right(self) -> usize {
        self.right
    }

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

    /// The smallest region that holds both.
    pub fn union(self, other: Self) -> Self {
        Self {
            top: self.top.min(other.top),
            bottom: self.bottom.max(other.bottom),
            left: self.left.min(other.left),
            right: self.right.max(other.right),
        }
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
