//! What came of an export or an import.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::Format;

/// What was written or taken in, and what of it is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// Photos that it is of.
    pub photos: usize,
    /// Objects that were written or taken in; of several formats, those of each.
    pub objects: usize,
    /// Files that were written.
    pub files: usize,
    /// Those of them that are copies of photos.
    pub copies: usize,
    /// Those of the copies that had to be turned to be upright.
    pub turned: usize,
    /// Classes that were added to the project.
    pub classes: Vec<String>,
    /// What was left out.
    pub skipped: Vec<Entry>,
    /// What is not in the files as it is in the document, or not where it may be looked for.
    pub altered: Vec<Entry>,
    /// What is to be known of the whole.
    pub remarks: Vec<String>,
}

/// What is to be known of an object, or of a photo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The format that it is about; `None` for all.
    pub format: Option<Format>,
    /// The photo, relative to the folder, or the file that it should come from.
    pub photo: String,
    /// The object's id, or its place in the file that it should come from.
    pub object: Option<u64>,
    /// What it is about.
    pub kind: Kind,
    /// The same in words, behind the names of photo and object.
    pub text: String,
}

/// What an entry of a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// Holes that the format cannot hold as such.
    Holes,
    /// Parts that the format cannot hold as such.
    Parts,
    /// An outline that is simplified.
    Tolerance,
    /// Objects that lie over others where each pixel has one.
    Overlap,
    /// A photo that is stored in another direction than it is seen in.
    Turned,
    /// An object without a class, in a format where all have one.
    NoClass,
    /// A class that the format has no room for.
    Class,
    /// A mask without pixels.
    Empty,
    /// An object that is not finished.
    Unfinished,
    /// A file that is called otherwise than it is looked for.
    Name,
    /// A mask of another size than the photo.
    Size,
    /// A photo that was not found, or several that may be meant.
    Photo,
    /// An object that is there already.
    Known,
    /// What cannot be read.
    Unreadable,
}

impl Report {
    /// Whether something was left out that ought to be there.
    pub fn is_incomplete(&self) -> bool {
        let harmless = |kind| matches!(kind, Kind::Empty | Kind::Unfinished | Kind::Known);
        self.skipped.iter().any(|entry| !harmless(entry.kind))
    }

    /// The entries in words, one for each line that a person reads; many that say the same are one,
    /// with the first of them.
    pub fn lines(&self) -> impl Iterator<Item = String> + '_ {
        let skipped = grouped(&self.skipped).into_iter().map(|line| format!("left out: {line}"));
        skipped.chain(grouped(&self.altered)).chain(self.remarks.iter().cloned())
    }
}

/// Entries that are told one by one, although they say the same.
const FEW: usize = 3;

/// A line for each entry, or for many that say the same.
fn grouped(entries: &[Entry]) -> Vec<String> {
    let mut groups: Vec<Vec<&Entry>> = Vec::new();
    let mut known = HashMap::new();
    for entry in entries {
        let place = *known.entry((entry.format, entry.kind, &entry.text)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(entry),
            None => groups.push(vec![entry]),
        }
    }
    let line = |group: Vec<&Entry>| match group.as_slice() {
        [first, ..] if group.len() > FEW => {
            let photos: HashSet<_> = group.iter().map(|entry| &entry.photo).collect();
            let format = first.format.map_or(String::new(), |format| format!("{format}: "));
            let photo = fbrs_data::text::printable(&first.photo);
            let of = match (first.object, group.len(), photos.len()) {
                (Some(_), count, 1) => format!("{photo}, {count} objects"),
                (Some(_), count, photos) => {
                    format!("{count} objects in {photos} photos, {photo} is the first")
                }
                (None, count, _) => format!("{count} photos, {photo} is the first"),
            };
            vec![format!("{format}{of}: {}", first.text)]
        }
        few => few.iter().map(|entry| entry.to_string()).collect(),
    };
    groups.into_iter().flat_map(line).collect()
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let photo = fbrs_data::text::printable(&self.photo);
        if let Some(format) = self.format {
            write!(f, "{format}: ")?;
        }
        match self.object {
            Some(id) => write!(f, "{photo}, object {id}: {}", self.text),
            None => write!(f, "{photo}: {}", self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn many_that_say_the_same_are_one_line() {
        let entry = |photo: u64, text: &str| Entry {
            format: Some(Format::Yolo),
            photo: format!("{}.jpg", photo / 2),
            object: Some(photo),
            kind: Kind::NoClass,
            text: text.to_owned(),
        };
        let mut altered: Vec<_> = (0..10).map(|photo| entry(photo, "no class")).collect();
        altered.push(entry(7, "something else"));
        let skipped = (0..3).map(|photo| entry(photo, "too small")).collect();
        let report = Report { altered, skipped, ..Report::default() };
        let lines: Vec<_> = report.lines().collect();
        assert_eq!(lines[0], "left out: yolo: 0.jpg, object 0: too small");
        assert_eq!(lines[3], "yolo: 10 objects in 5 photos, 0.jpg is the first: no class");
        assert_eq!(lines[4], "yolo: 3.jpg, object 7: something else");
        assert_eq!(lines.len(), 5);
    }
}
