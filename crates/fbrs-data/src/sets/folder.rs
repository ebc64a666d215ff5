use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use image::ImageFormat;

use super::pairs::{Pairing, no_mask, no_photo, several};
use super::root::{Listing, Root, file_name, stem};
use super::{DataSet, ObjectKey, Problem, Sample};
use crate::annotations::labels::LabelMask;
use crate::annotations::{Label, Truth};
use crate::error::Result;
use crate::text::printable;

/// From this gray on, a pixel of a JPEG mask is object.
const BRIGHT: u32 = 128;

/// People's own data: photos in `images`, masks in `masks`.
///
/// A mask belongs to the photo with the same name, but for the ending. Where its values are 0 and
/// one other number it is one object; else every number above 0 is an object of its own. What the
/// numbers are, and that soft edges are refused, says [`LabelMask`]. JPEG masks are one object:
/// values are blurred there, and what is 128 or more counts. A mask `NAME_K` without a photo of
/// that name is object K of photo NAME.
#[derive(Debug)]
pub(super) struct Folder {
    root: Root,
    objects: Vec<Object>,
    remarks: Vec<String>,
}

#[derive(Debug)]
struct Object {
    key: ObjectKey,
    files: Result<(PathBuf, PathBuf), Problem>,
    part: Part,
}

/// Which pixels of a mask are the object.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// Everything above 0.
    All,
    /// Everything of this number.
    Number(u32),
    /// Everything that is bright.
    Bright,
}

/// The masks of one photo, and what is wrong with them.
#[derive(Default)]
struct MasksOf {
    whole: Vec<PathBuf>,
    numbered: Vec<(u64, PathBuf)>,
    problem: Option<Problem>,
}

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let root = Root::open(path)?;
        let [photos, masks] = root.folders(["images", "masks"])?;
        let (photos, masks) = (Root::list(&photos)?, Root::list(&masks)?);
        let pairing = Pairing::new(&photos.pictures, &masks.pictures);
        let mut of_photos: Vec<MasksOf> = Vec::new();
        of_photos.resize_with(photos.pictures.len(), MasksOf::default);
        let mut objects = Vec::new();
        for mask in &masks.pictures {
            let stem = stem(mask);
            let numbered = || {
                let (photo, number) = stem.rsplit_once('_')?;
                let named = pairing.named(photo);
                (!named.is_empty()).then_some((named.to_vec(), Some(number.parse().ok()?)))
            };
            let named = pairing.named(&stem);
            let (of, number) = match (named, numbered()) {
                ([], Some(numbered)) => numbered,
                _ => (pairing.photos_of(mask), None),
            };
            if of.is_empty() {
                let key = ObjectKey { image: file_name(mask), object: None };
                let files = Err(no_photo(mask, &photos));
                objects.push(Object { key, files, part: Part::All });
            }
            for photo in &of {
                let Some(of_photo) = of_photos.get_mut(*photo) else { continue };
                match number {
                    _ if of.len() > 1 => of_photo.problem = Some(pairing.ambiguous(mask, &of)),
                    Some(number) => of_photo.numbered.push((number, mask.clone())),
                    None => of_photo.whole.push(mask.clone()),
                }
            }
        }
        for (photo, of_photo) in photos.pictures.iter().zip(of_photos) {
            objects.extend(objects_of(&root, photo, of_photo, &masks));
        }
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        let remarks = [photos.remark("images"), masks.remark("masks")];
        Ok(Self { root, objects, remarks: remarks.into_iter().flatten().collect() })
    }
}

/// The objects of one photo; each number is one, whatever masks it is in.
fn objects_of(root: &Root, photo: &Path, masks: MasksOf, listing: &Listing) -> Vec<Object> {
    let image = file_name(photo);
    let object = |object, files, part| {
        let key = ObjectKey { image: image.clone(), object };
        Object { key, files, part }
    };
    if let Some(problem) = masks.problem {
        return vec![object(None, Err(problem), Part::All)];
    }
    let mut found = Vec::new();
    let mut by_number: BTreeMap<u64, Vec<(PathBuf, Part)>> = BTreeMap::new();
    for (number, mask) in masks.numbered {
        let part = if is_lossy(&mask) { Part::Bright } else { Part::All };
        by_number.entry(number).or_default().push((mask, part));
    }
    match masks.whole.as_slice() {
        [] if by_number.is_empty() => {
            found.push(object(None, Err(no_mask(photo, listing)), Part::All));
        }
        [] => {}
        [mask] if is_lossy(mask) => {
            found.push(object(None, Ok((photo.to_owned(), mask.clone())), Part::Bright));
        }
        [mask] => match root.read_labels(mask).and_then(|labels| numbers(&labels, mask)) {
            Err(problem) => found.push(object(None, Err(problem), Part::All)),
            Ok(numbers) if numbers.len() < 2 => {
                found.push(object(None, Ok((photo.to_owned(), mask.clone())), Part::All));
            }
            Ok(numbers) => {
                for number in numbers {
                    let masks = by_number.entry(number.into()).or_default();
                    masks.push((mask.clone(), Part::Number(number)));
                }
            }
        },
        masks => found.push(object(None, Err(several(masks)), Part::All)),
    }
    for (number, masks) in by_number {
        found.push(match masks.as_slice() {
            [(mask, part)] => object(Some(number), Ok((photo.to_owned(), mask.clone())), *part),
            masks => {
                let masks: Vec<_> = masks.iter().map(|(mask, _)| mask.clone()).collect();
                object(Some(number), Err(several(&masks)), Part::All)
            }
        });
    }
    found
}

fn is_lossy(mask: &Path) -> bool {
    ImageFormat::from_path(mask).is_ok_and(|format| format == ImageFormat::Jpeg)
}

fn numbers(labels: &LabelMask, mask: &Path) -> Result<Vec<u32>, Problem> {
    labels.objects().map_err(|error| {
        Problem::new(format!("the mask {} cannot be used: {error}", printable(&file_name(mask))))
    })
}

impl DataSet for Folder {
    fn objects(&self) -> Vec<ObjectKey> {
        self.objects.iter().map(|object| object.key.clone()).collect()
    }

    fn read(&self, number: usize) -> Result<Sample, Problem> {
        let object = self.objects.get(number).ok_or_else(Problem::no_such_object)?;
        let (photo, mask) = object.files.as_ref().map_err(Clone::clone)?;
        let labels = match object.part {
            Part::Bright => LabelMask::of_image(self.root.read_mask(mask)?.into_luma8().into()),
            _ => self.root.read_labels(mask)?,
        };
        // Where the void is the only number, it is the object.
        let void = match object.part {
            Part::All => {
                let numbers = numbers(&labels, mask)?;
                labels.void().filter(|void| !numbers.contains(void))
            }
            Part::Number(_) => labels.void(),
            Part::Bright => None,
        };
        let label = |value: u32| match object.part {
            _ if Some(value) == void => Label::Ignore,
            Part::All => Label::object_where(value > 0),
            Part::Number(wanted) => Label::object_where(value == wanted),
            Part::Bright => Label::object_where(value >= BRIGHT),
        };
        let truth = Truth::new(labels.size(), labels.numbers().map(label).collect());
        let truth = truth.ok_or_else(|| Problem::new("the mask cannot be understood"))?;
        drop(labels);
        Sample::new(self.root.read_photo(photo)?.into_rgb8(), truth)
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
    }
}
