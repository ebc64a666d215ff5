//! What tests share.

use fbrs_clicks::Size;
use fbrs_data::training::{LabelMap, LabelledPhoto, Object, Region};
use image::{Luma, RgbImage};
use serde_json::Value;

/// What the published programs computed: a part of `points.json`.
pub(crate) fn points(key: &str) -> Value {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/points.json"));
    part(text, key)
}

/// A part of `augment.json`.
pub(crate) fn augment(key: &str) -> Value {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/augment.json"));
    part(text, key)
}

fn part(text: &str, key: &str) -> Value {
    let value = serde_json::from_str::<Value>(text).unwrap()[key].clone();
    assert!(!value.is_null(), "{key}");
    value
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

pub(crate) fn index(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

pub(crate) fn indices(value: &Value) -> Vec<usize> {
    list(value).iter().map(index).collect()
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().map(number).collect()
}

/// A mask in letters: `#` is inside.
pub(crate) fn mask(value: &Value) -> Vec<bool> {
    list(value).iter().flat_map(|row| row.as_str().unwrap().bytes().map(|b| b == b'#')).collect()
}

/// Size of the maps of `points.json`.
pub(crate) const SIZE: Size = Size { height: 28, width: 36 };

/// One of those maps, row by row.
pub(crate) fn map(name: &Value) -> Vec<u16> {
    let maps = points("maps");
    let rows = list(&maps[name.as_str().unwrap()]).to_vec();
    let value = |letter: u8| if letter == b'.' { 0 } else { u16::from(letter - b'0') };
    rows.iter().flat_map(|row| row.as_str().unwrap().bytes().map(value)).collect()
}

/// A black photo with objects, by their values in one layer.
pub(crate) fn labelled(size: Size, map: Vec<u16>, objects: &[u16]) -> LabelledPhoto {
    let (width, height) = (size.width as u32, size.height as u32);
    let object = |value: &u16| Object::alone(Region { layer: 0, value: *value });
    LabelledPhoto {
        photo: RgbImage::new(width, height),
        layers: vec![LabelMap::from_raw(width, height, map).unwrap()],
        objects: objects.iter().map(object).collect(),
        ignored: Vec::new(),
    }
}

/// A photo of this size with one rectangle: first and last row, first and last column.
pub(crate) fn with_box(size: Size, [top, bottom, left, right]: [u32; 4]) -> LabelledPhoto {
    let (width, height) = (size.width as u32, size.height as u32);
    let is_inside = |x, y| (top..=bottom).contains(&y) && (left..=right).contains(&x);
    let map = LabelMap::from_fn(width, height, |x, y| Luma([u16::from(is_inside(x, y))]));
    labelled(size, map.into_raw(), &[1])
}

/// Whether counts are as likely as they should be: χ² stays below what it exceeds once in a thousand times.
#[track_caller]
pub(crate) fn assert_likely(counts: &[usize], probabilities: &[f64]) {
    assert_eq!(counts.len(), probabilities.len());
    let total = counts.iter().sum::<usize>() as f64;
    assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-6);
    let mut squared = 0.0;
    let mut degrees = -1.0;
    for (count, probability) in counts.iter().zip(probabilities) {
        let expected = probability * total;
        if expected == 0.0 {
            assert_eq!(*count, 0);
            continue;
        }
        assert!(expected >= 5.0, "too few draws to tell: {expected}");
        squared += (*count as f64 - expected).powi(2) / expected;
        degrees += 1.0;
    }
    // Wilson and Hilferty's approximation of the quantile.
    let ninth: f64 = 2.0 / (9.0 * degrees);
    let limit = degrees * (1.0 - ninth + 3.09 * ninth.sqrt()).powi(3);
    assert!(squared < limit, "χ² of {degrees} degrees of freedom is {squared}, limit {limit}");
}
