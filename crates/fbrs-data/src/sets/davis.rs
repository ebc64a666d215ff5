use std::path::Path;

use image::DynamicImage;

use super::Problem;
use super::pairs::Pairs;
use crate::annotations::Label;
use crate::error::Result;

/// DAVIS and COCO_MVal: photos in `img`, masks in `gt`; a pixel is object where any channel is
/// above 0.
pub(super) fn open(path: &Path) -> Result<Pairs> {
    Pairs::open(path, "img", "gt", labels)
}

fn labels(mask: DynamicImage) -> Result<Vec<Label>, Problem> {
    let is_object = |values: &[u16]| Label::object_where(values.iter().any(|value| *value > 0));
    Ok(match mask {
        // In as many bytes as there are.
        DynamicImage::ImageLuma8(mask) => {
            mask.pixels().map(|pixel| Label::object_where(pixel.0 != [0])).collect()
        }
        DynamicImage::ImageRgb8(mask) => {
            mask.pixels().map(|pixel| Label::object_where(pixel.0 != [0, 0, 0])).collect()
        }
        mask => mask.into_rgb16().pixels().map(|pixel| is_object(&pixel.0)).collect(),
    })
}
