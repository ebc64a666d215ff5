use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use fbrs::Size;
use image::{DynamicImage, ImageFormat};

use super::files::{self, file_name, stem};
use super::{DataSet, ObjectKey, Problem, Sample};
use crate::error::Result;
use crate::truth::{Label, Truth};

/// People's own data: photos in `images`, masks in `masks`.
///
/// A mask belongs to the photo with the same name up to its first dot. Where its values are 0 and
/// one other number it is one object; else every number above 0 is an object of its own (8 or 16
/// bits; colors count as numbers). JPEG masks are one object: values are blurred there, and what
/// is 128 or more counts. A mask `NAME_K` without a photo of that name is object K of photo NAME.
#[derive(Debug)]
pub(super) struct Folder {
    objects: Vec<Object>,
}

#[derive(Debug)]
struct Object {
    key: ObjectKey,
    photo: Option<PathBuf>,
    mask: Option<PathBuf>,
    part: Part,
}

/// Which pixels of a mask are the object.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// Everything above 0.
    All,
    /// Everything of this number.
    Number(u64),
}

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let photos = files::images_in(&path.join("images"))?;
        let stems: HashMap<String, &PathBuf> =
            photos.iter().map(|photo| (stem(photo), photo)).collect();
        // Masks by the photo they belong to, each with the number of its object.
        let mut masks: BTreeMap<String, BTreeSet<(Option<u64>, PathBuf)>> = BTreeMap::new();
        let mut objects = Vec::new();
        for mask in files::images_in(&path.join("masks"))? {
            let name = stem(&mask);
            let numbered = || {
                let (photo, number) = name.rsplit_once('_')?;
                Some((stems.get(photo)?, number.parse().ok()?))
            };
            let found = match stems.get(&name) {
                Some(photo) => Some((file_name(photo), None)),
                None => numbered().map(|(photo, number)| (file_name(photo), Some(number))),
            };
            match found {
                Some((photo, number)) => {
                    masks.entry(photo).or_default().insert((number, mask));
                }
                None => {
                    let key = ObjectKey { image: file_name(&mask), object: None };
                    objects.push(Object { key, photo: None, mask: Some(mask), part: Part::All });
                }
            }
        }
        for photo in &photos {
            let image = file_name(photo);
            let object = |object, mask, part| Object {
                key: ObjectKey { image: image.clone(), object },
                photo: Some(photo.clone()),
                mask,
                part,
            };
            let Some(masks) = masks.remove(&image) else {
                objects.push(object(None, None, Part::All));
                continue;
            };
            for (number, mask) in masks {
                let numbers = if number.is_some() { BTreeSet::new() } else { numbers_in(&mask) };
                if numbers.len() < 2 {
                    objects.push(object(number, Some(mask), Part::All));
                    continue;
                }
                for number in numbers {
                    let part = Part::Number(number);
                    objects.push(object(Some(number), Some(mask.clone()), part));
                }
            }
        }
        objects.sort_by(|a, b| a.key.image.cmp(&b.key.image));
        Ok(Self { objects })
    }
}

impl DataSet for Folder {
    fn objects(&self) -> Vec<ObjectKey> {
        self.objects.iter().map(|object| object.key.clone()).collect()
    }

    fn read(&self, number: usize) -> Result<Sample, Problem> {
        let object = self.objects.get(number);
        let object = object.ok_or_else(|| Problem::new("there is no such object"))?;
        let mask = object.mask.as_ref().ok_or_else(|| Problem::new("it has no mask"))?;
        let photo = object.photo.as_ref();
        let photo = photo.ok_or_else(|| Problem::new("this mask has no photo"))?;
        let (size, numbers) = numbers(mask)?;
        let is_object = |number: u64| match object.part {
            Part::All => number > 0,
            Part::Number(wanted) => number == wanted,
        };
        let labels = numbers.into_iter().map(|number| Label::object_where(is_object(number)));
        let truth = Truth::new(size, labels.collect());
        let truth = truth.ok_or_else(|| Problem::new("the mask cannot be understood"))?;
        Sample::new(files::read_photo(photo)?, truth)
    }
}

/// The numbers above 0 in a mask; none where it cannot be read, which reading the object will say.
fn numbers_in(mask: &Path) -> BTreeSet<u64> {
    let numbers = numbers(mask).map(|(_, numbers)| numbers).unwrap_or_default();
    numbers.into_iter().filter(|number| *number > 0).collect()
}

fn numbers(path: &Path) -> Result<(Size, Vec<u64>), Problem> {
    let mask = files::read_mask(path)?;
    let size = Size { height: mask.height() as usize, width: mask.width() as usize };
    let lossy = ImageFormat::from_path(path).is_ok_and(|format| format == ImageFormat::Jpeg);
    let numbers = match mask {
        mask if lossy => mask.to_luma8().pixels().map(|pixel| u64::from(pixel[0] >= 128)).collect(),
        DynamicImage::ImageLuma8(mask) => mask.pixels().map(|pixel| pixel[0].into()).collect(),
        DynamicImage::ImageLuma16(mask) => mask.pixels().map(|pixel| pixel[0].into()).collect(),
        DynamicImage::ImageLumaA8(mask) => mask.pixels().map(|pixel| pixel[0].into()).collect(),
        DynamicImage::ImageLumaA16(mask) => mask.pixels().map(|pixel| pixel[0].into()).collect(),
        colors => {
            let number = |[r, g, b]: [u8; 3]| u64::from_be_bytes([0, 0, 0, 0, 0, r, g, b]);
            colors.to_rgb8().pixels().map(|pixel| number(pixel.0)).collect()
        }
    };
    Ok((size, numbers))
}
