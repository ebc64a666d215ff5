use std::sync::Arc;

use fbrs_clicks::{CropTransform, Size};
use fbrs_refine::Logits;
use image::{GrayImage, Luma};

use crate::error::Result;
use crate::options::check_threshold;
use crate::photo::resize_into;

/// Probability of being object, for every pixel of a photo.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    size: Size,
    probabilities: Vec<f32>,
}

impl Prediction {
    pub(crate) fn new(size: Size, probabilities: Vec<f32>) -> Self {
        Self { size, probabilities }
    }

    /// The photo's height and width.
    pub fn size(&self) -> Size {
        self.size
    }

    /// `height · width` probabilities in [0, 1], row-major.
    pub fn probabilities(&self) -> &[f32] {
        &self.probabilities
    }

    /// 255 where the probability exceeds the threshold, 0 elsewhere; the photo's size.
    ///
    /// # Errors
    /// [`crate::Error::Parameter`] where the threshold is not between 0 and 1.
    pub fn mask(&self, threshold: f32) -> Result<GrayImage> {
        check_threshold(threshold)?;
        Ok(self.gray(|probability| if probability > threshold { 255 } else { 0 }))
    }

    /// The probabilities as gray values, `255 · p` rounded.
    pub fn probability_image(&self) -> GrayImage {
        self.gray(|probability| (255.0 * probability).round() as u8)
    }

    fn gray(&self, value: impl Fn(f32) -> u8) -> GrayImage {
        let width = self.size.width;
        GrayImage::from_fn(width as u32, self.size.height as u32, |x, y| {
            let probability = self.probabilities.get(y as usize * width + x as usize);
            Luma([probability.copied().map_or(0, &value)])
        })
    }

    /// Pixel by pixel the larger of both.
    pub(crate) fn raised_to(mut self, floor: &Self) -> Self {
        for (probability, floor) in self.probabilities.iter_mut().zip(&floor.probabilities) {
            *probability = probability.max(*floor);
        }
        self
    }
}

/// A prediction at the size that the network saw: what a session remembers of each click.
#[derive(Debug, Clone)]
pub(crate) struct CropPrediction {
    transforms: Arc<[CropTransform]>,
    /// Probabilities of each crop, row-major.
    crops: Vec<Vec<f32>>,
}

impl CropPrediction {
    /// `logits`: one map per crop.
    pub(crate) fn new(transforms: Arc<[CropTransform]>, logits: &Logits) -> Self {
        let probabilities = |crop: usize| {
            let mut values = logits.at_crop_size(crop);
            values.iter_mut().for_each(|value| *value = 1.0 / (1.0 + (-*value).exp()));
            values
        };
        let crops = (0..transforms.len()).map(probabilities).collect();
        Self { transforms, crops }
    }

    /// The whole photo's probabilities: resized into their regions, zero outside, averaged where
    /// regions overlap.
    pub(crate) fn in_photo(&self, size: Size) -> Prediction {
        let mut values = vec![0.0f32; size.area()];
        let single = self.transforms.len() == 1;
        let mut covered = if single { Vec::new() } else { vec![0.0f32; size.area()] };
        for (map, crop) in self.transforms.iter().zip(&self.crops) {
            resize_into(crop, map.crop(), map.region(), &mut values, size.width, |out, value| {
                *out += value;
            });
            if !single {
                for row in map.region().rows() {
                    let cols = map.region().cols();
                    let span = row * size.width + cols.start..row * size.width + cols.end;
                    covered.get_mut(span).into_iter().flatten().for_each(|count| *count += 1.0);
                }
            }
        }
        for (value, count) in values.iter_mut().zip(&covered) {
            *value /= count.max(1.0);
        }
        Prediction::new(size, values)
    }
}
