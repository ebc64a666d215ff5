//! From bytes to an upright picture.

use std::io::{BufRead, Cursor, Read, Seek};
use std::panic::{self, AssertUnwindSafe};

use fbrs_clicks::Size;
use image::error::ImageError;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use super::error::SHORTEST_SIDE;
use super::jpeg::{self, Verdict};
use super::kind::{self, BEGINNING, Kind};
use super::{Header, Limits, Picture, PictureError, palette, values};
use crate::files;

/// A picture; where a decoder panics, it has met a damaged file.
pub(super) fn decode(
    source: impl BufRead + Seek,
    name: &str,
    limits: &Limits,
) -> Result<Picture, PictureError> {
    // All that the closure changes is dropped with it.
    panic::catch_unwind(AssertUnwindSafe(|| upright(source, name, limits)))
        .unwrap_or_else(|_| Err(PictureError::damaged(name, "its decoder cannot make sense of it")))
}

/// What a picture's header tells; where a decoder panics, it has met a damaged file.
pub(super) fn header(
    mut source: impl BufRead + Seek,
    name: &str,
    limits: &Limits,
) -> Result<Header, PictureError> {
    let read = AssertUnwindSafe(|| {
        let format = format(&mut source, name)?;
        let (mut decoder, _) = begun(source, format, name, limits)?;
        let (width, height) = decoder.dimensions();
        let orientation = orientation(&mut decoder);
        let stored = Size { height: height as usize, width: width as usize };
        Ok(Header { format, stored, orientation })
    });
    panic::catch_unwind(read)
        .unwrap_or_else(|_| Err(PictureError::damaged(name, "its decoder cannot make sense of it")))
}

/// What the first bytes say; the source is at its beginning afterwards.
fn format(source: &mut (impl BufRead + Seek), name: &str) -> Result<ImageFormat, PictureError> {
    let io = |error| PictureError::io(name, error);
    let mut beginning = Vec::new();
    source.by_ref().take(BEGINNING).read_to_end(&mut beginning).map_err(io)?;
    source.rewind().map_err(io)?;
    match Kind::of(&beginning) {
        Kind::Picture(ImageFormat::Png) if palette::is_broken(source).map_err(io)? => {
            Err(PictureError::damaged(name, "its palette has a part of a color or too many"))
        }
        Kind::Picture(format) => Ok(format),
        Kind::Unread(kind) => Err(PictureError::unsupported(name, kind)),
        Kind::Other(found) => Err(PictureError::NotAPicture { file: name.to_owned(), found }),
    }
}

/// A photo whose EXIF data make no sense is shown as it is stored.
fn orientation(decoder: &mut impl ImageDecoder) -> Orientation {
    decoder.orientation().unwrap_or(Orientation::NoTransforms)
}

fn upright(
    mut source: impl BufRead + Seek,
    name: &str,
    limits: &Limits,
) -> Result<Picture, PictureError> {
    let format = format(&mut source, name)?;
    if format != ImageFormat::Jpeg {
        return pixels(source, format, name, limits, |_| Ok(Verdict::Unknown));
    }
    let bytes = files::read_from(source, name, limits.decoder_memory);
    let bytes = bytes.map_err(|error| PictureError::of_file(name, error))?;
    if let Some(kind) = jpeg::unread_kind(&bytes) {
        return Err(PictureError::unread_jpeg(name, kind));
    }
    pixels(Cursor::new(&bytes), format, name, limits, |size| {
        jpeg::check(&bytes, size).map_err(|fault| PictureError::damaged(name, fault.reason()))
    })
}

/// `check` is called with the size as stored, before anything but the header is decoded. What it
/// finds whole and the decoder does not understand is no fault of the file.
fn pixels(
    source: impl BufRead + Seek,
    format: ImageFormat,
    name: &str,
    limits: &Limits,
    check: impl FnOnce(Size) -> Result<Verdict, PictureError>,
) -> Result<Picture, PictureError> {
    let undecodable =
        |error: ImageError| PictureError::of_decoder(name, kind::name(format), limits, error);
    let (mut decoder, mut bounds) = begun(source, format, name, limits)?;
    let (width, height) = decoder.dimensions();
    bounds.reserve(decoder.total_bytes()).map_err(undecodable)?;
    decoder.set_limits(bounds).map_err(undecodable)?;
    let stored = Size { height: height as usize, width: width as usize };
    let verdict = check(stored)?;
    let orientation = orientation(&mut decoder);
    // Colors are as they are where the file does not say it in a way that is understood.
    let icc_profile = decoder.icc_profile().ok().flatten();
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| match verdict {
        Verdict::Whole => PictureError::not_understood(name, kind::name(format), error),
        Verdict::Unknown => undecodable(error),
    })?;
    let remarks = values::check(&image, name)?;
    image.apply_orientation(orientation);
    Ok(Picture { image, stored, orientation, icc_profile, remarks })
}

/// A decoder that has read the header of a picture within the limits, and what it may still take.
fn begun<'a>(
    source: impl BufRead + Seek + 'a,
    format: ImageFormat,
    name: &str,
    limits: &Limits,
) -> Result<(impl ImageDecoder + 'a, image::Limits), PictureError> {
    let undecodable =
        |error: ImageError| PictureError::of_decoder(name, kind::name(format), limits, error);
    let mut bounds = image::Limits::no_limits();
    bounds.max_alloc = Some(limits.decoder_memory);
    let mut reader = ImageReader::with_format(source, format);
    reader.limits(bounds.clone());
    let decoder = reader.into_decoder().map_err(undecodable)?;
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
    Ok((decoder, bounds))
}
