//! Brightness, contrast and color.

use image::RgbImage;
use rand::Rng;

use crate::options::Colors;
use crate::stream::Draw;

/// What becomes of each value.
pub(super) type Table = [u8; 256];

pub(super) fn vary(photo: &mut RgbImage, colors: &Colors, draw: &mut impl Rng) {
    let mut tables: Option<[Table; 3]> = None;
    if draw.chance(colors.probability) {
        let contrast = 1.0 + draw.between(colors.contrast);
        let table = light(contrast as f32, draw.between(colors.brightness) as f32);
        tables = Some([table; 3]);
    }
    if draw.chance(colors.probability) {
        let most = colors.channel_shift;
        let mut shifted = tables.unwrap_or([light(1.0, 0.0); 3]);
        for table in &mut shifted {
            *table = chained(table, &shift(draw.between([-most, most]) as f32));
        }
        tables = Some(shifted);
    }
    let Some(tables) = tables else { return };
    for pixel in photo.pixels_mut() {
        for (value, table) in pixel.0.iter_mut().zip(&tables) {
            *value = look_up(table, *value);
        }
    }
}

/// Times the contrast, plus the brightness, in which 1 is white.
pub(super) fn light(contrast: f32, brightness: f32) -> Table {
    table(|value| value * contrast + brightness * 255.0)
}

/// Plus a number.
pub(super) fn shift(number: f32) -> Table {
    table(|value| value + number)
}

/// Results are cut to 0…255 and rounded down.
fn table(becomes: impl Fn(f32) -> f32) -> Table {
    std::array::from_fn(|value| becomes(value as f32).clamp(0.0, 255.0) as u8)
}

fn chained(first: &Table, second: &Table) -> Table {
    first.map(|value| look_up(second, value))
}

fn look_up(table: &Table, value: u8) -> u8 {
    table.get(usize::from(value)).copied().unwrap_or(value)
}
