//! Reading a photo, and how large it may be.

use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::Path;

use anyhow::Result;
use image::error::ImageError;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, RgbImage};

use crate::exit::Exit;

/// Pixels on a side. A decoder is not even started on more.
const LONGEST_SIDE: u32 = 16_384;
/// Fewest pixels on a side: a network needs something to look at.
const SHORTEST_SIDE: u32 = 2;
/// Pixels altogether, so that probabilities and outputs need gigabytes at most.
const LARGEST_AREA: u64 = 120_000_000;
/// Bytes that a decoder may take: 120 megapixels of the widest format in use, RGBA with 16 bits.
const DECODER_MEMORY: u64 = 1 << 30;

/// Reads a photo as it is seen: turned as its EXIF data say, in RGB with 8 bits.
pub(super) fn read(path: &Path) -> Result<RgbImage> {
    let name = path.display();
    let refuse = |sentence: String| Exit::Input.because(sentence);
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => refuse(format!("{name}: there is no such file; expected a photo")),
        _ => refuse(format!("cannot read {name}: {error}")),
    })?;
    let metadata =
        file.metadata().map_err(|error| refuse(format!("cannot read {name}: {error}")))?;
    if metadata.is_dir() {
        return Err(refuse(format!("{name} is a folder; expected a photo")));
    }
    let undecodable = |error: ImageError| refuse(describe(path, &error));

    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(DECODER_MEMORY);
    let reader = ImageReader::new(BufReader::new(file)).with_guessed_format();
    let mut reader = reader.map_err(|error| refuse(format!("cannot read {name}: {error}")))?;
    if reader.format().is_none() {
        return Err(refuse(format!(
            "{name} is not an image: expected PNG, JPEG, WebP, TIFF, BMP, GIF or PNM"
        )));
    }
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(undecodable)?;
    let (width, height) = decoder.dimensions();
    if width.max(height) > LONGEST_SIDE || u64::from(width) * u64::from(height) > LARGEST_AREA {
        return Err(refuse(format!(
            "{name} has {width}×{height} pixels: expected at most {LONGEST_SIDE} on a side and {} \
             megapixels; make it smaller first",
            LARGEST_AREA / 1_000_000
        )));
    }
    if width.min(height) < SHORTEST_SIDE {
        return Err(refuse(format!(
            "{name} has {width}×{height} pixels: expected at least {SHORTEST_SIDE} on a side"
        )));
    }
    limits.reserve(decoder.total_bytes()).map_err(undecodable)?;
    decoder.set_limits(limits).map_err(undecodable)?;
    // A photo whose EXIF data make no sense is shown as it is stored.
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut photo = DynamicImage::from_decoder(decoder).map_err(undecodable)?;
    photo.apply_orientation(orientation);
    Ok(photo.into_rgb8())
}

fn describe(path: &Path, error: &ImageError) -> String {
    let name = path.display();
    match error {
        ImageError::Limits(_) => format!(
            "{name} needs more than {} MiB to decode; make it smaller first",
            DECODER_MEMORY >> 20
        ),
        ImageError::Unsupported(error) => {
            format!("{name}: this kind of image is not read ({error}); save it as PNG or JPEG")
        }
        error => format!("{name} is damaged or not what it seems: {error}; get a fresh copy of it"),
    }
}
