use std::path::Path;

use image::DynamicImage;

use super::pairs::Pairs;
use super::{DataSet, ObjectKey, Problem, Sample};
use crate::error::Result;
use crate::truth::Label;

/// DAVIS and COCO_MVal: photos in `img`, masks in `gt`; a pixel is object where any channel is
/// above 0.
#[derive(Debug)]
pub(super) struct Davis(Pairs);

impl Davis {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Ok(Self(Pairs::open(&path.join("img"), &path.join("gt"))?))
    }
}

impl DataSet for Davis {
    fn objects(&self) -> Vec<ObjectKey> {
        self.0.objects()
    }

    fn read(&self, number: usize) -> Result<Sample, Problem> {
        self.0.read(number, labels)
    }
}

fn labels(mask: DynamicImage) -> Vec<Label> {
    let mask = mask.into_rgb16();
    mask.pixels().map(|pixel| Label::object_where(pixel.0 != [0, 0, 0])).collect()
}
