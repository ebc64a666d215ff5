use std::io;

use image::error::ImageError;

use super::Limits;
use crate::files::ReadError;

/// Pixels on the shorter side of the smallest picture.
pub(super) const SHORTEST_SIDE: u32 = 2;

/// Why a picture cannot be read, split by whose fault it is. Texts are whole sentences and begin
/// with the picture's name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The file cannot be read: it is not there, is no plain file, or the machine fails.
    #[error("{sentence}")]
    Io {
        /// What went wrong.
        sentence: String,
        /// What the system said, where it said something.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{file} is not an image but {found}: expected PNG, JPEG, WebP, TIFF, BMP, GIF or PNM")]
    NotAPicture {
        /// The file, fit to be printed.
        file: String,
        /// What it seems to be.
        found: &'static str,
    },
    /// A part of the picture is missing or was overwritten.
    #[error("{file} is damaged: {reason}; get a fresh copy of it")]
    Damaged {
        /// The file, fit to be printed.
        file: String,
        /// What is wrong with it.
        reason: String,
        /// What the decoder said, where it was the one to find out.
        #[source]
        source: Option<Box<ImageError>>,
    },
    /// A sound picture of a kind that is not read.
    #[error("{file}: {kind} is not read; {advice}")]
    Unsupported {
        /// The file, fit to be printed.
        file: String,
        /// The kind of picture.
        kind: String,
        /// What to do.
        advice: &'static str,
        /// What the decoder said, where it was the one to find out.
        #[source]
        source: Option<Box<ImageError>>,
    },
    /// It has more pixels than the limits allow, or needs more memory.
    #[error("{file} {found}: expected at most {}; make it smaller first", most(limits))]
    TooLarge {
        /// The file, fit to be printed.
        file: String,
        /// What it has or needs.
        found: String,
        /// What is allowed.
        limits: Limits,
    },
    /// It has hardly any pixels.
    #[error("{file} has {width}×{height} pixels: expected at least {SHORTEST_SIDE} on a side")]
    TooSmall {
        /// The file, fit to be printed.
        file: String,
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
}

/// Advice for pictures that other programs can open.
const CONVERT: &str = "save it as PNG or JPEG";
/// Advice for kinds of JPEG.
const SAVE_PLAINLY: &str = "save it as an ordinary JPEG or as PNG";

impl PictureError {
    pub(super) fn of_file(file: &str, error: ReadError) -> Self {
        match error {
            ReadError::Io { source, .. } => Self::io(file, source),
            error => Self::Io { sentence: error.to_string(), source: io::Error::other(error) },
        }
    }

    pub(super) fn io(file: &str, source: io::Error) -> Self {
        let sentence = match source.kind() {
            io::ErrorKind::NotFound => format!("{file}: there is no such file; expected a picture"),
            _ => format!("cannot read {file}: {source}"),
        };
        Self::Io { sentence, source }
    }

    pub(super) fn damaged(file: &str, reason: impl Into<String>) -> Self {
        Self::Damaged { file: file.to_owned(), reason: reason.into(), source: None }
    }

    pub(super) fn unsupported(file: &str, kind: impl Into<String>) -> Self {
        Self::Unsupported {
            file: file.to_owned(),
            kind: kind.into(),
            advice: CONVERT,
            source: None,
        }
    }

    pub(super) fn unread_jpeg(file: &str, kind: &str) -> Self {
        Self::Unsupported {
            file: file.to_owned(),
            kind: kind.to_owned(),
            advice: SAVE_PLAINLY,
            source: None,
        }
    }

    /// A sound picture that a decoder of this format does not read.
    pub(super) fn not_understood(file: &str, format: &str, error: ImageError) -> Self {
        Self::Unsupported {
            file: file.to_owned(),
            kind: format!("this kind of {format}"),
            advice: if format == "JPEG" { SAVE_PLAINLY } else { CONVERT },
            source: Some(Box::new(error)),
        }
    }

    /// What a decoder of the format with this name said, in words for people.
    pub(super) fn of_decoder(file: &str, format: &str, limits: &Limits, error: ImageError) -> Self {
        let file_name = file.to_owned();
        match error {
            ImageError::Limits(_) => Self::TooLarge {
                file: file_name,
                found: "needs too much memory to decode".to_owned(),
                limits: *limits,
            },
            ImageError::Unsupported(_) => Self::not_understood(file, format, error),
            ImageError::IoError(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
                Self::io(file, source)
            }
            ImageError::IoError(_) => Self::Damaged {
                file: file_name,
                reason: format!("the {format} ends too early"),
                source: Some(Box::new(error)),
            },
            error => Self::Damaged {
                file: file_name,
                reason: format!("the {format} holds what cannot be decoded, or a part is missing"),
                source: Some(Box::new(error)),
            },
        }
    }
}

fn most(limits: &Limits) -> String {
    format!(
        "{} pixels on a side, {} megapixels and {} MiB",
        limits.longest_side,
        limits.area / 1_000_000,
        limits.decoder_memory >> 20
    )
}
