use std::path::{Path, PathBuf};

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::TrainingSet;
use super::draw;
use super::layers::fits;
use super::options::SetOptions;
use super::photo::{LabelMap, LabelledPhoto, Object, Region};
use super::pickle::{Pickle, Value};
use crate::annotations::labels::LabelMask;
use crate::error::Result;
use crate::files;
use crate::pictures::Limits;
use crate::sets::Problem;
use crate::sets::coco::inner;
use crate::sets::root::{Root, few, layout_error, names_in};
use crate::text::printable;

/// Bytes that a file of all photos may have. A hundred thousand photos with 15 objects each take 12
/// million in a pickle, 80 million in JSON.
const LARGEST_LIST: u64 = 1 << 28;
/// Bytes of one photo's masks.
const LARGEST_MASKS: u64 = 1 << 26;
/// What the file of this form is called, and what it says that it is.
pub(super) const FILE: &str = "combined.json";
pub(super) const FORMAT: &str = "fbrs combined masks";
pub(super) const VERSION: u32 = 1;

/// Masks of COCO and LVIS combined, with what is part of what.
///
/// Written by [`super::combine()`] as `SPLIT/combined.json`:
/// `{"format": "fbrs combined masks", "version": 1, "photos": […]}`, each photo
/// `{"photo": "train/images/000000000009.jpg", "layers": ["train/masks/000000000009_1.png"],
/// "objects": [{"layer": 0, "value": 1}, {"layer": 0, "value": 2, "parent": 0}],
/// "stuff": [{"layer": 0, "value": 3}], "ignored": [{"layer": 0, "value": 4}]}`. Names are from the
/// set's folder on, layers are gray PNGs, parents are places in `objects`. The published
/// `SPLIT/hannotation.pickle` with `SPLIT/masks/NAME.pickle` and `SPLIT/images/NAME.jpg` is read
/// where there is no such file.
#[derive(Debug)]
pub(super) struct Combined {
    root: Root,
    path: PathBuf,
    photos: Photos,
    stuff: f64,
}

#[derive(Debug)]
enum Photos {
    Ours(Vec<Photo>),
    /// With the folder of the split.
    Published(PathBuf, Vec<Published>),
}

/// The whole file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) format: String,
    pub(super) version: u32,
    pub(super) photos: Vec<Photo>,
}

/// A photo and where its objects are.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Photo {
    pub(super) photo: String,
    pub(super) layers: Vec<String>,
    pub(super) objects: Vec<Part>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) stuff: Vec<Spot>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) ignored: Vec<Spot>,
}

/// An object and what it is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    pub(super) layer: u32,
    pub(super) value: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) parent: Option<u32>,
}

/// The pixels of one value in one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spot {
    pub(super) layer: u32,
    pub(super) value: u16,
}

impl Spot {
    fn region(self) -> Region {
        Region { layer: self.layer as usize, value: self.value }
    }
}

/// A photo of the published form: the parents of its instances.
#[derive(Debug)]
struct Published {
    name: String,
    parents: Vec<Option<u32>>,
}

/// The file that lists the photos of a split.
pub(super) fn file(path: &Path, split: &str) -> Option<PathBuf> {
    let names = [FILE, "hannotation.pickle"];
    names.iter().map(|name| path.join(split).join(name)).find(|file| file.is_file())
}

