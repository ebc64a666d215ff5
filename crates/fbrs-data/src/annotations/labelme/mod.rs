//! Sheets of labelme 5: the shapes of one photo in JSON.
//!
//! Polygons, rectangles and circles are filled as labelme does it: their numbers without the
//! fraction are pixels, and the pixels that their border passes belong to them. A mask is a PNG
//! inside the JSON. Lines and points have no area and are [`Fault`]s, as is what is wrong with one
//! shape; none keeps the others from being read. A photo inside the sheet (`imageData`) is passed
//! over, and never written.
//!
//! Format: <https://github.com/wkentaro/labelme>, `label_file.py`, `shape.py`.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod read;
mod write;

use std::fmt;
use std::io::{self, Cursor, Read, Write};

use fbrs_clicks::Size;
use serde::Deserialize;

use super::FormatError;
use super::json::{Json, Plain, explain};
use super::labels;
use super::spans::{self, Span, with_border};
use crate::text::printable;

/// Pixels on a side that the PNG of a mask may have.
const LONGEST_SIDE: u32 = 65_536;
/// Bytes of a photo inside a sheet, in base64: twelve dozen megabytes of a picture.
const LONGEST_TEXT: u64 = 192 << 20;

/// What a sheet holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sheet {
    /// The photo's file, as seen from the sheet's folder; empty where the sheet does not say.
    pub image_path: String,
    /// Height and width of the photo in pixels, where the sheet says.
    pub size: Option<Size>,
    /// The shapes, the first at the bottom.
    pub shapes: Vec<Shape>,
    /// Shapes that could not be read.
    pub faults: Vec<Fault>,
}

/// One shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// What it is.
    pub label: String,
    /// Shapes of one label and one group are one object.
    pub group: Option<i64>,
    /// Where it is.
    pub form: Form,
}

/// Where a shape is: (x, y) in pixels, those of the photo's top-left pixel from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// A polygon of three corners at least.
    Polygon(Vec<(f64, f64)>),
    /// Two opposite corners.
    Rectangle([(f64, f64); 2]),
    /// The center, and a place on the circle.
    Circle([(f64, f64); 2]),
    /// The pixels of a box.
    Mask {
        /// The box's pixel at the top left.
        corner: (u32, u32),
        /// Its pixel at the bottom right.
        last: (u32, u32),
        /// A gray PNG as large as the box; what is above 0 is object.
        png: Vec<u8>,
    },
}

/// A shape that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its place in the list, from 1.
    pub place: usize,
    /// Its label, where that could be read.
    pub label: String,
    /// What is wrong, for a person to read.
    pub reason: String,
}

/// Reads a sheet.
///
/// # Errors
/// [`FormatError`] for what is no JSON or has no list `shapes`; [`FormatError::TooLarge`] for more
/// than 2 GiB, 100,000 shapes or 4 million corners.
pub fn read(reader: impl Read) -> Result<Sheet, FormatError> {
    let reader = io::BufReader::new(Plain::new(reader).with_texts_of(LONGEST_TEXT));
    let mut json = serde_json::Deserializer::from_reader(reader);
    let Json(file) = Json::<read::File>::deserialize(&mut json).map_err(explain)?;
    json.end().map_err(explain)?;
    file.sheet()
}

/// Writes a sheet as labelme 5.5.0 does, without the photo; faults are left out.
///
/// # Errors
/// Whatever `writer` says.
pub fn write(sheet: &Sheet, mut writer: impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut writer, sheet).map_err(io::Error::from)?;
    writer.write_all(b"\n")
}

impl Form {
    /// The mask of a box of pixels: row-major values, true where the object is, and the box's pixel
    /// (x, y) at the top left. `None` where there are not `height · width` values, or none at all.
    pub fn of_mask(mask: &[bool], size: Size, corner: (u32, u32)) -> Option<Self> {
        if mask.is_empty() || size.height.checked_mul(size.width)? != mask.len() {
            return None;
        }
        let last = |corner: u32, side: usize| {
            corner.checked_add(u32::try_from(side.checked_sub(1)?).ok()?)
        };
        let last = (last(corner.0, size.width)?, last(corner.1, size.height)?);
        let bytes: Vec<u8> = mask.iter().map(|pixel| u8::from(*pixel)).collect();
        let mut png = Vec::new();
        labels::write_gray(&bytes, size, &mut png).ok()?;
        Some(Self::Mask { corner, last, png })
    }

