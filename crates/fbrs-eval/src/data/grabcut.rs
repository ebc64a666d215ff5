use std::path::Path;

use image::DynamicImage;

use super::pairs::Pairs;
use super::{DataSet, ObjectKey, Problem, Sample};
use crate::error::Result;
use crate::truth::Label;

/// GrabCut: photos in `data_GT`, masks in `boundary_GT`, whose first channel is 0 for background,
/// 128 for pixels to ignore and above 128 for the object.
#[derive(Debug)]
pub(super) struct GrabCut(Pairs);

impl GrabCut {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Ok(Self(Pairs::open(&path.join("data_GT"), &path.join("boundary_GT"))?))
    }
}

impl DataSet for GrabCut {
    fn objects(&self) -> Vec<ObjectKey> {
        self.0.objects()
    }

    fn read(&self, number: usize) -> Result<Sample, Problem> {
        self.0.read(number, labels)
    }
}

/// GrabCut's and Berkeley's meaning of a mask's pixels.
pub(super) fn labels(mask: DynamicImage) -> Vec<Label> {
    let first_channel = mask.to_rgb8().pixels().map(|pixel| pixel[0]).collect::<Vec<_>>();
    let label = |value: u8| match value {
        0..128 => Label::Background,
        128 => Label::Ignore,
        129.. => Label::Object,
    };
    first_channel.into_iter().map(label).collect()
}
