use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use image::imageops::{self, FilterType};
use rand::Rng;

use super::TrainingSet;
use super::draw;
use super::labels::of_object;
use super::options::{SetOptions, Split};
use super::photo::LabelledPhoto;
use crate::error::{Error, Result};
use crate::files::{self, ReadError};
use crate::sets::Problem;
use crate::sets::root::{Root, layout_error, names_in, shown};
use crate::text::printable;

/// Bytes of a table, and of one of its lines; the published one has 2.7 million lines.
const LARGEST_TABLE: u64 = 1 << 30;
const LONGEST_LINE: usize = 4096;

/// OpenImages: photos in `SPLIT/images`, masks of one object each in `SPLIT/masks`, and the table
/// `SPLIT/SPLIT-annotations-object-segmentation.csv` of which mask is of which photo. One mask is
/// drawn at each reading; the photo and its mask are brought to the smaller of their sizes.
#[derive(Debug)]
pub(super) struct OpenImages {
    root: Root,
    images: PathBuf,
    masks: PathBuf,
    photos: Vec<(String, Vec<String>)>,
    remarks: Vec<String>,
}

/// The table of a split, where there is one.
pub(super) fn table(path: &Path, split: Split) -> Option<PathBuf> {
    let split = split.name();
    let names = [split, if split == "val" { "validation" } else { split }];
    let table =
        |name: &str| path.join(split).join(format!("{name}-annotations-object-segmentation.csv"));
    names.iter().map(|name| table(name)).find(|table| table.is_file())
}

impl OpenImages {
    pub(super) fn open(path: &Path, options: &SetOptions) -> Result<Self> {
        let split = options.split.name();
        let root = Root::open(path)?;
        let folder = path.join(split);
        let inside = Root::open(&folder)?;
        let [images, masks] = inside.folders(["images", "masks"])?;
        for folder in [&images, &masks] {
            root.check(folder, "folder").map_err(|it| layout_error(path, it.to_string()))?;
        }
        let table = table(path, options.split).ok_or_else(|| {
            let name = format!("{split}-annotations-object-segmentation.csv");
            layout_error(&folder, format!("expected the table {name} in it"))
        })?;
        root.check(&table, "table").map_err(|problem| layout_error(path, problem.to_string()))?;
        let there: HashSet<String> = names_in(&images)?.into_iter().collect();
        let masks_there: HashSet<String> = names_in(&masks)?.into_iter().collect();
        let mut photos: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut missing = 0usize;
        for_each_row(&table, |photo, mask| {
            match there.contains(&format!("{photo}.jpg")) && masks_there.contains(mask) {
                true => photos.entry(photo.to_owned()).or_default().push(mask.to_owned()),
                false => missing = missing.saturating_add(1),
            }
        })?;
        if photos.is_empty() {
            return Err(layout_error(&table, "none of its photos is there together with a mask"));
        }
        let remark =
            format!("{missing} rows of the table are left out: photo or mask is not there");
        let remarks = if missing == 0 { Vec::new() } else { vec![remark] };
        Ok(Self { root, images, masks, photos: photos.into_iter().collect(), remarks })
    }
}

/// Calls `row` with the photo and the mask of every row.
fn for_each_row(table: &Path, mut row: impl FnMut(&str, &str)) -> Result<()> {
    let failed = |source| Error::Read(ReadError::Io { file: shown(table), source });
    let mut reader = BufReader::new(files::open(table)?.take(LARGEST_TABLE));
    let mut places: Option<(usize, usize)> = None;
    let mut line = String::new();
    loop {
        line.clear();
        let longest = (LONGEST_LINE as u64).saturating_add(1);
        let count = reader.by_ref().take(longest).read_line(&mut line).map_err(failed)?;
        if count == 0 {
            break;
        }
        if line.len() > LONGEST_LINE {
            return Err(layout_error(table, format!("a line has more than {LONGEST_LINE} bytes")));
        }
        let cells: Vec<&str> = line.trim().trim_start_matches('\u{feff}').split(',').collect();
        match places {
            None => {
                let place = |name: &str| cells.iter().position(|cell| cell.trim() == name);
                places = place("ImageID").zip(place("MaskPath"));
                if places.is_none() {
                    let reason = "expected a first line with the columns MaskPath and ImageID";
                    return Err(layout_error(table, reason));
                }
            }
            Some((photo, mask)) => {
                if let Some((photo, mask)) = cells.get(photo).zip(cells.get(mask)) {
                    row(photo.trim(), mask.trim());
                }
            }
        }
    }
    Ok(())
}

impl TrainingSet for OpenImages {
    fn len(&self) -> usize {
        self.photos.len()
    }

    fn name(&self, index: usize) -> String {
        let photo = self.photos.get(index);
        photo.map(|(name, _)| printable(&format!("{name}.jpg"))).unwrap_or_default()
    }

    fn read(&self, index: usize, draw: &mut dyn Rng) -> Result<LabelledPhoto, Problem> {
        let (name, masks) = self.photos.get(index).ok_or_else(Problem::no_such_object)?;
        let mask_name = masks.get(draw::below(draw, masks.len()));
        let mask_name = mask_name.ok_or_else(Problem::no_such_object)?;
        let mut mask = self.root.read_mask(&self.masks.join(mask_name))?.into_luma8();
        let photo = self.images.join(format!("{name}.jpg"));
        let mut photo = self.root.read_photo(&photo)?.into_rgb8();
        let (width, height) = (photo.width().min(mask.width()), photo.height().min(mask.height()));
        if photo.dimensions() != (width, height) {
            photo = imageops::resize(&photo, width, height, FilterType::Triangle);
        }
        if mask.dimensions() != (width, height) {
            mask = imageops::resize(&mask, width, height, FilterType::Nearest);
        }
        let is_object: Vec<bool> = mask.pixels().map(|pixel| pixel.0[0] > 0).collect();
        if !is_object.contains(&true) {
            let mask = printable(mask_name);
            return Err(Problem::new(format!("the mask {mask} is empty: take its row out")));
        }
        of_object(&is_object, (width, height))?.labelled(photo)
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
    }
}
