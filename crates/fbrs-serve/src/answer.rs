//! What a change is answered with: a mask, in the form that was asked for.

use std::collections::HashMap;
use std::io::Cursor;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fbrs::{ClickReport, Position, Prediction, Session, Size};
use fbrs_data::annotations::contours::{Ring, contours};
use fbrs_data::annotations::rle::Rle;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, GrayImage, Luma};
use imageproc::region_labelling::{Connectivity, connected_components};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::{Code, Problem, Result};

/// The form of a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    /// A PNG of the photo's size, 8-bit gray: 255 on the object, 0 elsewhere.
    #[default]
    Png,
    /// COCO's run lengths, packed into a text.
    Rle,
    /// Rings along the edges of pixels.
    Polygons,
    /// A PNG of the photo's size, 8-bit gray: 255 times the probability, rounded.
    Probabilities,
    /// No mask.
    None,
}

/// How an answer is wanted.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// The form of the mask.
    #[serde(default)]
    #[param(inline)]
    pub(crate) format: Format,
    /// Probability above which a pixel is object, between 0 and 1; as the options say where absent.
    #[param(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub(crate) threshold: Option<f32>,
    /// Longer side of the masks that events show while a click is answered, in pixels; none are
    /// shown where absent.
    #[param(minimum = 16, maximum = 1024)]
    pub(crate) preview: Option<u32>,
}

impl Wanted {
    pub(crate) fn check(&self) -> Result<()> {
        if self.threshold.is_some_and(|threshold| !(threshold > 0.0 && threshold < 1.0)) {
            return Err(Problem::invalid("threshold: expected a number between 0 and 1"));
        }
        if self.preview.is_some_and(|side| !(16..=1024).contains(&side)) {
            return Err(Problem::invalid("preview: expected 16 to 1024 pixels"));
        }
        Ok(())
    }
}

/// The object in hand after a change.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Result)]
pub(crate) struct ClickResult {
    /// Number of its clicks.
    pub(crate) clicks: usize,
    /// The photo's.
    pub(crate) width: usize,
    /// The photo's.
    pub(crate) height: usize,
    /// Number of its pixels.
    pub(crate) area: u64,
    /// Its first column and row, and those behind its last; null where it has no pixel.
    #[schema(value_type = Option<[usize; 4]>)]
    pub(crate) r#box: Option<[usize; 4]>,
    /// Evaluations of the loss that its last click took.
    pub(crate) evaluations: usize,
    /// The loss at each of them.
    pub(crate) losses: Vec<f64>,
    /// Time that the request took to be answered once it was its turn.
    pub(crate) ms: f64,
    /// The mask's form.
    pub(crate) format: Format,
    /// The mask.
    pub(crate) mask: Mask,
}

/// A mask in one of its forms.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Mask {
    /// Base64 of a PNG.
    Picture(String),
    Rle(PackedRle),
    Polygons(Vec<Polygon>),
    None,
}

/// COCO's compressed run lengths.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Rle)]
pub(crate) struct PackedRle {
    /// Height and width.
    size: [usize; 2],
    counts: String,
}

/// A part of an object. Corners are x, y of corners of pixels, the photo's top left one is 0, 0;
/// filled by the even-odd rule they give back the mask.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Polygon {
    outer: Vec<[u32; 2]>,
    holes: Vec<Vec<[u32; 2]>>,
}

/// The session's object in hand.
///
/// # Errors
/// Where a picture cannot be written.
pub(crate) fn result(session: &Session, wanted: &Wanted, time: Duration) -> Result<ClickResult> {
    let clicks = session.clicks().len();
    // A session that was undone to its beginning has a report of no click.
    let report = session.report().filter(|_| clicks > 0);
    answered(session, session.prediction().as_ref(), clicks, report, wanted, time)
}

fn answered(
    session: &Session,
    prediction: Option<&Prediction>,
    clicks: usize,
    report: Option<&ClickReport>,
    wanted: &Wanted,
    time: Duration,
) -> Result<ClickResult> {
    let size = session.size();
    let threshold = wanted.threshold.unwrap_or(session.options().refine.threshold);
    let mask = mask_of(session, prediction, threshold)?;
    let object = Object::of(&mask, size);
    let losses = report.map(|report| report.refine.losses.clone()).unwrap_or_default();
    Ok(ClickResult {
        clicks,
        width: size.width,
        height: size.height,
        area: object.area,
        r#box: object.bounds,
        evaluations: losses.len(),
        losses,
        ms: time.as_secs_f64() * 1e3,
        format: wanted.format,
        mask: form(session, prediction, mask, wanted.format)?,
    })
}

