//! COCO's instances: one file for all photos.

use fbrs_data::annotations::coco::{
    self, Annotation, Category, Counts, Id, Instances, Photo, Runs, Shape,
};

use super::classes::Classes;
use super::write::Files;
use super::{Format, Job, Kind, Report, Settings};
use crate::error::Result;
use crate::folder::PhotoPath;
use crate::mask::Mask;

/// What is gathered for the file.
#[derive(Debug, Default)]
pub(super) struct Export {
    instances: Instances,
    /// Objects without a class: their photo and id.
    unnamed: Vec<(PhotoPath, u64)>,
}

impl Export {
    pub(super) fn add(&mut self, job: &Job<'_>, settings: &Settings) {
        let Instances { photos, annotations, .. } = &mut self.instances;
        let photo = photos.len();
        let id = Id::Number(photo as u64 + 1);
        let (file_name, size) = (job.photo.as_str().to_owned(), Some(job.document.size()));
        photos.push(Photo { id, file_name, size });
        for item in &job.objects {
            let mask = &item.object.mask;
            if item.class.is_given {
                self.unnamed.push((job.photo.clone(), item.object.id));
            }
            annotations.push(Annotation {
                id: annotations.len() as u64 + 1,
                photo,
                category: Some(Id::Number(item.class.id.into())),
                shape: shape(mask, settings.always_rle),
                area: Some(mask.area() as f64),
                is_crowd: false,
            });
        }
    }

    pub(super) fn write(
        mut self,
        classes: &Classes<'_>,
        files: &mut Files,
        report: &mut Report,
    ) -> Result<()> {
        let category =
            |(id, name): (u32, &str)| Category { id: Id::Number(id.into()), name: name.to_owned() };
        self.instances.categories = classes.in_use().into_iter().map(category).collect();
        report.objects += self.instances.annotations.len();
        for (photo, id) in &self.unnamed {
            let text = format!("it has no class and is written as \"{}\"", super::UNNAMED);
            report.alter(Some(Format::Coco), photo, Some(*id), Kind::NoClass, text);
        }
        files.write("instances.json", |out| coco::write(&self.instances, out))
    }
}

/// Polygons, or runs where polygons cannot say it.
fn shape(mask: &Mask, always_rle: bool) -> Option<Shape> {
    let bounds = mask.bounds()?;
    let corner = (u32::try_from(bounds.left()).ok()?, u32::try_from(bounds.top()).ok()?);
    let polygons = (!always_rle)
        .then(|| Shape::polygons_of(&mask.bools_in(bounds), bounds.size(), corner))
        .flatten();
    polygons.or_else(|| {
        let counts = Counts::Packed(mask.to_rle()?.pack());
        Some(Shape::Runs(Runs { size: mask.size(), counts }))
    })
}
