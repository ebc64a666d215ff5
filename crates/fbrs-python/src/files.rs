//! Masks as files, for the modules that take a path.

use std::io;
use std::path::{Path, PathBuf};

use fbrs::image::{DynamicImage, ImageError, ImageFormat};
use fbrs_data::files::Destination;
use pyo3::prelude::*;

use crate::failure::Failure;
use crate::{image, process};

/// Refuses a path at which no picture of a mask can be written; leaves everything as it was.
#[pyfunction]
#[pyo3(signature = (path, /))]
pub(crate) fn try_out(path: PathBuf) -> PyResult<()> {
    format(&path)?;
    Ok(Destination::new(&path)?.try_out()?)
}

/// Writes a mask as a picture, whole or not at all; the ending of the name tells its format.
#[pyfunction]
#[pyo3(signature = (path, mask, /))]
pub(crate) fn write_mask(path: PathBuf, mask: &Bound<'_, PyAny>) -> PyResult<()> {
    process::check()?;
    let (format, destination) = (format(&path)?, Destination::new(&path)?);
    let picture = DynamicImage::from(image::mask(mask)?);
    let written = mask.py().detach(|| {
        destination.replace(|draft| {
            picture.write_to(draft, format).map_err(|error| match error {
                ImageError::IoError(error) => error,
                error => io::Error::other(error),
            })
        })
    });
    Ok(written?)
}

fn format(path: &Path) -> Result<ImageFormat, Failure> {
    ImageFormat::from_path(path).ok().filter(ImageFormat::writing_enabled).ok_or_else(|| {
        let name = fbrs::weights::printable(&path.display().to_string());
        let expected = "expected one that ends in .png, .tiff, .pgm, .bmp or .jpg";
        Failure::parameter(format!("{name}: the ending of its name tells no format; {expected}"))
    })
}
