//! Reading a photo.

use std::path::Path;

use anyhow::Result;
use fbrs_data::pictures::{self, Limits};
use image::RgbImage;

use crate::exit::Exit;
use crate::print::Voice;

/// Reads a photo as it is seen: turned as its EXIF data say, in RGB with 8 bits.
pub(super) fn read(path: &Path, voice: Voice) -> Result<RgbImage> {
    let picture = pictures::read(path, &Limits::default());
    let picture = picture.map_err(|error| Exit::Input.because(error.to_string()))?;
    for remark in &picture.remarks {
        voice.warn(remark);
    }
    Ok(picture.into_rgb8())
}
