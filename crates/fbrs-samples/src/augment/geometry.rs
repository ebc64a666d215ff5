use fbrs_clicks::Size;
use image::{GrayImage, Pixel, RgbImage};

use super::affine::Affine;
use super::orientation::Orientation;
use super::pixels::{Pixels, Rect};
use super::resize::{nearest, resize};

/// How a photo becomes a crop: scaled, mirrored, turned, shifted and rotated, cut, and, where it is zoomed in
/// on, scaled once more. Photos are mixed bilinearly, labels come from the nearest pixel, both at the same
/// places.
///
/// Only pixels that end up in the crop are ever made, however large the photo.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Geometry {
    pub(super) source: Size,
    /// From the scaled picture to the upright one, and its size.
    pub(super) orientation: Orientation,
    pub(super) affine: Option<Affine>,
    /// What is cut out, and may be more than there is.
    pub(super) window: Rect,
    /// The crop; of the window's size but where it is zoomed in on.
    pub(super) crop: Size,
}

impl Geometry {
    /// The photo as it is, whole.
    #[cfg(test)]
    pub(crate) fn whole(size: Size) -> Self {
        let (orientation, window) = (Orientation::upright(size), Rect::whole(size));
        Self { source: size, orientation, affine: None, window, crop: size }
    }

    /// Size of the crop.
    pub(crate) fn crop(&self) -> Size {
        self.crop
    }

    /// For each pixel of the crop the pixel of the source that its labels come from; none in margins.
    pub(crate) fn labels(&self) -> Vec<Option<u32>> {
        let mut labels = Vec::with_capacity(self.crop.area());
        self.each_label(|place| labels.push(place));
        labels
    }

    /// The same, one by one.
    pub(super) fn each_label(&self, mut see: impl FnMut(Option<u32>)) {
        let (frame, scaled) = (self.orientation.after(), self.orientation.before());
        let is_inside = |row: i64, col: i64| {
            (0..frame.height as i64).contains(&row) && (0..frame.width as i64).contains(&col)
        };
        let window = self.window;
        let lines = |result: usize, source: usize| -> Vec<i64> {
            (0..result as i64).map(|line| nearest(line, source, result)).collect()
        };
        let (rows, cols) = (
            lines(self.crop.height, window.size.height),
            lines(self.crop.width, window.size.width),
        );
        let source_rows = lines(scaled.height, self.source.height);
        let source_cols = lines(scaled.width, self.source.width);
        let moved = self.affine.map(|affine| affine.over(window));
        let pixel = |row: i64, col: i64| {
            let (mut row, mut col) = (window.top + row, window.left + col);
            if !is_inside(row, col) {
                return None;
            }
            if let Some(moved) = &moved {
                (row, col) = moved.before_of(row, col);
                if !is_inside(row, col) {
                    return None;
                }
            }
            let (row, col) = self.orientation.before_of(row, col);
            let row = source_rows.get(row as usize)?;
            let col = source_cols.get(col as usize)?;
            u32::try_from(row * self.source.width as i64 + col).ok()
        };
        for row in rows {
            cols.iter().for_each(|col| see(pixel(row, *col)));
        }
    }

    /// The crop of the photo; margins are black.
    pub(crate) fn photo(&self, photo: &RgbImage) -> RgbImage {
        let pixels: Pixels<3> = self.apply(photo.as_raw());
        let mut crop = RgbImage::new(self.crop.width as u32, self.crop.height as u32);
        for (pixel, value) in crop.pixels_mut().zip(&pixels.values) {
            pixel.channels_mut().copy_from_slice(value);
        }
        crop
    }

    /// The crop of a map of 0…255, as 0…1; margins are 0.
    pub(crate) fn shades(&self, map: &GrayImage) -> Vec<f32> {
        let pixels: Pixels<1> = self.apply(map.as_raw());
        pixels.values.iter().map(|[value]| f32::from(*value) / 255.0).collect()
    }

    pub(super) fn apply<const C: usize>(&self, values: &[u8]) -> Pixels<C> {
        let (frame, scaled) = (self.orientation.after(), self.orientation.before());
        let shown = self.window.within(frame);
        let needed = match &self.affine {
            Some(affine) => affine.needed(shown).within(frame),
            None => shown,
        };
        let (source, width) = (values.as_chunks::<C>().0, self.source.width);
        let row = |line: usize| source.get(line * width..(line + 1) * width).unwrap_or(&[]);
        let before = self.before(needed);
        let part = match scaled == self.source {
            true => Pixels::from_fn(before, |line, col| {
                row(line as usize).get(col as usize).copied().unwrap_or([0; C])
            }),
            false => resize(self.source, row, scaled, before),
        };
        let upright = Pixels::from_fn(needed, |row, col| {
            let (row, col) = self.orientation.before_of(row, col);
            part.get(row, col)
        });
        let moved = match &self.affine {
            Some(affine) => affine.apply(&upright, shown),
            None => upright,
        };
        let cut = moved.of(self.window);
        if self.window.size == self.crop {
            return cut;
        }
        let width = cut.rect.size.width;
        let row = |line: usize| cut.values.get(line * width..(line + 1) * width).unwrap_or(&[]);
        resize(self.window.size, row, self.crop, Rect::whole(self.crop))
    }

    /// The rectangle that becomes this one when it is mirrored and turned.
    fn before(&self, rect: Rect) -> Rect {
        let (top, left) = self.orientation.before_of(rect.top, rect.left);
        let (bottom, right) = self.orientation.before_of(rect.bottom() - 1, rect.right() - 1);
        Rect::between(top.min(bottom), left.min(right), top.max(bottom) + 1, left.max(right) + 1)
    }
}

pub(super) fn size_of(photo: &RgbImage) -> Size {
    Size { height: photo.height() as usize, width: photo.width() as usize }
}
