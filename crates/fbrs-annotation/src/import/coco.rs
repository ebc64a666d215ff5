//! COCO's instances.

use std::collections::HashMap;
use std::path::Path;

use fbrs_data::annotations::coco::{self, Id};
use fbrs_data::files;
use fbrs_data::text::printable;

use super::masks::Pixels;
use super::{Found, Marked};
use crate::error::{Error, Result};

/// What a file has marked, photo by photo, and the names of its categories in the order of their ids.
pub(super) fn read(path: &Path) -> Result<(Vec<Marked>, Vec<String>)> {
    let damaged =
        |reason: String| Error::Damaged { file: printable(&path.display().to_string()), reason };
    let instances = coco::read(files::open(path)?).map_err(|error| damaged(error.to_string()))?;
    let mut names: HashMap<&Id, String> = HashMap::new();
    for category in &instances.categories {
        let name = match category.name.trim() {
            "" => format!("class {}", category.id),
            name => name.to_owned(),
        };
        names.insert(&category.id, name);
    }
    let mut marked: Vec<Marked> = Vec::new();
    for photo in &instances.photos {
        let (photo, size) = (photo.file_name.clone(), photo.size);
        marked.push(Marked { photo, size, ..Marked::default() });
    }
    for annotation in &instances.annotations {
        let Some(marked) = marked.get_mut(annotation.photo) else { continue };
        let class = annotation
            .category
            .as_ref()
            .map(|id| names.get(id).cloned().unwrap_or_else(|| format!("class {id}")));
        match &annotation.shape {
            Some(shape) => marked.objects.push(Found {
                place: annotation.id,
                class,
                pixels: Pixels::Coco(shape.clone()),
            }),
            None => marked.faults.push((Some(annotation.id), "it has no mask".to_owned())),
        }
    }
    let mut homeless = Marked { photo: "no photo".to_owned(), ..Marked::default() };
    for fault in &instances.faults {
        let marked = fault.photo.and_then(|photo| marked.get_mut(photo)).unwrap_or(&mut homeless);
        marked.faults.push((fault.id, fault.reason.clone()));
    }
    if !homeless.faults.is_empty() {
        marked.push(homeless);
    }
    marked.retain(|marked| !marked.objects.is_empty() || !marked.faults.is_empty());
    let mut categories: Vec<_> = instances.categories.iter().map(|one| &one.id).collect();
    categories.sort_by_key(|id| match id {
        Id::Number(number) => *number,
        _ => u64::MAX,
    });
    let names = categories.into_iter().filter_map(|id| names.get(id).cloned()).collect();
    Ok((marked, names))
}
