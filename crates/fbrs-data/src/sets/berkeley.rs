use std::path::Path;

use super::grabcut;
use super::pairs::Pairs;
use crate::error::Result;

/// Berkeley: photos in `images`, masks in `masks`, with the same meaning as GrabCut's.
pub(super) fn open(path: &Path) -> Result<Pairs> {
    Pairs::open(path, "images", "masks", grabcut::labels)
}
