//! Instances in COCO's JSON: read annotation by annotation, written whole.
//!
//! What Python's tools take is taken: numbers written as texts or with a fraction of zero, crowds
//! as true and false, `NaN`, a byte order mark. What is wrong with one annotation is a [`Fault`]
//! and keeps none of the others from being read.
//!
//! Polygons are filled where a pixel's center is inside by the even-odd rule. The COCO tools draw
//! edges a little wider: single pixels along them may differ.
//!
//! Format: <https://cocodataset.org/#format-data>.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod json;
mod shape;

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read, Write};

use fbrs_clicks::Size;
use serde::de::{Deserialize, IgnoredAny, MapAccess, SeqAccess};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use self::json::{FromJson, Json, Loose, Plain, explain};
use self::shape::Segmentation;
use super::FormatError;
use crate::text::printable;

pub use shape::{Counts, Polygons, Runs, Shape};

/// Photos, and annotations, that one file may list.
const MOST_ENTRIES: usize = 4_000_000;
/// Annotations that may be wrong before the file is.
const MOST_FAULTS: usize = 100_000;
/// Bytes of a photo's name.
const LONGEST_NAME: usize = 4096;

/// What a file of instances holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Instances {
    /// The photos.
    pub photos: Vec<Photo>,
    /// The objects.
    pub annotations: Vec<Annotation>,
    /// What objects may be.
    pub categories: Vec<Category>,
    /// Annotations that could not be read.
    pub faults: Vec<Fault>,
}

/// A photo.
#[derive(Debug, Clone, PartialEq)]
pub struct Photo {
    /// What annotations call it.
    pub id: Id,
    /// Name of its file, with the folders that it lies in; empty where the file of instances does
    /// not say.
    pub file_name: String,
    /// Height and width in pixels, where the file of instances says.
    pub size: Option<Size>,
}

/// One object.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// Its number, unique within the file.
    pub id: u64,
    /// Which of [`Instances::photos`] it is in.
    pub photo: usize,
    /// What it is.
    pub category: Option<Id>,
    /// Its mask; none where only a box is known.
    pub shape: Option<Shape>,
    /// Area in pixels.
    pub area: Option<f64>,
    /// Whether it is many objects of a kind that were not told apart.
    pub is_crowd: bool,
}

/// What an object may be.
#[derive(Debug, Clone, PartialEq)]
pub struct Category {
    /// What annotations call it.
    pub id: Id,
    /// What people call it.
    pub name: String,
}

/// Names a photo or a category within a file: a number, or a text that is none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Id {
    /// A number from 0 on.
    Number(u64),
    /// A number below 0.
    Negative(i64),
    /// A text.
    Text(String),
}

/// An annotation that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its number, where that could be read.
    pub id: Option<u64>,
    /// Its place in the list, from 1.
    pub place: usize,
    /// The photo it is of, where that could be read.
    pub photo: Option<usize>,
    /// What is wrong, for a person to read.
    pub reason: String,
}

/// Reads a file of instances.
///
/// # Errors
/// [`FormatError`] for what is no JSON, has no lists `images` and `annotations`, or gives two
/// photos one id; [`FormatError::TooLarge`] for more than 2 GiB, 4 million photos or annotations,
/// or 100,000 annotations that cannot be read.
pub fn read(reader: impl Read) -> Result<Instances, FormatError> {
    let reader = io::BufReader::new(Plain::new(reader));
    let mut json = serde_json::Deserializer::from_reader(reader);
    let Json(file) = Json::<File>::deserialize(&mut json).map_err(explain)?;
    json.end().map_err(explain)?;
    file.instances()
}

/// Writes a file of instances; faults are left out.
///
/// # Errors
/// Whatever `writer` says, and where an annotation is of a photo that is not listed.
pub fn write(instances: &Instances, writer: impl Write) -> io::Result<()> {
    let photos = instances.photos.len();
    if instances.annotations.iter().any(|annotation| annotation.photo >= photos) {
        let reason = "an annotation is of a photo that is not listed";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    }
    serde_json::to_writer(writer, instances).map_err(io::Error::from)
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Negative(number) => number.fmt(f),
            Self::Text(text) => write!(f, "\"{}\"", printable(text)),
        }
    }
}

impl Id {
    fn of(value: &Loose) -> Option<Self> {
        match (value.whole(), value) {
            (Some(number), _) => match u64::try_from(number) {
                Ok(number) => Some(Self::Number(number)),
                Err(_) => i64::try_from(number).ok().map(Self::Negative),
            },
            (None, Loose::Text(text)) if text.len() <= LONGEST_NAME => {
                Some(Self::Text(text.clone()))
            }
            _ => None,
        }
    }
}

