//! The line along the edge of a mask.

use std::borrow::Cow;

use image::GrayImage;
use imageproc::contours::find_contours;
use imageproc::point::Point;
use tiny_skia::{LineCap, LineJoin, Path, PathBuilder, Stroke};

use crate::bands::Shape;
use crate::colors::WHITE;

/// Width of the line and of its white rim, in units.
const WIDTH: f32 = 2.2;
const RIM: f32 = 4.2;
/// Half of the length over which the line is smoothed, in units.
const SMOOTHING: f32 = 1.5;
/// A mask whose unit has more pixels is made smaller first: nothing of that can be seen under a
/// line of this width.
const FINEST_UNIT: f32 = 4.0;

/// All lines of the rim, and above them those of the edge.
pub(crate) fn outline(mask: &GrayImage, unit: f32, edge: [u8; 3]) -> Vec<Shape> {
    let factor = ((unit / FINEST_UNIT) as u32).max(1);
    let reduced = reduced(mask, factor);
    let scale = factor as f32;
    let reach = (SMOOTHING * unit / scale).round().max(1.0) as usize;
    let contours = find_contours::<i32>(&reduced);
    let paths: Vec<_> =
        contours.iter().filter_map(|contour| smoothed(&contour.points, reach, scale)).collect();
    let lines = [(RIM, WHITE), (WIDTH, edge)].into_iter().flat_map(|(width, color)| {
        let stroke = Stroke {
            // On small photos no narrower than can be seen.
            width: (width * unit).max(width * 0.4),
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            ..Stroke::default()
        };
        let stroked = paths.iter().filter_map(move |path| path.stroke(&stroke, 1.0));
        stroked.map(move |path| Shape { path, color, opacity: 1.0 })
    });
    lines.collect()
}

/// The mask in squares of `factor` pixels a side: set where half of the square is.
fn reduced(mask: &GrayImage, factor: u32) -> Cow<'_, GrayImage> {
    if factor == 1 {
        return Cow::Borrowed(mask);
    }
    let (width, height) = (mask.width().div_ceil(factor), mask.height().div_ceil(factor));
    let mut reduced = GrayImage::new(width, height);
    let mut counts = vec![0_u32; width as usize];
    let rows: Vec<_> = mask.as_raw().chunks(mask.width() as usize).collect();
    let squares = rows.chunks(factor as usize);
    for (row, out) in squares.zip(reduced.chunks_mut(width as usize)) {
        counts.fill(0);
        for line in row {
            for (count, pixels) in counts.iter_mut().zip(line.chunks(factor as usize)) {
                *count += pixels.iter().map(|value| u32::from(*value > 0)).sum::<u32>();
            }
        }
        for (index, (out, count)) in out.iter_mut().zip(&counts).enumerate() {
            let across = factor.min(mask.width() - index as u32 * factor);
            *out = 255 * u8::from(2 * count >= across * row.len() as u32);
        }
    }
    Cow::Owned(reduced)
}

/// A closed path whose points are means over `reach` points of the contour on either side, `scale`
/// pixels to each of the contour's.
fn smoothed(contour: &[Point<i32>], reach: usize, scale: f32) -> Option<Path> {
    let count = contour.len();
    let reach = reach.min(count / 8);
    let window = (2 * reach + 1) as f32;
    let mut builder = PathBuilder::new();
    for middle in (0..count).step_by(reach.max(1)) {
        let first = middle + count - reach;
        let around = (first..=first + 2 * reach).filter_map(|place| contour.get(place % count));
        // A pixel's center lies half a pixel beyond its corner, where drawing counts from.
        let (x, y) = around
            .fold((0.0, 0.0), |(x, y), point| (x + point.x as f32 + 0.5, y + point.y as f32 + 0.5));
        let (x, y) = (scale * x / window, scale * y / window);
        match middle {
            0 => builder.move_to(x, y),
            _ => builder.line_to(x, y),
        }
    }
    builder.close();
    builder.finish()
}
