//! COCO's instances: one file for all photos.

use fbrs_data::annotations::coco::{
    self, Annotation, Category, Counts, Id, Instances, Photo, Polygons, Runs, Shape,
};

use super::classes::Classes;
use super::simplify::{simplified, tell_loss};
use super::write::Files;
use super::{Format, Job, Kind, Report, Settings};
use crate::error::Result;
use crate::folder::PhotoPath;
use crate::import::of_spans;
use crate::mask::Mask;

/// What is gathered for the file.
#[derive(Debug, Default)]
pub(super) struct Export {
    instances: Instances,
    /// Objects without a class: their photo and id.
    unnamed: Vec<(PhotoPath, u64)>,
}

impl Export {
    pub(super) fn add(&mut self, job: &Job<'_>, settings: &Settings, report: &mut Report) {
        let Instances { photos, annotations, .. } = &mut self.instances;
        let photo = photos.len();
        let id = Id::Number(photo as u64 + 1);
        let file_name = job.copy.as_deref().unwrap_or(job.photo.as_str()).to_owned();
        let size = Some(job.document.size());
        photos.push(Photo { id, file_name, size });
        for item in &job.objects {
            let mask = &item.object.mask;
            if item.class.is_given {
                self.unnamed.push((job.photo.clone(), item.object.id));
            }
            let mut shape = shape(mask, settings.always_rle);
            if let Some(Shape::Polygons(exact)) = &shape
                && settings.tolerance > 0.0
                && let Some(polygons) = simpler(exact, settings.tolerance)
            {
                let spans = polygons.spans(mask.size()).unwrap_or_default();
                tell_loss(Format::Coco, job, item, &of_spans(&spans, mask.size()), report);
                shape = Some(Shape::Polygons(polygons));
            }
            annotations.push(Annotation {
                id: annotations.len() as u64 + 1,
                photo,
                category: Some(Id::Number(item.class.id.into())),
                shape,
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

fn simpler(exact: &Polygons, tolerance: f64) -> Option<Polygons> {
    let mut polygons = Polygons::default();
    for polygon in exact.iter() {
        let corners: Vec<_> = polygon.as_chunks::<2>().0.iter().map(|[x, y]| (*x, *y)).collect();
        let corners = simplified(&corners, tolerance, f64::from);
        let numbers = corners.into_iter().flat_map(|(x, y)| [f64::from(x), f64::from(y)]);
        polygons.push(&numbers.collect::<Vec<_>>()).ok()?;
    }
    Some(polygons)
}
