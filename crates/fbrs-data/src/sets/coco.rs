use std::collections::HashSet;
use std::fs::File;
use std::path::{Component, Path, PathBuf};

use fbrs_clicks::Size;
use image::{DynamicImage, GrayImage};

use super::root::{Root, few, layout_error, names_in, shown};
use super::{DataSet, ObjectKey, Problem, Sample};
use crate::annotations::coco::{self, Annotation, Photo, Shape};
use crate::annotations::{Label, Truth};
use crate::error::{Error, Result};
use crate::files;
use crate::pictures::Picture;
use crate::text::{Stranger, printable};

/// Photos that are looked for to find their folder.
const PROBES: usize = 100;
/// Bytes by which a file is recognized that is none of instances.
const BEGINNING: u64 = 64;

/// Which instances of a COCO file are objects, and where its photos are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CocoOptions {
    /// Folder of the photos; `None` to look for it near the file: where the file lies, in `images`
    /// beside it, and in the folder that is called as its split (`instances_val2017.json`:
    /// `val2017`) beside it or one folder up.
    pub images: Option<PathBuf>,
    /// Instances with a smaller area, in pixels, are left out.
    pub min_area: Option<f64>,
    /// Instances with a larger area, in pixels, are left out.
    pub max_area: Option<f64>,
    /// Takes crowds as objects as well.
    pub crowd: bool,
}

/// Instances in COCO's JSON, as [`coco`] reads them. Masks are of the photo as seen or, where they
/// have the size that it is stored in, of the photo as stored, and are turned with it.
#[derive(Debug)]
pub(super) struct Coco {
    root: Root,
    folder: PathBuf,
    photos: Vec<Photo>,
    objects: Vec<Object>,
}

#[derive(Debug)]
struct Object {
    key: ObjectKey,
    photo: usize,
    shape: Result<Shape, Problem>,
}

impl Coco {
    pub(super) fn open(path: &Path, options: &CocoOptions) -> Result<Self> {
        let instances = read(path)?;
        let folder = match &options.images {
            Some(folder) => folder.clone(),
            None => find_photos(path, &instances.photos)?,
        };
        let root = Root::open(&folder)?;
        let mut objects = Vec::new();
        for annotation in instances.annotations {
            if !wanted(&annotation, options) {
                continue;
            }
            let image = instances.photos.get(annotation.photo);
            let image = image.map(|photo| photo.file_name.clone()).unwrap_or_default();
            let key = ObjectKey { image, object: Some(annotation.id) };
            let shape = annotation.shape.ok_or_else(|| Problem::new("it has no mask"));
            objects.push(Object { key, photo: annotation.photo, shape });
        }
        for fault in instances.faults {
            let photo = fault.photo.and_then(|photo| instances.photos.get(photo));
            let image = match (photo, fault.id) {
                (Some(photo), Some(_)) => photo.file_name.clone(),
                (None, Some(_)) => "no image".to_owned(),
                _ => format!("annotation number {}", fault.place),
            };
            let key = ObjectKey { image, object: fault.id };
            let shape = Err(Problem::new(fault.to_string()));
            objects.push(Object { key, photo: fault.photo.unwrap_or(usize::MAX), shape });
        }
        // Of two with one name, the first keeps it.
        let mut known = HashSet::new();
        for (index, object) in objects.iter_mut().enumerate() {
            if !known.insert(object.key.clone()) {
                let key = &object.key;
                object.shape = Err(Problem::new(format!(
                    "there is another {key}: give each annotation of a photo an id of its own"
                )));
                object.key = ObjectKey { image: format!("{} (again, {index})", key.image), ..*key };
            }
        }
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Self { root, folder, photos: instances.photos, objects })
    }

    fn photo(&self, object: &Object) -> Result<(&Photo, Picture), Problem> {
        let photo = self.photos.get(object.photo).ok_or_else(Problem::no_such_object)?;
        let path = self.folder.join(inner(&self.folder, &photo.file_name)?);
        if !path.exists() {
            return Err(missing(&path, &photo.file_name));
        }
        Ok((photo, self.root.read_photo(&path)?))
    }
}

impl DataSet for Coco {
    fn objects(&self) -> Vec<ObjectKey> {
        self.objects.iter().map(|object| object.key.clone()).collect()
    }

    fn read(&self, number: usize) -> Result<Sample, Problem> {
        let object = self.objects.get(number).ok_or_else(Problem::no_such_object)?;
        let shape = object.shape.as_ref().map_err(Clone::clone)?;
        let (photo, picture) = self.photo(object)?;
        let mask = mask_in(shape, photo, &picture)?;
        let seen = picture.size();
        let labels = mask.into_iter().map(Label::object_where).collect();
        let truth = Truth::new(seen, labels);
        let truth = truth.ok_or_else(|| Problem::new("the mask cannot be understood"))?;
        Sample::new(picture.into_rgb8(), truth)
    }
}

/// The mask of a shape in its photo as seen.
pub(crate) fn mask_in(
    shape: &Shape,
    photo: &Photo,
    picture: &Picture,
) -> Result<Vec<bool>, Problem> {
    let said = match shape {
        Shape::Runs(runs) => Some(runs.size),
        Shape::Polygons(_) => photo.size,
    };
    as_seen(said, picture, |size| {
        shape.mask(size).map_err(|error| Problem::new(format!("the mask: {error}")))
    })
}

