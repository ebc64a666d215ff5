use std::io::Read;
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageFormat, RgbaImage};
use rand::Rng;

use super::TrainingSet;
use super::labels::{Meaning, Meant, Stack, of_numbers, of_object};
use super::photo::LabelledPhoto;
use crate::annotations::labels::LabelMask;
use crate::error::Result;
use crate::files;
use crate::pictures::{self, Limits};
use crate::sets::Problem;
use crate::sets::pairs::{Pairing, no_mask};
use crate::sets::root::{Root, few, file_name, layout_error, stem};
use crate::text::printable;

/// What is to be ignored, where the object is brighter.
const IGNORED: u32 = 128;
/// More of it than this, and a pixel of a mask in alpha is object.
const HALF: u8 = 127;
/// Colors beyond this many are those of a photo and not of labels.
const MOST_COLORS: usize = 64;
/// A PNG's signature and header, up to its kind of color; and the kind of a palette.
const PNG_START: usize = 26;
const PALETTE: u8 = 3;

/// People's own data: photos in `images`, masks in `masks`.
///
/// `masks/NAME.*` and `masks/NAME_1.*`, `NAME_2.*`, … are of the photo `images/NAME.*`; objects of
/// different files may overlap. In each file
/// - 0 and one other number are one object;
/// - 0, 128 and a larger number are one object and what is to be ignored (128);
/// - else every number is an object: gray values of 8 or 16 bits, palette indices, colors;
/// - where alpha differs from pixel to pixel, the object is where it is more than half.
#[derive(Debug)]
pub(super) struct Folder {
    root: Root,
    photos: Vec<Entry>,
    remarks: Vec<String>,
}

#[derive(Debug)]
struct Entry {
    photo: PathBuf,
    masks: Vec<PathBuf>,
    problem: Option<Problem>,
}

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let root = Root::open(path)?;
        let [photos, masks] = root.folders(["images", "masks"])?;
        let (photos, masks) = (Root::list(&photos)?, Root::list(&masks)?);
        let pairing = Pairing::new(&photos.pictures, &masks.pictures);
        let entry = |photo: &PathBuf| Entry { photo: photo.clone(), masks: vec![], problem: None };
        let mut entries: Vec<Entry> = photos.pictures.iter().map(entry).collect();
        let mut unused = Vec::new();
        for mask in &masks.pictures {
            let stem = stem(mask);
            let numbered = || {
                let (photo, number) = stem.rsplit_once('_')?;
                let is_number = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
                let named = pairing.named(photo);
                (is_number && !named.is_empty()).then(|| named.to_vec())
            };
            let of = match (pairing.named(&stem), numbered()) {
                ([], Some(numbered)) => numbered,
                _ => pairing.photos_of(mask),
            };
            if of.is_empty() {
                unused.push(file_name(mask));
            }
            for photo in &of {
                let Some(entry) = entries.get_mut(*photo) else { continue };
                match of.len() {
                    1 => entry.masks.push(mask.clone()),
                    _ => entry.problem = Some(pairing.ambiguous(mask, &of)),
                }
            }
        }
        let mut remarks: Vec<String> =
            [photos.remark("images"), masks.remark("masks")].into_iter().flatten().collect();
        if !unused.is_empty() {
            let (count, names) = (unused.len(), few(&unused));
            remarks.push(format!("{count} masks have no photo and are not used: {names}"));
        }
        let mut without = Vec::new();
        for entry in &mut entries {
            if entry.masks.is_empty() && masks.passed_over(&entry.photo).is_some() {
                entry.problem = Some(no_mask(&entry.photo, &masks));
            } else if entry.masks.is_empty() && entry.problem.is_none() {
                without.push(file_name(&entry.photo));
            }
        }
        entries.retain(|entry| !entry.masks.is_empty() || entry.problem.is_some());
        if !without.is_empty() {
            let (count, names) = (without.len(), few(&without));
            remarks.push(format!("{count} photos have no mask and are left out: {names}"));
        }
        if entries.is_empty() {
            let remarks: String = remarks.iter().map(|remark| format!("; {remark}")).collect();
            return Err(layout_error(path, "no photo in it has a mask".to_owned() + &remarks));
        }
        Ok(Self { root, photos: entries, remarks })
    }

    fn mask(&self, path: &Path) -> Result<Meant, Problem> {
        let name = printable(&file_name(path));
        let wrong = |reason: &dyn std::fmt::Display| {
            Problem::new(format!("the mask {name} cannot be used: {reason}"))
        };
        self.root.check(path, "mask")?;
        let limits = Limits::default();
        let header = pictures::header(path, &limits).map_err(|error| wrong(&error))?;
        if header.format == ImageFormat::Jpeg {
            return Err(wrong(
                &"it is a JPEG, which changes values along edges; save it as PNG, with 0 and 255 \
                  (a threshold of 128) or with the numbers of objects",
            ));
        }
        if has_palette(path).map_err(|error| wrong(&error))? {
            return numbers(&self.root.read_labels(path)?, &name);
        }
        let image = pictures::read(path, &limits).map_err(|error| wrong(&error))?.image;
        match alpha(&image) {
            None => numbers(&LabelMask::of_image(image), &name),
            Some(is_object) => by_alpha(&image, &is_object, &name),
        }
    }
}