/// The lists as they stand in the file.
#[derive(Default)]
struct File {
    photos: Option<List<RawPhoto>>,
    annotations: Option<Annotations>,
    categories: Option<List<RawCategory>>,
    is_object: bool,
}

/// A list of the file; entries beyond [`MOST_ENTRIES`] are counted alone.
struct List<T> {
    entries: Vec<T>,
    count: usize,
}

#[derive(Default)]
struct RawPhoto {
    id: Option<Id>,
    file_name: String,
    height: Option<usize>,
    width: Option<usize>,
}

/// The list of annotations. Of wrong ones no more are kept than may be.
#[derive(Default)]
struct Annotations {
    sound: Vec<(usize, Sound)>,
    wrong: Vec<Wrong>,
    count: usize,
}

/// An annotation whose photo is yet to be found.
struct Sound {
    id: u64,
    photo: Id,
    category: Option<Id>,
    shape: Option<Shape>,
    area: Option<f64>,
    is_crowd: bool,
}

struct Wrong {
    id: Option<u64>,
    place: usize,
    photo: Option<Id>,
    reason: String,
}

struct RawAnnotation {
    id: Loose,
    photo: Option<Id>,
    category: Option<Id>,
    segmentation: Segmentation,
    area: Option<f64>,
    crowd: Loose,
    /// What stands where the annotation should be.
    instead: Option<Loose>,
}

#[derive(Default)]
struct RawCategory {
    id: Option<Id>,
    name: String,
}

impl File {
    fn instances(self) -> Result<Instances, FormatError> {
        let missing = |name: &str| {
            FormatError::Damaged(match self.is_object {
                true => format!("it has no list \"{name}\": expected COCO instances"),
                false => "it is no JSON object: expected COCO instances".to_owned(),
            })
        };
        let photos = self.photos.ok_or_else(|| missing("images"))?;
        let annotations = self.annotations.ok_or_else(|| missing("annotations"))?;
        for (count, what) in [(photos.count, "photos"), (annotations.count, "annotations")] {
            if count > MOST_ENTRIES {
                let reason = format!("it lists {count} {what}, expected at most {MOST_ENTRIES}");
                return Err(FormatError::TooLarge(reason));
            }
        }
        let mut instances = Instances::default();
        let mut by_id = HashMap::with_capacity(photos.entries.len());
        for photo in photos.entries {
            let Some(id) = photo.id else { continue };
            let size = photo.height.zip(photo.width).map(|(height, width)| Size { height, width });
            let photo = Photo { id: id.clone(), file_name: photo.file_name, size };
            let index = by_id.insert(id, instances.photos.len());
            match index.and_then(|index| instances.photos.get(index)) {
                Some(first) if *first != photo => {
                    return Err(FormatError::Damaged(format!(
                        "two photos have the id {}: {} and {}; give each an id of its own",
                        photo.id,
                        printable(&first.file_name),
                        printable(&photo.file_name)
                    )));
                }
                _ => instances.photos.push(photo),
            }
        }
        let photo_of = |id: &Id| by_id.get(id).copied();
        let fault = |wrong: Wrong| {
            let Wrong { id, place, photo, reason } = wrong;
            Fault { id, place, photo: photo.as_ref().and_then(photo_of), reason }
        };
        instances.faults = annotations.wrong.into_iter().map(fault).collect();
        for (place, annotation) in annotations.sound {
            let Sound { id, photo, category, shape, area, is_crowd } = annotation;
            match photo_of(&photo) {
                Some(photo) => {
                    let sound = Annotation { id, photo, category, shape, area, is_crowd };
                    instances.annotations.push(sound);
                }
                None if instances.faults.len() <= MOST_FAULTS => {
                    let reason = format!("it is of image {photo}, which the file does not list");
                    instances.faults.push(Fault { id: Some(id), place, photo: None, reason });
                }
                None => {}
            }
        }
        if instances.faults.len() > MOST_FAULTS {
            let first = instances.faults.first().map(Fault::to_string).unwrap_or_default();
            let reason =
                format!("more than {MOST_FAULTS} of its annotations cannot be read, first {first}");
            return Err(FormatError::TooLarge(reason));
        }
        let categories = self.categories.map(|list| list.entries).unwrap_or_default();
        let category = |raw: RawCategory| Some(Category { id: raw.id?, name: raw.name });
        instances.categories = categories.into_iter().filter_map(category).collect();
        Ok(instances)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id {
            Some(id) => write!(f, "annotation {id}: {}", self.reason),
            None => write!(f, "annotation number {} of the list: {}", self.place, self.reason),
        }
    }
}

