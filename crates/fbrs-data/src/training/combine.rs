//! Masks of COCO's panoptic set and of LVIS made into one set with parts and wholes.
//!
//! LVIS has masks of many kinds that COCO has not, and COCO has objects that LVIS left out. Of two
//! masks of one object one is kept, and every mask that lies in a larger one is part of it.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use fbrs_clicks::Size;
use rayon::prelude::*;

use super::coco::Annotated;
use super::combined::{FILE, FORMAT, File, Part, Photo, Spot, VERSION};
use super::lvis::{self, Lvis};
use super::options::{SetOptions, Split};
use super::panoptic::Panoptic;
use crate::annotations::labels;
use crate::annotations::panoptic::{Kind, Photo as Segments};
use crate::error::{Error, Result};
use crate::files::Destination;
use crate::sets::Problem;
use crate::sets::root::{layout_error, shown, stem};
use crate::text::printable;

/// Pixels of the smallest mask that is an object.
const LEAST_AREA: usize = 80;
/// Pixels of the smallest stuff.
const LEAST_STUFF: usize = 501;
/// Masks with boxes more alike than this are compared.
const ALIKE_BOXES: f64 = 0.7;
/// A mask of COCO and one of LVIS more alike than this are of one object.
const SAME_OBJECT: f64 = 0.7;
/// Two masks of LVIS more alike than this are of one object.
const DOUBLE: f64 = 0.85;
/// As much of a part's box is in the box of the whole, at least; and more than this of its pixels.
const PART_OF_BOX: f64 = 0.7;
const PART_OF_MASK: f64 = 0.8;
/// Objects that a layer holds.
const MOST_OF_A_LAYER: usize = 255;
/// Masks of one photo, and their pixels together.
const MOST_MASKS: usize = 4096;
const MOST_PIXELS: usize = 1 << 30;

/// What was combined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Combination {
    /// The file that lists it.
    pub file: PathBuf,
    /// Photos with an object.
    pub photos: usize,
    /// Objects.
    pub objects: usize,
    /// Objects that are part of others.
    pub parts: usize,
    /// Regions of stuff.
    pub stuff: usize,
    /// Photos that could not be combined, with the reason.
    pub problems: Vec<(String, Problem)>,
}

/// Combines LVIS (with its photos) and COCO's panoptic annotations, and writes the masks into LVIS's
/// folder: `SPLIT/combined.json` and `SPLIT/masks/NAME_1.png`, … `on_progress` is told how many
/// photos are done, and of how many.
///
/// # Errors
/// [`Error`] where one of the two is not laid out as it should be, none of their photos are the
/// same, or nothing can be written.
pub fn combine(
    lvis: &Path,
    coco: &Path,
    split: Split,
    on_progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Combination> {
    let options = SetOptions { split, ..SetOptions::default() };
    let lvis_set = Lvis::open(lvis, &options)?;
    let coco_set = Panoptic::open(coco, &options)?;
    let by_name: HashMap<String, &Segments> =
        coco_set.photos().iter().map(|photo| (stem(Path::new(&photo.file_name)), photo)).collect();
    let both: Vec<(String, &Annotated, &Segments)> = lvis_set
        .photos
        .iter()
        .filter_map(|annotated| {
            let name = stem(Path::new(&annotated.photo.file_name));
            let name = name.rsplit('_').next().unwrap_or_default().to_owned();
            let segments = by_name.get(&name)?;
            Some((name, annotated, *segments))
        })
        .collect();
    if both.is_empty() {
        return Err(layout_error(coco, format!("it has none of the photos of {}", shown(lvis))));
    }
    let folder = lvis.join(split.name()).join("masks");
    let failed = |source| Error::Write { file: shown(&folder), source };
    fs::create_dir_all(&folder).map_err(failed)?;
    lvis_set
        .root
        .check(&folder, "folder")
        .map_err(|problem| layout_error(lvis, problem.to_string()))?;
    let done = AtomicUsize::new(0);
    let combined: Vec<Result<Option<Photo>, Problem>> = both
        .par_iter()
        .map(|(name, annotated, segments)| {
            let place = Place { name, folder: &folder, split };
            let photo = of_photo(&coco_set, annotated, segments)
                .and_then(|masks| masks.map(|masks| masks.write(&place)).transpose())
                .and_then(|photo| {
                    let Some(photo) = photo else { return Ok(None) };
                    let file = lvis_set.place(&annotated.photo)?;
                    Ok(Some(Photo { photo: file.to_string_lossy().replace('\\', "/"), ..photo }))
                });
            on_progress(done.fetch_add(1, Ordering::Relaxed).saturating_add(1), both.len());
            photo
        })
        .collect();
    let (mut photos, mut problems) = (Vec::new(), Vec::new());
    for ((name, ..), photo) in both.iter().zip(combined) {
        match photo {
            Ok(photo) => photos.extend(photo),
            Err(problem) => problems.push((printable(name), problem)),
        }
    }
    photos.sort_by(|a, b| a.photo.cmp(&b.photo));
    let count = |of: &dyn Fn(&Photo) -> usize| photos.iter().map(of).fold(0, usize::saturating_add);
    let file = lvis.join(split.name()).join(FILE);
    let combination = Combination {
        photos: photos.len(),
        objects: count(&|photo| photo.objects.len()),
        parts: count(&|photo| photo.objects.iter().filter(|it| it.parent.is_some()).count()),
        stuff: count(&|photo| photo.stuff.len()),
        problems,
        file,
    };
    let whole = File { format: FORMAT.to_owned(), version: VERSION, photos };
    let failed = |source| Error::Write { file: shown(&combination.file), source };
    let destination = Destination::new(&combination.file).map_err(failed)?;
    destination
        .replace(|draft| serde_json::to_writer(draft, &whole).map_err(std::io::Error::from))
        .map_err(failed)?;
    Ok(combination)
}

/// Where the masks of a photo go.
struct Place<'a> {
    name: &'a str,
    folder: &'a Path,
    split: Split,
}

