//! Ground truth and the formats that hold it: one file per format, which reads and writes it.
//!
//! | module | format |
//! |---|---|
//! | [`coco`] | instances in COCO's JSON |
//! | [`panoptic`] | COCO's panoptic annotations |
//! | [`rle`] | COCO's run lengths, as numbers and packed into a text |
//! | [`mat`] | MATLAB files of SBD's instances |
//! | [`labels`] | label masks: PNG of numbers, of palette indices, of colors |
//! | [`labelme`] | sheets of labelme, a JSON for each photo |
//! | [`yolo`] | YOLO's lines of relative corners, a text for each photo |
//! | [`contours`] | polygons along the edges of a mask's pixels |
//! | [`outlines`] | rings through the centers of a mask's border pixels |
//! | [`spans`] | polygons filled |
//!
//! Readers take bytes from anywhere. Nothing that a file says of sizes is believed before the bytes
//! are there, and none takes more memory than a small multiple of what it was given.

pub mod coco;
pub mod contours;
mod json;
pub mod labelme;
pub mod labels;
pub mod mat;
pub mod outlines;
pub mod panoptic;
pub mod rle;
pub mod spans;
mod truth;
pub mod yolo;

pub use truth::{Label, Truth};

/// Why bytes are not what a format says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// They are damaged, or of another format.
    #[error("{0}")]
    Damaged(String),
    /// They are sound, but of a kind that is not read.
    #[error("{0}")]
    Unsupported(String),
    /// They hold more than anything sound of their kind.
    #[error("{0}")]
    TooLarge(String),
    /// The machine could not read them.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl FormatError {
    pub(crate) fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged(reason.into())
    }
}
