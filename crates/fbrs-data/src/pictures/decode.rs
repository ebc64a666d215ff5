//! From bytes to an upright picture.

use std::io::{BufRead, Read, Seek};

use image::error::ImageError;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use super::error::SHORTEST_SIDE;
use super::kind::{self, BEGINNING, Kind};
use super::{Limits, Picture, PictureError, size, values};

pub(super) fn decode(
    mut source: impl BufRead + Seek,
    name: &str,
    limits: &Limits,
) -> Result<Picture, PictureError> {
    let io = |error| PictureError::io(name, error);
    let mut beginning = Vec::new();
    source.by_ref().take(BEGINNING).read_to_end(&mut beginning).map_err(io)?;
    source.rewind().map_err(io)?;
    let format = match Kind::of(&beginning) {
        Kind::Picture(format) => format,
        Kind::Unread(kind) => return Err(PictureError::unsupported(name, kind)),
        Kind::Other(found) => {
            return Err(PictureError::NotAPicture { file: name.to_owned(), found });
        }
    };
    pixels(source, format, name, limits)
}

fn pixels(
    source: impl BufRead + Seek,
    format: ImageFormat,
    name: &str,
    limits: &Limits,
) -> Result<Picture, PictureError> {
    let undecodable =
        |error: ImageError| PictureError::of_decoder(name, kind::name(format), limits, error);
    let mut bounds = image::Limits::no_limits();
    bounds.max_alloc = Some(limits.decoder_memory);
    let mut reader = ImageReader::with_format(source, format);
    reader.limits(bounds.clone());
    let mut decoder = reader.into_decoder().map_err(undecodable)?;
    let (width, height) = decoder.dimensions();
    let area = u64::from(width).saturating_mul(u64::from(height));
    if width.max(height) > limits.longest_side || area > limits.area {
        return Err(PictureError::TooLarge {
            file: name.to_owned(),
            found: format!("has {width}×{height} pixels"),
            limits: *limits,
        });
    }
    if width.min(height) < SHORTEST_SIDE {
        return Err(PictureError::TooSmall { file: name.to_owned(), width, height });
    }
    bounds.reserve(decoder.total_bytes()).map_err(undecodable)?;
    decoder.set_limits(bounds).map_err(undecodable)?;
    // A photo whose EXIF data make no sense is shown as it is stored.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(undecodable)?;
    let remarks = values::check(&image, name)?;
    image.apply_orientation(orientation);
    Ok(Picture { image, stored: size(width, height), orientation, remarks })
}
