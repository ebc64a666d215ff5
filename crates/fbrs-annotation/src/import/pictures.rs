//! Pictures of numbers, and masks of single objects.

use std::path::{Path, PathBuf};

use fbrs_clicks::Size;
use fbrs_data::annotations::labels::LabelMask;
use fbrs_data::pictures::Limits;

use super::masks::Pixels;
use super::photos::{object_of, without_ending};
use super::{ClassNames, Found, Marked};
use crate::export::names::of_class;
use crate::mask::Mask;

/// A picture in which each value above 0 is an object; with names, a class. `is_sure` tells that it is
/// no mask with soft edges.
pub(super) fn numbers(
    path: &Path,
    name: &str,
    names: Option<&ClassNames>,
    is_sure: bool,
) -> Result<Marked, String> {
    let (picture, numbers) = read(path, is_sure)?;
    let class = |number: u32| names.map(|names| names.of(number.into()));
    let found = |number: &u32| Found {
        place: u64::from(*number),
        class: class(*number),
        pixels: Pixels::Mask(of_numbers(&picture, |value| value == *number)),
    };
    let objects = numbers.iter().map(found).collect();
    let (photo, size) = (without_ending(name).to_owned(), Some(picture.size()));
    Ok(Marked { photo, size, objects, ..Marked::default() })
}

/// The masks of single objects of a photo: their files, and what their names have behind the photo's,
/// `_ID_CLASS` or nothing.
pub(super) fn objects(photo: &str, files: &[(PathBuf, String)], names: &ClassNames) -> Marked {
    let mut marked = Marked { photo: photo.to_owned(), ..Marked::default() };
    for (path, rest) in files {
        let (place, class) = object_of(rest).unwrap_or((1, ""));
        let (picture, numbers) = match read(path, false) {
            Ok(read) => read,
            Err(reason) => {
                marked.faults.push((Some(place), reason));
                continue;
            }
        };
        let called = |name: &&String| of_class(name) == class;
        let known = names.0.values().filter(called).min().cloned();
        let class = known.or_else(|| (!class.is_empty()).then(|| class.to_owned()));
        let mask = of_numbers(&picture, |value| numbers.binary_search(&value).is_ok());
        marked.size = marked.size.or(Some(picture.size()));
        marked.objects.push(Found { place, class, pixels: Pixels::Mask(mask) });
    }
    marked.objects.sort_by_key(|object| object.place);
    marked
}

fn read(path: &Path, is_sure: bool) -> Result<(LabelMask, Vec<u32>), String> {
    let picture = LabelMask::read(path, &Limits::default()).map_err(|error| error.to_string())?;
    let numbers = if is_sure { picture.values() } else { picture.objects() };
    let numbers = numbers.map_err(|error| error.to_string())?;
    Ok((picture, numbers))
}

fn of_numbers(picture: &LabelMask, is_object: impl Fn(u32) -> bool) -> Mask {
    let size: Size = picture.size();
    let pixels: Vec<bool> = picture.numbers().map(is_object).collect();
    Mask::from_bools(size, &pixels).unwrap_or_else(|| Mask::empty(size))
}
