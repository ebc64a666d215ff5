//! Photos and masks: told by their first bytes, read within [`Limits`], turned upright.
//!
//! ```
//! use fbrs_data::pictures::{self, Limits};
//!
//! let error = pictures::read_bytes(b"GIF89a", "cut.gif", &Limits::default()).unwrap_err();
//! assert!(error.to_string().contains("cut.gif"), "{error}");
//! ```
//!
//! What a decoder would show although it is broken is refused: a JPEG of which a part is missing, a
//! picture with fractional values of an unknown scale. What is seen differently from what a user
//! may expect is told in [`Picture::remarks`].
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod decode;
mod error;
mod jpeg;
mod kind;
mod palette;
mod values;

use std::io::{BufReader, Cursor};
use std::path::Path;

use fbrs_clicks::Size;
use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat, RgbImage};

pub use error::PictureError;

use crate::{files, text};

/// How large a picture may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Pixels on a side.
    pub longest_side: u32,
    /// Pixels altogether.
    pub area: u64,
    /// Bytes that a decoder may take, the decoded picture included.
    pub decoder_memory: u64,
}

impl Default for Limits {
    /// 16,384 pixels on a side, 120 million altogether, 1 GiB: room for 120 megapixels of the widest
    /// format in use, RGBA with 16 bits.
    fn default() -> Self {
        Self { longest_side: 16_384, area: 120_000_000, decoder_memory: 1 << 30 }
    }
}

impl Limits {
    /// With at most this many pixels on a side.
    #[must_use]
    pub fn with_longest_side(self, longest_side: u32) -> Self {
        Self { longest_side, ..self }
    }

    /// With at most this many pixels altogether.
    #[must_use]
    pub fn with_area(self, area: u64) -> Self {
        Self { area, ..self }
    }

    /// With at most this many bytes for a decoder.
    #[must_use]
    pub fn with_decoder_memory(self, decoder_memory: u64) -> Self {
        Self { decoder_memory, ..self }
    }
}

/// A picture as it is seen.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Picture {
    /// The pixels, upright: turned as the EXIF data say.
    pub image: DynamicImage,
    /// Size as stored, before turning.
    pub stored: Size,
    /// How `image` was turned.
    pub orientation: Orientation,
    /// What its colors are, as ICC writes it, where the file says.
    pub icc_profile: Option<Vec<u8>>,
    /// What a user ought to know of it, one sentence each, with the picture's name.
    pub remarks: Vec<String>,
}

impl Picture {
    /// The picture in RGB with 8 bits; alpha is left out.
    pub fn into_rgb8(self) -> RgbImage {
        self.image.into_rgb8()
    }

    /// Size as seen, after turning.
    pub fn size(&self) -> Size {
        Size { height: self.image.height() as usize, width: self.image.width() as usize }
    }
}

/// What a picture's header tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// The kind of file, by its content.
    pub format: ImageFormat,
    /// Size as stored, before turning.
    pub stored: Size,
    /// How the picture is turned to be upright.
    pub orientation: Orientation,
}

impl Header {
    /// Size as seen, after turning.
    pub fn size(&self) -> Size {
        let Size { height, width } = self.stored;
        match self.orientation.to_exif() {
            5.. => Size { height: width, width: height },
            _ => self.stored,
        }
    }
}

/// Reads a picture's header; what comes behind it may still be damaged.
///
/// # Errors
/// As [`read`].
pub fn header(path: &Path, limits: &Limits) -> Result<Header, PictureError> {
    let name = text::printable(&path.display().to_string());
    let file = files::open(path).map_err(|source| PictureError::of_file(&name, source))?;
    decode::header(BufReader::new(file), &name, limits)
}

/// Reads a picture from a plain file: PNG, JPEG, WebP, TIFF, BMP, GIF or PNM, by its content. Of
/// several pictures in a file it is the first.
///
/// # Errors
/// [`PictureError`], split by whose fault it is. A picture beyond the limits is refused by its
/// header.
pub fn read(path: &Path, limits: &Limits) -> Result<Picture, PictureError> {
    let name = text::printable(&path.display().to_string());
    let file = files::open(path).map_err(|source| PictureError::of_file(&name, source))?;
    decode::decode(BufReader::new(file), &name, limits)
}

/// Reads a picture that lies in memory; `name` is what messages call it.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(bytes: &[u8], name: &str, limits: &Limits) -> Result<Picture, PictureError> {
    decode::decode(Cursor::new(bytes), &text::printable(name), limits)
}
