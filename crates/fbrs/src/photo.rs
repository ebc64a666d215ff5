//! A photo, and crops of it as the network reads them.

use fbrs_clicks::{CropTransform, Region, Size};
use fbrs_models::bilinear_taps;
use image::RgbImage;
use rayon::prelude::*;

use crate::error::{Error, Result};

/// Mean and standard deviation of each channel (ImageNet), of values in [0, 1].
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// Smallest side that can be segmented.
const MIN_SIDE: usize = 2;

#[derive(Debug, Clone)]
pub(crate) struct Photo {
    pixels: RgbImage,
}

impl Photo {
    pub(crate) fn new(pixels: RgbImage) -> Result<Self> {
        let photo = Self { pixels };
        let size = photo.size();
        if size.height < MIN_SIDE || size.width < MIN_SIDE {
            let reason = format!("expected at least {MIN_SIDE} pixels on each side");
            return Err(Error::Image { size, reason });
        }
        Ok(photo)
    }

    pub(crate) fn size(&self) -> Size {
        let (width, height) = self.pixels.dimensions();
        Size { height: height as usize, width: width as usize }
    }

    /// The normalized crop, `3 · height · width` values, row-major: bilinear with align_corners.
    pub(crate) fn crop(&self, map: &CropTransform) -> Vec<f32> {
        let (region, size) = (map.region(), map.crop());
        let width = self.size().width;
        let bytes = self.pixels.as_raw();
        let rows = bilinear_taps(region.size().height, size.height);
        let cols = bilinear_taps(region.size().width, size.width);
        let mut values = vec![0.0f32; 3 * size.area()];
        for (channel, values) in values.chunks_mut(size.area().max(1)).enumerate() {
            let (Some(mean), Some(deviation)) = (MEAN.get(channel), DEVIATION.get(channel)) else {
                continue;
            };
            let normalized = |row: usize, col: usize| {
                let pixel = (region.top + row) * width + region.left + col;
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

/// Resizes a row-major map of `from` pixels into a region of an image of `width` columns, bilinear
/// with align_corners: `put` combines each pixel of the region with its value.
pub(crate) fn resize_into(
    map: &[f32],
    from: Size,
    region: Region,
    image: &mut [f32],
    width: usize,
    put: impl Fn(&mut f32, f32) + Sync,
) {
    let to = region.size();
    let rows = bilinear_taps(from.height, to.height);
    let cols = bilinear_taps(from.width, to.width);
    let line = |row: usize| map.get(row * from.width..(row + 1) * from.width);
    image.par_chunks_mut(width.max(1)).skip(region.top).zip(&rows).for_each(|(out, row)| {
        let (Some(low), Some(high)) = (line(row.low), line(row.high)) else { return };
        let mixed: Vec<f32> =
            low.iter().zip(high).map(|(low, high)| row.mix(*low, *high)).collect();
        for (out, col) in out.iter_mut().skip(region.left).zip(&cols) {
            if let (Some(low), Some(high)) = (mixed.get(col.low), mixed.get(col.high)) {
                put(out, col.mix(*low, *high));
            }
        }
    });
}
