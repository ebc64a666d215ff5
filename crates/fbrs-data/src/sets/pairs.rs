//! Which mask is of which photo, by their names.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use image::DynamicImage;

use super::root::{Listing, Root, file_name, stem};
use super::{DataSet, ObjectKey, Problem, Sample};
use crate::annotations::{Label, Truth};
use crate::error::Result;
use crate::text::printable;

/// Dots in a name that are looked at.
const MOST_DOTS: usize = 16;

/// The photos that a mask may be of; more than one is for nobody to decide.
///
/// A mask is of the photo that has its name but for the last ending. Where there is none, it is of
/// the photo whose name goes on where the mask's ends at a dot, or the other way round
/// (`a.mask.png` of `a.jpg`); photos that have a mask of their very name are left out then.
pub(crate) struct Pairing<'a> {
    photos: &'a [PathBuf],
    by_stem: HashMap<String, Vec<usize>>,
    by_beginning: HashMap<String, Vec<usize>>,
    stems_of_masks: HashSet<String>,
}

impl<'a> Pairing<'a> {
    pub(crate) fn new(photos: &'a [PathBuf], masks: &[PathBuf]) -> Self {
        let stems_of_masks: HashSet<_> = masks.iter().map(|mask| stem(mask)).collect();
        let mut by_stem: HashMap<_, Vec<_>> = HashMap::new();
        let mut by_beginning: HashMap<_, Vec<_>> = HashMap::new();
        for (index, photo) in photos.iter().enumerate() {
            let stem = stem(photo);
            for beginning in beginnings(&stem) {
                by_beginning.entry(beginning.to_owned()).or_default().push(index);
            }
            by_stem.entry(stem).or_default().push(index);
        }
        Self { photos, by_stem, by_beginning, stems_of_masks }
    }

    /// Photos of this very name, without its ending.
    pub(crate) fn named(&self, stem: &str) -> &[usize] {
        self.by_stem.get(stem).map_or(&[], Vec::as_slice)
    }

    /// Photos of this mask.
    pub(crate) fn photos_of(&self, mask: &Path) -> Vec<usize> {
        let stem = stem(mask);
        if let Some(same) = self.by_stem.get(&stem) {
            return same.clone();
        }
        let longer = self.by_beginning.get(&stem).into_iter().flatten();
        let shorter = beginnings(&stem).filter_map(|beginning| self.by_stem.get(beginning));
        let mut found: Vec<usize> = longer.chain(shorter.flatten()).copied().collect();
        found.retain(|index| !self.photos.get(*index).is_some_and(|photo| self.has_own(photo)));
        found.sort_unstable();
        found.dedup();
        found
    }

    fn has_own(&self, photo: &Path) -> bool {
        self.stems_of_masks.contains(&stem(photo))
    }

    /// What is wrong with a mask that may be of several photos.
    pub(crate) fn ambiguous(&self, mask: &Path, photos: &[usize]) -> Problem {
        let photos = photos.iter().filter_map(|index| self.photos.get(*index));
        let photos: Vec<_> = photos.map(|photo| printable(&file_name(photo))).collect();
        Problem::new(format!(
            "the mask {} may be of {}: give it the full name of one, but for the ending",
            printable(&file_name(mask)),
            photos.join(" and of ")
        ))
    }
}

/// A name up to each of its dots, but for the first letter.
fn beginnings(stem: &str) -> impl Iterator<Item = &str> {
    let dots = stem.match_indices('.').map(|(at, _)| at).filter(|at| *at > 0).take(MOST_DOTS);
    dots.filter_map(|at| stem.get(..at))
}

/// What is wrong with a photo without a mask.
pub(crate) fn no_mask(photo: &Path, masks: &Listing) -> Problem {
    match masks.passed_over(photo) {
        Some(mask) => {
            Problem::new(format!("its mask {mask} is of a kind that is not read: save it as PNG"))
        }
        None => Problem::new("it has no mask"),
    }
}