impl RawAnnotation {
    fn checked(self, place: usize) -> Result<Sound, Wrong> {
        let id = self.id.whole().and_then(|id| u64::try_from(id).ok());
        let photo = self.photo.clone();
        let wrong = |reason: String| Wrong { id, place, photo, reason };
        if let Some(instead) = self.instead {
            return Err(wrong(format!("it is {instead}, expected an object")));
        }
        let Some(number) = id else {
            let reason = format!("its id is {}, expected a whole number from 0 on", self.id);
            return Err(wrong(reason));
        };
        let Some(of) = self.photo else {
            return Err(wrong("it has no image_id".to_owned()));
        };
        let Some(is_crowd) = self.crowd.truth() else {
            return Err(wrong(format!("its iscrowd is {}, expected 0 or 1", self.crowd)));
        };
        let shape = match self.segmentation {
            Segmentation::Missing => None,
            Segmentation::Shape(shape) => Some(shape),
            Segmentation::Wrong(reason) => return Err(wrong(reason)),
        };
        let (category, area) = (self.category, self.area);
        Ok(Sound { id: number, photo: of, category, shape, area, is_crowd })
    }
}

impl FromJson for Option<Annotations> {
    fn value(_: Loose) -> Self {
        None
    }

    fn list<'de, A: SeqAccess<'de>>(mut elements: A) -> Result<Self, A::Error> {
        let mut list = Annotations::default();
        while let Some(Json(annotation)) = elements.next_element::<Json<RawAnnotation>>()? {
            list.count = list.count.saturating_add(1);
            match annotation.checked(list.count) {
                Ok(sound) => list.sound.push((list.count, sound)),
                Err(wrong) => list.wrong.push(wrong),
            }
            if list.count == MOST_ENTRIES || list.wrong.len() > MOST_FAULTS {
                break;
            }
        }
        while elements.next_element::<IgnoredAny>()?.is_some() {
            list.count = list.count.saturating_add(1);
        }
        Ok(Some(list))
    }
}

impl FromJson for File {
    fn value(_: Loose) -> Self {
        Self::default()
    }

    fn object<'de, A: MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
        let mut file = Self { is_object: true, ..Self::default() };
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "images" => file.photos = entries.next_value::<Json<_>>()?.0,
                "annotations" => file.annotations = entries.next_value::<Json<_>>()?.0,
                "categories" => file.categories = entries.next_value::<Json<_>>()?.0,
                _ => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        Ok(file)
    }
}

impl<T: FromJson> FromJson for Option<List<T>> {
    fn value(_: Loose) -> Self {
        None
    }

    fn list<'de, A: SeqAccess<'de>>(mut elements: A) -> Result<Self, A::Error> {
        let mut list = List { entries: Vec::new(), count: 0 };
        while let Some(Json(entry)) = elements.next_element()? {
            list.count = list.count.saturating_add(1);
            list.entries.push(entry);
            if list.count == MOST_ENTRIES {
                break;
            }
        }
        while elements.next_element::<IgnoredAny>()?.is_some() {
            list.count = list.count.saturating_add(1);
        }
        Ok(Some(list))
    }
}

impl FromJson for RawPhoto {
    fn value(_: Loose) -> Self {
        Self::default()
    }

    fn object<'de, A: MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
        let mut photo = Self::default();
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "id" => photo.id = Id::of(&loose(&mut entries)?),
                "file_name" => photo.file_name = name(loose(&mut entries)?),
                "height" => photo.height = side(&loose(&mut entries)?),
                "width" => photo.width = side(&loose(&mut entries)?),
                _ => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        Ok(photo)
    }
}

impl FromJson for RawAnnotation {
    fn value(value: Loose) -> Self {
        Self {
            id: Loose::Nothing,
            photo: None,
            category: None,
            segmentation: Segmentation::Missing,
            area: None,
            crowd: Loose::Nothing,
            instead: Some(value),
        }
    }

    fn object<'de, A: MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
        let mut annotation = Self { instead: None, ..Self::value(Loose::Nothing) };
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "id" => annotation.id = loose(&mut entries)?,
                "image_id" => annotation.photo = Id::of(&loose(&mut entries)?),
                "category_id" => annotation.category = Id::of(&loose(&mut entries)?),
                "segmentation" => annotation.segmentation = entries.next_value::<Json<_>>()?.0,
                "area" => annotation.area = loose(&mut entries)?.number(),
                "iscrowd" => annotation.crowd = loose(&mut entries)?,
                _ => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        Ok(annotation)
    }
}

impl FromJson for RawCategory {
    fn value(_: Loose) -> Self {
        Self::default()
    }

    fn object<'de, A: MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
        let mut category = Self::default();
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "id" => category.id = Id::of(&loose(&mut entries)?),
                "name" => category.name = name(loose(&mut entries)?),
                _ => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        Ok(category)
    }
}

fn loose<'de, A: MapAccess<'de>>(entries: &mut A) -> Result<Loose, A::Error> {
    Ok(entries.next_value::<Json<Loose>>()?.0)
}

