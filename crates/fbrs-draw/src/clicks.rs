use fbrs_clicks::Click;
use image::RgbImage;
use tiny_skia::{LineCap, Path, PathBuilder, Stroke};

use crate::bands::{self, Shape};
use crate::colors::{BLACK, NEGATIVE, POSITIVE, WHITE};
use crate::unit;

/// Radius of a mark, in units; no smaller than the second, in pixels.
const RADIUS: f32 = 9.0;
const SMALLEST_RADIUS: f32 = 4.0;

/// Marks clicks, the last one on top: on the object with a plus in a green disc, on what is not the
/// object with a minus in a red ring. So they can be told apart without their colors.
///
/// Positions are pixels of the photo; 0,0 is the middle of the top left one.
pub fn clicks<Space>(photo: &mut RgbImage, clicks: &[Click<Space>]) {
    let radius = (RADIUS * unit(photo)).max(SMALLEST_RADIUS);
    let shapes: Vec<_> = clicks
        .iter()
        .flat_map(|click| {
            let position = click.position;
            // A pixel's center lies half a pixel beyond its corner, where drawing counts from.
            mark(position.x() as f32 + 0.5, position.y() as f32 + 0.5, radius, click.is_positive())
        })
        .collect();
    bands::paint(photo, &shapes);
}

/// A mark with a soft shadow.
fn mark(x: f32, y: f32, radius: f32, is_positive: bool) -> Vec<Shape> {
    let disc = |share: f32, color, opacity| shape(disc(x, y, share * radius), color, opacity);
    let (color, inside, sign) = match is_positive {
        true => (POSITIVE, POSITIVE, WHITE),
        false => (NEGATIVE, WHITE, NEGATIVE),
    };
    let parts = [
        disc(1.22, BLACK, 0.18),
        disc(1.10, BLACK, 0.28),
        disc(1.0, WHITE, 1.0),
        disc(0.8, color, 1.0),
        disc(0.54, inside, 1.0),
        shape(self::sign(x, y, radius, is_positive), sign, 1.0),
    ];
    parts.into_iter().flatten().collect()
}

fn shape(path: Option<Path>, color: [u8; 3], opacity: f32) -> Option<Shape> {
    path.map(|path| Shape { path, color, opacity })
}

fn disc(x: f32, y: f32, radius: f32) -> Option<Path> {
    PathBuilder::from_circle(x, y, radius)
}

/// A plus or a minus.
fn sign(x: f32, y: f32, radius: f32, is_plus: bool) -> Option<Path> {
    let arm = if is_plus { 0.42 * radius } else { 0.3 * radius };
    let mut sign = PathBuilder::new();
    sign.move_to(x - arm, y);
    sign.line_to(x + arm, y);
    if is_plus {
        sign.move_to(x, y - arm);
        sign.line_to(x, y + arm);
    }
    let stroke = Stroke { width: 0.24 * radius, line_cap: LineCap::Round, ..Stroke::default() };
    sign.finish()?.stroke(&stroke, 1.0)
}
