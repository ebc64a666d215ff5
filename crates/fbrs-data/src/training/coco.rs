use std::path::{Path, PathBuf};

use rand::Rng;

use super::TrainingSet;
use super::layers::Layers;
use super::options::{SetOptions, Useless};
use super::photo::LabelledPhoto;
use crate::annotations::coco::{Instances, Photo, Shape};
use crate::error::Result;
use crate::pictures::Picture;
use crate::sets::Problem;
use crate::sets::coco::{find_photos, inner, mask_in, missing, read};
use crate::sets::root::{Root, few, layout_error};
use crate::text::printable;

/// COCO's instances: every one is an object; crowds are ignored.
#[derive(Debug)]
pub(super) struct Coco {
    root: Root,
    folder: PathBuf,
    photos: Vec<Annotated>,
    useless: Useless,
    remarks: Vec<String>,
}

/// A photo with what is annotated in it.
#[derive(Debug)]
pub(super) struct Annotated {
    pub(super) photo: Photo,
    pub(super) objects: Vec<Shape>,
    pub(super) crowds: Vec<Shape>,
    /// What is wrong with one of its annotations: a part of it would be taken for background.
    pub(super) fault: Option<Problem>,
}

impl Coco {
    pub(super) fn open(path: &Path, options: &SetOptions) -> Result<Self> {
        let instances = read(path)?;
        let folder = match &options.images {
            Some(folder) => folder.clone(),
            None => find_photos(path, &instances.photos)?,
        };
        let root = Root::open(&folder)?;
        let (photos, remarks) = annotated(instances);
        if photos.is_empty() {
            return Err(layout_error(path, "none of its photos has an annotation"));
        }
        Ok(Self { root, folder, photos, useless: options.useless, remarks })
    }

    fn picture(&self, photo: &Photo) -> Result<Picture, Problem> {
        let path = self.folder.join(inner(&self.folder, &photo.file_name)?);
        match path.exists() {
            true => self.root.read_photo(&path),
            false => Err(missing(&path, &photo.file_name)),
        }
    }
}

/// The photos that something is annotated in, in the order of the file; and a word on the others.
pub(super) fn annotated(instances: Instances) -> (Vec<Annotated>, Vec<String>) {
    let of = |photo| Annotated { photo, objects: Vec::new(), crowds: Vec::new(), fault: None };
    let mut photos: Vec<Annotated> = instances.photos.into_iter().map(of).collect();
    let mut remarks = Vec::new();
    let mut homeless = Vec::new();
    for fault in instances.faults {
        let photo = fault.photo.and_then(|photo| photos.get_mut(photo));
        match photo {
            Some(photo) => photo.fault = Some(Problem::new(fault.to_string())),
            None => homeless.push(fault.to_string()),
        }
    }
    for annotation in instances.annotations {
        let Some(photo) = photos.get_mut(annotation.photo) else { continue };
        match annotation.shape {
            // Polygons without area have nothing to be learned.
            Some(Shape::Polygons(polygons)) if polygons.is_empty() => {}
            Some(shape) if annotation.is_crowd => photo.crowds.push(shape),
            Some(shape) => photo.objects.push(shape),
            None => {
                let id = annotation.id;
                photo.fault = Some(Problem::new(format!(
                    "annotation {id}: it has no mask; take it out of the file, or give it one"
                )));
            }
        }
    }
    if !homeless.is_empty() {
        let count = homeless.len();
        remarks.push(format!("{count} annotations are of no photo: {}", few(&homeless)));
    }
    let before = photos.len();
    photos.retain(|photo| !photo.objects.is_empty() || photo.fault.is_some());
    match before.saturating_sub(photos.len()) {
        0 => {}
        1 => remarks.push("1 photo without an object is left out".to_owned()),
        count => remarks.push(format!("{count} photos without an object are left out")),
    }
    (photos, remarks)
}

impl TrainingSet for Coco {
    fn len(&self) -> usize {
        self.photos.len()
    }

    fn name(&self, index: usize) -> String {
        let photo = self.photos.get(index);
        photo.map(|photo| printable(&photo.photo.file_name)).unwrap_or_default()
    }

    fn read(&self, index: usize, _: &mut dyn Rng) -> Result<LabelledPhoto, Problem> {
        let annotated = self.photos.get(index).ok_or_else(Problem::no_such_object)?;
        if let Some(fault) = &annotated.fault {
            return Err(fault.clone());
        }
        let picture = self.picture(&annotated.photo)?;
        let size = picture.size();
        let mut layers = Layers::new((size.width as u32, size.height as u32));
        for shape in &annotated.objects {
            layers.object(&mask_in(shape, &annotated.photo, &picture)?)?;
        }
        if self.useless == Useless::Ignored {
            for shape in &annotated.crowds {
                layers.ignore(&mask_in(shape, &annotated.photo, &picture)?)?;
            }
        }
        layers.labelled(picture.into_rgb8())
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
    }
}
