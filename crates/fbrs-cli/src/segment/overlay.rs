//! The photo with mask, outline and clicks drawn on it.
//!
//! Every measure grows with the photo, so that the picture looks the same whatever its size once
//! it is shown in a window; small photos get lines and dots that can still be told apart.

use anyhow::{Context, Result};
use fbrs::{Click, ImageSpace};
use image::{GrayImage, RgbImage};
use imageproc::contours::{Contour, find_contours};
use tiny_skia::{
    Color, FillRule, IntSize, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Stroke,
    Transform,
};

/// Longer side of a photo on which the unit of every measure is one pixel.
const DESIGN_SIDE: f32 = 640.0;

/// Color of the object and its share in the mixture.
const TINT: [f32; 3] = [30.0, 136.0, 255.0];
const TINT_SHARE: f32 = 0.38;
/// What is left of the background's brightness.
const BACKGROUND: f32 = 0.7;

const OUTLINE: [u8; 3] = [20, 110, 245];
const WHITE: [u8; 3] = [255, 255, 255];
const BLACK: [u8; 3] = [0, 0, 0];
const POSITIVE: [u8; 3] = [22, 163, 74];
const NEGATIVE: [u8; 3] = [220, 38, 38];

/// Draws the overlay; mask and photo have one size.
pub(super) fn draw(
    photo: &RgbImage,
    mask: &GrayImage,
    clicks: &[Click<ImageSpace>],
) -> Result<RgbImage> {
    let (width, height) = photo.dimensions();
    let unit = width.max(height) as f32 / DESIGN_SIDE;
    let size = IntSize::from_wh(width, height).context("an overlay needs at least one pixel")?;
    let mut canvas = Pixmap::from_vec(tinted(photo, mask), size)
        .context("an overlay has four bytes for each pixel")?;
    let outline = outline(mask, unit);
    for (path, (width, color)) in [(4.2, WHITE), (2.2, OUTLINE)]
        .into_iter()
        .flat_map(|layer| outline.iter().map(move |path| (path, layer)))
    {
        line(&mut canvas, path, (width * unit).max(width * 0.4), color);
    }
    for click in clicks {
        dot(&mut canvas, click, unit);
    }
    let opaque = canvas.data().as_chunks::<4>().0.iter();
    let bytes = opaque.flat_map(|[red, green, blue, _]| [*red, *green, *blue]).collect();
    RgbImage::from_raw(width, height, bytes).context("an overlay has the photo's size")
}

/// The photo in RGBA, object tinted and background darkened.
fn tinted(photo: &RgbImage, mask: &GrayImage) -> Vec<u8> {
    let empty = mask.as_raw().iter().all(|value| *value == 0);
    let background = if empty { 1.0 } else { BACKGROUND };
    let mut bytes = Vec::with_capacity(4 * mask.as_raw().len());
    for (pixel, inside) in photo.as_raw().as_chunks::<3>().0.iter().zip(mask.as_raw()) {
        for (value, tint) in pixel.iter().zip(TINT) {
            let value = f32::from(*value);
            bytes.push(match inside {
                0 => (background * value).round() as u8,
                _ => (value + TINT_SHARE * (tint - value)).round() as u8,
            });
        }
        bytes.push(u8::MAX);
    }
    bytes
}

/// The mask's borders, smoothed to the width of the line that is drawn along them.
fn outline(mask: &GrayImage, unit: f32) -> Vec<Path> {
    let reach = (1.5 * unit).round().clamp(1.0, 24.0) as usize;
    let contours: Vec<Contour<i32>> = find_contours(mask);
    contours.iter().filter_map(|contour| smoothed(contour, reach)).collect()
}

/// A closed path whose points are means over `reach` points of the contour on either side.
fn smoothed(contour: &Contour<i32>, reach: usize) -> Option<Path> {
    let count = contour.points.len();
    let reach = reach.min(count / 8);
    let window = (2 * reach + 1) as f32;
    let mut builder = PathBuilder::new();
    for middle in (0..count).step_by(reach.max(1)) {
        let around = contour.points.iter().cycle().skip(middle + count - reach).take(2 * reach + 1);
        // A pixel's center lies half a pixel beyond its corner, where drawing counts from.
        let (x, y) = around
            .fold((0.0, 0.0), |(x, y), point| (x + point.x as f32 + 0.5, y + point.y as f32 + 0.5));
        match middle {
            0 => builder.move_to(x / window, y / window),
            _ => builder.line_to(x / window, y / window),
        }
    }
    builder.close();
    builder.finish()
}

