//! Data sets: photos with the ground truth of objects in them. One trait, one file per layout.
//!
//! A data set is a folder that somebody else made. What is wrong with one object is its
//! [`Problem`] and keeps none of the others from being read; nothing outside of the folder is read,
//! whatever names and links in it say; what is in it and was not looked at is told
//! ([`OpenedData::remarks`]).
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod berkeley;
pub(crate) mod coco;
mod davis;
mod folder;
mod grabcut;
mod layout;
pub(crate) mod pairs;
pub(crate) mod root;
pub(crate) mod sbd;

use std::fmt;

use fbrs_clicks::Size;
use image::RgbImage;
use serde::{Deserialize, Serialize};

use crate::annotations::Truth;
use crate::text::{printable, printable_within};

pub use coco::CocoOptions;
pub use layout::{DataName, Layout, OpenedData, open_all};

/// Letters of a problem that are shown.
const LONGEST_PROBLEM: usize = 2000;

/// A set of photos with objects in them.
///
/// Opening one lists its objects; photos and masks are read one object at a time.
pub trait DataSet: Send + Sync + fmt::Debug {
    /// The objects, in the order of evaluation; their names are unique. One whose mask or photo is
    /// missing or unreadable is listed too: reading it says so.
    fn objects(&self) -> Vec<ObjectKey>;

    /// Reads the object with this number.
    ///
    /// # Errors
    /// [`Problem`]: what is wrong with it, for a person to read.
    fn read(&self, number: usize) -> Result<Sample, Problem>;

    /// What a user ought to know of the whole set, one sentence each.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Names an object within its data set. Shown, it is fit to be printed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectKey {
    /// File name of the photo.
    pub image: String,
    /// Label, instance or annotation number, where the photo may have several objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<u64>,
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let image = printable(&self.image);
        match self.object {
            Some(object) => write!(f, "{image} object {object}"),
            None => f.write_str(&image),
        }
    }
}

/// A photo and the ground truth of one object in it.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The photo as seen: any EXIF orientation applied.
    pub photo: RgbImage,
    /// The ground truth, of the photo's size and not empty.
    pub truth: Truth,
}

impl Sample {
    /// Checks that the two fit.
    ///
    /// # Errors
    /// [`Problem`] for a mask of another size and for an empty object.
    pub fn new(photo: RgbImage, truth: Truth) -> Result<Self, Problem> {
        let size = size_of(&photo);
        if truth.size() != size {
            let reason = format!("the mask has {} pixels, the photo {size}", truth.size());
            return Err(Problem::new(reason));
        }
        if truth.is_empty() {
            return Err(Problem::new("the object is empty"));
        }
        Ok(Self { photo, truth })
    }
}

fn size_of(photo: &RgbImage) -> Size {
    let (width, height) = photo.dimensions();
    Size { height: height as usize, width: width as usize }
}

/// What keeps one object from being evaluated. Shown, it is fit to be printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Problem(String);

impl Problem {
    /// A problem in words.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    pub(crate) fn no_such_object() -> Self {
        Self::new("there is no such object")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable_within(&self.0, LONGEST_PROBLEM))
    }
}
