//! The photos themselves, as they are seen, in a folder of their own: what trains on them and knows
//! no EXIF finds them as everything else of the export is.

use std::io::{self, Write};
use std::path::Path;

use fbrs_data::files;
use fbrs_data::pictures::{self, Header, Limits, Picture};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageEncoder, ImageFormat};

use super::write::Files;
use super::{Job, Kind, Report};
use crate::error::Result;
use crate::folder::Folder;

/// Where they lie.
pub(super) const FOLDER: &str = "images";
/// Of JPEGs that are turned: what is lost is less than people see.
const QUALITY: u8 = 95;

/// Writes a job's photo and returns its path, relative to the export; `None` where it cannot be read.
/// One that is upright, and of a kind and an ending that training programs know, keeps every byte.
pub(super) fn write(
    job: &Job<'_>,
    folder: &Folder,
    files: &mut Files,
    report: &mut Report,
) -> Result<Option<String>> {
    let path = folder.photo(job.photo);
    let header = match pictures::header(&path, &Limits::default()) {
        Ok(header) => header,
        Err(error) => {
            report.skip(None, job.photo, None, Kind::Unreadable, error.to_string());
            return Ok(None);
        }
    };
    let size = job.document.size();
    if header.size() != size {
        let text = format!(
            "it is not written: the photo has {} pixels, its document {size}",
            header.size()
        );
        report.skip(None, job.photo, None, Kind::Size, text);
        return Ok(None);
    }
    let name = |ending: &str| format!("{FOLDER}/{}.{ending}", job.name);
    let (_, own) = job.photo.name().rsplit_once('.').unwrap_or_default();
    let is_upright = header.orientation == Orientation::NoTransforms;
    let written = match ending(&header, own) {
        Some(ending) if is_upright => {
            let name = name(ending);
            copy(&path, &name, files)?.map(|()| name)
        }
        ending => match pictures::read(&path, &Limits::default()) {
            Ok(picture) => {
                let is_jpeg = header.format == ImageFormat::Jpeg;
                let name = name(ending.filter(|_| is_jpeg).unwrap_or("png"));
                files.write(&name, |out| encode(picture, is_jpeg, out))?;
                report.turned += usize::from(!is_upright);
                Ok(name)
            }
            Err(error) => Err(error.to_string()),
        },
    };
    match written {
        Ok(name) => {
            report.copies += 1;
            Ok(Some(name))
        }
        Err(reason) => {
            report.skip(None, job.photo, None, Kind::Unreadable, reason);
            Ok(None)
        }
    }
}

/// What a copy's name ends with: as the photo's own, where programs know that for this kind of file;
/// `None` for kinds that hardly any program trains on.
fn ending<'a>(header: &Header, own: &'a str) -> Option<&'a str> {
    let known: &[&str] = match header.format {
        ImageFormat::Jpeg => &["jpg", "jpeg"],
        ImageFormat::Png => &["png"],
        ImageFormat::WebP => &["webp"],
        ImageFormat::Bmp => &["bmp"],
        ImageFormat::Tiff => &["tif", "tiff"],
        _ => return None,
    };
    let is_known = known.contains(&own.to_lowercase().as_str());
    if is_known { Some(own) } else { known.first().copied() }
}

/// Copies a file, a piece at a time. Within: why the photo cannot be read.
fn copy(from: &Path, to: &str, files: &mut Files) -> Result<Result<(), String>> {
    let mut source = match files::open(from) {
        Ok(source) => source,
        Err(error) => return Ok(Err(error.to_string())),
    };
    files.write(to, |out| io::copy(&mut source, out).map(drop))?;
    Ok(Ok(()))
}

/// Writes the pixels as they are seen, in the colors that they are in, and without EXIF.
fn encode(picture: Picture, is_jpeg: bool, out: &mut impl Write) -> io::Result<()> {
    let Picture { image, icc_profile, .. } = picture;
    let image = match image {
        DynamicImage::ImageRgb32F(_) | DynamicImage::ImageRgba32F(_) => image.into_rgb8().into(),
        image if is_jpeg && !matches!(image, DynamicImage::ImageLuma8(_)) => {
            image.into_rgb8().into()
        }
        image => image,
    };
    // A profile of other colors than those that were decoded is of no use.
    let space: &[u8] = if image.color().has_color() { b"RGB " } else { b"GRAY" };
    let profile = icc_profile.filter(|profile| profile.get(16..20) == Some(space));
    let written = match is_jpeg {
        true => with(JpegEncoder::new_with_quality(out, QUALITY), profile, &image),
        false => with(PngEncoder::new(out), profile, &image),
    };
    written.map_err(io::Error::other)
}

fn with(
    mut encoder: impl ImageEncoder,
    profile: Option<Vec<u8>>,
    image: &DynamicImage,
) -> image::ImageResult<()> {
    if let Some(profile) = profile {
        // An encoder that knows no profiles leaves it out.
        let _ = encoder.set_icc_profile(profile);
    }
    image.write_with_encoder(encoder)
}