/// The mask as a picture, an empty one where there is no object.
pub(crate) fn mask_of(
    session: &Session,
    prediction: Option<&Prediction>,
    threshold: f32,
) -> Result<GrayImage> {
    match prediction {
        Some(prediction) => Ok(prediction.mask(threshold)?),
        None => Ok(blank(session.size())),
    }
}

fn blank(size: Size) -> GrayImage {
    GrayImage::new(size.width as u32, size.height as u32)
}

/// How much of a mask is object, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) area: u64,
    /// First column and row, and those behind the last.
    pub(crate) bounds: Option<[usize; 4]>,
}

impl Object {
    pub(crate) fn of(mask: &GrayImage, size: Size) -> Self {
        let (mut area, mut bounds) = (0, None::<[usize; 4]>);
        for (row, pixels) in mask.as_raw().chunks_exact(size.width.max(1)).enumerate() {
            let Some(first) = pixels.iter().position(|pixel| *pixel > 0) else { continue };
            let last = pixels.iter().rposition(|pixel| *pixel > 0).unwrap_or(first);
            area += pixels.iter().filter(|pixel| **pixel > 0).count() as u64;
            let [left, top, right, _] = bounds.unwrap_or([first, row, last + 1, row + 1]);
            bounds = Some([left.min(first), top, right.max(last + 1), row + 1]);
        }
        Self { area, bounds }
    }
}

fn form(
    session: &Session,
    prediction: Option<&Prediction>,
    mask: GrayImage,
    format: Format,
) -> Result<Mask> {
    let size = session.size();
    Ok(match format {
        Format::Png => Mask::Picture(BASE64_STANDARD.encode(png(&mask.into())?)),
        Format::Probabilities => {
            let picture = probabilities(session, prediction);
            Mask::Picture(BASE64_STANDARD.encode(png(&picture.into())?))
        }
        Format::Rle => {
            let rle = Rle::encode(&bits(&mask), size).ok_or_else(too_large)?;
            Mask::Rle(PackedRle { size: [size.height, size.width], counts: rle.pack() })
        }
        Format::Polygons => Mask::Polygons(polygons(&mask, size)?),
        Format::None => Mask::None,
    })
}

/// Probabilities as a picture, a black one where there is no object.
pub(crate) fn probabilities(session: &Session, prediction: Option<&Prediction>) -> GrayImage {
    prediction.map_or_else(|| blank(session.size()), Prediction::probability_image)
}

fn bits(mask: &GrayImage) -> Vec<bool> {
    mask.as_raw().iter().map(|pixel| *pixel > 0).collect()
}

fn too_large() -> Problem {
    Problem::new(Code::Fault, "the photo is too large for this form of a mask")
}

/// The parts of a mask, each with its holes.
pub(crate) fn polygons(mask: &GrayImage, size: Size) -> Result<Vec<Polygon>> {
    let rings = contours(&bits(mask), size).ok_or_else(too_large)?;
    // A ring belongs to the part whose pixel is at its first corner in reading order: below and to the
    // right of an outer ring's, above a hole's.
    let labels = connected_components(mask, Connectivity::Four, Luma([0]));
    let part_of = |ring: &Ring| {
        let (x, y) = ring.corners.iter().min_by_key(|(x, y)| (*y, *x))?;
        let y = if ring.is_hole { y.checked_sub(1)? } else { *y };
        labels.get_pixel_checked(*x, y).map(|label| label.0[0])
    };
    let corners = |ring: &Ring| ring.corners.iter().map(|(x, y)| [*x, *y]).collect::<Vec<_>>();
    let (holes, outer): (Vec<_>, Vec<_>) = rings.iter().partition(|ring| ring.is_hole);
    let places: HashMap<_, _> =
        outer.iter().enumerate().filter_map(|(at, ring)| Some((part_of(ring)?, at))).collect();
    let mut parts: Vec<_> =
        outer.iter().map(|ring| Polygon { outer: corners(ring), holes: Vec::new() }).collect();
    for hole in holes {
        let place = part_of(hole).and_then(|part| places.get(&part));
        if let Some(part) = place.and_then(|at| parts.get_mut(*at)) {
            part.holes.push(corners(hole));
        }
    }
    Ok(parts)
}

impl Polygon {
    pub(crate) fn outer(&self) -> &[[u32; 2]] {
        &self.outer
    }

    pub(crate) fn holes(&self) -> impl Iterator<Item = &[[u32; 2]]> {
        self.holes.iter().map(Vec::as_slice)
    }
}