/// The masks of one photo: objects first, then stuff, then what is ignored.
struct Masks {
    size: Size,
    objects: Vec<Mask>,
    parents: Vec<Option<usize>>,
    stuff: Vec<Mask>,
    ignored: Option<Mask>,
}

/// A mask that is not empty.
#[derive(Debug, Clone)]
struct Mask {
    pixels: Vec<bool>,
    area: usize,
    frame: Frame,
}

/// The first row and column of a mask, and those behind the last.
#[derive(Debug, Clone, Copy)]
struct Frame {
    top: usize,
    bottom: usize,
    left: usize,
    right: usize,
}

impl Frame {
    fn area(&self) -> f64 {
        let (height, width) =
            (self.bottom.saturating_sub(self.top), self.right.saturating_sub(self.left));
        height as f64 * width as f64
    }

    fn shared(&self, other: &Self) -> f64 {
        let height = self.bottom.min(other.bottom).saturating_sub(self.top.max(other.top));
        let width = self.right.min(other.right).saturating_sub(self.left.max(other.left));
        height as f64 * width as f64
    }

    fn iou(&self, other: &Self) -> f64 {
        let shared = self.shared(other);
        shared / (self.area() + other.area() - shared)
    }
}

impl Mask {
    fn new(pixels: Vec<bool>, size: Size) -> Option<Self> {
        let mut area = 0usize;
        let mut frame = Frame { top: usize::MAX, bottom: 0, left: usize::MAX, right: 0 };
        for (row, line) in pixels.chunks_exact(size.width.max(1)).enumerate() {
            let Some(left) = line.iter().position(|pixel| *pixel) else { continue };
            let right = line.iter().rposition(|pixel| *pixel).unwrap_or(left).saturating_add(1);
            frame.top = frame.top.min(row);
            frame.bottom = row.saturating_add(1);
            frame.left = frame.left.min(left);
            frame.right = frame.right.max(right);
            area = area.saturating_add(line.iter().filter(|pixel| **pixel).count());
        }
        (area > 0).then_some(Self { pixels, area, frame })
    }

    fn shared(&self, other: &Self) -> f64 {
        self.pixels.iter().zip(&other.pixels).filter(|(a, b)| **a && **b).count() as f64
    }

    fn is_like(&self, other: &Self, least: f64) -> bool {
        if self.frame.iou(&other.frame) <= ALIKE_BOXES {
            return false;
        }
        let shared = self.shared(other);
        shared / (self.area as f64 + other.area as f64 - shared) > least
    }

    fn holds(&self, part: &Self) -> bool {
        self.frame.shared(&part.frame) / part.frame.area() >= PART_OF_BOX
            && self.shared(part) / part.area as f64 > PART_OF_MASK
    }
}

