//! What the photos of a folder have in common: classes, and how work goes on.

use std::io::Write;
use std::path::Path;

use fbrs_data::files::{self, Destination};
use fbrs_data::text::printable;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// Name of the file in each folder.
pub const PROJECT_FILE: &str = "fbrs-project.json";
const LONGEST: u64 = 16 << 20;
const FORMAT: &str = "fbrs-project";
/// The largest id of a class that is believed.
const LARGEST_CLASS: u32 = 1_000_000;

/// Okabe and Ito's colors, which people tell apart whatever colors they see; without black, and the
/// yellow last, which is hard to see on bright photos.
pub const COLORS: [Color; 7] = [
    Color([0, 114, 178]),
    Color([230, 159, 0]),
    Color([0, 158, 115]),
    Color([204, 121, 167]),
    Color([213, 94, 0]),
    Color([86, 180, 233]),
    Color([240, 228, 66]),
];

/// Classes and settings of a folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Project {
    format: String,
    version: u64,
    /// Classes by growing id; those that were removed keep their place.
    #[serde(default)]
    pub classes: Vec<Class>,
    /// How clicks are answered where nothing else is said, as the engine writes it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub options: Value,
    /// What exports are asked for, as their settings.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub export: Value,
    /// Classes that are becoming others in every photo of the folder, until all are written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merges: Vec<Merge>,
    /// The photo that was open last, relative to the folder, with `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_photo: Option<String>,
    /// What this program does not know, kept as it was.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Default for Project {
    fn default() -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: 1,
            classes: Vec::new(),
            options: Value::Null,
            export: Value::Null,
            merges: Vec::new(),
            last_photo: None,
            extra: Map::new(),
        }
    }
}

/// Objects of one class that are to be of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merge {
    /// The class that they have.
    pub from: u32,
    /// The class that they get.
    pub into: u32,
}

/// What objects are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Class {
    /// From 1; never given twice.
    pub id: u32,
    /// What people call it.
    pub name: String,
    /// How its objects are drawn.
    pub color: Color,
    /// The number key that chooses it, `1` to `9` and `0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<char>,
    /// Whether it is no longer used. Its id is not given to another class.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// What this program does not know, kept as it was.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A color, red, green and blue; `#rrggbb` in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Color(pub [u8; 3]);

impl Serialize for Color {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let [r, g, b] = self.0;
        serializer.serialize_str(&format!("#{r:02x}{g:02x}{b:02x}"))
    }
}

impl<'de> Deserialize<'de> for Color {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6);
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let error = || serde::de::Error::custom("expected a color such as #1e88ff");
        let [_, r, g, b] = number.ok_or_else(error)?.to_be_bytes();
        Ok(Self([r, g, b]))
    }
}

