use std::path::{Path, PathBuf};

use rand::Rng;

use super::TrainingSet;
use super::labels::{Meaning, of_numbers};
use super::options::SetOptions;
use super::photo::LabelledPhoto;
use crate::annotations::labels::voc_color;
use crate::error::Result;
use crate::files;
use crate::sets::Problem;
use crate::sets::root::{Root, few, layout_error};
use crate::text::printable;

/// Bytes that a list may have.
const LIMIT: u64 = 16 << 20;
/// The index of what belongs to no object.
const VOID: u8 = 255;

/// Pascal VOC: photos in `JPEGImages`, instances as palette indices in `SegmentationObject`, names
/// in `ImageSets/Segmentation/SPLIT.txt`. The border around instances is ignored.
#[derive(Debug)]
pub(super) struct Voc {
    root: Root,
    photos: PathBuf,
    masks: PathBuf,
    names: Vec<String>,
}

impl Voc {
    pub(super) fn open(path: &Path, options: &SetOptions) -> Result<Self> {
        let root = Root::open(path)?;
        let [photos, masks] = root.folders(["JPEGImages", "SegmentationObject"])?;
        let split = format!("{}.txt", options.split.name());
        let list = path.join("ImageSets").join("Segmentation").join(split);
        root.check(&list, "list").map_err(|problem| layout_error(path, problem.to_string()))?;
        let text = files::read_text(&list, LIMIT)?;
        let names: Vec<String> = text.lines().map(|name| name.trim().to_owned()).collect();
        let names: Vec<String> = names.into_iter().filter(|name| !name.is_empty()).collect();
        let is_wrong = |name: &&String| name.contains(['/', '\\', '\0']) || name.starts_with('.');
        let wrong: Vec<String> = names.iter().filter(is_wrong).cloned().collect();
        if !wrong.is_empty() || names.is_empty() {
            let reason = format!("expected names without folders, found {}", few(&wrong));
            return Err(layout_error(&list, reason));
        }
        Ok(Self { root, photos, masks, names })
    }
}

impl TrainingSet for Voc {
    fn len(&self) -> usize {
        self.names.len()
    }

    fn name(&self, index: usize) -> String {
        self.names.get(index).map(|name| printable(&format!("{name}.jpg"))).unwrap_or_default()
    }

    fn read(&self, index: usize, _: &mut dyn Rng) -> Result<LabelledPhoto, Problem> {
        let name = self.names.get(index).ok_or_else(Problem::no_such_object)?;
        let labels = self.root.read_labels(&self.masks.join(format!("{name}.png")))?;
        // Where the palette was made into colors, these are numbers as good as indices.
        let [red, green, blue] = voc_color(VOID);
        let color = u32::from_be_bytes([0, red, green, blue]);
        let values = labels.values().map_err(|error| {
            Problem::new(format!("the mask {} cannot be used: {error}", printable(name)))
        })?;
        let meaning = |value: u32| match value {
            0 => Meaning::Background,
            _ if value == u32::from(VOID) || value == color => Meaning::Ignored,
            value => Meaning::Object(value),
        };
        let meant = of_numbers(&labels, &values, meaning)?;
        let photo = self.root.read_photo(&self.photos.join(format!("{name}.jpg")))?;
        meant.labelled(photo.into_rgb8())
    }
}