/// The masks of a photo; none where it has no object.
fn of_photo(
    coco_set: &Panoptic,
    annotated: &Annotated,
    segments: &Segments,
) -> Result<Option<Masks>, Problem> {
    if let Some(fault) = &annotated.fault {
        return Err(fault.clone());
    }
    let (picture, numbers) = coco_set.numbers(segments)?;
    let size = Size { height: picture.height() as usize, width: picture.width() as usize };
    if let Some(said) = annotated.photo.size.filter(|said| *said != size) {
        return Err(Problem::new(format!(
            "LVIS says that it has {said} pixels, its panoptic mask has {size}"
        )));
    }
    let count = annotated.objects.len().saturating_add(segments.segments.len());
    if count > MOST_MASKS || count.saturating_mul(size.area()) > MOST_PIXELS {
        return Err(Problem::new(format!(
            "it has {count} masks of {size} pixels, which is too much: expected at most {MOST_MASKS} \
             and 1,024 megapixels together"
        )));
    }
    let mut ignored = vec![false; size.area()];
    let ignore = |ignored: &mut Vec<bool>, mask: &[bool]| {
        ignored.iter_mut().zip(mask).for_each(|(ignored, pixel)| *ignored |= pixel);
    };
    let mut of_lvis = Vec::new();
    for shape in &annotated.objects {
        match Mask::new(lvis::filled(shape, size)?, size) {
            Some(mask) if mask.area >= LEAST_AREA => of_lvis.push(mask),
            Some(mask) => ignore(&mut ignored, &mask.pixels),
            None => {}
        }
    }
    let (mut of_coco, mut stuff) = (Vec::new(), Vec::new());
    for segment in &segments.segments {
        let pixels: Vec<bool> = numbers.iter().map(|number| *number == segment.id).collect();
        let Some(mask) = Mask::new(pixels, size) else { continue };
        match segment.kind {
            Kind::Stuff => stuff.push(mask),
            Kind::Thing if mask.area >= LEAST_AREA => of_coco.push(mask),
            Kind::Thing | Kind::Crowd => ignore(&mut ignored, &mask.pixels),
        }
    }
    of_coco.retain(|mask| !of_lvis.iter().any(|other| other.is_like(mask, SAME_OBJECT)));
    let mut objects = of_coco;
    for (index, mask) in of_lvis.iter().enumerate() {
        let mut later = of_lvis.iter().skip(index.saturating_add(1));
        if !later.any(|other| mask.is_like(other, DOUBLE)) {
            objects.push(mask.clone());
        }
    }
    if objects.is_empty() {
        return Ok(None);
    }
    let mut taken = vec![false; size.area()];
    objects.iter().for_each(|mask| ignore(&mut taken, &mask.pixels));
    let outside = |pixels: Vec<bool>| {
        Mask::new(pixels.iter().zip(&taken).map(|(pixel, taken)| *pixel && !taken).collect(), size)
    };
    let stuff = stuff.into_iter().filter_map(|mask| outside(mask.pixels));
    let stuff: Vec<Mask> = stuff.filter(|mask| mask.area >= LEAST_STUFF).collect();
    // A small object within stuff stays ignored: layers hold both.
    let ignored = outside(ignored);
    let parents = parents(&objects);
    Ok(Some(Masks { size, objects, parents, stuff, ignored }))
}

/// Masks from the largest to the smallest; of equal ones the later first.
fn by_area(masks: &[&Mask]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..masks.len()).collect();
    order.sort_by_key(|index| masks.get(*index).map_or(0, |mask| mask.area));
    order.reverse();
    order
}

/// The deepest larger mask that each lies in.
fn parents(masks: &[Mask]) -> Vec<Option<usize>> {
    let all: Vec<&Mask> = masks.iter().collect();
    let order = by_area(&all);
    let mut tree = Tree { masks, children: vec![Vec::new(); masks.len()] };
    let mut parents: Vec<Option<usize>> = vec![None; masks.len()];
    for (place, larger) in order.iter().enumerate() {
        for smaller in order.iter().skip(place.saturating_add(1)) {
            let Some(parent) = parents.get_mut(*smaller).filter(|parent| parent.is_none()) else {
                continue;
            };
            if !tree.holds(*larger, *smaller) {
                continue;
            }
            *parent = tree.deepest(*larger, *smaller);
            let children = parent.and_then(|parent| tree.children.get_mut(parent));
            children.into_iter().for_each(|children| children.push(*smaller));
        }
    }
    parents
}

struct Tree<'a> {
    masks: &'a [Mask],
    children: Vec<Vec<usize>>,
}

impl Tree<'_> {
    fn holds(&self, whole: usize, part: usize) -> bool {
        let masks = self.masks.get(whole).zip(self.masks.get(part));
        masks.is_some_and(|(whole, part)| whole.holds(part))
    }

    /// The deepest mask at or below `root` that holds another one. No deeper than masks are many.
    fn deepest(&self, root: usize, part: usize) -> Option<usize> {
        let area = |index: usize| self.masks.get(index).map_or(0, |mask| mask.area);
        let children = self.children.get(root).into_iter().flatten();
        let mut larger = children.filter(|child| area(**child) >= area(part));
        larger
            .find_map(|child| self.deepest(*child, part))
            .or_else(|| self.holds(root, part).then_some(root))
    }
}

