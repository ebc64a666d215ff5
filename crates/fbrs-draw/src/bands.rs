//! Shapes with soft edges, painted onto a photo in bands of a few rows.

use image::RgbImage;
use tiny_skia::{Color, FillRule, Paint, Path, Pixmap, Transform};

/// Rows that are painted at a time.
const ROWS: u32 = 64;

/// A shape of one color, in the photo's coordinates: 0,0 is the corner of the top left pixel.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) path: Path,
    pub(crate) color: [u8; 3],
    /// From 0 to 1.
    pub(crate) opacity: f32,
}

/// Paints the shapes in their order, each over those before it.
pub(crate) fn paint(photo: &mut RgbImage, shapes: &[Shape]) {
    let (width, height) = photo.dimensions();
    let Some(mut canvas) = Pixmap::new(width, ROWS.min(height)) else { return };
    let row_bytes = 3 * width as usize;
    for (top, rows) in (0..height).step_by(ROWS as usize).zip(bands(photo, row_bytes)) {
        let (first, last) = (top as f32, (top + ROWS) as f32);
        let here = |shape: &&Shape| {
            let bounds = shape.path.bounds();
            bounds.top() <= last && bounds.bottom() >= first
        };
        let mut is_empty = true;
        for shape in shapes.iter().filter(here) {
            if is_empty {
                canvas.fill(Color::TRANSPARENT);
                is_empty = false;
            }
            let still = Transform::from_translate(0.0, -first);
            canvas.fill_path(&shape.path, &of(shape), FillRule::Winding, still, None);
        }
        if !is_empty {
            lay_over(rows, canvas.data());
        }
    }
}

fn bands(photo: &mut RgbImage, row_bytes: usize) -> impl Iterator<Item = &mut [u8]> {
    photo.as_flat_samples_mut().samples.chunks_mut(row_bytes * ROWS as usize)
}

fn of(shape: &Shape) -> Paint<'static> {
    let [red, green, blue] = shape.color;
    let mut color = Color::from_rgba8(red, green, blue, u8::MAX);
    color.apply_opacity(shape.opacity);
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color(color);
    paint
}

/// Lays premultiplied RGBA over RGB.
fn lay_over(photo: &mut [u8], canvas: &[u8]) {
    let (below, above) = (photo.as_chunks_mut::<3>().0, canvas.as_chunks::<4>().0);
    for (below, [red, green, blue, alpha]) in below.iter_mut().zip(above) {
        if *alpha == 0 {
            continue;
        }
        let rest = u16::from(u8::MAX - alpha);
        for (below, above) in below.iter_mut().zip([red, green, blue]) {
            let left = (u16::from(*below) * rest + 127) / 255;
            *below = above.saturating_add(left as u8);
        }
    }
}
