//! Instances in COCO's JSON: read annotation by annotation, written whole.
//!
//! What Python's tools take is taken: numbers written as texts or with a fraction of zero, crowds
//! as true and false, `NaN`, a byte order mark. What is wrong with one annotation is a [`Fault`]
//! and keeps none of the others from being read.
//!
//! Polygons are filled where a pixel's center is inside by the even-odd rule. The COCO tools draw
//! edges a little wider: single pixels along them may differ.
//!
//! Format: <https://cocodataset.org/#format-data>.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod read;
mod shape;
mod write;

use std::fmt;
use std::io::{self, Read, Write};

use fbrs_clicks::Size;
use serde::Deserialize;

use super::FormatError;
use super::json::{Json, Plain, explain};
use crate::text::printable;

pub use shape::{Counts, Polygons, Runs, Shape};

/// What a file of instances holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Instances {
    /// The photos.
    pub photos: Vec<Photo>,
    /// The objects.
    pub annotations: Vec<Annotation>,
    /// What objects may be.
    pub categories: Vec<Category>,
    /// Annotations that could not be read.
    pub faults: Vec<Fault>,
}

/// A photo.
#[derive(Debug, Clone, PartialEq)]
pub struct Photo {
    /// What annotations call it.
    pub id: Id,
    /// Name of its file, with the folders that it lies in. Where the file of instances has an
    /// address alone (`coco_url`), its last folder and its name; empty where it does not say.
    pub file_name: String,
    /// Height and width in pixels, where the file of instances says.
    pub size: Option<Size>,
}

/// One object.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// Its number, unique within the file.
    pub id: u64,
    /// Which of [`Instances::photos`] it is in.
    pub photo: usize,
    /// What it is.
    pub category: Option<Id>,
    /// Its mask; none where only a box is known.
    pub shape: Option<Shape>,
    /// Area in pixels.
    pub area: Option<f64>,
    /// Whether it is many objects of a kind that were not told apart.
    pub is_crowd: bool,
}

/// What an object may be.
#[derive(Debug, Clone, PartialEq)]
pub struct Category {
    /// What annotations call it.
    pub id: Id,
    /// What people call it.
    pub name: String,
}

/// Names a photo or a category within a file: a number, or a text that is none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Id {
    /// A number from 0 on.
    Number(u64),
    /// A number below 0.
    Negative(i64),
    /// A text.
    Text(String),
}

/// An annotation that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its number, where that could be read.
    pub id: Option<u64>,
    /// Its place in the list, from 1.
    pub place: usize,
    /// The photo it is of, where that could be read.
    pub photo: Option<usize>,
    /// What is wrong, for a person to read.
    pub reason: String,
}

/// Reads a file of instances.
///
/// # Errors
/// [`FormatError`] for what is no JSON, has no lists `images` and `annotations`, or gives two
/// photos one id; [`FormatError::TooLarge`] for more than 2 GiB, 4 million photos or annotations,
/// or 100,000 annotations that cannot be read.
pub fn read(reader: impl Read) -> Result<Instances, FormatError> {
    let reader = io::BufReader::new(Plain::new(reader));
    let mut json = serde_json::Deserializer::from_reader(reader);
    let Json(file) = Json::<read::File>::deserialize(&mut json).map_err(explain)?;
    json.end().map_err(explain)?;
    file.instances()
}

/// Writes a file of instances; faults are left out.
///
/// # Errors
/// Whatever `writer` says, and where an annotation is of a photo that is not listed.
pub fn write(instances: &Instances, writer: impl Write) -> io::Result<()> {
    let photos = instances.photos.len();
    if instances.annotations.iter().any(|annotation| annotation.photo >= photos) {
        let reason = "an annotation is of a photo that is not listed";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    }
    serde_json::to_writer(writer, instances).map_err(io::Error::from)
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Negative(number) => number.fmt(f),
            Self::Text(text) => write!(f, "\"{}\"", printable(text)),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id {
            Some(id) => write!(f, "annotation {id}: {}", self.reason),
            None => write!(f, "annotation number {} of the list: {}", self.place, self.reason),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            height in 1usize..20,
            width in 1usize..20,
            seed in prop::collection::vec(any::<bool>(), 400),
            id in any::<u64>(),
            photo_id in any::<i64>(),
            name in "\\PC{1,20}",
            area in prop::option::of(0u32..1_000_000),
            is_crowd in any::<bool>(),
        ) {
            let size = Size { height, width };
            let mask = &seed[..size.area()];
            let photo_id = match u64::try_from(photo_id) {
                Ok(id) => Id::Number(id),
                Err(_) => Id::Negative(photo_id),
            };
            let instances = Instances {
                photos: vec![Photo { id: photo_id, file_name: name.clone(), size: Some(size) }],
                annotations: vec![Annotation {
                    id,
                    photo: 0,
                    category: Some(Id::Text("a kind".to_owned())),
                    shape: Shape::from_mask(mask, size),
                    area: area.map(f64::from),
                    is_crowd,
                }],
                categories: vec![Category { id: Id::Text("a kind".to_owned()), name }],
                faults: Vec::new(),
            };
            let mut written = Vec::new();
            write(&instances, &mut written).unwrap();
            let read = read(&written[..]).unwrap();
            prop_assert_eq!(&read, &instances);
            let shape = read.annotations[0].shape.as_ref().unwrap();
            prop_assert_eq!(&shape.mask(size).unwrap(), mask);
            prop_assert_eq!(shape.area().unwrap() as usize, mask.iter().filter(|p| **p).count());
        }
    }

    #[test]
    fn an_annotation_of_no_photo_is_not_written() {
        let annotation = Annotation {
            id: 1,
            photo: 0,
            category: None,
            shape: None,
            area: None,
            is_crowd: false,
        };
        let instances = Instances { annotations: vec![annotation], ..Instances::default() };
        assert!(write(&instances, Vec::new()).is_err());
    }
}