/// A picture as a PNG.
pub(crate) fn png(picture: &DynamicImage) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    let encoder =
        PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive);
    let written = picture.write_with_encoder(encoder);
    written.map_err(|error| Problem::new(Code::Fault, format!("cannot write a PNG: {error}")))?;
    Ok(bytes.into_inner())
}

/// A small mask whose longer side is `side`, as a PNG in base64: each of its pixels is the photo's
/// in its middle.
pub(crate) fn preview(prediction: &Prediction, side: u32, threshold: f32) -> Result<String> {
    let size = prediction.size();
    let longer = size.height.max(size.width).max(1) as f64;
    let scale = (longer / f64::from(side)).max(1.0);
    let scaled = |length: usize| ((length as f64 / scale).round() as u32).max(1);
    let (width, height) = (scaled(size.width), scaled(size.height));
    let place = |at: u32, count: u32, length: usize| {
        ((f64::from(at) + 0.5) * length as f64 / f64::from(count)).floor()
    };
    let small = GrayImage::from_fn(width, height, |x, y| {
        let position =
            Position::from_row_col(place(y, height, size.height), place(x, width, size.width));
        let probability = prediction.probability_at(position).unwrap_or(0.0);
        image::Luma([if probability > threshold { 255 } else { 0 }])
    });
    Ok(BASE64_STANDARD.encode(png(&small.into())?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn mask(rows: &[&str]) -> (GrayImage, Size) {
        let size = Size { height: rows.len(), width: rows[0].len() };
        let pixels = rows.concat().bytes().map(|b| if b == b'#' { 255 } else { 0 }).collect();
        let mask = GrayImage::from_raw(size.width as u32, size.height as u32, pixels).unwrap();
        (mask, size)
    }

    #[test]
    fn an_object_is_counted_and_bounded() {
        let (picture, size) = mask(&["......", "..##..", ".#....", "......"]);
        let object = Object::of(&picture, size);
        assert_eq!(object, Object { area: 3, bounds: Some([1, 1, 4, 3]) });
        let (picture, size) = mask(&["...", "..."]);
        assert_eq!(Object::of(&picture, size), Object { area: 0, bounds: None });
    }

    #[test]
    fn holes_go_to_the_part_that_is_around_them() {
        let (picture, size) = mask(&[
            "#########",
            "#.......#",
            "#.#####.#",
            "#.#...#.#",
            "#.#.#.#.#",
            "#.#...#.#",
            "#.#####.#",
            "#.......#",
            "#########",
            "..###....",
            "..#.#....",
            "..###....",
        ]);
        let parts = polygons(&picture, size).unwrap();
        let found: Vec<_> = parts
            .iter()
            .map(|part| (part.outer[0], part.holes.iter().map(|hole| hole.len()).sum::<usize>()))
            .collect();
        let holes: Vec<_> = parts.iter().map(|part| part.holes.len()).collect();
        assert_eq!(holes.iter().sum::<usize>(), 3, "{found:?}");
        assert_eq!(parts.iter().filter(|part| part.holes.is_empty()).count(), 1, "{found:?}");
    }

    #[test]
    fn many_parts_with_holes_take_no_longer_than_their_pixels() {
        // 250,000 rings, each a part with a hole: compared in pairs they would take hours.
        let picture = GrayImage::from_fn(2000, 2000, |x, y| {
            let (x, y) = (x % 4, y % 4);
            image::Luma([if x < 3 && y < 3 && (x, y) != (1, 1) { 255 } else { 0 }])
        });
        let parts = polygons(&picture, Size { height: 2000, width: 2000 }).unwrap();
        assert_eq!(parts.len(), 250_000);
        assert!(parts.iter().all(|part| part.holes.len() == 1));
    }

    #[test]
    fn a_hole_is_assigned_to_exactly_one_part_of_any_mask() {
        // Pseudo-random masks with many small parts and holes.
        let size = Size { height: 24, width: 31 };
        let mut state = 7u64;
        for _ in 0..50 {
            let pixels = (0..size.area()).map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                if state >> 62 > 0 { 255 } else { 0 }
            });
            let picture = GrayImage::from_raw(31, 24, pixels.collect()).unwrap();
            let rings = contours(&bits(&picture), size).unwrap();
            let expected = rings.iter().filter(|ring| ring.is_hole).count();
            let parts = polygons(&picture, size).unwrap();
            assert_eq!(parts.iter().map(|part| part.holes.len()).sum::<usize>(), expected);
        }
    }
}
