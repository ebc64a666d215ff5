use std::collections::HashMap;
use std::path::{Path, PathBuf};

use image::RgbImage;
use rand::Rng;

use super::TrainingSet;
use super::draw;
use super::options::{SetOptions, Split, Useless};
use super::photo::{LabelMap, LabelledPhoto, Object, Region};
use crate::annotations::panoptic::{self, Kind, Photo};
use crate::error::Result;
use crate::files;
use crate::sets::Problem;
use crate::sets::coco::inner;
use crate::sets::root::{Root, few, layout_error, names_in};
use crate::text::printable;

/// COCO panoptic: `annotations/panoptic_SPLIT2017.json`, pictures of numbers in
/// `annotations/panoptic_SPLIT2017`, photos in `SPLIT2017`. Things are objects, stuff with a
/// probability, crowds are ignored.
#[derive(Debug)]
pub(super) struct Panoptic {
    root: Root,
    path: PathBuf,
    year: String,
    photos: Vec<Photo>,
    stuff: f64,
    useless: Useless,
}

/// The file of a split, and what its folders are called.
pub(super) fn file(path: &Path, split: Split) -> Option<(PathBuf, String)> {
    let names = [format!("{}2017", split.name()), split.name().to_owned()];
    let file = |name: &String| path.join("annotations").join(format!("panoptic_{name}.json"));
    names.into_iter().find_map(|name| file(&name).is_file().then(|| (file(&name), name)))
}

impl Panoptic {
    pub(super) fn open(path: &Path, options: &SetOptions) -> Result<Self> {
        let root = Root::open(path)?;
        let (file, year) = file(path, options.split).ok_or_else(|| {
            let there = names_in(path).unwrap_or_default();
            let split = options.split.name();
            let reason = format!(
                "expected the file annotations/panoptic_{split}2017.json in it, found {}",
                few(&there)
            );
            layout_error(path, reason)
        })?;
        root.check(&file, "file").map_err(|problem| layout_error(path, problem.to_string()))?;
        let photos = panoptic::read(files::open(&file)?);
        let photos = photos.map_err(|error| layout_error(&file, error.to_string()))?;
        if photos.is_empty() {
            return Err(layout_error(&file, "it lists no photo"));
        }
        let (stuff, useless) = (options.stuff, options.useless);
        Ok(Self { root, path: path.to_owned(), year, photos, stuff, useless })
    }

    pub(super) fn photos(&self) -> &[Photo] {
        &self.photos
    }

    /// The number of each pixel's segment.
    pub(super) fn numbers(&self, photo: &Photo) -> Result<(RgbImage, Vec<u32>), Problem> {
        let folder = self.path.join("annotations").join(format!("panoptic_{}", self.year));
        let picture = self.root.read_mask(&folder.join(inner(&folder, &photo.file_name)?))?;
        let picture = picture.into_rgb8();
        let number = |pixel: &image::Rgb<u8>| {
            let [red, green, blue] = pixel.0;
            u32::from_le_bytes([red, green, blue, 0])
        };
        let numbers = picture.pixels().map(number).collect();
        Ok((picture, numbers))
    }
}

impl TrainingSet for Panoptic {
    fn len(&self) -> usize {
        self.photos.len()
    }

    fn name(&self, index: usize) -> String {
        let photo = self.photos.get(index);
        photo.map(|photo| printable(&photo.file_name)).unwrap_or_default()
    }

    fn read(&self, index: usize, draw: &mut dyn Rng) -> Result<LabelledPhoto, Problem> {
        let entry = self.photos.get(index).ok_or_else(Problem::no_such_object)?;
        if entry.segments.len() >= usize::from(u16::MAX) {
            return Err(Problem::new("it has more than 65,534 segments"));
        }
        let is_stuff_meant = self.stuff > 0.0 && draw::unit(draw) < self.stuff;
        // Values from 1 on: numbers may go up to 2^24.
        let mut value_of: HashMap<u32, u16> = HashMap::new();
        let (mut objects, mut ignored) = (Vec::new(), Vec::new());
        for segment in &entry.segments {
            let is_object = match segment.kind {
                Kind::Thing => true,
                Kind::Stuff if is_stuff_meant => true,
                Kind::Crowd if self.useless == Useless::Ignored => false,
                Kind::Stuff | Kind::Crowd => continue,
            };
            let value = value_of.len().saturating_add(1) as u16;
            if value_of.insert(segment.id, value).is_some() {
                let id = segment.id;
                return Err(Problem::new(format!("two of its segments have the id {id}")));
            }
            let region = Region { layer: 0, value };
            match is_object {
                true => objects.push(Object::alone(region)),
                false => ignored.push(region),
            }
        }
        let (picture, numbers) = self.numbers(entry)?;
        let (width, height) = picture.dimensions();
        let mut last = (0, 0);
        let value = |number: u32| {
            if number != last.0 {
                last = (number, value_of.get(&number).copied().unwrap_or(0));
            }
            last.1
        };
        let layer = LabelMap::from_raw(width, height, numbers.into_iter().map(value).collect());
        let layer = layer.ok_or_else(|| Problem::new("the mask cannot be understood"))?;
        let folder = self.path.join(&self.year);
        let name = entry.file_name.strip_suffix(".png").unwrap_or(&entry.file_name);
        let photo = folder.join(inner(&folder, &format!("{name}.jpg"))?);
        let photo = self.root.read_photo(&photo)?.into_rgb8();
        LabelledPhoto { photo, layers: vec![layer], objects, ignored }.checked()
    }
}
