//! What files of an export are called.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::folder::PhotoPath;

/// Letters of a class that a file's name has.
const LONGEST_CLASS: usize = 60;
/// Names in the exports' folder that are no photo's.
const RESERVED: [&str; 2] = ["instances", "fbrs-project"];

/// The photos' names without their endings, where these tell them apart.
#[derive(Debug)]
pub(super) struct Names {
    /// How many photos have a name without its ending, in lowercase: some file systems know no other.
    stems: HashMap<String, usize>,
    /// Whole names, in lowercase.
    whole: HashSet<String>,
}

impl Names {
    pub(super) fn of(photos: &[PhotoPath]) -> Self {
        let mut stems: HashMap<String, usize> = HashMap::new();
        for photo in photos {
            *stems.entry(photo.stem().to_lowercase()).or_default() += 1;
        }
        let whole = photos.iter().map(|photo| photo.as_str().to_lowercase()).collect();
        Self { stems, whole }
    }

    /// The photo's path without its ending, or with it where others would have the same.
    pub(super) fn of_photo<'a>(&self, photo: &'a PhotoPath) -> &'a str {
        match self.keeps_ending(photo) {
            true => photo.as_str(),
            false => photo.stem(),
        }
    }

    /// Whether a photo's files are called by its whole name.
    pub(super) fn keeps_ending(&self, photo: &PhotoPath) -> bool {
        let stem = photo.stem().to_lowercase();
        self.stems.get(&stem).is_some_and(|count| *count > 1)
            || self.whole.contains(&stem)
            || RESERVED.contains(&stem.as_str())
    }
}

/// A class as a part of a file's name: letters, digits and hyphens.
pub(crate) fn of_class(name: &str) -> String {
    let safe = |letter: char| if letter.is_alphanumeric() || letter == '-' { letter } else { '_' };
    name.chars().take(LONGEST_CLASS).map(safe).collect()
}

/// The way from one folder to a file, with `/`; the file's whole path where there is none. Both are
/// absolute and without links.
pub(super) fn way(from: &Path, to: &Path) -> String {
    let (here, there): (Vec<_>, Vec<_>) = (from.components().collect(), to.components().collect());
    let common = here.iter().zip(&there).take_while(|(a, b)| a == b).count();
    if common == 0 {
        return to.to_string_lossy().into_owned();
    }
    let ups = std::iter::repeat_n("..".to_owned(), here.len() - common);
    let names = there.iter().skip(common);
    let downs = names.map(|name| name.as_os_str().to_string_lossy().into_owned());
    ups.chain(downs).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_stems_keep_their_endings() {
        let names = ["a.jpg", "A.png", "b.jpg", "c.jpg.png", "c.jpg", "s/a.jpg", "instances.jpg"];
        let photos = names.map(PhotoPath::new);
        let names = Names::of(&photos);
        let called: Vec<_> = photos.iter().map(|photo| names.of_photo(photo)).collect();
        assert_eq!(called, ["a.jpg", "A.png", "b", "c.jpg.png", "c", "s/a", "instances.jpg"]);
    }

    #[test]
    fn classes_become_names() {
        assert_eq!(of_class("../Ünï 写真\n"), "___Ünï_写真_");
        assert_eq!(of_class(&"x".repeat(1000)).len(), LONGEST_CLASS);
    }

    #[test]
    fn ways_lead_there() {
        let way = |from: &str, to: &str| super::way(Path::new(from), Path::new(to));
        assert_eq!(way("/a/b", "/a/b/c.jpg"), "c.jpg");
        assert_eq!(way("/a/b/out/s", "/a/b/s/c.jpg"), "../../s/c.jpg");
        assert_eq!(way("/x", "/a/c.jpg"), "../a/c.jpg");
    }
}