impl Project {
    /// Reads a folder's file; the default where there is none.
    ///
    /// # Errors
    /// [`Error`] for a file that cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        // A disk that does not answer is no disk without the file.
        let is_there = path
            .try_exists()
            .map_err(|source| Error::List { folder: printable(&shown), source })?;
        if !is_there {
            return Ok(Self::default());
        }
        let text = files::read_text(path, LONGEST)?;
        let damaged = |reason: String| Error::Damaged { file: printable(&shown), reason };
        let project: Self = serde_json::from_str(&text).map_err(|error| {
            damaged(format!("expected a project file ({})", printable(&error.to_string())))
        })?;
        if project.format != FORMAT {
            return Err(damaged(format!("expected a file of format {FORMAT}")));
        }
        if project.version > 1 {
            return Err(Error::Newer { file: printable(&shown), found: project.version });
        }
        let mut ids = std::collections::HashSet::new();
        let odd =
            |class: &&Class| class.id == 0 || class.id > LARGEST_CLASS || !ids.insert(class.id);
        match project.classes.iter().find(odd) {
            Some(class) if class.id == 0 || class.id > LARGEST_CLASS => {
                let (id, largest) = (class.id, LARGEST_CLASS);
                Err(damaged(format!("a class has the id {id}, expected 1 to {largest}")))
            }
            Some(class) => Err(damaged(format!("two classes have the id {}", class.id))),
            None => Ok(project),
        }
    }

    /// Writes the file: whole or not at all.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn write(&self, path: &Path) -> Result<()> {
        let written = Destination::new(path).and_then(|destination| {
            destination.replace(|out| {
                serde_json::to_writer_pretty(&mut *out, self)?;
                out.write_all(b"\n")
            })
        });
        let file = || printable(&path.display().to_string());
        written.map_err(|source| Error::Write { file: file(), source })
    }

    /// Classes that are in use.
    pub fn in_use(&self) -> impl Iterator<Item = &Class> {
        self.classes.iter().filter(|class| !class.removed)
    }

    /// The class of this id, removed ones included.
    pub fn class(&self, id: u32) -> Option<&Class> {
        self.classes.iter().find(|class| class.id == id)
    }

    /// The class of this id, to be changed.
    pub fn class_mut(&mut self, id: u32) -> Option<&mut Class> {
        self.classes.iter_mut().find(|class| class.id == id)
    }

    /// The class of this name that is in use.
    pub fn named(&self, name: &str) -> Option<&Class> {
        self.in_use().find(|class| class.name == name)
    }

    /// The class that a number key chooses.
    pub fn keyed(&self, key: char) -> Option<&Class> {
        self.in_use().find(|class| class.key == Some(key))
    }

    /// The id of the class of this name; a new class where there is none, with a color and, while there
    /// are, a key that others do not have. One of this name that was removed is used again.
    pub fn id_of(&mut self, name: &str) -> u32 {
        if let Some(class) = self.named(name) {
            return class.id;
        }
        if let Some(class) = self.classes.iter_mut().find(|class| class.name == name) {
            class.removed = false;
            let id = class.id;
            // Its objects from here on are its own.
            self.merges.retain(|merge| merge.from != id);
            return id;
        }
        let id = self.classes.iter().map(|class| class.id).max().unwrap_or(0).saturating_add(1);
        let uses = |color: &Color| self.in_use().filter(|class| class.color == *color).count();
        let color = COLORS.into_iter().min_by_key(uses).unwrap_or(Color([0, 114, 178]));
        let key = "1234567890".chars().find(|key| self.keyed(*key).is_none());
        let name = name.to_owned();
        self.classes.push(Class { id, name, color, key, removed: false, extra: Map::new() });
        id
    }

    /// Gives a class another name; `false` where another class has it or there is no such class.
    pub fn rename(&mut self, id: u32, name: &str) -> bool {
        if name.is_empty() || self.named(name).is_some_and(|class| class.id != id) {
            return false;
        }
        match self.class_mut(id) {
            Some(class) => {
                name.clone_into(&mut class.name);
                true
            }
            None => false,
        }
    }

    /// Gives a class a number key, which it is taken from whoever had it.
    pub fn set_key(&mut self, id: u32, key: Option<char>) {
        for class in &mut self.classes {
            if class.id == id {
                class.key = key;
            } else if class.key == key {
                class.key = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ids_are_never_given_twice() {
        let mut project = Project::default();
        let (cat, dog) = (project.id_of("cat"), project.id_of("dog"));
        assert_eq!((cat, dog, project.id_of("cat")), (1, 2, 1));
        project.class_mut(dog).unwrap().removed = true;
        assert_eq!(project.id_of("bird"), 3);
        assert_eq!(project.id_of("dog"), 2);
        assert_eq!(project.keyed('1').unwrap().name, "cat");
        // A class that is used again keeps its new objects.
        project.class_mut(dog).unwrap().removed = true;
        project.merges = vec![Merge { from: dog, into: cat }, Merge { from: 3, into: dog }];
        project.id_of("dog");
        assert_eq!(project.merges, [Merge { from: 3, into: dog }]);
        assert!(!project.rename(cat, "bird") && project.rename(cat, "cats"));
        project.set_key(cat, Some('2'));
        assert_eq!(project.class(dog).unwrap().key, None);
    }

    #[test]
    fn what_is_not_known_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(PROJECT_FILE);
        assert_eq!(Project::read(&path).unwrap(), Project::default());
        let text = r##"{"format": "fbrs-project", "version": 1, "later": [1, 2],
            "classes": [{"id": 4, "name": "写真", "color": "#1e88ff", "shape": "round"}]}"##;
        std::fs::write(&path, text).unwrap();
        let project = Project::read(&path).unwrap();
        project.write(&path).unwrap();
        let again = std::fs::read_to_string(&path).unwrap();
        assert!(again.contains("later") && again.contains("round") && again.contains("#1e88ff"));
        assert_eq!(Project::read(&path).unwrap(), project);
        for bad in [
            "",
            "[]",
            r#"{"format": "x", "version": 1}"#,
            r##"{"format": "fbrs-project",
            "version": 1, "classes": [{"id": 1, "name": "a", "color": "red"}]}"##,
        ] {
            std::fs::write(&path, bad).unwrap();
            assert!(Project::read(&path).unwrap_err().to_string().contains(PROJECT_FILE));
        }
        std::fs::write(&path, r#"{"format": "fbrs-project", "version": 2}"#).unwrap();
        assert!(matches!(Project::read(&path), Err(Error::Newer { found: 2, .. })));
    }
}