impl Masks {
    /// Writes the layers.
    fn write(self, place: &Place<'_>) -> Result<Photo, Problem> {
        let all: Vec<&Mask> = self.objects.iter().chain(&self.stuff).chain(&self.ignored).collect();
        let mut layers: Vec<(Vec<u16>, usize)> = Vec::new();
        let mut spots = vec![Spot { layer: 0, value: 0 }; all.len()];
        for index in by_area(&all) {
            let (Some(mask), Some(spot)) = (all.get(index), spots.get_mut(index)) else { continue };
            let is_free = |(values, count): &(Vec<u16>, usize)| {
                *count < MOST_OF_A_LAYER
                    && values.iter().zip(&mask.pixels).all(|(value, pixel)| *value == 0 || !pixel)
            };
            let layer = match layers.iter().position(is_free) {
                Some(layer) => layer,
                None => {
                    layers.push((vec![0; self.size.area()], 0));
                    layers.len().saturating_sub(1)
                }
            };
            if let Some((values, count)) = layers.get_mut(layer) {
                *count = count.saturating_add(1);
                *spot = Spot { layer: layer as u32, value: *count as u16 };
                let own = values.iter_mut().zip(&mask.pixels).filter(|(_, pixel)| **pixel);
                own.for_each(|(value, _)| *value = spot.value);
            }
        }
        let mut names = Vec::new();
        for (number, (values, _)) in (1usize..).zip(&layers) {
            let name = format!("{}_{number}.png", place.name);
            let path = place.folder.join(&name);
            let failed = |error: std::io::Error| {
                Problem::new(format!("{} cannot be written: {error}", printable(&name)))
            };
            let destination = Destination::new(&path).map_err(failed)?;
            let write = |draft: &mut _| labels::write(values, self.size, false, draft);
            destination.replace(write).map_err(failed)?;
            names.push(format!("{}/masks/{name}", place.split.name()));
        }
        let (objects, others) = spots.split_at(self.objects.len().min(spots.len()));
        let (stuff, ignored) = others.split_at(self.stuff.len().min(others.len()));
        let part = |(spot, parent): (&Spot, &Option<usize>)| Part {
            layer: spot.layer,
            value: spot.value,
            parent: parent.map(|parent| parent as u32),
        };
        Ok(Photo {
            photo: String::new(),
            layers: names,
            objects: objects.iter().zip(&self.parents).map(part).collect(),
            stuff: stuff.to_vec(),
            ignored: ignored.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SIZE: Size = Size { height: 40, width: 40 };

    fn frame(top: usize, left: usize, bottom: usize, right: usize) -> Mask {
        let is_in = |at: usize| {
            (top..bottom).contains(&(at / SIZE.width)) && (left..right).contains(&(at % SIZE.width))
        };
        Mask::new((0..SIZE.area()).map(is_in).collect(), SIZE).unwrap()
    }

    #[test]
    fn the_deepest_mask_is_the_parent() {
        let masks = [
            frame(0, 0, 40, 40),
            frame(2, 2, 20, 20),
            frame(4, 4, 10, 10),
            // Four fifths in the second are too few.
            frame(12, 12, 22, 20),
            frame(12, 2, 22, 8),
        ];
        assert_eq!(parents(&masks), [None, Some(0), Some(1), Some(0), Some(0)]);
        let masks = [frame(2, 2, 20, 20), frame(11, 12, 21, 20), frame(0, 0, 1, 1)];
        assert_eq!(parents(&masks), [None, Some(0), None]);
    }

    #[test]
    fn layers_are_filled_from_the_largest_mask_on() {
        let folder = tempfile::tempdir().unwrap();
        let objects = vec![frame(4, 4, 10, 10), frame(0, 0, 40, 40), frame(20, 20, 30, 30)];
        let parents = parents(&objects);
        let masks =
            Masks { size: SIZE, objects, parents, stuff: vec![], ignored: Some(frame(0, 0, 2, 2)) };
        let place = Place { name: "a", folder: folder.path(), split: Split::Train };
        let photo = masks.write(&place).unwrap();
        assert_eq!(photo.layers, ["train/masks/a_1.png", "train/masks/a_2.png"]);
        let part = |layer, value, parent| Part { layer, value, parent };
        assert_eq!(photo.objects, [part(1, 2, Some(1)), part(0, 1, None), part(1, 1, Some(1))]);
        assert_eq!(photo.ignored, [Spot { layer: 1, value: 3 }]);
    }

    #[test]
    fn doubles_are_found_by_box_and_mask() {
        let a = frame(0, 0, 20, 20);
        assert!(a.is_like(&frame(0, 0, 20, 18), DOUBLE));
        assert!(!a.is_like(&frame(0, 0, 20, 16), DOUBLE));
        assert!(a.is_like(&frame(0, 0, 20, 16), SAME_OBJECT));
        assert!(!a.is_like(&frame(0, 0, 14, 20), SAME_OBJECT));
    }
}
