//! What an object's probability never falls below: an earlier part of it, or the mask that it
//! started from.

use std::ops::Range;
use std::sync::Arc;

use fbrs_clicks::{Click, ImageSpace, Region, Size};
use image::GrayImage;

use super::{CropAnswer, Prediction};

#[derive(Debug, PartialEq)]
pub(crate) enum Floor {
    /// What was finished of the object before.
    Part(Prediction),
    /// A mask, which negative clicks can reduce.
    Mask(MaskBits),
}

impl Floor {
    pub(crate) fn memory(&self, visit: &mut impl FnMut(usize, usize)) {
        match self {
            Self::Part(part) => part.memory(visit),
            Self::Mask(mask) => visit(mask.bits.as_ptr().addr(), mask.bytes()),
        }
    }

    /// What is left of a mask after a click: without those of its pixels that the answer holds for
    /// background and that are connected (4 neighbors, over such pixels) to a negative click.
    /// `None` where it stays as it is.
    pub(crate) fn reduced(
        &self,
        answer: &Arc<CropAnswer>,
        clicks: &[Click<ImageSpace>],
        threshold: f32,
    ) -> Option<Self> {
        let Self::Mask(mask) = self else { return None };
        let negative = clicks.iter().filter(|click| !click.is_positive());
        let places = negative.map(|click| {
            (click.position.row.max(0.0) as usize, click.position.col.max(0.0) as usize)
        });
        let hit: Vec<_> = places.filter(|&(row, col)| mask.holds(row, col)).collect();
        if hit.is_empty() {
            return None;
        }
        let answer = Prediction::new(mask.size, Some(answer.clone()), None);
        let mut background = vec![false; mask.region.size().area()];
        answer.each_row(mask.region, &mut background, |out, p| *out = p <= threshold);
        let reduced = mask.without_connected(&background, hit);
        (reduced != *mask).then_some(Self::Mask(reduced))
    }
}

/// A mask of a photo, one bit a pixel of its bounding box.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MaskBits {
    size: Size,
    region: Region,
    bits: Vec<u64>,
}

impl MaskBits {
    /// What is above 127 is object; `None` where nothing is.
    pub(crate) fn new(mask: &GrayImage) -> Option<Self> {
        let size = Size { height: mask.height() as usize, width: mask.width() as usize };
        let mut found: Option<Region> = None;
        for (row, pixels) in mask.as_raw().chunks(size.width.max(1)).enumerate() {
            let Some(left) = pixels.iter().position(|pixel| *pixel > 127) else { continue };
            let right = pixels.iter().rposition(|pixel| *pixel > 127).unwrap_or(left);
            let line = Region::new(row..=row, left..=right)?;
            found = Some(found.map_or(line, |found| found.union(line)));
        }
        let region = found?;
        let mut bits = Self { size, region, bits: vec![0; region.size().area().div_ceil(64)] };
        for row in region.rows() {
            for col in region.cols() {
                let pixel = mask.as_raw().get(row * size.width + col);
                if pixel.is_some_and(|pixel| *pixel > 127) {
                    bits.set(row, col, true);
                }
            }
        }
        Some(bits)
    }

    fn bytes(&self) -> usize {
        size_of_val(self.bits.as_slice())
    }

    /// Its bounding box, as long as it is whole.
    pub(crate) fn bounds(&self) -> Option<Region> {
        let mut found: Option<Region> = None;
        for row in self.region.rows() {
            let Some(left) = self.region.cols().find(|col| self.holds(row, *col)) else { continue };
            let right = self.region.cols().rev().find(|col| self.holds(row, *col)).unwrap_or(left);
            let line = Region::new(row..=row, left..=right)?;
            found = Some(found.map_or(line, |found| found.union(line)));
        }
        found
    }

    fn index(&self, row: usize, col: usize) -> Option<usize> {
        let inside = self.region.rows().contains(&row) && self.region.cols().contains(&col);
        let (row, col) =
            (row.checked_sub(self.region.top())?, col.checked_sub(self.region.left())?);
        inside.then_some(row * self.region.size().width + col)
    }

    fn holds(&self, row: usize, col: usize) -> bool {
        let bit = self.index(row, col);
        bit.and_then(|bit| self.bits.get(bit / 64).map(|word| word >> (bit % 64) & 1 == 1))
            .unwrap_or(false)
    }

    fn set(&mut self, row: usize, col: usize, value: bool) {
        let Some(bit) = self.index(row, col) else { return };
        if let Some(word) = self.bits.get_mut(bit / 64) {
            *word = *word & !(1 << (bit % 64)) | u64::from(value) << (bit % 64);
        }
    }

    /// Raises the columns `cols` of a row to 1 where the mask is.
    pub(super) fn raise(&self, row: usize, cols: Range<usize>, out: &mut [f32]) {
        if self.region.rows().contains(&row) {
            for (col, out) in cols.zip(out) {
                if self.holds(row, col) {
                    *out = 1.0;
                }
            }
        }
    }

    /// Without the pixels that are `background` (of the bounding box, row-major) and connected to
    /// one of the `seeds` over such pixels.
    fn without_connected(&self, background: &[bool], seeds: Vec<(usize, usize)>) -> Self {
        let mut left = self.clone();
        let mut open = seeds;
        while let Some((row, col)) = open.pop() {
            let is_background = self
                .index(row, col)
                .and_then(|index| background.get(index))
                .copied()
                .unwrap_or(false);
            if !is_background || !left.holds(row, col) {
                continue;
            }
            left.set(row, col, false);
            open.extend([(row + 1, col), (row, col + 1)]);
            open.extend(row.checked_sub(1).map(|row| (row, col)));
            open.extend(col.checked_sub(1).map(|col| (row, col)));
        }
        left
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use image::Luma;

    use super::*;

    #[test]
    fn masks_are_kept_to_the_pixel() {
        let inside = |x: u32, y: u32| (3..70).contains(&x) && (5..9).contains(&y) && !x.is_multiple_of(7);
        let mask = GrayImage::from_fn(90, 20, |x, y| Luma([if inside(x, y) { 200 } else { 90 }]));
        let bits = MaskBits::new(&mask).unwrap();
        for (x, y, _) in mask.enumerate_pixels() {
            assert_eq!(bits.holds(y as usize, x as usize), inside(x, y));
        }
        assert_eq!(bits.bounds(), Region::new(5..=8, 3..=69));
        assert_eq!(MaskBits::new(&GrayImage::new(9, 9)), None);
    }

    #[test]
    fn only_what_is_connected_leaves() {
        let mask = GrayImage::from_pixel(10, 4, Luma([255]));
        let bits = MaskBits::new(&mask).unwrap();
        // Background left of column 3 and right of column 6.
        let background: Vec<bool> = (0..40).map(|i| !(3..=6).contains(&(i % 10))).collect();
        let left = bits.without_connected(&background, vec![(2, 1)]);
        assert_eq!(left.bounds(), Region::new(0..=3, 3..=9));
        let object = bits.without_connected(&background, vec![(2, 4)]);
        assert_eq!(object, bits, "a click on what the answer holds for object takes nothing");
    }
}
