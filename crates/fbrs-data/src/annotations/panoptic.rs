//! COCO's panoptic annotations: which segment of a picture of numbers is what.
//!
//! Format: <https://cocodataset.org/#format-data>, 4. Panoptic segmentation.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::collections::HashMap;
use std::io::{self, Read};

use serde::Deserialize;

use super::FormatError;
use super::json::{FromJson, Json, Loose, Plain, explain};
use crate::text::printable;

/// Photos that one file may list.
const MOST_PHOTOS: usize = 4_000_000;
/// Numbers that three bytes of a color hold.
const MOST_NUMBERS: u32 = 1 << 24;

/// The segments of one photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Photo {
    /// Name of the picture of numbers.
    pub file_name: String,
    /// Its segments.
    pub segments: Vec<Segment>,
}

/// One segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Its number in the picture: red + 256 · green + 65,536 · blue.
    pub id: u32,
    /// What it is.
    pub kind: Kind,
}

/// What a segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A thing that can be counted.
    Thing,
    /// Things of a kind that were not told apart.
    Crowd,
    /// Sky, road, wall.
    Stuff,
}

#[derive(Deserialize)]
struct File {
    annotations: Vec<RawPhoto>,
    categories: Vec<RawCategory>,
}

#[derive(Deserialize)]
struct RawPhoto {
    file_name: String,
    segments_info: Vec<RawSegment>,
}

#[derive(Deserialize)]
struct RawSegment {
    id: Json<Whole>,
    category_id: Json<Whole>,
    #[serde(default)]
    iscrowd: Json<Yes>,
}

#[derive(Deserialize)]
struct RawCategory {
    id: Json<Whole>,
    isthing: Json<Yes>,
}

/// A whole number, however it is written.
struct Whole(Option<i64>);

impl FromJson for Whole {
    fn value(value: Loose) -> Self {
        Self(value.whole().and_then(|number| i64::try_from(number).ok()))
    }
}

/// Yes or no, however it is written.
struct Yes(Option<bool>);

impl FromJson for Yes {
    fn value(value: Loose) -> Self {
        Self(value.truth())
    }
}

impl Default for Json<Yes> {
    fn default() -> Self {
        Self(Yes(Some(false)))
    }
}

/// Reads a file of panoptic annotations.
///
/// # Errors
/// [`FormatError`] for what is no such file, and for a segment without a number or whose category is
/// not listed.
pub fn read(reader: impl Read) -> Result<Vec<Photo>, FormatError> {
    let mut json = serde_json::Deserializer::from_reader(io::BufReader::new(Plain::new(reader)));
    let file = File::deserialize(&mut json).map_err(explain)?;
    json.end().map_err(explain)?;
    if file.annotations.len() > MOST_PHOTOS {
        let count = file.annotations.len();
        let reason = format!("it lists {count} photos, expected at most {MOST_PHOTOS}");
        return Err(FormatError::TooLarge(reason));
    }
    let mut is_thing: HashMap<i64, bool> = HashMap::new();
    for category in file.categories {
        let (Json(Whole(Some(id))), Json(Yes(Some(thing)))) = (category.id, category.isthing)
        else {
            return Err(FormatError::damaged("one of its categories has no id or no isthing"));
        };
        is_thing.insert(id, thing);
    }
    let segment = |raw: &RawSegment, file_name: &str| {
        let of = printable(file_name);
        let id = raw.id.0.0.and_then(|id| u32::try_from(id).ok());
        let Some(id) = id.filter(|id| (1..MOST_NUMBERS).contains(id)) else {
            let reason = format!("a segment of {of} has no id from 1 to 16,777,215");
            return Err(FormatError::Damaged(reason));
        };
        let category = raw.category_id.0.0.and_then(|id| is_thing.get(&id));
        let kind = match (category, raw.iscrowd.0.0) {
            (Some(true), Some(true)) => Kind::Crowd,
            (Some(true), Some(false)) => Kind::Thing,
            (Some(false), Some(_)) => Kind::Stuff,
            (None, _) => {
                let reason = format!("segment {id} of {of} is of a category that is not listed");
                return Err(FormatError::Damaged(reason));
            }
            (_, None) => {
                let reason = format!("the iscrowd of segment {id} of {of} is neither 0 nor 1");
                return Err(FormatError::Damaged(reason));
            }
        };
        Ok(Segment { id, kind })
    };
    let photo = |raw: RawPhoto| {
        let segments = raw.segments_info.iter().map(|one| segment(one, &raw.file_name));
        Ok(Photo { segments: segments.collect::<Result<_, _>>()?, file_name: raw.file_name })
    };
    file.annotations.into_iter().map(photo).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn file(segments: &str) -> String {
        format!(
            r#"{{"annotations": [{{"file_name": "1.png", "image_id": 1, "segments_info": [{segments}]}}],
            "categories": [{{"id": 1, "isthing": 1}}, {{"id": 92.0, "isthing": 0}}]}}"#
        )
    }

    #[test]
    fn segments_are_things_crowds_and_stuff() {
        let text = file(
            r#"{"id": 5, "category_id": 1, "iscrowd": 0, "area": 9},
            {"id": "16777215", "category_id": 1, "iscrowd": true}, {"id": 7, "category_id": 92}"#,
        );
        let photos = read(text.as_bytes()).unwrap();
        let kinds: Vec<_> = photos[0].segments.iter().map(|it| (it.id, it.kind)).collect();
        assert_eq!(photos[0].file_name, "1.png");
        assert_eq!(kinds, [(5, Kind::Thing), (16_777_215, Kind::Crowd), (7, Kind::Stuff)]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (segment, words) in [
            (r#"{"id": 16777216, "category_id": 1}"#, "no id"),
            (r#"{"id": 0, "category_id": 1}"#, "no id"),
            (r#"{"id": 1e300, "category_id": 1}"#, "no id"),
            (r#"{"id": 5, "category_id": 2}"#, "not listed"),
            (r#"{"id": 5, "category_id": 1, "iscrowd": 7}"#, "iscrowd"),
            (r#"{"id": 5}"#, "damaged"),
        ] {
            let error = read(file(segment).as_bytes()).unwrap_err().to_string();
            assert!(error.contains(words), "{segment}: {error}");
        }
        let deep = format!("{{\"annotations\": {}", "[".repeat(100_000));
        assert!(read(deep.as_bytes()).unwrap_err().to_string().contains("64 deep"));
    }
}