impl Combined {
    pub(super) fn open(path: &Path, options: &SetOptions) -> Result<Self> {
        let root = Root::open(path)?;
        let split = options.split.name();
        let file = file(path, split).ok_or_else(|| {
            let there = names_in(&path.join(split)).unwrap_or_default();
            let reason = format!(
                "expected {split}/{FILE} (from `fbrs dataset combine`) or {split}/hannotation.pickle \
                 in it, found {}",
                few(&there)
            );
            layout_error(path, reason)
        })?;
        root.check(&file, "file").map_err(|problem| layout_error(path, problem.to_string()))?;
        let bytes = files::read(&file, LARGEST_LIST)?;
        let wrong = |reason: String| layout_error(&file, reason);
        let photos = if file.ends_with(FILE) {
            let read: File = serde_json::from_slice(&bytes)
                .map_err(|error| wrong(format!("it is not as it should be: {error}")))?;
            if read.format != FORMAT || read.version != VERSION {
                let (format, version) = (printable(&read.format), read.version);
                return Err(wrong(format!(
                    "expected \"{FORMAT}\" of version {VERSION}, found \"{format}\" of version \
                     {version}"
                )));
            }
            Photos::Ours(read.photos)
        } else {
            let pickle = Pickle::read(bytes).map_err(|error| wrong(error.to_string()))?;
            let photos = pickle
                .root()
                .pairs()
                .ok_or_else(|| wrong("expected a dictionary of photos".to_owned()))?;
            let photos = photos.map(|(name, photo)| {
                published(name, photo).ok_or_else(|| {
                    let name = printable(name.text().unwrap_or("that has no name"));
                    wrong(format!(
                        "what it says of the photo {name} is no number of instances and no hierarchy"
                    ))
                })
            });
            let mut photos = photos.collect::<Result<Vec<_>>>()?;
            photos.sort_by(|a, b| a.name.cmp(&b.name));
            Photos::Published(path.join(split), photos)
        };
        let set = Self { root, path: path.to_owned(), photos, stuff: options.stuff };
        match set.is_empty() {
            true => Err(wrong("it lists no photo".to_owned())),
            false => Ok(set),
        }
    }

    fn ours(&self, photo: &Photo, with_stuff: bool) -> Result<LabelledPhoto, Problem> {
        let place = |name: &str| Ok(self.path.join(inner(&self.path, name)?));
        let read = |name: &String| self.root.read_labels(&place(name)?);
        let layers = layers(photo.layers.iter().map(read))?;
        let part = |part: &Part| {
            let Part { layer, value, parent } = *part;
            (Spot { layer, value }.region(), parent)
        };
        let parts: Vec<_> = photo.objects.iter().map(part).collect();
        let stuff: &[Spot] = if with_stuff { &photo.stuff } else { &[] };
        let objects = objects(&parts, stuff.iter().map(|spot| spot.region()))?;
        let ignored = photo.ignored.iter().map(|spot| spot.region()).collect();
        let photo = self.root.read_photo(&place(&photo.photo)?)?.into_rgb8();
        LabelledPhoto { photo, layers, objects, ignored }.checked()
    }

    fn published(
        &self,
        folder: &Path,
        photo: &Published,
        with_stuff: bool,
    ) -> Result<LabelledPhoto, Problem> {
        let Published { name, parents } = photo;
        let masks = folder.join("masks");
        let file = format!("{name}.pickle");
        let wrong = |reason: &str| {
            Problem::new(format!("the masks {} cannot be used: {reason}", printable(&file)))
        };
        let bytes = self.root.read_bytes(&masks.join(inner(&masks, &file)?), LARGEST_MASKS)?;
        let pickle = Pickle::read(bytes).map_err(|error| wrong(&error.to_string()))?;
        let (encoded, places) = masks_of(&pickle)
            .ok_or_else(|| wrong("expected encoded layers and a list of (layer, value)"))?;
        let read = |bytes: &&[u8]| {
            let mask = LabelMask::read_bytes(bytes, &file, &Limits::default());
            mask.map_err(|error| wrong(&error.to_string()))
        };
        let layers = layers(encoded.iter().map(read))?;
        let (instances, stuff) = places.split_at_checked(parents.len()).ok_or_else(|| {
            wrong("it has fewer masks than the list of all photos says of instances")
        })?;
        let parts: Vec<_> = instances.iter().copied().zip(parents.iter().copied()).collect();
        let stuff: &[Region] = if with_stuff { stuff } else { &[] };
        let objects = objects(&parts, stuff.iter().copied())?;
        let images = folder.join("images");
        let photo = images.join(inner(&images, &format!("{name}.jpg"))?);
        let photo = self.root.read_photo(&photo)?.into_rgb8();
        LabelledPhoto { photo, layers, objects, ignored: Vec::new() }.checked()
    }
}

