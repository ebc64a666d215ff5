//! A photo, and crops of it as the network reads them.

use std::sync::Arc;

use fbrs_clicks::{CropTransform, Size};
use fbrs_models::bilinear_taps;
use fbrs_refine::CropSource;
use fbrs_weights::InputScaling;
use image::{DynamicImage, RgbImage};
use rayon::prelude::*;

use crate::error::{Error, Result};

/// Smallest side that can be segmented.
const MIN_SIDE: usize = 2;

/// A photo as seen (any EXIF orientation applied), RGB with 8 bits. Cloning shares its pixels: any
/// number of sessions and windows have them in memory once.
#[derive(Debug, Clone)]
pub struct Photo {
    pixels: Arc<RgbImage>,
}

impl From<Arc<RgbImage>> for Photo {
    fn from(pixels: Arc<RgbImage>) -> Self {
        Self { pixels }
    }
}

impl From<RgbImage> for Photo {
    fn from(pixels: RgbImage) -> Self {
        Arc::new(pixels).into()
    }
}

impl From<DynamicImage> for Photo {
    fn from(image: DynamicImage) -> Self {
        image.into_rgb8().into()
    }
}

impl Photo {
    /// From a plain slice: RGB, 8 bit, row-major, `3 · width · height` bytes.
    ///
    /// # Errors
    /// [`Error::Image`] where the slice's length does not fit.
    pub fn from_slice(rgb: &[u8], width: u32, height: u32) -> Result<Self> {
        let expected = (width as usize).saturating_mul(height as usize).saturating_mul(3);
        let whole = Some(rgb).filter(|rgb| rgb.len() == expected);
        let image = whole.and_then(|rgb| RgbImage::from_raw(width, height, rgb.to_vec()));
        image.map(Self::from).ok_or_else(|| {
            let size = Size { height: height as usize, width: width as usize };
            let reason = format!("expected {expected} bytes, got {}", rgb.len());
            Error::Image { size, reason }
        })
    }

    /// Height and width.
    pub fn size(&self) -> Size {
        let (width, height) = self.pixels.dimensions();
        Size { height: height as usize, width: width as usize }
    }

    /// The pixels, shared.
    pub fn pixels(&self) -> &Arc<RgbImage> {
        &self.pixels
    }

    /// The pixels, copied only where others share them.
    pub fn into_pixels(self) -> RgbImage {
        Arc::unwrap_or_clone(self.pixels)
    }

    /// Whether both are one photo, not only alike.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.pixels, &other.pixels)
    }

    pub(crate) fn check(&self) -> Result<()> {
        let size = self.size();
        if size.height < MIN_SIDE || size.width < MIN_SIDE {
            let reason = format!("expected at least {MIN_SIDE} pixels on each side");
            return Err(Error::Image { size, reason });
        }
        Ok(())
    }

    /// The normalized crop, `3 · height · width` values, row-major: bilinear with align_corners.
    fn crop(&self, transform: &CropTransform, scaling: &InputScaling) -> Vec<f32> {
        let (region, size) = (transform.region(), transform.crop());
        let width = self.size().width;
        let bytes = self.pixels.as_raw();
        let rows = bilinear_taps(region.size().height, size.height);
        let cols = bilinear_taps(region.size().width, size.width);
        let mut values = vec![0.0f32; 3 * size.area()];
        for (channel, values) in values.chunks_mut(size.area().max(1)).enumerate() {
            let (Some(mean), Some(deviation)) =
                (scaling.mean.get(channel), scaling.deviation.get(channel))
            else {
                continue;
            };
            let normalized = |row: usize, col: usize| {
                let pixel = (region.top() + row) * width + region.left() + col;
                let byte = bytes.get(3 * pixel + channel).copied().unwrap_or(0);
                (f32::from(byte) / 255.0 - mean) / deviation
            };
            values.par_chunks_mut(size.width.max(1)).zip(&rows).for_each(|(values, row)| {
                for (value, col) in values.iter_mut().zip(&cols) {
                    let in_row = |row| col.mix(normalized(row, col.low), normalized(row, col.high));
                    *value = row.mix(in_row(row.low), in_row(row.high));
                }
            });
        }
        values
    }
}

/// Crops of a photo, made when the network is about to see them.
#[derive(Debug)]
pub(crate) struct Crops {
    pub(crate) photo: Photo,
    pub(crate) transforms: Arc<[CropTransform]>,
    pub(crate) scaling: InputScaling,
}

impl CropSource for Crops {
    fn crop(&self, number: usize) -> Vec<f32> {
        let transform = self.transforms.get(number);
        transform.map(|transform| self.photo.crop(transform, &self.scaling)).unwrap_or_default()
    }
}
