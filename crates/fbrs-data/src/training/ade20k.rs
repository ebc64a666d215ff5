use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use image::GrayImage;
use rand::Rng;

use super::TrainingSet;
use super::draw;
use super::labels::{Meaning, of_numbers};
use super::options::{SetOptions, Split};
use super::photo::LabelledPhoto;
use crate::annotations::labels::LabelMask;
use crate::error::{Error, Result};
use crate::sets::Problem;
use crate::sets::root::{Root, file_name, layout_error, shown, stem};
use crate::text::printable;

/// Bytes that a list of instances may have.
const LIMIT: u64 = 4 << 20;
/// Folders in one another: a letter, a scene, a kind of it.
const DEEPEST: usize = 6;
/// Masks of parts that a photo may have.
const MOST_PARTS: usize = 64;
/// Classes that are stuff, as the published training has them.
const STUFF: [&str; 63] = [
    "water",
    "wall",
    "snow",
    "sky",
    "sea",
    "sand",
    "road",
    "route",
    "river",
    "path",
    "mountain",
    "mount",
    "land",
    "ground",
    "soil",
    "hill",
    "grass",
    "floor",
    "flooring",
    "field",
    "earth",
    "fence",
    "ceiling",
    "wave",
    "crosswalk",
    "hay bale",
    "bridge",
    "span",
    "building",
    "edifice",
    "cabinet",
    "cushion",
    "curtain",
    "drape",
    "drapery",
    "mantle",
    "pall",
    "door",
    "fencing",
    "house",
    "pole",
    "seat",
    "windowpane",
    "window",
    "tree",
    "towel",
    "table",
    "stairs",
    "steps",
    "streetlight",
    "street lamp",
    "sofa",
    "couch",
    "lounge",
    "skyscraper",
    "signboard",
    "sign",
    "sidewalk",
    "pavement",
    "shrub",
    "bush",
    "rug",
    "carpet",
];

/// ADE20K of 2016: `images/training` and `images/validation`, and in their folders
/// `NAME.jpg`, `NAME_seg.png`, `NAME_parts_1.png`, … and `NAME_atr.txt`. The mask, of whole objects
/// or of parts, is drawn at each reading.
#[derive(Debug)]
pub(super) struct Ade20k {
    root: Root,
    photos: Vec<Entry>,
    stuff: f64,
}

/// A photo and the masks of it: whole objects, then parts by their depth.
#[derive(Debug)]
struct Entry {
    photo: PathBuf,
    masks: Vec<PathBuf>,
    list: PathBuf,
}

/// The folder of a split.
pub(super) fn folder(path: &Path, split: Split) -> PathBuf {
    path.join("images").join(match split {
        Split::Train => "training",
        Split::Val => "validation",
    })
}

impl Ade20k {
    pub(super) fn open(path: &Path, options: &SetOptions) -> Result<Self> {
        let root = Root::open(path)?;
        let folder = folder(path, options.split);
        let mut photos = Vec::new();
        collect(&root, &folder, 0, &mut photos)?;
        photos.sort_by(|a, b| a.photo.cmp(&b.photo));
        if photos.is_empty() {
            let reason = "expected photos NAME.jpg with NAME_seg.png in the folders in it";
            return Err(layout_error(&folder, reason));
        }
        Ok(Self { root, photos, stuff: options.stuff })
    }

    fn mask(&self, path: &Path) -> Result<LabelMask, Problem> {
        let colors = self.root.read_mask(path)?.into_rgb8();
        // Blue holds the instances, red and green what they are.
        let blue = colors.pixels().map(|pixel| pixel.0[2]).collect();
        let gray = GrayImage::from_raw(colors.width(), colors.height(), blue);
        let gray = gray.ok_or_else(|| Problem::new("the mask cannot be understood"))?;
        Ok(LabelMask::of_image(gray.into()))
    }

