//! Pictures of single objects: what was clicked and predicted, and what is right.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fbrs_data::annotations::Label;
use fbrs_data::sets::{OpenedData, Sample};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use tiny_skia::{Color, FillRule, Paint, PathBuilder, Pixmap, Rect, Stroke, Transform};

use crate::error::{Error, Result};
use crate::journal::{Record, Results};
use crate::noc::clicks_needed;
use crate::result::ObjectResult;

/// Longer side of a picture.
const SIDE: u32 = 560;
const QUALITY: u8 = 82;
/// Share of the tint inside a mask.
const TINT: f32 = 0.5;
const PREDICTED: [u8; 3] = [0x3B, 0x82, 0xF6];
const TRUE: [u8; 3] = [0xF5, 0x9E, 0x0B];
const POSITIVE: [u8; 3] = [0x16, 0xA3, 0x4A];
const NEGATIVE: [u8; 3] = [0xDC, 0x26, 0x26];

/// One object of the gallery.
pub(super) struct Picture<'a> {
    pub(super) record: &'a Record,
    pub(super) result: &'a ObjectResult,
    /// Clicks needed for the target.
    pub(super) clicks: usize,
    /// The photo with mask and clicks, as a data URI; none where it cannot be read any more.
    pub(super) predicted: Option<String>,
    /// The photo with the ground truth.
    pub(super) truth: Option<String>,
}

/// The worst and the median objects of a data set: by clicks for `threshold`, then by the last IoU.
pub(super) fn pictures<'a>(
    results: &'a Results,
    data: &OpenedData,
    first_number: usize,
    threshold: f64,
    count: usize,
) -> Result<[Vec<Picture<'a>>; 2]> {
    let max = results.configuration.settings.max_clicks;
    let of_data = results.evaluated().filter(|(record, _)| record.data == data.name);
    let mut objects: Vec<_> = of_data
        .map(|(record, result)| (clicks_needed(&result.iou, threshold, max), record, result))
        .collect();
    let last = |result: &ObjectResult| result.iou.last().copied().unwrap_or(0.0);
    objects.sort_by(|a, b| (b.0.cmp(&a.0)).then(last(a.2).total_cmp(&last(b.2))));
    let worst = objects.len().min(count);
    let middle = (objects.len() / 2).saturating_sub(count / 2).max(worst);
    let draw = |range: std::ops::Range<usize>| {
        let chosen = objects.get(range).unwrap_or_default();
        let picture = |(clicks, record, result): &(usize, &'a Record, &'a ObjectResult)| {
            let sample = data.set.read(record.number.saturating_sub(first_number)).ok();
            let drawn = sample.map(|sample| draw(&sample, result)).transpose()?;
            let (predicted, truth) = drawn.unzip();
            Ok(Picture { record, result, clicks: *clicks, predicted, truth })
        };
        chosen.iter().map(picture).collect::<Result<Vec<_>>>()
    };
    Ok([draw(0..worst)?, draw(middle..objects.len().min(middle + count))?])
}

fn draw(sample: &Sample, result: &ObjectResult) -> Result<(String, String)> {
    let (width, height) = sample.photo.dimensions();
    let scale = (f64::from(SIDE) / f64::from(width.max(height))).min(1.0);
    let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    let photo = imageops::resize(&sample.photo, side(width), side(height), FilterType::Triangle);
    let at = |x: u32, y: u32| {
        let (col, row) = (f64::from(x) / scale, f64::from(y) / scale);
        (row as usize).min(height as usize - 1) * width as usize
            + (col as usize).min(width as usize - 1)
    };
    let mask = result.mask().unwrap_or_default();
    let mut predicted = photo.clone();
    tint(&mut predicted, PREDICTED, |x, y| mask.get(at(x, y)) == Some(&true));
    let predicted = clicks(&predicted, result, scale as f32)?;
    let mut truth = photo;
    let labels = sample.truth.labels();
    tint(&mut truth, TRUE, |x, y| labels.get(at(x, y)) == Some(&Label::Object));
    for (x, y, pixel) in truth.enumerate_pixels_mut() {
        if labels.get(at(x, y)) == Some(&Label::Ignore) {
            *pixel = mixed(*pixel, [128; 3], 0.7);
        }
    }
    Ok((data_uri(&predicted)?, data_uri(&truth)?))
}

