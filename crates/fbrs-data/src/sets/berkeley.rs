use std::path::Path;

use super::grabcut;
use super::pairs::Pairs;
use super::{DataSet, ObjectKey, Problem, Sample};
use crate::error::Result;

/// Berkeley: photos in `images`, masks in `masks`, with the same meaning as GrabCut's.
#[derive(Debug)]
pub(super) struct Berkeley(Pairs);

impl Berkeley {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Ok(Self(Pairs::open(path, "images", "masks")?))
    }
}

impl DataSet for Berkeley {
    fn objects(&self) -> Vec<ObjectKey> {
        self.0.objects()
    }

    fn read(&self, number: usize) -> Result<Sample, Problem> {
        self.0.read(number, grabcut::labels)
    }

    fn remarks(&self) -> Vec<String> {
        self.0.remarks()
    }
}
