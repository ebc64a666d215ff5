//! What stands in a file, entry by entry, and what is wrong with it.

use std::collections::HashMap;

use fbrs_clicks::Size;
use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::shape::{Segmentation, Shape};
use super::{Annotation, Category, Fault, Id, Instances, Photo};
use crate::annotations::FormatError;
use crate::annotations::json::{FromJson, Json, Loose};
use crate::text::printable;

/// Photos, and annotations, that one file may list.
const MOST_ENTRIES: usize = 4_000_000;
/// Annotations that may be wrong before the file is.
const MOST_FAULTS: usize = 100_000;
/// Bytes of a photo's name.
const LONGEST_NAME: usize = 4096;

/// The lists as they stand in the file.
#[derive(Default)]
pub(super) struct File {
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
    pub(super) fn instances(self) -> Result<Instances, FormatError> {
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
        let mut address = String::new();
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "id" => photo.id = Id::of(&loose(&mut entries)?),
                "file_name" => photo.file_name = name(loose(&mut entries)?),
                "coco_url" => address = name(loose(&mut entries)?),
                "height" => photo.height = side(&loose(&mut entries)?),
                "width" => photo.width = side(&loose(&mut entries)?),
                _ => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        if photo.file_name.is_empty() {
            photo.file_name = name_in(&address);
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

/// Of an address the last folder and the name: what LVIS says of its photos.
fn name_in(address: &str) -> String {
    let mut parts = address.rsplitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(name), Some(folder), Some(_)) if !folder.is_empty() => format!("{folder}/{name}"),
        _ => String::new(),
    }
}

fn side(value: &Loose) -> Option<usize> {
    value.whole().and_then(|side| usize::try_from(side).ok()).filter(|side| *side > 0)
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