/// A mask that `fill` makes for the size that it is said to have, turned as the photo was.
pub(crate) fn as_seen(
    said: Option<Size>,
    picture: &Picture,
    fill: impl FnOnce(Size) -> Result<Vec<bool>, Problem>,
) -> Result<Vec<bool>, Problem> {
    let (seen, stored) = (picture.size(), picture.stored);
    match said.unwrap_or(seen) {
        size if size == seen => fill(size),
        size if size == stored => turned(fill(size)?, size, picture),
        size => {
            let stored = match stored == seen {
                true => String::new(),
                false => format!(" ({stored} before it is turned as its EXIF data say)"),
            };
            Err(Problem::new(format!(
                "the mask is of a photo of {size} pixels, the photo has {seen}{stored}"
            )))
        }
    }
}

pub(crate) fn read(path: &Path) -> Result<coco::Instances> {
    let mut beginning = Vec::new();
    let mut start = std::io::Read::take(files::open(path)?, BEGINNING);
    let failed = |source| Error::Read(files::ReadError::Io { file: shown(path), source });
    std::io::Read::read_to_end(&mut start, &mut beginning).map_err(failed)?;
    if let Some(stranger) = Stranger::of(&beginning) {
        let (name, advice) = (stranger.name(), stranger.advice());
        return Err(layout_error(path, format!("it is {name}, expected JSON: {advice}")));
    }
    let file: File = files::open(path)?;
    let instances = coco::read(file).map_err(|error| layout_error(path, error.to_string()))?;
    for (list, count) in [
        ("images", instances.photos.len()),
        ("annotations", instances.annotations.len().max(instances.faults.len())),
    ] {
        if count == 0 {
            return Err(layout_error(path, format!("its list \"{list}\" is empty")));
        }
    }
    Ok(instances)
}

fn wanted(annotation: &Annotation, options: &CocoOptions) -> bool {
    let is_asked = options.min_area.is_some() || options.max_area.is_some();
    let shape = || annotation.shape.as_ref().filter(|_| is_asked)?.area().ok();
    let fits = |area: f64| {
        options.min_area.is_none_or(|min| area >= min)
            && options.max_area.is_none_or(|max| area <= max)
    };
    (options.crowd || !annotation.is_crowd) && annotation.area.or_else(shape).is_none_or(fits)
}

/// A photo's name as a path within the folder; backslashes divide folders where there is no file
/// with such a name.
pub(crate) fn inner(folder: &Path, file_name: &str) -> Result<PathBuf, Problem> {
    let wrong = |what: &str| {
        let name = printable(file_name);
        Problem::new(format!(
            "the file_name {name} is {what}, expected a name inside the folder of the photos"
        ))
    };
    if file_name.is_empty() {
        return Err(Problem::new("its image has no file_name"));
    }
    if file_name.contains("://") {
        return Err(wrong("an address"));
    }
    let plain = |name: &str| {
        let path = PathBuf::from(name);
        let is_inner = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        path.components().all(is_inner).then_some(path)
    };
    let as_written = plain(file_name).ok_or_else(|| wrong("a path out of it"))?;
    if !file_name.contains('\\') || folder.join(&as_written).exists() {
        return Ok(as_written);
    }
    let name = file_name.replace('\\', "/");
    let has_drive = name.as_bytes().get(1) == Some(&b':');
    plain(&name).filter(|_| !has_drive).ok_or_else(|| wrong("a path out of it"))
}

/// A photo that is not there, with a word on one whose name differs in case alone.
pub(crate) fn missing(path: &Path, file_name: &str) -> Problem {
    let wanted = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.parent().and_then(|folder| names_in(folder).ok()).unwrap_or_default();
    let other = beside.iter().find(|name| name.eq_ignore_ascii_case(&wanted));
    let other = other.map(|name| format!(", but {} is", printable(name))).unwrap_or_default();
    let folder = path.parent().map(shown).unwrap_or_default();
    Problem::new(format!("the photo {} is not there (in {folder}){other}", printable(file_name)))
}

pub(crate) fn find_photos(path: &Path, photos: &[Photo]) -> Result<PathBuf> {
    let beside = path.parent().unwrap_or(Path::new(""));
    let beside = if beside == Path::new("") { Path::new(".") } else { beside };
    let above = beside.join("..");
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let split = name.rsplit_once('_').map_or(name.as_ref(), |(_, split)| split);
    let folders: Vec<PathBuf> = [beside, &above]
        .into_iter()
        .flat_map(|folder| {
            let images = folder.join("images");
            [folder.to_owned(), images.clone(), folder.join(split), images.join(split)]
        })
        .collect();
    let probed = &photos.get(..PROBES).unwrap_or(photos);
    let is_in = |folder: &Path, photo: &Photo| {
        inner(folder, &photo.file_name).is_ok_and(|name| folder.join(name).is_file())
    };
    let found = |folder: &&PathBuf| probed.iter().filter(|photo| is_in(folder, photo)).count();
    // Of equal ones the first: `max_by_key` takes the last.
    let best = folders.iter().rev().max_by_key(found).filter(|folder| found(folder) > 0);
    best.cloned().ok_or_else(|| {
        let names: Vec<_> = photos.iter().map(|photo| photo.file_name.clone()).collect();
        let folders: Vec<_> = folders.iter().map(|folder| shown(folder)).collect();
        Error::NoPhotos { file: shown(path), photos: few(&names), folders: folders.join(", ") }
    })
}

/// A mask of the photo as stored, turned as the photo was.
fn turned(mask: Vec<bool>, size: Size, picture: &Picture) -> Result<Vec<bool>, Problem> {
    let bytes = mask.into_iter().map(u8::from).collect();
    let (width, height) = (size.width as u32, size.height as u32);
    let mask = GrayImage::from_raw(width, height, bytes);
    let mut mask = DynamicImage::from(mask.ok_or_else(|| Problem::new("the mask is too large"))?);
    mask.apply_orientation(picture.orientation);
    Ok(mask.into_luma8().into_raw().into_iter().map(|value| value > 0).collect())
}
