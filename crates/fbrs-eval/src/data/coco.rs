use std::collections::HashMap;
use std::path::{Path, PathBuf};

use fbrs::Size;
use serde::Deserialize;
use tiny_skia::{FillRule, Mask, PathBuilder, Transform};

use super::{DataSet, ObjectKey, Problem, Sample, data_error, files, rle};
use crate::error::Result;
use crate::truth::{Label, Truth};

/// Bytes that a file of instances may have; COCO's largest has 450 MB.
const LIMIT: u64 = 4 << 30;

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

/// Instances in COCO's JSON: polygons, and runs as numbers or packed into a text.
///
/// Polygons are filled where a pixel's center is inside by the even-odd rule. The COCO tools draw
/// edges a little wider: single pixels along them may differ.
#[derive(Debug)]
pub(super) struct Coco {
    folder: PathBuf,
    objects: Vec<Object>,
}

#[derive(Debug)]
struct Object {
    key: ObjectKey,
    shape: Option<Shape>,
}

#[derive(Deserialize)]
struct Instances {
    images: Vec<Photo>,
    annotations: Vec<Annotation>,
}

#[derive(Deserialize)]
struct Photo {
    id: u64,
    file_name: String,
}

#[derive(Deserialize)]
struct Annotation {
    id: u64,
    image_id: u64,
    #[serde(default)]
    segmentation: Option<Shape>,
    #[serde(default)]
    area: Option<f64>,
    #[serde(default)]
    iscrowd: u8,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Shape {
    Polygons(Vec<Vec<f64>>),
    Runs { counts: Counts, size: [usize; 2] },
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Counts {
    Numbers(Vec<u64>),
    Text(String),
}

impl Coco {
    pub(super) fn open(path: &Path, options: &CocoOptions) -> Result<Self> {
        let bytes = files::read_bytes(path, LIMIT)?;
        let instances: Instances = serde_json::from_slice(&bytes)
            .map_err(|error| data_error(path, format!("no COCO instances: {error}")))?;
        let names: HashMap<u64, &str> =
            instances.images.iter().map(|photo| (photo.id, photo.file_name.as_str())).collect();
        let first = instances.images.first().map(|photo| photo.file_name.as_str());
        let folder = match &options.images {
            Some(folder) => folder.clone(),
            None => find_photos(path, first.unwrap_or_default())
                .ok_or_else(|| data_error(path, "its photos were not found near it"))?,
        };
        let wanted = |annotation: &Annotation| {
            let area = annotation.area.or_else(|| annotation.segmentation.as_ref()?.area());
            let fits = |area: f64| {
                options.min_area.is_none_or(|min| area >= min)
                    && options.max_area.is_none_or(|max| area <= max)
            };
            (options.crowd || annotation.iscrowd == 0) && area.is_none_or(fits)
        };
        let mut objects = Vec::new();
        for annotation in instances.annotations.into_iter().filter(wanted) {
            let Some(name) = names.get(&annotation.image_id) else {
                let (id, image) = (annotation.id, annotation.image_id);
                let reason = format!("annotation {id} is of image {image}, which it does not list");
                return Err(data_error(path, reason));
            };
            let key = ObjectKey { image: (*name).to_owned(), object: Some(annotation.id) };
            objects.push(Object { key, shape: annotation.segmentation });
        }
        objects.sort_by(|a, b| (&a.key.image, a.key.object).cmp(&(&b.key.image, b.key.object)));
        Ok(Self { folder, objects })
    }
}

impl DataSet for Coco {
    fn objects(&self) -> Vec<ObjectKey> {
        self.objects.iter().map(|object| object.key.clone()).collect()
    }

    fn read(&self, number: usize) -> Result<Sample, Problem> {
        let object = self.objects.get(number);
        let object = object.ok_or_else(|| Problem::new("there is no such object"))?;
        let shape = object.shape.as_ref().ok_or_else(|| Problem::new("it has no mask"))?;
        let photo = files::read_photo(&self.folder.join(&object.key.image))?;
        let size = files::size_of(&photo);
        let mask =
            shape.mask(size).map_err(|reason| Problem::new(format!("the mask: {reason}")))?;
        let labels = mask.into_iter().map(Label::object_where).collect();
        let truth = Truth::new(size, labels);
        let truth = truth.ok_or_else(|| Problem::new("the mask cannot be understood"))?;
        Sample::new(photo, truth)
    }
}

fn find_photos(path: &Path, photo: &str) -> Option<PathBuf> {
    let beside = path.parent().unwrap_or(Path::new(""));
    let above = if beside == Path::new("") { Path::new("..") } else { &beside.join("..") };
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let split = name.rsplit_once('_').map_or(name.as_ref(), |(_, split)| split);
    [beside, above]
        .into_iter()
        .flat_map(|folder| {
            [folder.to_owned(), folder.join("images"), folder.join(split)]
                .into_iter()
                .chain([folder.join("images").join(split)])
        })
        .find(|folder| folder.join(photo).is_file())
}

impl Shape {
    /// Area in pixels, where the file does not give it.
    fn area(&self) -> Option<f64> {
        match self {
            Self::Polygons(polygons) => Some(polygons.iter().map(|points| shoelace(points)).sum()),
            Self::Runs { counts, .. } => {
                let runs = counts.runs().ok()?;
                Some(runs.iter().skip(1).step_by(2).map(|run| *run as f64).sum())
            }
        }
    }

    /// The mask in a photo of `size`, row-major.
    fn mask(&self, size: Size) -> Result<Vec<bool>, String> {
        match self {
            Self::Polygons(polygons) => fill(polygons, size),
            Self::Runs { counts, size: [height, width] } => {
                let own = Size { height: *height, width: *width };
                match own == size {
                    true => rle::decode(&counts.runs()?, size.height, size.width),
                    false => Err(format!("it has {own} pixels, the photo {size}")),
                }
            }
        }
    }
}

impl Counts {
    fn runs(&self) -> Result<Vec<u64>, String> {
        match self {
            Self::Numbers(runs) => Ok(runs.clone()),
            Self::Text(text) => rle::unpack(text),
        }
    }
}

fn shoelace(points: &[f64]) -> f64 {
    let (points, _) = points.as_chunks::<2>();
    let next = points.iter().cycle().skip(1);
    let doubled: f64 = points.iter().zip(next).map(|([x, y], [u, v])| x * v - u * y).sum();
    doubled.abs() / 2.0
}

fn fill(polygons: &[Vec<f64>], size: Size) -> Result<Vec<bool>, String> {
    let too_large = || format!("a photo of {size} pixels is too large");
    let side = |length: usize| u32::try_from(length).map_err(|_| too_large());
    let mut mask = Mask::new(side(size.width)?, side(size.height)?).ok_or_else(too_large)?;
    for points in polygons {
        let (points, odd) = points.as_chunks::<2>();
        if !odd.is_empty() || points.len() < 3 {
            return Err("a polygon has no area".to_owned());
        }
        // Far outside is as good as outside, and keeps the arithmetic of drawing in its range.
        let far = 4.0 * size.longest_side() as f64;
        let place = |at: f64| at.clamp(-far, far) as f32;
        if points.iter().flatten().any(|at| !at.is_finite()) {
            return Err("a polygon has a corner that is no number".to_owned());
        }
        let mut path = PathBuilder::new();
        for (index, [x, y]) in points.iter().enumerate() {
            match index {
                0 => path.move_to(place(*x), place(*y)),
                _ => path.line_to(place(*x), place(*y)),
            }
        }
        path.close();
        if let Some(path) = path.finish() {
            mask.fill_path(&path, FillRule::EvenOdd, false, Transform::identity());
        }
    }
    Ok(mask.data().iter().map(|coverage| *coverage > 0).collect())
}
