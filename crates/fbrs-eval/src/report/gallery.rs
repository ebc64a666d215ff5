//! Pictures of single objects: what was clicked and predicted, and what is right.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fbrs::{Click, ImageSpace};
use fbrs_draw::{MaskColors, SizesDiffer};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{GrayImage, Luma, RgbImage};

use crate::error::{Error, Result};
use crate::journal::{Record, Results};
use crate::noc::clicks_needed;
use crate::result::ObjectResult;
use fbrs_data::annotations::Label;
use fbrs_data::sets::{OpenedData, Sample};

/// Longer side of a picture.
const SIDE: u32 = 560;
const QUALITY: u8 = 82;

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
    let shrunk = |is_set: &dyn Fn(usize) -> bool| {
        let value = |x, y| Luma([255 * u8::from(is_set(at(x, y)))]);
        GrayImage::from_fn(photo.width(), photo.height(), value)
    };
    let (mask, labels) = (result.mask().unwrap_or_default(), sample.truth.labels());
    let predicted = shrunk(&|place| mask.get(place) == Some(&true));
    let object = shrunk(&|place| labels.get(place) == Some(&Label::Object));
    let ignored = shrunk(&|place| labels.get(place) == Some(&Label::Ignore));
    let clicks: Vec<_> = result.clicks.iter().map(|click| moved(*click, scale)).collect();
    let drawn = || -> Result<(RgbImage, RgbImage), SizesDiffer> {
        let mut answer = photo.clone();
        fbrs_draw::overlay(&mut answer, &predicted, &clicks)?;
        let mut truth = photo.clone();
        fbrs_draw::mask(&mut truth, &object, MaskColors::TRUE)?;
        fbrs_draw::ignored(&mut truth, &ignored)?;
        Ok((answer, truth))
    };
    let (answer, truth) = drawn().map_err(|error| Error::Picture(error.to_string()))?;
    Ok((data_uri(&answer)?, data_uri(&truth)?))
}

/// A click (positive, row, column) in the photo as one in the photo `scale` times as large.
fn moved((positive, row, col): (bool, usize, usize), scale: f64) -> Click<ImageSpace> {
    let [x, y] = [col, row].map(|place| (place as f64 + 0.5) * scale - 0.5);
    match positive {
        true => Click::positive_at(x, y),
        false => Click::negative_at(x, y),
    }
}

fn data_uri(picture: &RgbImage) -> Result<String> {
    let mut bytes = Cursor::new(Vec::new());
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .encode_image(picture)
        .map_err(|error| Error::Picture(error.to_string()))?;
    Ok(format!("data:image/jpeg;base64,{}", STANDARD.encode(bytes.into_inner())))
}