/// What is wrong with a mask without a photo.
pub(crate) fn no_photo(mask: &Path, photos: &Listing) -> Problem {
    match photos.passed_over(mask) {
        Some(photo) => Problem::new(format!(
            "its photo {photo} is of a kind that is not read: save it as JPEG or PNG"
        )),
        None => Problem::new("this mask has no photo"),
    }
}

/// What is wrong with a photo, or with one object of it, that has several masks.
pub(crate) fn several(masks: &[PathBuf]) -> Problem {
    let names: Vec<_> = masks.iter().map(|mask| printable(&file_name(mask))).collect();
    Problem::new(format!("it has several masks: {}", names.join(", ")))
}

/// One mask per photo, in two folders.
#[derive(Debug)]
pub(crate) struct Pairs {
    root: Root,
    pairs: Vec<Pair>,
    labels: Labels,
    remarks: Vec<String>,
}

/// What the pixels of a mask mean.
type Labels = fn(DynamicImage) -> Result<Vec<Label>, Problem>;

#[derive(Debug)]
struct Pair {
    name: String,
    files: Result<(PathBuf, PathBuf), Problem>,
}

impl Pairs {
    /// Photos and masks in the folders of these names.
    pub(crate) fn open(
        path: &Path,
        photos_in: &str,
        masks_in: &str,
        labels: Labels,
    ) -> Result<Self> {
        let root = Root::open(path)?;
        let [photos, masks] = root.folders([photos_in, masks_in])?;
        let (photos, masks) = (Root::list(&photos)?, Root::list(&masks)?);
        let pairing = Pairing::new(&photos.pictures, &masks.pictures);
        let mut masks_of: Vec<Vec<PathBuf>> = vec![Vec::new(); photos.pictures.len()];
        let mut problems: Vec<Option<Problem>> = vec![None; photos.pictures.len()];
        let mut pairs = Vec::new();
        for mask in &masks.pictures {
            match pairing.photos_of(mask).as_slice() {
                [] => {
                    let files = Err(no_photo(mask, &photos));
                    pairs.push(Pair { name: file_name(mask), files });
                }
                [photo] => masks_of.get_mut(*photo).into_iter().for_each(|masks| {
                    masks.push(mask.clone());
                }),
                several => {
                    for photo in several {
                        if let Some(problem) = problems.get_mut(*photo) {
                            *problem = Some(pairing.ambiguous(mask, several));
                        }
                    }
                }
            }
        }
        for ((photo, of_photo), problem) in photos.pictures.iter().zip(masks_of).zip(problems) {
            let files = match (problem, of_photo.as_slice()) {
                (Some(problem), _) => Err(problem),
                (None, []) => Err(no_mask(photo, &masks)),
                (None, [mask]) => Ok((photo.clone(), mask.clone())),
                (None, masks) => Err(several(masks)),
            };
            pairs.push(Pair { name: file_name(photo), files });
        }
        pairs.sort_by(|a, b| a.name.cmp(&b.name));
        let remarks = [photos.remark(photos_in), masks.remark(masks_in)];
        Ok(Self { root, pairs, labels, remarks: remarks.into_iter().flatten().collect() })
    }
}

impl DataSet for Pairs {
    fn objects(&self) -> Vec<ObjectKey> {
        let key = |pair: &Pair| ObjectKey { image: pair.name.clone(), object: None };
        self.pairs.iter().map(key).collect()
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
    }

    fn read(&self, number: usize) -> Result<Sample, Problem> {
        let pair = self.pairs.get(number).ok_or_else(Problem::no_such_object)?;
        let (photo, mask) = pair.files.as_ref().map_err(Clone::clone)?;
        let mask = self.root.read_mask(mask)?;
        let size =
            fbrs_clicks::Size { height: mask.height() as usize, width: mask.width() as usize };
        let truth = Truth::new(size, (self.labels)(mask)?);
        let truth = truth.ok_or_else(|| Problem::new("the mask cannot be understood"))?;
        Sample::new(self.root.read_photo(photo)?.into_rgb8(), truth)
    }
}
