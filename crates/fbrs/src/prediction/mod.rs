//! Predictions: kept at the size that the network saw, read at the photo's.

mod answer;
mod floor;
mod previous;
mod rows;

use std::sync::Arc;

use fbrs_clicks::{ImageSpace, Position, Region, Size};
use image::GrayImage;
use rayon::prelude::*;

use crate::error::Result;
use crate::options::check_threshold;

pub(crate) use answer::CropAnswer;
pub(crate) use floor::{Floor, MaskBits};
use rows::Rows;

/// Probability of being object, for every pixel of a photo.
///
/// It is kept at the size that the network saw, whatever the photo's size, and resized (bilinear)
/// to the pixels that are asked for. Cloning is cheap and shares it.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    size: Size,
    answer: Option<Arc<CropAnswer>>,
    floor: Option<Arc<Floor>>,
}

/// A part of the photo as the network saw it, and the probabilities that it gave there.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct CropProbabilities<'a> {
    /// The part of the photo.
    pub region: Region,
    /// The size at which the network saw it.
    pub crop: Size,
    /// `crop.height · crop.width` probabilities in [0, 1], row-major.
    pub probabilities: &'a [f32],
}

impl Prediction {
    pub(crate) fn new(
        size: Size,
        answer: Option<Arc<CropAnswer>>,
        floor: Option<Arc<Floor>>,
    ) -> Self {
        Self { size, answer, floor }
    }

    /// The photo's height and width.
    pub fn size(&self) -> Size {
        self.size
    }

    /// What the network answered, crop by crop: one, or several tiles. Earlier parts of the object
    /// and the mask that it started from are not in it.
    pub fn crops(&self) -> impl Iterator<Item = CropProbabilities<'_>> {
        self.answer.iter().flat_map(|answer| answer.crops())
    }

    /// The pixel's probability; `None` outside the photo.
    pub fn probability_at(&self, position: Position<ImageSpace>) -> Option<f32> {
        if !position.is_inside(self.size) {
            return None;
        }
        let (row, col) = (position.row as usize, position.col as usize);
        let pixel = Region::new(row..=row, col..=col)?;
        self.probabilities_in(pixel).first().copied()
    }

    /// `height · width` probabilities in [0, 1], row-major: 4 bytes for every pixel of the photo.
    pub fn probabilities(&self) -> Vec<f32> {
        self.probabilities_in(Region::whole(self.size))
    }

    /// The probabilities of a part of the photo, row-major; what lies outside the photo is 0.
    pub fn probabilities_in(&self, region: Region) -> Vec<f32> {
        let mut values = vec![0.0; region.size().area()];
        self.each_row(region, &mut values, |value, probability| *value = probability);
        values
    }

    /// 255 where the probability exceeds the threshold, 0 elsewhere; the photo's size.
    ///
    /// # Errors
    /// [`crate::Error::Parameter`] where the threshold is not between 0 and 1.
    pub fn mask(&self, threshold: f32) -> Result<GrayImage> {
        self.mask_in(Region::whole(self.size), threshold)
    }

    /// The same for a part of the photo, of that part's size.
    ///
    /// # Errors
    /// As [`Prediction::mask`].
    pub fn mask_in(&self, region: Region, threshold: f32) -> Result<GrayImage> {
        check_threshold(threshold)?;
        Ok(self.gray(region, |probability| if probability > threshold { 255 } else { 0 }))
    }

    /// The probabilities as gray values, `255 · p` rounded.
    pub fn probability_image(&self) -> GrayImage {
        let region = Region::whole(self.size);
        self.gray(region, |probability| (255.0 * probability).round() as u8)
    }

    /// Where it exceeds a threshold: the smallest region that holds all such pixels; `None` where
    /// there are none.
    ///
    /// # Errors
    /// [`crate::Error::Parameter`] where the threshold is not between 0 and 1.
    pub fn bounding_box(&self, threshold: f32) -> Result<Option<Region>> {
        check_threshold(threshold)?;
        Ok(self.bounds(threshold))
    }

    pub(crate) fn bounds(&self, threshold: f32) -> Option<Region> {
        let answer = self.answer.as_ref().and_then(|answer| answer.bounds(threshold, self.size));
        let floor = self.floor.as_ref().and_then(|floor| match &**floor {
            Floor::Part(part) => part.bounds(threshold),
            Floor::Mask(mask) => mask.bounds(),
        });
        match (answer, floor) {
            (Some(a), Some(b)) => Some(a.union(b)),
            (a, b) => a.or(b),
        }
    }

    /// Calls `put` for each pixel of each row from `first_row` on of columns of the photo.
    pub(crate) fn each_row<T: Send>(
        &self,
        region: Region,
        out: &mut [T],
        put: impl Fn(&mut T, f32) + Sync,
    ) {
        let rows = Rows::new(self);
        let width = region.size().width.max(1);
        out.par_chunks_mut(width).zip(region.rows()).for_each_init(
            || vec![0.0; width],
            |values, (out, row)| {
                rows.read(row, region.cols(), values);
                out.iter_mut().zip(values).for_each(|(out, value)| put(out, *value));
            },
        );
    }

    fn gray(&self, region: Region, value: impl Fn(f32) -> u8 + Sync) -> GrayImage {
        let Size { height, width } = region.size();
        let mut image = GrayImage::new(width as u32, height as u32);
        self.each_row(region, &mut image, |out, probability| *out = value(probability));
        image
    }

    /// Everything that it holds in memory, each piece with what tells it from others.
    pub(crate) fn memory(&self, visit: &mut impl FnMut(usize, usize)) {
        if let Some(answer) = &self.answer {
            visit(Arc::as_ptr(answer).addr(), answer.bytes());
        }
        if let Some(floor) = &self.floor {
            floor.memory(visit);
        }
    }
}