/// Tints what is inside, darkens what is outside, and draws the edge between.
fn tint(photo: &mut RgbImage, color: [u8; 3], inside: impl Fn(u32, u32) -> bool) {
    let (width, height) = photo.dimensions();
    for (x, y, pixel) in photo.enumerate_pixels_mut() {
        let here = inside(x, y);
        let beside = (x + 1 < width && inside(x + 1, y) != here)
            || (y + 1 < height && inside(x, y + 1) != here)
            || (x > 0 && inside(x - 1, y) != here)
            || (y > 0 && inside(x, y - 1) != here);
        *pixel = match (beside, here) {
            (true, true) => mixed(*pixel, [255; 3], 0.85),
            (_, true) => mixed(*pixel, color, TINT),
            (_, false) => mixed(*pixel, [0; 3], 0.18),
        };
    }
}

fn mixed(Rgb(pixel): Rgb<u8>, color: [u8; 3], share: f32) -> Rgb<u8> {
    let mut mixed = pixel;
    for (value, color) in mixed.iter_mut().zip(color) {
        *value = (f32::from(*value) * (1.0 - share) + f32::from(color) * share).round() as u8;
    }
    Rgb(mixed)
}

/// Draws the clicks: green with a plus, red with a minus; the last one on top.
fn clicks(photo: &RgbImage, result: &ObjectResult, scale: f32) -> Result<RgbImage> {
    const RADIUS: f32 = 6.5;
    let (width, height) = photo.dimensions();
    let too_large = || Error::Picture(format!("{width}×{height} pixels are too many"));
    let mut canvas = Pixmap::new(width, height).ok_or_else(too_large)?;
    let paint = |[red, green, blue]: [u8; 3]| {
        let mut paint = Paint::default();
        paint.set_color(Color::from_rgba8(red, green, blue, 255));
        paint
    };
    let (white, still) = (paint([255; 3]), Transform::identity());
    for (positive, row, col) in &result.clicks {
        let (x, y) = ((*col as f32 + 0.5) * scale, (*row as f32 + 0.5) * scale);
        let color = if *positive { POSITIVE } else { NEGATIVE };
        if let Some(disc) = PathBuilder::from_circle(x, y, RADIUS) {
            canvas.fill_path(&disc, &paint(color), FillRule::Winding, still, None);
            let ring = Stroke { width: 1.6, ..Stroke::default() };
            canvas.stroke_path(&disc, &white, &ring, still, None);
        }
        let mut bar = |x: f32, y: f32, width: f32, height: f32| {
            if let Some(bar) = Rect::from_xywh(x - width / 2.0, y - height / 2.0, width, height) {
                canvas.fill_rect(bar, &white, still, None);
            }
        };
        bar(x, y, 7.0, 1.8);
        if *positive {
            bar(x, y, 1.8, 7.0);
        }
    }
    let mut drawn = photo.clone();
    for (pixel, over) in drawn.pixels_mut().zip(canvas.pixels()) {
        let over = over.demultiply();
        let color = [over.red(), over.green(), over.blue()];
        *pixel = mixed(*pixel, color, f32::from(over.alpha()) / 255.0);
    }
    Ok(drawn)
}

fn data_uri(picture: &RgbImage) -> Result<String> {
    let mut bytes = Cursor::new(Vec::new());
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .encode_image(picture)
        .map_err(|error| Error::Picture(error.to_string()))?;
    Ok(format!("data:image/jpeg;base64,{}", STANDARD.encode(bytes.into_inner())))
}