/// What the published list says of a photo.
fn published(name: Value<'_>, photo: Value<'_>) -> Option<Published> {
    let name = name.text()?.to_owned();
    let count = usize::try_from(photo.under("num_instance_masks")?.whole()?).ok()?;
    let mut parents = Vec::new();
    for (index, node) in photo.under("hierarchy")?.pairs()? {
        let index = usize::try_from(index.whole()?).ok()?;
        // Instances are numbered from 0 on.
        if index != parents.len() || index >= count {
            return None;
        }
        let parent = match node.is_none() {
            true => None,
            false => Some(node.under("parent")?).filter(|parent| !parent.is_none()),
        };
        parents.push(match parent {
            None => None,
            Some(parent) => Some(u32::try_from(parent.whole()?).ok()?),
        });
    }
    (parents.len() == count).then_some(Published { name, parents })
}

/// The encoded layers and the places of a photo's masks.
fn masks_of(pickle: &Pickle) -> Option<(Vec<&[u8]>, Vec<Region>)> {
    let mut parts = pickle.root().items()?;
    let (layers, places) = (parts.next()?, parts.next()?);
    let layers = layers.items()?.map(Value::bytes).collect::<Option<Vec<_>>>()?;
    let place = |place: Value<'_>| {
        let mut numbers = place.items()?.map(Value::whole);
        let (layer, value) = (numbers.next()??, numbers.next()??);
        Some(Region { layer: layer.try_into().ok()?, value: value.try_into().ok()? })
    };
    Some((layers, places.items()?.map(place).collect::<Option<Vec<_>>>()?))
}

/// Masks of numbers as layers.
fn layers(
    masks: impl Iterator<Item = Result<LabelMask, Problem>>,
) -> Result<Vec<LabelMap>, Problem> {
    let wrong = || Problem::new("a layer has other values than the numbers of 16 bits");
    let mut layers = Vec::new();
    for mask in masks {
        let mask = mask?;
        let size = mask.size();
        fits(layers.len().saturating_add(1), size.area())?;
        let values = mask.numbers().map(u16::try_from).collect::<Result<Vec<u16>, _>>();
        let values = values.map_err(|_| wrong())?;
        let layer = LabelMap::from_raw(size.width as u32, size.height as u32, values);
        layers.push(layer.ok_or_else(wrong)?);
    }
    Ok(layers)
}

/// Objects with their parents, and stuff, which is part of nothing.
fn objects(
    parts: &[(Region, Option<u32>)],
    stuff: impl Iterator<Item = Region>,
) -> Result<Vec<Object>, Problem> {
    let mut objects: Vec<Object> = parts
        .iter()
        .map(|(region, _)| Object::alone(*region))
        .chain(stuff.map(Object::alone))
        .collect();
    for (index, (_, parent)) in parts.iter().enumerate() {
        let Some(parent) = parent.map(|parent| parent as usize) else { continue };
        let known = objects.get_mut(parent).filter(|_| parent < parts.len());
        match known {
            Some(known) => known.children.push(index),
            None => return Err(Problem::new("an object is part of one that is not listed")),
        }
        if let Some(object) = objects.get_mut(index) {
            object.parent = Some(parent);
        }
    }
    Ok(objects)
}

impl TrainingSet for Combined {
    fn len(&self) -> usize {
        match &self.photos {
            Photos::Ours(photos) => photos.len(),
            Photos::Published(_, photos) => photos.len(),
        }
    }

    fn name(&self, index: usize) -> String {
        let name = match &self.photos {
            Photos::Ours(photos) => photos.get(index).map(|photo| printable(&photo.photo)),
            Photos::Published(_, photos) => {
                photos.get(index).map(|photo| printable(&format!("{}.jpg", photo.name)))
            }
        };
        name.unwrap_or_default()
    }

    fn read(&self, index: usize, draw: &mut dyn Rng) -> Result<LabelledPhoto, Problem> {
        let with_stuff = self.stuff > 0.0 && draw::unit(draw) < self.stuff;
        match &self.photos {
            Photos::Ours(photos) => {
                let photo = photos.get(index).ok_or_else(Problem::no_such_object)?;
                self.ours(photo, with_stuff)
            }
            Photos::Published(folder, photos) => {
                let photo = photos.get(index).ok_or_else(Problem::no_such_object)?;
                self.published(folder, photo, with_stuff)
            }
        }
    }
}
