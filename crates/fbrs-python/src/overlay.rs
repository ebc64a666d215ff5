//! A prediction as a picture for notebooks.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fbrs::image::{GrayImage, ImageFormat, RgbImage, imageops};
use fbrs::{Click, ImageSpace, Photo};

use crate::failure::Failure;

/// Pixels on the longer side.
const LONGEST: u32 = 800;

/// The photo with mask, outline and clicks, as a PNG in base64. Larger photos are made smaller first:
/// lines and marks are drawn as large as seen.
pub(crate) fn png(
    photo: &Photo,
    mask: &GrayImage,
    clicks: &[Click<ImageSpace>],
) -> Result<String, Failure> {
    let (width, height) = photo.pixels().dimensions();
    let longest = width.max(height);
    let canvas = if longest <= LONGEST {
        let mut canvas = RgbImage::clone(photo.pixels());
        fbrs_draw::overlay(&mut canvas, mask, clicks).map(|()| canvas)
    } else {
        let side =
            |side: u32| (u64::from(side) * u64::from(LONGEST)).div_ceil(longest.into()) as u32;
        let (narrow, low) = (side(width), side(height));
        let mut canvas = imageops::thumbnail(&**photo.pixels(), narrow, low);
        let mut small = imageops::thumbnail(mask, narrow, low);
        small.iter_mut().for_each(|value| *value = if *value > 127 { 255 } else { 0 });
        let scale = (f64::from(narrow) / f64::from(width), f64::from(low) / f64::from(height));
        let clicks: Vec<_> = clicks.iter().map(|click| scaled(click, scale)).collect();
        fbrs_draw::overlay(&mut canvas, &small, &clicks).map(|()| canvas)
    };
    let canvas = canvas.map_err(Failure::image)?;
    let mut bytes = Vec::new();
    let written = canvas.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png);
    written.map_err(|error| Failure::fault(&error.to_string()))?;
    Ok(STANDARD.encode(bytes))
}

/// The same place in a smaller picture; the middle of the first pixel is 0, 0 in both.
fn scaled(click: &Click<ImageSpace>, (x, y): (f64, f64)) -> Click<ImageSpace> {
    let mut click = *click;
    click.position.col = (click.position.col + 0.5) * x - 0.5;
    click.position.row = (click.position.row + 0.5) * y - 0.5;
    click
}
