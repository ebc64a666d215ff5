use std::path::{Path, PathBuf};

use fbrs_clicks::Size;
use rand::Rng;

use super::TrainingSet;
use super::coco::{Annotated, annotated};
use super::draw;
use super::options::{SetOptions, Split, Useless};
use super::photo::{LabelMap, LabelledPhoto, Object, Region};
use crate::annotations::coco::{Photo, Polygons, Shape};
use crate::annotations::spans;
use crate::error::Result;
use crate::sets::Problem;
use crate::sets::coco::{as_seen, inner, read};
use crate::sets::root::{Root, few, layout_error, names_in};
use crate::text::printable;

/// More of an object than this is never covered by another one.
const MOST_COVERED: f64 = 0.5;
/// The value of what is ignored.
const IGNORED: u16 = u16::MAX;

/// LVIS: `SPLIT/lvis_SPLIT.json` (or `lvis_v1_SPLIT.json`, there or beside the folder of the split)
/// and the photos in `train/images` and `val/images`.
///
/// Objects lie over one another. They are painted in random order; one that covers, or is covered by,
/// too much is left out.
#[derive(Debug)]
pub(super) struct Lvis {
    pub(super) root: Root,
    path: PathBuf,
    pub(super) split: Split,
    pub(super) photos: Vec<Annotated>,
    useless: Useless,
    remarks: Vec<String>,
}

impl Lvis {
    pub(super) fn open(path: &Path, options: &SetOptions) -> Result<Self> {
        let root = Root::open(path)?;
        let split = options.split.name();
        let file = file(path, options.split).ok_or_else(|| {
            let there = names_in(path).unwrap_or_default();
            let reason =
                format!("expected the file {split}/lvis_{split}.json in it, found {}", few(&there));
            layout_error(path, reason)
        })?;
        root.check(&file, "file").map_err(|problem| layout_error(path, problem.to_string()))?;
        let (photos, remarks) = annotated(read(&file)?);
        if photos.is_empty() {
            return Err(layout_error(&file, "none of its photos has an annotation"));
        }
        let (path, useless) = (path.to_owned(), options.useless);
        Ok(Self { root, path, split: options.split, photos, useless, remarks })
    }

    /// Where a photo lies, from the set's folder on. Of version 1.0 the address says it: its parts
    /// are not those of the photos. Before that the name is what follows the last `_`.
    pub(super) fn place(&self, photo: &Photo) -> Result<PathBuf, Problem> {
        let (folder, name) = match photo.file_name.rsplit_once('/') {
            Some((folder, name)) if folder.contains("train2017") => (Split::Train, name),
            Some((_, name)) => (Split::Val, name),
            None => {
                let name = photo.file_name.rsplit('_').next().unwrap_or_default();
                (self.split, name)
            }
        };
        let folder = PathBuf::from(folder.name()).join("images");
        Ok(folder.join(inner(&self.path.join(&folder), name)?))
    }
}

/// The file of annotations of a split.
pub(super) fn file(path: &Path, split: Split) -> Option<PathBuf> {
    let split = split.name();
    let names = [format!("lvis_{split}.json"), format!("lvis_v1_{split}.json")];
    let in_split = names.iter().map(|name| path.join(split).join(name));
    let beside = names.iter().map(|name| path.join(name));
    in_split.chain(beside).find(|path| path.is_file())
}

/// The mask of polygons whose corners are rounded to pixels and that are filled one by one, border
/// included; runs as they are.
pub(super) fn filled(shape: &Shape, size: Size) -> Result<Vec<bool>, Problem> {
    let wrong = |error: crate::annotations::FormatError| Problem::new(format!("the mask: {error}"));
    let polygons: &Polygons = match shape {
        Shape::Polygons(polygons) => polygons,
        Shape::Runs(_) => return shape.mask(size).map_err(wrong),
    };
    let mut found = Vec::new();
    for polygon in polygons.iter() {
        let (corners, _) = polygon.as_chunks::<2>();
        let ring: Vec<(i64, i64)> = corners
            .iter()
            .map(|[x, y]| (x.round_ties_even() as i64, y.round_ties_even() as i64))
            .collect();
        found.extend(spans::with_border(&ring, size).map_err(wrong)?);
    }
    Ok(spans::mask(&spans::joined(found), size))
}

impl TrainingSet for Lvis {
    fn len(&self) -> usize {
        self.photos.len()
    }

    fn name(&self, index: usize) -> String {
        let photo = self.photos.get(index);
        photo.map(|photo| printable(&photo.photo.file_name)).unwrap_or_default()
    }

    fn read(&self, index: usize, draw: &mut dyn Rng) -> Result<LabelledPhoto, Problem> {
        let annotated = self.photos.get(index).ok_or_else(Problem::no_such_object)?;
        if let Some(fault) = &annotated.fault {
            return Err(fault.clone());
        }
        let picture = self.root.read_photo(&self.path.join(self.place(&annotated.photo)?))?;
        let size = picture.size();
        if annotated.objects.len() >= usize::from(IGNORED) {
            return Err(Problem::new("it has more than 65,534 annotations"));
        }
        let mut painting = Painting::new(size);
        for index in draw::order(draw, annotated.objects.len()) {
            let Some(shape) = annotated.objects.get(index) else { continue };
            let mask = as_seen(annotated.photo.size, &picture, |size| filled(shape, size))?;
            painting.paint(&mask);
        }
        let mut ignored = painting.left_out.clone();
        for shape in &annotated.crowds {
            let mask = as_seen(annotated.photo.size, &picture, |size| filled(shape, size))?;
            ignored.iter_mut().zip(mask).for_each(|(ignored, pixel)| *ignored |= pixel);
        }
        painting
            .labelled(picture.into_rgb8(), (self.useless == Useless::Ignored).then_some(&ignored))
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
    }
}

