//! Which photo a file means.

use std::collections::HashMap;

use fbrs_data::text::printable;

use crate::folder::PhotoPath;

/// The photos of a folder by their names.
#[derive(Debug)]
pub(super) struct Photos {
    photos: Vec<PhotoPath>,
    by_path: HashMap<String, usize>,
    by_stem: HashMap<String, Vec<usize>>,
    by_name: HashMap<String, Vec<usize>>,
    by_name_stem: HashMap<String, Vec<usize>>,
}

impl Photos {
    pub(super) fn of(photos: Vec<PhotoPath>) -> Self {
        let mut by_path = HashMap::new();
        let mut by_stem: HashMap<String, Vec<usize>> = HashMap::new();
        let (mut by_name, mut by_name_stem) = (by_stem.clone(), by_stem.clone());
        for (index, photo) in photos.iter().enumerate() {
            by_path.insert(photo.as_str().to_owned(), index);
            by_stem.entry(photo.stem().to_owned()).or_default().push(index);
            by_name.entry(photo.name().to_owned()).or_default().push(index);
            let stem = last_part(photo.stem()).to_owned();
            by_name_stem.entry(stem).or_default().push(index);
        }
        Self { photos, by_path, by_stem, by_name, by_name_stem }
    }

    /// The photo of the first of these names that any has.
    pub(super) fn find<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Result<&PhotoPath, String> {
        let mut reason = None;
        for name in names {
            match self.named(name) {
                Ok(Some(photo)) => return Ok(photo),
                Ok(None) => {}
                Err(several) => reason = reason.or(Some(several)),
            }
        }
        Err(reason.unwrap_or_else(|| "no photo has this name".to_owned()))
    }

    /// By its path, its name, and either without an ending. Several that may be meant are an error.
    fn named(&self, name: &str) -> Result<Option<&PhotoPath>, String> {
        let name = name.replace('\\', "/");
        let name = name.trim_start_matches("./");
        let by_path = |name: &str| self.by_path.get(name).and_then(|index| self.photos.get(*index));
        // Copies of an export lie in a folder of their own, and may have a second ending.
        let copied = name.strip_prefix("images/").unwrap_or(name);
        let paths = [name, copied, without_ending(copied)];
        if let Some(photo) = paths.into_iter().find_map(by_path) {
            return Ok(Some(photo));
        }
        let bare = without_ending(name);
        let places = [
            (&self.by_name, last_part(name)),
            (&self.by_stem, name),
            (&self.by_name_stem, last_part(name)),
            (&self.by_stem, bare),
            (&self.by_stem, without_ending(copied)),
            (&self.by_name_stem, last_part(bare)),
        ];
        let found = places.iter().find_map(|(photos, key)| photos.get(*key));
        match found.map_or(&[][..], Vec::as_slice) {
            [] => Ok(None),
            [only] => Ok(self.photos.get(*only)),
            several => {
                let names = several.iter().filter_map(|index| self.photos.get(*index));
                let names: Vec<_> = names.map(|photo| printable(photo.as_str())).take(3).collect();
                Err(format!("it may be of {}", names.join(" or ")))
            }
        }
    }

    /// The photo whose path or whose path without an ending, or else whose name, a text begins with,
    /// and what comes behind it; the longest such name.
    pub(super) fn beginning<'t>(&self, text: &'t str) -> Option<(&'t str, &'t str)> {
        let ends = text.char_indices().filter(|(_, letter)| *letter == '_');
        let ends = ends.map(|(at, _)| at).chain([text.len()]);
        let splits = ends.filter_map(|at| text.split_at_checked(at));
        let mut known = splits.filter(|(name, rest)| {
            let is_object = rest.is_empty() || object_of(rest).is_some();
            is_object && self.named(name).is_ok_and(|photo| photo.is_some())
        });
        let mut last = known.next()?;
        known.for_each(|split| last = split);
        Some(last)
    }
}

/// Number and class of `_12_cat`.
pub(super) fn object_of(rest: &str) -> Option<(u64, &str)> {
    let rest = rest.strip_prefix('_')?;
    let (number, class) = rest.split_once('_').unwrap_or((rest, ""));
    number.parse().ok().map(|number| (number, class))
}

pub(super) fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A path without its name's ending.
pub(super) fn without_ending(path: &str) -> &str {
    match path.rsplit_once('.') {
        Some((stem, ending)) if !ending.contains('/') && !stem.is_empty() => stem,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn photos() -> Photos {
        let names = [
            "a.jpg",
            "s/a.jpg",
            "s/b.jpg",
            "frame.01.jpg",
            "frame.02.jpg",
            "c.jpg",
            "c.png",
            "a_1.jpg",
        ];
        Photos::of(names.map(PhotoPath::new).to_vec())
    }

    #[test]
    fn photos_are_found_by_path_then_by_name() {
        let photos = photos();
        let find = |name: &str| photos.find([name]).map(PhotoPath::as_str);
        for (name, expected) in [
            ("a.jpg", "a.jpg"),
            ("./s\\a.jpg", "s/a.jpg"),
            ("b.jpg", "s/b.jpg"),
            ("train/b.jpg", "s/b.jpg"),
            ("s/a", "s/a.jpg"),
            ("b", "s/b.jpg"),
            ("b.tiff", "s/b.jpg"),
            ("frame.02", "frame.02.jpg"),
            ("c.png", "c.png"),
            ("images/a.jpg", "a.jpg"),
            ("images/s/a.jpg", "s/a.jpg"),
            ("images/c.png.png", "c.png"),
        ] {
            assert_eq!(find(name), Ok(expected), "{name}");
        }
        assert!(find("x/a.jpg").unwrap_err().contains("a.jpg or s/a.jpg"));
        assert!(find("c").unwrap_err().contains("c.jpg or c.png"));
        assert!(find("frame.03").unwrap_err().contains("no photo"));
        assert_eq!(photos.find(["x", "b"]).map(PhotoPath::as_str), Ok("s/b.jpg"));
    }

    #[test]
    fn objects_names_begin_with_their_photos() {
        let photos = photos();
        assert_eq!(photos.beginning("a_1_2_cat"), Some(("a_1", "_2_cat")));
        assert_eq!(photos.beginning("a_7_cat_1"), Some(("a", "_7_cat_1")));
        assert_eq!(photos.beginning("s/b_3"), Some(("s/b", "_3")));
        assert_eq!(photos.beginning("c.png_3_x"), Some(("c.png", "_3_x")));
        assert_eq!(photos.beginning("b"), Some(("b", "")));
        assert_eq!(photos.beginning("nothing_3_x"), None);
        assert_eq!(object_of("_2_cat_a"), Some((2, "cat_a")));
    }
}