/// A name; empty for what is none.
fn name(value: Loose) -> String {
    match value {
        Loose::Text(text) if text.len() <= LONGEST_NAME => text,
        _ => String::new(),
    }
}

fn side(value: &Loose) -> Option<usize> {
    value.whole().and_then(|side| usize::try_from(side).ok()).filter(|side| *side > 0)
}

impl Serialize for Instances {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut file = to.serialize_map(Some(3))?;
        file.serialize_entry("images", &self.photos)?;
        let of = |annotation| AnnotationOf { annotation, photos: &self.photos };
        let annotations: Vec<_> = self.annotations.iter().map(of).collect();
        file.serialize_entry("annotations", &annotations)?;
        file.serialize_entry("categories", &self.categories)?;
        file.end()
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => to.serialize_u64(*number),
            Self::Negative(number) => to.serialize_i64(*number),
            Self::Text(text) => to.serialize_str(text),
        }
    }
}

impl Serialize for Photo {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut photo = to.serialize_map(None)?;
        photo.serialize_entry("id", &self.id)?;
        photo.serialize_entry("file_name", &self.file_name)?;
        if let Some(size) = self.size {
            photo.serialize_entry("height", &size.height)?;
            photo.serialize_entry("width", &size.width)?;
        }
        photo.end()
    }
}

impl Serialize for Category {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut category = to.serialize_map(Some(2))?;
        category.serialize_entry("id", &self.id)?;
        category.serialize_entry("name", &self.name)?;
        category.end()
    }
}

struct AnnotationOf<'a> {
    annotation: &'a Annotation,
    photos: &'a [Photo],
}

impl Serialize for AnnotationOf<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Annotation { id, photo, category, shape, area, is_crowd } = self.annotation;
        let mut entries = to.serialize_map(None)?;
        entries.serialize_entry("id", id)?;
        entries.serialize_entry("image_id", &self.photos.get(*photo).map(|photo| &photo.id))?;
        if let Some(category) = category {
            entries.serialize_entry("category_id", category)?;
        }
        if let Some(shape) = shape {
            entries.serialize_entry("segmentation", shape)?;
        }
        if let Some(area) = area {
            entries.serialize_entry("area", area)?;
        }
        entries.serialize_entry("iscrowd", &u8::from(*is_crowd))?;
        entries.end()
    }
}

impl Serialize for Shape {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Polygons(polygons) => {
                let mut list = to.serialize_seq(None)?;
                polygons.iter().try_for_each(|polygon| list.serialize_element(polygon))?;
                list.end()
            }
            Self::Runs(Runs { size, counts }) => {
                let mut runs = to.serialize_map(Some(2))?;
                runs.serialize_entry("size", &[size.height, size.width])?;
                match counts {
                    Counts::Numbers(numbers) => runs.serialize_entry("counts", numbers)?,
                    Counts::Packed(text) => runs.serialize_entry("counts", text)?,
                }
                runs.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            height in 1usize..20,
            width in 1usize..20,
            seed in prop::collection::vec(any::<bool>(), 400),
            id in any::<u64>(),
            photo_id in any::<i64>(),
            name in "\\PC{1,20}",
            area in prop::option::of(0u32..1_000_000),
            is_crowd in any::<bool>(),
        ) {
            let size = Size { height, width };
            let mask = &seed[..size.area()];
            let photo_id = match u64::try_from(photo_id) {
                Ok(id) => Id::Number(id),
                Err(_) => Id::Negative(photo_id),
            };
            let instances = Instances {
                photos: vec![Photo { id: photo_id, file_name: name.clone(), size: Some(size) }],
                annotations: vec![Annotation {
                    id,
                    photo: 0,
                    category: Some(Id::Text("a kind".to_owned())),
                    shape: Shape::from_mask(mask, size),
                    area: area.map(f64::from),
                    is_crowd,
                }],
                categories: vec![Category { id: Id::Text("a kind".to_owned()), name }],
                faults: Vec::new(),
            };
            let mut written = Vec::new();
            write(&instances, &mut written).unwrap();
            let read = read(&written[..]).unwrap();
            prop_assert_eq!(&read, &instances);
            let shape = read.annotations[0].shape.as_ref().unwrap();
            prop_assert_eq!(&shape.mask(size).unwrap(), mask);
            prop_assert_eq!(shape.area().unwrap() as usize, mask.iter().filter(|p| **p).count());
        }
    }

    #[test]
    fn an_annotation_of_no_photo_is_not_written() {
        let annotation = Annotation {
            id: 1,
            photo: 0,
            category: None,
            shape: None,
            area: None,
            is_crowd: false,
        };
        let instances = Instances { annotations: vec![annotation], ..Instances::default() };
        assert!(write(&instances, Vec::new()).is_err());
    }
}
