//! A photo at its own size, at half of it, at a quarter, …

use std::sync::Arc;

use image::{ImageBuffer, Rgb, RgbImage};
use rayon::prelude::*;

/// Longer side below which no smaller level is made.
const SMALLEST: u32 = 256;

/// A photo and its halves. Cloning shares them.
#[derive(Clone)]
pub(crate) struct Pyramid {
    levels: Arc<[Arc<RgbImage>]>,
}

impl Pyramid {
    /// The photo is shared; its levels take a third of its memory more.
    pub(crate) fn new(photo: Arc<RgbImage>) -> Self {
        let mut levels = vec![photo];
        while let Some(last) = levels.last()
            && last.width().max(last.height()) > SMALLEST
        {
            let next = Arc::new(halved(last));
            levels.push(next);
        }
        Self { levels: levels.into() }
    }

    /// Number of the smallest level.
    pub(crate) fn last_level(&self) -> u32 {
        self.levels.len().saturating_sub(1) as u32
    }

    /// The smallest level, at most [`SMALLEST`] pixels on a side.
    pub(crate) fn smallest(&self) -> Option<&RgbImage> {
        self.levels.last().map(|level| &**level)
    }

    /// Level 0 is the photo itself.
    pub(crate) fn level(&self, level: u32) -> Option<&Arc<RgbImage>> {
        self.levels.get(level as usize)
    }

    /// The photo's columns and rows.
    pub(crate) fn size(&self) -> [u32; 2] {
        self.levels.first().map_or([0; 2], |photo| [photo.width(), photo.height()])
    }
}

/// The mean of 2×2 pixels each; a last odd row or column is a mean of fewer.
fn halved(photo: &RgbImage) -> RgbImage {
    let (width, height) = (photo.width().div_ceil(2).max(1), photo.height().div_ceil(2).max(1));
    let mut half: RgbImage = ImageBuffer::from_pixel(width, height, Rgb([0; 3]));
    let bytes = photo.as_raw();
    let stride = photo.width() as usize * 3;
    let sums = || vec![0u16; stride];
    let lines = half.par_chunks_mut(width as usize * 3).enumerate().with_min_len(64);
    lines.for_each_init(sums, |sums, (row, line)| {
        let above = bytes.get(2 * row * stride..(2 * row + 1) * stride).unwrap_or_default();
        let below = bytes.get((2 * row + 1) * stride..(2 * row + 2) * stride).unwrap_or(above);
        for (sum, (above, below)) in sums.iter_mut().zip(above.iter().zip(below)) {
            *sum = u16::from(*above) + u16::from(*below);
        }
        let (pairs, rest) = sums.as_chunks::<6>();
        let (out, last) = line.as_chunks_mut::<3>().0.split_at_mut(pairs.len());
        for (out, [r, g, b, next_r, next_g, next_b]) in out.iter_mut().zip(pairs) {
            *out = [r + next_r, g + next_g, b + next_b].map(|sum| ((sum + 2) / 4) as u8);
        }
        if let ([out], [r, g, b]) = (last, rest) {
            *out = [r, g, b].map(|sum| ((2 * sum + 2) / 4) as u8);
        }
    });
    half
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn levels_halve_down_to_a_small_one() {
        let photo = RgbImage::from_fn(1001, 3, |x, y| Rgb([x as u8, y as u8, 7]));
        let pyramid = Pyramid::new(Arc::new(photo));
        assert_eq!(pyramid.last_level(), 2);
        let half = pyramid.level(1).unwrap();
        assert_eq!(half.dimensions(), (501, 2));
        assert_eq!(half.get_pixel(10, 0).0, [21, 1, 7]);
        // The last column is its own mean, the last row too.
        assert_eq!(half.get_pixel(500, 1).0, [(1000 % 256) as u8, 2, 7]);
        assert!(pyramid.level(3).is_none());
    }
}