    /// The pixels of a photo of `size` that are in it, row by row.
    ///
    /// # Errors
    /// [`FormatError`] for a mask whose PNG is damaged or not as large as its box, and where the
    /// corners of a polygon are too many to be filled in reasonable time.
    pub fn spans(&self, size: Size) -> Result<Vec<Span>, FormatError> {
        // Pillow cuts fractions off.
        let pixel = |(x, y): &(f64, f64)| (*x as i64, *y as i64);
        match self {
            Self::Polygon(corners) => {
                let ring: Vec<_> = corners.iter().map(pixel).collect();
                with_border(&ring, size)
            }
            Self::Rectangle([a, b]) => {
                let ((x, y), (u, v)) = (pixel(a), pixel(b));
                with_border(&[(x, y), (u, y), (u, v), (x, v)], size)
            }
            Self::Circle([center, on]) => Ok(disc(*center, *on, size)),
            Self::Mask { corner, last, png } => masked(*corner, *last, png, size),
        }
    }
}

/// The pixels of a circle: those of the ellipse that fills its box of whole pixels.
fn disc((x, y): (f64, f64), (u, v): (f64, f64), size: Size) -> Vec<Span> {
    let radius = (x - u).hypot(y - v);
    let (left, right) = ((x - radius).trunc(), (x + radius).trunc());
    let (top, bottom) = ((y - radius).trunc(), (y + radius).trunc());
    let half = ((right - left + 1.0) / 2.0, (bottom - top + 1.0) / 2.0);
    let middle = ((left + right) / 2.0, (top + bottom) / 2.0);
    let (width, height) = (size.width as f64, size.height as f64);
    let rows = top.clamp(0.0, height) as u32..(bottom + 1.0).clamp(0.0, height) as u32;
    let span = |row: u32| {
        let down = (f64::from(row) - middle.1) / half.1;
        let across = half.0 * (1.0 - down * down).max(0.0).sqrt();
        let from = (middle.0 - across).ceil().clamp(0.0, width) as u32;
        let end = ((middle.0 + across).floor() + 1.0).clamp(0.0, width) as u32;
        (from < end).then_some((row, from, end))
    };
    rows.filter_map(span).collect()
}

