//! What the layouts share: listing and reading files of images.

use std::fs;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use fbrs::Size;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage};

use super::Problem;
use crate::error::{Error, Result, io_error};

/// The image files of a folder, in the order of their names.
pub(super) fn images_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(io_error("list", folder))? {
        let path = entry.map_err(io_error("list", folder))?.path();
        let hidden = file_name(&path).starts_with('.');
        let readable = ImageFormat::from_path(&path).is_ok_and(|format| format.reading_enabled());
        if readable && !hidden && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A file's name up to its first dot: what a photo and its mask have in common.
pub(super) fn stem(path: &Path) -> String {
    let name = file_name(path);
    name.split_once('.').map_or(name.as_str(), |(stem, _)| stem).to_owned()
}

pub(super) fn size_of(photo: &RgbImage) -> Size {
    let (width, height) = photo.dimensions();
    Size { height: height as usize, width: width as usize }
}

/// Reads a photo.
pub(super) fn read_photo(path: &Path) -> Result<RgbImage, Problem> {
    read_image(path, "photo").map(DynamicImage::into_rgb8)
}

/// Reads a mask.
pub(super) fn read_mask(path: &Path) -> Result<DynamicImage, Problem> {
    read_image(path, "mask")
}

fn read_image(path: &Path, what: &str) -> Result<DynamicImage, Problem> {
    let read = || -> image::ImageResult<DynamicImage> {
        let mut decoder = ImageReader::open(path)?.with_guessed_format()?.into_decoder()?;
        let orientation = decoder.orientation()?;
        let mut image = DynamicImage::from_decoder(decoder)?;
        image.apply_orientation(orientation);
        Ok(image)
    };
    read().map_err(|error| {
        let name = file_name(path);
        Problem::new(format!("the {what} {name} cannot be read: {error}"))
    })
}

/// Reads a file that may have at most `limit` bytes.
pub(super) fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let file = fs::File::open(path).map_err(io_error("read", path))?;
    let mut bytes = Vec::new();
    let mut reader = BufReader::new(file).take(limit + 1);
    reader.read_to_end(&mut bytes).map_err(io_error("read", path))?;
    if bytes.len() as u64 > limit {
        let reason = format!("the file has more than {limit} bytes");
        return Err(Error::Data { path: path.to_owned(), reason });
    }
    Ok(bytes)
}
