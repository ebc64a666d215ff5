//! Reading a photo, and a mask to start from.

use std::path::Path;

use anyhow::Result;
use fbrs_data::annotations::labels::alpha_if_it_is_the_mask;
use fbrs_data::pictures::{self, Limits};
use image::{GrayImage, RgbImage};

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

/// Reads a mask to start from, as gray values; alpha where that is the mask.
pub(super) fn read_mask(path: &Path, voice: Voice) -> Result<GrayImage> {
    let picture = pictures::read(path, &Limits::default());
    let picture = picture.map_err(|error| Exit::Input.because(error.to_string()))?;
    for remark in &picture.remarks {
        voice.warn(remark);
    }
    Ok(alpha_if_it_is_the_mask(picture.image).into_luma8())
}
