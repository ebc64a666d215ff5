//! Labelme's sheets.

use std::path::Path;

use fbrs_data::annotations::labelme::{self, Shape};
use fbrs_data::files;

use super::masks::Pixels;
use super::photos::without_ending;
use super::{Found, Marked};

/// What a sheet has marked; `name` is its path relative to the folder that is imported.
pub(super) fn read(path: &Path, name: &str) -> Result<Marked, String> {
    let file = files::open(path).map_err(|error| error.to_string())?;
    let sheet = labelme::read(file).map_err(|error| error.to_string())?;
    let mut objects: Vec<Found> = Vec::new();
    // The group of each object, where it has one.
    let mut groups: Vec<Option<i64>> = Vec::new();
    for (Shape { label, group, form }, place) in sheet.shapes.into_iter().zip(1..) {
        let of_group = |(found, other): &(&mut Found, &Option<i64>)| {
            group.is_some() && group == **other && found.class.as_ref() == Some(&label)
        };
        match objects.iter_mut().zip(&groups).find(of_group) {
            Some((Found { pixels: Pixels::Labelme(forms), .. }, _)) => forms.push(form),
            _ => {
                let pixels = Pixels::Labelme(vec![form]);
                objects.push(Found { place, class: Some(label), pixels });
                groups.push(group);
            }
        }
    }
    let fault = |fault: &labelme::Fault| (Some(fault.place as u64), fault.reason.clone());
    let faults = sheet.faults.iter().map(fault).collect();
    let (photo, or_else) = match sheet.image_path.as_str() {
        "" => (without_ending(name).to_owned(), Vec::new()),
        image => {
            let from_sheet = name.rsplit_once('/').map_or("", |(folder, _)| folder);
            let mut names = vec![image.to_owned(), without_ending(name).to_owned()];
            let whole = joined(from_sheet, image);
            (if whole.is_empty() { names.remove(0) } else { whole }, names)
        }
    };
    Ok(Marked { photo, or_else, size: sheet.size, objects, faults })
}

/// A path as seen from a folder, without ways up and down again; empty where it leads out.
fn joined(folder: &str, path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => return String::new(),
            ".." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined() {
        assert_eq!(joined("s", "../a.jpg"), "a.jpg");
        assert_eq!(joined("s/t", "..\\u\\a.jpg"), "s/u/a.jpg");
        assert_eq!(joined("", "./a.jpg"), "a.jpg");
        assert_eq!(joined("", "../photos/a.jpg"), "");
    }
}