/// Whether a file is a PNG of palette indices.
fn has_palette(path: &Path) -> Result<bool, files::ReadError> {
    let mut start = Vec::new();
    let mut file = files::open(path)?.take(PNG_START as u64);
    file.read_to_end(&mut start)
        .map_err(|source| files::ReadError::Io { file: printable(&file_name(path)), source })?;
    Ok(start.starts_with(b"\x89PNG") && start.last() == Some(&PALETTE) && start.len() == PNG_START)
}

/// Where alpha is more than half; `None` where it says nothing.
fn alpha(image: &DynamicImage) -> Option<Vec<bool>> {
    if !image.color().has_alpha() {
        return None;
    }
    let image = image.to_rgba8();
    let mut alphas = image.pixels().map(|pixel| pixel.0[3]);
    let first = alphas.next()?;
    let differs = alphas.any(|alpha| alpha != first);
    differs.then(|| image.pixels().map(|pixel| pixel.0[3] > HALF).collect())
}

/// A mask with an alpha that differs: one object, where the colors are no labels of several.
fn by_alpha(image: &DynamicImage, is_object: &[bool], name: &str) -> Result<Meant, Problem> {
    if !is_object.contains(&true) {
        let reason = "its alpha is nowhere more than half";
        return Err(Problem::new(format!("the mask {name} is empty: {reason}")));
    }
    let mut colors: RgbaImage = image.to_rgba8();
    for (pixel, is_object) in colors.pixels_mut().zip(is_object) {
        pixel.0 = match (is_object, pixel.0) {
            (true, [red, green, blue, _]) => [red, green, blue, u8::MAX],
            (false, _) => [0, 0, 0, u8::MAX],
        };
    }
    let labels = LabelMask::of_image(colors.into());
    let values = labels.objects().unwrap_or_default();
    let is_whole =
        labels.numbers().zip(is_object).all(|(value, is_object)| (value > 0) == *is_object);
    match (2..=MOST_COLORS).contains(&values.len()) && is_whole {
        true => of_numbers(&labels, &values, |value| match value {
            0 => Meaning::Background,
            value => Meaning::Object(value),
        }),
        false => of_object(is_object, (image.width(), image.height())),
    }
}

/// A mask of numbers.
fn numbers(labels: &LabelMask, name: &str) -> Result<Meant, Problem> {
    let values = labels
        .objects()
        .map_err(|error| Problem::new(format!("the mask {name} cannot be used: {error}")))?;
    let void = labels.void().filter(|void| !values.contains(void));
    let is_graded = match values.as_slice() {
        [] => {
            return Err(Problem::new(format!(
                "the mask {name} is empty: no pixel is above 0; draw the object, or take mask and \
                 photo out"
            )));
        }
        [IGNORED] => {
            return Err(Problem::new(format!(
                "the mask {name} has no object: its only value beside 0 is 128, which means \
                 \"ignored\"; use 255 for the object"
            )));
        }
        [IGNORED, object] => *object > IGNORED,
        _ => false,
    };
    of_numbers(labels, &values, |value| match value {
        0 => Meaning::Background,
        IGNORED if is_graded => Meaning::Ignored,
        value if Some(value) == void => Meaning::Ignored,
        value => Meaning::Object(value),
    })
}

impl TrainingSet for Folder {
    fn len(&self) -> usize {
        self.photos.len()
    }

    fn name(&self, index: usize) -> String {
        self.photos.get(index).map(|it| printable(&file_name(&it.photo))).unwrap_or_default()
    }

    fn read(&self, index: usize, _: &mut dyn Rng) -> Result<LabelledPhoto, Problem> {
        let entry = self.photos.get(index).ok_or_else(Problem::no_such_object)?;
        if let Some(problem) = &entry.problem {
            return Err(problem.clone());
        }
        let mut stack = Stack::default();
        for mask in &entry.masks {
            stack.push(self.mask(mask)?)?;
        }
        stack.labelled(self.root.read_photo(&entry.photo)?.into_rgb8())
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
    }
}
