use std::collections::BTreeSet;
use std::path::Path;

use image::DynamicImage;

use super::Problem;
use super::pairs::Pairs;
use crate::annotations::Label;
use crate::error::Result;

/// GrabCut: photos in `data_GT`, masks in `boundary_GT`, whose first channel is 0 for background,
/// 128 for pixels to ignore and above 128 for the object.
pub(super) fn open(path: &Path) -> Result<Pairs> {
    Pairs::open(path, "data_GT", "boundary_GT", labels)
}

/// GrabCut's and Berkeley's meaning of a mask's pixels.
pub(super) fn labels(mask: DynamicImage) -> Result<Vec<Label>, Problem> {
    let mask = mask.into_rgb8();
    let first_channel = || mask.pixels().map(|pixel| pixel.0[0]);
    let values: BTreeSet<u8> = first_channel().collect();
    // A mask of 0 alone is one of GrabCut's, of an empty object.
    if let Some(largest @ 1..=128) = values.last() {
        let values: Vec<_> = values.iter().take(5).map(u8::to_string).collect();
        return Err(Problem::new(format!(
            "the object is empty: the mask's values are {} (at most {largest}), expected 0 for \
             background, 128 for what is to be ignored and 255 for the object",
            values.join(", ")
        )));
    }
    let label = |value: u8| match value {
        0..128 => Label::Background,
        128 => Label::Ignore,
        129.. => Label::Object,
    };
    Ok(first_channel().map(label).collect())
}