fn masked(
    (left, top): (u32, u32),
    (right, bottom): (u32, u32),
    png: &[u8],
    size: Size,
) -> Result<Vec<Span>, FormatError> {
    let side = |first: u32, last: u32| last.checked_sub(first)?.checked_add(1);
    let box_size = side(left, right).zip(side(top, bottom));
    let damaged = || FormatError::damaged("the PNG of its mask is damaged");
    let limits = png::Limits { bytes: 1 << 28 };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(png), limits);
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(|_| damaged())?;
    let (width, height) = reader.info().size();
    if Some((width, height)) != box_size {
        let expected = match box_size {
            Some((width, height)) => format!("its box has {width}×{height}"),
            None => "its box ends before it begins".to_owned(),
        };
        return Err(FormatError::Damaged(format!(
            "the PNG of its mask has {width}×{height} pixels, {expected}"
        )));
    }
    let area = (width as usize).checked_mul(height as usize);
    if width.max(height) > LONGEST_SIDE || area.is_none_or(|area| area > size.area()) {
        return Err(FormatError::TooLarge(format!(
            "its mask has {width}×{height} pixels, more than the photo's {size}"
        )));
    }
    if reader.output_color_type() != (png::ColorType::Grayscale, png::BitDepth::Eight) {
        let reason = "the PNG of its mask has colors: expected gray values, 0 and 1";
        return Err(FormatError::Unsupported(reason.to_owned()));
    }
    let mut values = vec![0; reader.output_buffer_size().ok_or_else(damaged)?];
    reader.next_frame(&mut values).map_err(|_| damaged())?;
    let mut found = Vec::new();
    for (line, row) in values.chunks_exact((width as usize).max(1)).zip(top..) {
        if row as usize >= size.height {
            break;
        }
        let pixels = line.iter().zip(left..).take_while(|(_, col)| (*col as usize) < size.width);
        let object = pixels.filter(|(value, _)| **value > 0);
        found.extend(object.map(|(_, col)| (row, col, col.saturating_add(1))));
        // One by one, a mask of millions of pixels would take more than the sheet.
        found = match found.len() > 1 << 20 {
            true => spans::joined(found),
            false => found,
        };
    }
    Ok(spans::joined(found))
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.label.as_str() {
            "" => write!(f, "shape number {}: {}", self.place, self.reason),
            label => {
                write!(f, "shape number {} ({}): {}", self.place, printable(label), self.reason)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use proptest::prelude::*;

    use super::*;
    use crate::annotations::outlines::Outline;

    const SIZE: Size = Size { height: 12, width: 16 };

    fn shape(text: &str) -> Result<Shape, String> {
        let sheet = format!("{{\"shapes\": [{text}], \"imageHeight\": 12, \"imageWidth\": 16}}");
        let mut sheet = read(sheet.as_bytes()).unwrap();
        assert_eq!(sheet.size, Some(SIZE));
        match (sheet.shapes.pop(), sheet.faults.pop()) {
            (Some(shape), None) => Ok(shape),
            (None, Some(fault)) => Err(fault.to_string()),
            other => panic!("{other:?}"),
        }
    }

    fn area(text: &str) -> u32 {
        let spans = shape(text).unwrap().form.spans(SIZE).unwrap();
        spans.iter().map(|(_, from, end)| end - from).sum()
    }

    proptest! {
        #[test]
        fn masks_come_back_either_way(
            height in 1usize..20,
            width in 1usize..20,
            seed in prop::collection::vec(any::<bool>(), 400),
            corner in (0u32..5, 0u32..5),
            group in prop::option::of(any::<i64>()),
            label in "\\PC{1,20}",
        ) {
            let size = Size { height, width };
            let mask = &seed[..size.area()];
            let paths = Outline::new(mask, size).unwrap().paths();
            let corners = |path: &Vec<(u32, u32)>| {
                let place = |(x, y): &(u32, u32)| {
                    (f64::from(*x + corner.0), f64::from(*y + corner.1))
                };
                Form::Polygon(path.iter().map(place).collect())
            };
            let mut forms: Vec<_> = paths.iter().map(corners).collect();
            forms.push(Form::of_mask(mask, size, corner).unwrap());
            let shape = |form| Shape { label: label.clone(), group, form };
            let photo = Size { height: 30, width: 30 };
            let sheet = Sheet {
                image_path: label.clone(),
                size: Some(photo),
                shapes: forms.into_iter().map(shape).collect(),
                faults: Vec::new(),
            };
            let mut written = Vec::new();
            write(&sheet, &mut written).unwrap();
            let mut read = read(&written[..]).unwrap();
            prop_assert_eq!(&read, &sheet);
            let whole = read.shapes.pop().unwrap().form.spans(photo).unwrap();
            let parts = read.shapes.iter().flat_map(|shape| shape.form.spans(photo).unwrap());
            prop_assert_eq!(&spans::joined(parts.collect()), &whole);
            let mask_of = spans::mask(&whole, photo);
            for (at, pixel) in mask.iter().enumerate() {
                let (x, y) = (corner.0 as usize + at % width, corner.1 as usize + at / width);
                prop_assert_eq!(mask_of[y * 30 + x], *pixel);
            }
        }
    }

    #[test]
    fn shapes_are_filled_as_labelme_does() {
        assert_eq!(
            area(r#"{"label": "a", "points": [[1.9, 1.2], [4.3, 1], [4, 3.8], [1, 3]]}"#),
            12
        );
        let two = |kind: &str, points: &str| {
            area(&format!(r#"{{"label": "a", "points": {points}, "shape_type": "{kind}"}}"#))
        };
        assert_eq!(two("rectangle", "[[4.9, 3.9], [1.2, 1.7]]"), 12);
        assert_eq!(two("rectangle", "[[-5, -5], [100, 100]]"), 12 * 16);
        assert_eq!(two("circle", "[[5, 5], [5, 5]]"), 1);
        // The disc of a box of 7×7 pixels.
        assert_eq!(two("circle", "[[6, 6], [9, 6]]"), 37);
        assert_eq!(two("circle", "[[6, 6], [1e300, 6]]"), 12 * 16);
    }

    #[test]
    fn what_is_no_shape_is_said_in_words() {
        let with = |rest: &str| format!(r#"{{"label": "a\u001b", "points": {rest}}}"#);
        let mask = |points: &str, mask: &str| {
            with(&format!(r#"{points}, "shape_type": "mask", "mask": {mask}"#))
        };
        for (text, words) in [
            ("17".to_owned(), "number 1: it is 17"),
            ("{}".to_owned(), "no label"),
            (with("[[1, 1], [2, 2]]"), "a polygon of 2 points"),
            (with("[[1, 1], [2, 2], [3]]"), "1 numbers"),
            (with("[[1, 1], [2, 2], [3, null]]"), "is nothing"),
            (with("[[1, 1], 4]"), "is 4"),
            (with("null"), "points are nothing"),
            (with(r#"[[1, 1], [2, 2]], "shape_type": "line""#), "no area"),
            (with(r#"[[1, 1], [2, 2]], "shape_type": "cuboid""#), "\"cuboid\""),
            (with(r#"[[1, 1], [2, 2], [3, 1]], "group_id": "x""#), "group_id is \"x\""),
            (mask("[[1, 1], [2, 2]]", "null"), "mask is nothing"),
            (mask("[[1, 1], [2, 2]]", "\"?\""), "no base64"),
            (mask("[[-1, 1], [2, 2]]", "\"\""), "outside"),
            (mask("[[1, 1]]", "\"\""), "a mask of 1 points"),
        ] {
            let error = shape(&text).unwrap_err();
            assert!(error.contains(words) && !error.contains('\u{1b}'), "{text}: {error}");
        }
    }

    #[test]
    fn masks_that_are_not_as_large_as_their_box_are_refused() {
        let Some(Form::Mask { corner, last, png }) =
            Form::of_mask(&[true; 6], Size { height: 2, width: 3 }, (4, 5))
        else {
            panic!()
        };
        assert_eq!((corner, last), ((4, 5), (6, 6)));
        let spans = |corner, last, png: &[u8]| {
            Form::Mask { corner, last, png: png.to_vec() }.spans(SIZE).map_err(|e| e.to_string())
        };
        assert_eq!(spans(corner, last, &png).unwrap(), [(5, 4, 7), (6, 4, 7)]);
        // Beside the photo, in part and whole.
        assert_eq!(spans((15, 11), (17, 12), &png).unwrap(), [(11, 15, 16)]);
        assert_eq!(spans((65_000, 5), (65_002, 6), &png).unwrap(), []);
        for (corner, last, words) in
            [((4, 5), (7, 6), "has 3×2 pixels, its box has 4×2"), ((4, 5), (3, 6), "ends before")]
        {
            let error = spans(corner, last, &png).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        for end in 0..png.len() - 12 {
            assert!(spans(corner, last, &png[..end]).is_err(), "{end}");
        }
        let error = Form::of_mask(&[true; 400], Size { height: 20, width: 20 }, (0, 0)).unwrap();
        assert!(error.spans(SIZE).unwrap_err().to_string().contains("more than the photo's"));
        assert!(Form::of_mask(&[], Size { height: 0, width: 0 }, (0, 0)).is_none());
    }

    #[test]
    fn a_photo_inside_a_sheet_is_passed_over() {
        let photo = "QUJD".repeat(20 << 20);
        let sheet = format!(r#"{{"imageData": "{photo}", "shapes": [], "imagePath": "a.jpg"}}"#);
        let sheet = read(sheet.as_bytes()).unwrap();
        assert_eq!((sheet.image_path.as_str(), sheet.size), ("a.jpg", None));
    }
}