/// A disc with a white rim and a soft shadow, and in it a plus or a minus.
fn dot(canvas: &mut Pixmap, click: &Click<ImageSpace>, unit: f32) {
    let (x, y) = (click.position.col as f32 + 0.5, click.position.row as f32 + 0.5);
    let radius = (9.0 * unit).max(4.0);
    let color = if click.is_positive() { POSITIVE } else { NEGATIVE };
    disc(canvas, x, y, 1.22 * radius, BLACK, 0.18);
    disc(canvas, x, y, 1.10 * radius, BLACK, 0.28);
    disc(canvas, x, y, radius, WHITE, 1.0);
    disc(canvas, x, y, 0.8 * radius, color, 1.0);
    let arm = 0.42 * radius;
    let mut sign = PathBuilder::new();
    sign.move_to(x - arm, y);
    sign.line_to(x + arm, y);
    if click.is_positive() {
        sign.move_to(x, y - arm);
        sign.line_to(x, y + arm);
    }
    if let Some(sign) = sign.finish() {
        line(canvas, &sign, 0.24 * radius, WHITE);
    }
}

fn disc(canvas: &mut Pixmap, x: f32, y: f32, radius: f32, color: [u8; 3], opacity: f32) {
    if let Some(circle) = PathBuilder::from_circle(x, y, radius) {
        let paint = paint(color, opacity);
        canvas.fill_path(&circle, &paint, FillRule::Winding, Transform::identity(), None);
    }
}

fn line(canvas: &mut Pixmap, path: &Path, width: f32, color: [u8; 3]) {
    let stroke =
        Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
    canvas.stroke_path(path, &paint(color, 1.0), &stroke, Transform::identity(), None);
}

fn paint(color: [u8; 3], opacity: f32) -> Paint<'static> {
    let [red, green, blue] = color;
    let mut color = Color::from_rgba8(red, green, blue, u8::MAX);
    color.apply_opacity(opacity);
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color(color);
    paint
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use fbrs::Position;
    use image::{Luma, Rgb};

    fn drawn(
        side: u32,
        inside: impl Fn(u32, u32) -> bool,
        clicks: &[Click<ImageSpace>],
    ) -> RgbImage {
        let photo = RgbImage::from_pixel(side, side, Rgb([120, 120, 120]));
        let mask = GrayImage::from_fn(side, side, |x, y| Luma([255 * u8::from(inside(x, y))]));
        draw(&photo, &mask, clicks).unwrap()
    }

    #[test]
    fn object_is_tinted_and_background_darkened() {
        let overlay = drawn(64, |x, _| x < 32, &[]);
        assert!(overlay.get_pixel(10, 30).0[2] > 160);
        assert!(overlay.get_pixel(55, 30).0[2] < 100);
        let untouched = drawn(64, |_, _| false, &[]);
        assert!(untouched.pixels().all(|pixel| pixel.0 == [120, 120, 120]));
    }

    #[test]
    fn clicks_have_their_colors() {
        let clicks = [
            Click::positive(Position::from_row_col(100.0, 60.0)),
            Click::negative(Position::from_row_col(100.0, 140.0)),
        ];
        let overlay = drawn(200, |_, _| false, &clicks);
        // Between rim and sign.
        let [red, green, _] = overlay.get_pixel(58, 98).0;
        assert!(green > red, "{red} {green}");
        let [red, green, _] = overlay.get_pixel(140, 98).0;
        assert!(red > green, "{red} {green}");
    }

    #[test]
    fn any_size_and_any_mask_can_be_drawn() {
        for side in [2, 3, 7, 50] {
            let corner = [Click::positive(Position::from_row_col(0.0, 0.0))];
            drawn(side, |_, _| true, &corner);
            drawn(side, |x, y| (x + y) % 2 == 0, &corner);
            drawn(side, |x, y| x == 1 && y == 1, &corner);
        }
    }
}