    /// The instances of a layer, ascending, and whether they are stuff.
    fn instances(&self, list: &Path, layer: usize) -> Result<Vec<(u32, bool)>, Problem> {
        if !list.is_file() {
            let name = printable(&file_name(list));
            return Err(Problem::new(format!("its list of instances {name} is not there")));
        }
        let text = self.root.read_bytes(list, LIMIT)?;
        let text = String::from_utf8_lossy(&text);
        let mut found: Vec<(u32, bool)> = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            // Instance, layer, whether a part is hidden, names, the raw name, attributes.
            let parts: Vec<&str> = line.split('#').map(str::trim).collect();
            let [instance, of, _, names, ..] = parts.as_slice() else {
                return Err(damaged(list, line));
            };
            let (Ok(instance), Ok(of)) = (instance.parse::<u32>(), of.parse::<usize>()) else {
                return Err(damaged(list, line));
            };
            if of == layer {
                let is_stuff = |name: &str| STUFF.contains(&name);
                found.push((instance, names.split(',').any(|name| is_stuff(name.trim()))));
            }
        }
        found.sort_unstable();
        found.dedup_by_key(|(instance, _)| *instance);
        Ok(found)
    }
}

fn damaged(list: &Path, line: &str) -> Problem {
    let (name, line) = (printable(&file_name(list)), printable(line));
    Problem::new(format!(
        "its list of instances {name} has the line \"{line}\", expected instance # layer # hidden # \
         names # …"
    ))
}

/// Adds the photos in a folder and in those in it.
fn collect(root: &Root, folder: &Path, depth: usize, photos: &mut Vec<Entry>) -> Result<()> {
    root.check(folder, "folder").map_err(|problem| layout_error(folder, problem.to_string()))?;
    let failed = |source| Error::List { folder: shown(folder), source };
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        match path.is_dir() {
            true if depth < DEEPEST => collect(root, &path, depth.saturating_add(1), photos)?,
            true => {}
            false => drop(names.insert(path)),
        }
    }
    for photo in names.iter().filter(|path| path.extension().is_some_and(|it| it == "jpg")) {
        let stem = stem(photo);
        let beside = |end: &str| folder.join(format!("{stem}{end}"));
        let parts = (1..=MOST_PARTS).map(|number| beside(&format!("_parts_{number}.png")));
        let masks = std::iter::once(beside("_seg.png")).chain(parts);
        let masks: Vec<PathBuf> = masks.take_while(|mask| names.contains(mask)).collect();
        if !masks.is_empty() {
            let list = beside("_atr.txt");
            photos.push(Entry { photo: photo.clone(), masks, list });
        }
    }
    Ok(())
}

impl TrainingSet for Ade20k {
    fn len(&self) -> usize {
        self.photos.len()
    }

    fn name(&self, index: usize) -> String {
        self.photos.get(index).map(|it| printable(&file_name(&it.photo))).unwrap_or_default()
    }

    fn read(&self, index: usize, draw: &mut dyn Rng) -> Result<LabelledPhoto, Problem> {
        let entry = self.photos.get(index).ok_or_else(Problem::no_such_object)?;
        let layer = draw::below(draw, entry.masks.len());
        let with_stuff = self.stuff > 0.0 && draw::unit(draw) < self.stuff;
        let mask = entry.masks.get(layer).ok_or_else(Problem::no_such_object)?;
        let mask = self.mask(mask)?;
        let instances = self.instances(&entry.list, layer)?;
        let values = mask.values().map_err(|error| Problem::new(format!("the mask: {error}")))?;
        // Masks hold the instances' numbers, or other numbers in the same order.
        let is_stuff = |value: u32| {
            let place = match values.len() == instances.len() {
                true => values.binary_search(&value),
                false => instances.binary_search_by_key(&value, |(instance, _)| *instance),
            };
            place.ok().and_then(|place| instances.get(place)).is_some_and(|(_, stuff)| *stuff)
        };
        let meant = of_numbers(&mask, &values, |value| match value {
            0 => Meaning::Background,
            value if !with_stuff && is_stuff(value) => Meaning::Background,
            value => Meaning::Object(value),
        })?;
        meant.labelled(self.root.read_photo(&entry.photo)?.into_rgb8())
    }
}
