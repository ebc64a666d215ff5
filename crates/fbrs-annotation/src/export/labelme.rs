//! Labelme's sheets: a file for each photo.

use fbrs_data::annotations::labelme::{self, Form, Shape, Sheet};

use super::names::way;
use super::outline::{Placed, count, filled};
use super::simplify::{simplified, tell_loss};
use super::write::Files;
use super::{Format, Item, Job, Kind, Report, Settings};
use crate::error::Result;
use crate::folder::Folder;
use crate::mask::Mask;

pub(super) fn write(
    job: &Job<'_>,
    folder: &Folder,
    settings: &Settings,
    files: &mut Files,
    report: &mut Report,
) -> Result<()> {
    let mut shapes = Vec::new();
    for item in &job.objects {
        match settings.polygons {
            true => polygons(job, item, settings, &mut shapes, report),
            false => shapes.extend(mask(item)),
        }
        report.wrote(Format::Labelme, job, item);
    }
    let name = format!("{}.json", job.name);
    let sheet_folder = match name.rsplit_once('/') {
        Some((inner, _)) => files.canonical().join(inner),
        None => files.canonical().to_owned(),
    };
    let photo = match &job.copy {
        Some(copy) => files.canonical().join(copy),
        None => {
            // Where links lead elsewhere, the way from here is another.
            let photo = std::fs::canonicalize(folder.photo(job.photo));
            let photo = photo.ok().filter(|photo| photo.starts_with(files.photos_root()));
            photo.unwrap_or_else(|| files.photos_root().join(job.photo.as_str()))
        }
    };
    let image_path = way(&sheet_folder, &photo);
    let size = Some(job.document.size());
    let sheet = Sheet { image_path, size, shapes, faults: Vec::new() };
    files.write(&name, |out| labelme::write(&sheet, out))
}

fn mask(item: &Item<'_>) -> Option<Shape> {
    let mask = &item.object.mask;
    let bounds = mask.bounds()?;
    let corner = (u32::try_from(bounds.left()).ok()?, u32::try_from(bounds.top()).ok()?);
    let form = Form::of_mask(&mask.bools_in(bounds), bounds.size(), corner)?;
    Some(Shape { label: item.class.name.to_owned(), group: None, form })
}

/// A polygon for each part; the parts of one object have its id as their group.
fn polygons(
    job: &Job<'_>,
    item: &Item<'_>,
    settings: &Settings,
    shapes: &mut Vec<Shape>,
    report: &mut Report,
) {
    let object = item.object;
    let Some(outline) = Placed::of(&object.mask) else { return };
    if outline.holes() > 0 {
        let text = format!(
            "it has {}, which lines there and back join to the outline: programs that fill \
             polygons leave them out",
            count(outline.holes(), "hole")
        );
        report.alter(Some(Format::Labelme), job.photo, Some(object.id), Kind::Holes, text);
    }
    if outline.parts() > 1 {
        let (parts, id) = (count(outline.parts(), "part"), object.id);
        let text = format!("it has {parts}, which are polygons of the group {id}");
        report.alter(Some(Format::Labelme), job.photo, Some(id), Kind::Parts, text);
    }
    let group = (outline.parts() > 1).then(|| i64::try_from(object.id).ok()).flatten();
    let mut written = Mask::empty(object.mask.size());
    for path in outline.paths() {
        let path = simplified(&path, settings.tolerance, f64::from);
        if settings.tolerance > 0.0 {
            written = written.union(&filled(&path, written.size()));
        }
        let corners = path.iter().map(|(x, y)| (f64::from(*x), f64::from(*y))).collect();
        let label = item.class.name.to_owned();
        shapes.push(Shape { label, group, form: Form::Polygon(corners) });
    }
    if settings.tolerance > 0.0 {
        tell_loss(Format::Labelme, job, item, &written, report);
    }
}