/// Objects painted over one another.
struct Painting {
    size: Size,
    values: Vec<u16>,
    /// Pixels that each object had when it was painted; the first is of value 1.
    areas: Vec<usize>,
    left_out: Vec<bool>,
}

impl Painting {
    fn new(size: Size) -> Self {
        let (values, left_out) = (vec![0; size.area()], vec![false; size.area()]);
        Self { size, values, areas: Vec::new(), left_out }
    }

    fn paint(&mut self, mask: &[bool]) {
        let area = mask.iter().filter(|pixel| **pixel).count();
        if area == 0 {
            return;
        }
        let mut covered = vec![0usize; self.areas.len()];
        for (value, _) in self.values.iter().zip(mask).filter(|(_, pixel)| **pixel) {
            let object = usize::from(*value).checked_sub(1);
            if let Some(count) = object.and_then(|object| covered.get_mut(object)) {
                *count = count.saturating_add(1);
            }
        }
        let share = |count: usize, of: usize| count as f64 / of as f64;
        let of_it = share(covered.iter().sum(), area);
        let of_others = covered.iter().zip(&self.areas).map(|(count, of)| share(*count, *of));
        if of_others.fold(of_it, f64::max) > MOST_COVERED {
            self.left_out.iter_mut().zip(mask).for_each(|(left_out, pixel)| *left_out |= pixel);
            return;
        }
        self.areas.push(area);
        let new = self.areas.len() as u16;
        for (value, _) in self.values.iter_mut().zip(mask).filter(|(_, pixel)| **pixel) {
            *value = new;
        }
    }

    /// The objects that are still seen, and what is ignored where no object is.
    fn labelled(
        mut self,
        photo: image::RgbImage,
        ignored: Option<&Vec<bool>>,
    ) -> Result<LabelledPhoto, Problem> {
        let mut is_seen = vec![false; self.areas.len().saturating_add(1)];
        let mut is_any_ignored = false;
        for (at, value) in self.values.iter_mut().enumerate() {
            if let Some(seen) = is_seen.get_mut(usize::from(*value)) {
                *seen = true;
            }
            let is_ignored = ignored.is_some_and(|ignored| ignored.get(at) == Some(&true));
            if *value == 0 && is_ignored {
                (*value, is_any_ignored) = (IGNORED, true);
            }
        }
        let seen = is_seen.iter().enumerate().skip(1).filter(|(_, seen)| **seen);
        let region = |value| Region { layer: 0, value };
        let objects = seen.map(|(value, _)| Object::alone(region(value as u16))).collect();
        let layer =
            LabelMap::from_raw(self.size.width as u32, self.size.height as u32, self.values);
        let layers = vec![layer.ok_or_else(|| Problem::new("the mask cannot be understood"))?];
        let ignored = if is_any_ignored { vec![region(IGNORED)] } else { Vec::new() };
        LabelledPhoto { photo, layers, objects, ignored }.checked()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn mask(text: &str) -> Vec<bool> {
        text.chars().map(|letter| letter == '#').collect()
    }

    fn painted(masks: &[&str]) -> (Vec<u16>, usize, Vec<Region>) {
        let size = Size { height: 1, width: masks[0].len() };
        let mut painting = Painting::new(size);
        masks.iter().for_each(|text| painting.paint(&mask(text)));
        let left_out = painting.left_out.clone();
        let photo = image::RgbImage::new(size.width as u32, 1);
        let labelled = painting.labelled(photo, Some(&left_out)).unwrap();
        (labelled.layers[0].as_raw().clone(), labelled.objects.len(), labelled.ignored)
    }

    #[test]
    fn what_covers_too_much_is_left_out_and_its_rest_ignored() {
        // Half is still painted over the first.
        assert_eq!(painted(&["####....", "..####.."]).0, [1, 1, 2, 2, 2, 2, 0, 0]);
        // Three of four pixels are of the first.
        let (values, objects, ignored) = painted(&["####....", ".####..."]);
        assert_eq!(values, [1, 1, 1, 1, IGNORED, 0, 0, 0]);
        assert_eq!((objects, ignored.len()), (1, 1));
        // The second covers the first, though the first is a small part of it.
        assert_eq!(painted(&["##......", "########"]).1, 1);
        // Nothing is no object, and divides nothing by zero.
        assert_eq!(painted(&["........", "#......."]).1, 1);
    }

    #[test]
    fn corners_are_rounded_to_pixels_and_the_border_is_inside() {
        let mut polygons = Polygons::default();
        polygons.push(&[0.5, 0.6, 3.4, 0.6, 3.4, 2.5, 0.5, 2.5]).unwrap();
        let mask = filled(&Shape::Polygons(polygons), Size { height: 4, width: 5 }).unwrap();
        let rows: Vec<usize> =
            mask.chunks(5).map(|row| row.iter().filter(|it| **it).count()).collect();
        // From (0, 1) to (3, 2): halves go to even numbers.
        assert_eq!(rows, [0, 4, 4, 0]);
    }
}
