use burn::tensor::{Tensor, TensorReadError};
use fbrs_clicks::Size;
use fbrs_models::{BilinearTap, bilinear_taps};
use rayon::prelude::*;

use crate::error::RefineError;
use crate::frame::Frame;

/// Logits of a batch at stride 4, on the host, and how to read them at the crop's size: bilinear
/// with align_corners, as the network's own last step.
#[derive(Debug, Clone, PartialEq)]
pub struct Logits {
    values: Vec<f32>,
    map: Size,
    crop: Size,
    rows: Vec<BilinearTap>,
    cols: Vec<BilinearTap>,
}

impl Logits {
    /// Reads `[batch, 1, h, w]` from its device.
    pub(crate) fn read(logits: Tensor<4>, crop: Size) -> Result<Self, TensorReadError> {
        let [_, _, height, width] = logits.dims();
        let values = logits.try_into_vec_as::<f32>()?;
        Ok(Self::new(values, Size { height, width }, crop))
    }

    pub(crate) fn new(values: Vec<f32>, map: Size, crop: Size) -> Self {
        let rows = bilinear_taps(map.height, crop.height);
        let cols = bilinear_taps(map.width, crop.width);
        Self { values, map, crop, rows, cols }
    }

    /// The answers of a frame's parts as one: all crops, then all mirror images.
    pub(crate) fn joined(mut parts: Vec<Self>, frame: &Frame) -> Self {
        if parts.len() == 1
            && let Some(only) = parts.pop()
        {
            return only;
        }
        let map = parts.first().map_or(Size { height: 0, width: 0 }, |part| part.map);
        let mut values = vec![0.0; frame.batch() * map.area()];
        for (range, part) in frame.parts().zip(&parts) {
            let maps = part.values.chunks(map.area().max(1));
            for (image, map_values) in frame.images(range).zip(maps) {
                if let Some(own) = values.get_mut(image * map.area()..(image + 1) * map.area()) {
                    own.copy_from_slice(map_values);
                }
            }
        }
        Self::new(values, map, frame.size())
    }

    /// Refuses what no mask can be made of.
    pub(crate) fn check(&self) -> Result<(), RefineError> {
        match self.values.iter().all(|value| value.is_finite()) {
            true => Ok(()),
            false => Err(RefineError::NotFinite),
        }
    }

    /// Number of images.
    pub fn batch(&self) -> usize {
        self.values.len() / self.map.area().max(1)
    }

    /// Size of the maps, at stride 4.
    pub fn map_size(&self) -> Size {
        self.map
    }

    /// Size of the crop.
    pub fn crop_size(&self) -> Size {
        self.crop
    }

    /// All maps at stride 4, row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    fn map(&self, batch: usize) -> &[f32] {
        self.values.chunks(self.map.area().max(1)).nth(batch).unwrap_or_default()
    }

    /// The four values under a pixel of the crop, as indices into one map with their weights.
    pub(crate) fn taps(&self, pixel: usize) -> [(usize, f32); 4] {
        let row = self.rows.get(pixel / self.crop.width.max(1)).copied();
        let col = self.cols.get(pixel % self.crop.width.max(1)).copied();
        let (Some(row), Some(col)) = (row, col) else { return [(0, 0.0); 4] };
        let at = |r: usize, c: usize| r * self.map.width + c;
        let (r, c) = (row.fraction, col.fraction);
        [
            (at(row.low, col.low), (1.0 - r) * (1.0 - c)),
            (at(row.low, col.high), (1.0 - r) * c),
            (at(row.high, col.low), r * (1.0 - c)),
            (at(row.high, col.high), r * c),
        ]
    }

    /// The logit at a pixel of the crop.
    pub(crate) fn at(&self, batch: usize, pixel: usize) -> f32 {
        let map = self.map(batch);
        let value = |(index, weight): (usize, f32)| map.get(index).map_or(0.0, |v| v * weight);
        self.taps(pixel).into_iter().map(value).sum()
    }

    /// One image's logits at the crop's size, row-major.
    pub fn at_crop_size(&self, batch: usize) -> Vec<f32> {
        let mut values = vec![0.0; self.crop.area()];
        self.resize_rows(batch, &mut values, |logit| logit);
        values
    }

    /// Which pixels of the crop lie above a logit, for all images one after the other.
    pub(crate) fn mask(&self, logit: f32) -> Vec<bool> {
        let area = self.crop.area();
        let mut mask = vec![false; self.batch() * area];
        for (batch, mask) in mask.chunks_mut(area.max(1)).enumerate() {
            self.resize_rows(batch, mask, |value| value > logit);
        }
        mask
    }

    fn resize_rows<T: Send>(&self, batch: usize, out: &mut [T], finish: impl Fn(f32) -> T + Sync) {
        let map = self.map(batch);
        let line = |row: usize| map.get(row * self.map.width..(row + 1) * self.map.width);
        out.par_chunks_mut(self.crop.width.max(1)).zip(&self.rows).for_each(|(out, row)| {
            let (Some(low), Some(high)) = (line(row.low), line(row.high)) else { return };
            let mixed: Vec<f32> =
                low.iter().zip(high).map(|(low, high)| row.mix(*low, *high)).collect();
            for (out, col) in out.iter_mut().zip(&self.cols) {
                if let (Some(low), Some(high)) = (mixed.get(col.low), mixed.get(col.high)) {
                    *out = finish(col.mix(*low, *high));
                }
            }
        });
    }

    /// Mean of each crop's logits and its mirror image's, mirrored back: one map per crop. Resizing
    /// is symmetric, so that it commutes with mirroring.
    pub fn unflipped(&self) -> Self {
        let (crops, mirrored) = self.values.split_at(self.values.len() / 2);
        let width = self.map.width.max(1);
        let values = crops
            .chunks(width)
            .zip(mirrored.chunks(width))
            .flat_map(|(row, mirrored)| {
                row.iter().zip(mirrored.iter().rev()).map(|(a, b)| 0.5 * (a + b))
            })
            .collect();
        Self { values, ..self.clone() }
    }
}
