//! One mask per photo, found by name.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use image::DynamicImage;

use super::files::{self, file_name, stem};
use super::{ObjectKey, Problem, Sample};
use crate::error::Result;
use crate::truth::{Label, Truth};

/// Photos and masks of two folders; a mask belongs to the photo with the same name up to its first
/// dot.
#[derive(Debug)]
pub(super) struct Pairs {
    pairs: Vec<Pair>,
}

#[derive(Debug)]
struct Pair {
    name: String,
    photo: Option<PathBuf>,
    mask: Result<PathBuf, Problem>,
}

impl Pairs {
    pub(super) fn open(photos: &Path, masks: &Path) -> Result<Self> {
        let mut by_stem: HashMap<String, Vec<PathBuf>> = HashMap::new();
        for mask in files::images_in(masks)? {
            by_stem.entry(stem(&mask)).or_default().push(mask);
        }
        let mut pairs = Vec::new();
        for photo in files::images_in(photos)? {
            let mask = match by_stem.remove(&stem(&photo)).as_deref() {
                Some([mask]) => Ok(mask.clone()),
                Some(masks) => {
                    let names: Vec<_> = masks.iter().map(|mask| file_name(mask)).collect();
                    Err(Problem::new(format!("it has several masks: {}", names.join(", "))))
                }
                None => Err(Problem::new("it has no mask")),
            };
            pairs.push(Pair { name: file_name(&photo), photo: Some(photo), mask });
        }
        for mask in by_stem.into_values().flatten() {
            pairs.push(Pair { name: file_name(&mask), photo: None, mask: Ok(mask) });
        }
        pairs.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { pairs })
    }

    pub(super) fn objects(&self) -> Vec<ObjectKey> {
        let key = |pair: &Pair| ObjectKey { image: pair.name.clone(), object: None };
        self.pairs.iter().map(key).collect()
    }

    /// Reads a photo and its mask; `labels` says what a mask's pixels mean.
    pub(super) fn read(
        &self,
        number: usize,
        labels: impl Fn(DynamicImage) -> Vec<Label>,
    ) -> Result<Sample, Problem> {
        let pair = self.pairs.get(number).ok_or_else(|| Problem::new("there is no such object"))?;
        let mask = pair.mask.as_ref().map_err(Clone::clone)?;
        let Some(photo) = &pair.photo else {
            return Err(Problem::new("this mask has no photo"));
        };
        let mask = files::read_mask(mask)?;
        let size = fbrs::Size { height: mask.height() as usize, width: mask.width() as usize };
        let truth = Truth::new(size, labels(mask));
        let truth = truth.ok_or_else(|| Problem::new("the mask cannot be understood"))?;
        Sample::new(files::read_photo(photo)?, truth)
    }
}
