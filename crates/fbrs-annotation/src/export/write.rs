//! The files of an export: written whole, never over a photo.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use fbrs_data::files::{Destination, Draft};
use fbrs_data::text::printable;

use super::classes::Classes;
use super::make_folder;
use crate::error::{Error, Result};
use crate::folder::{Folder, PhotoPath};

/// The largest id of a class that lists of names are written for.
const LONGEST_LIST: u32 = 65_536;

/// The folder that is written to.
#[derive(Debug)]
pub(super) struct Files {
    root: PathBuf,
    /// Absolute, without links.
    canonical: PathBuf,
    photos_root: PathBuf,
    /// Photos, relative to their folder, where files of the export may come to lie.
    photos: HashSet<String>,
    count: usize,
    /// What was written, in lowercase.
    written: HashSet<String>,
}

impl Files {
    pub(super) fn new(root: &Path, folder: &Folder, photos: &[PhotoPath]) -> Result<Self> {
        let photos = photos.iter().map(|photo| photo.as_str().to_lowercase()).collect();
        Ok(Self {
            root: root.to_owned(),
            canonical: resolved(root)?,
            photos_root: resolved(folder.root())?,
            photos,
            count: 0,
            written: HashSet::new(),
        })
    }

    /// Whether the folder is that of the photos, or in it.
    pub(super) fn are_among_photos(&self) -> bool {
        self.canonical.starts_with(&self.photos_root)
    }

    /// Whether a folder of the export holds the photos, or is held by their folder.
    pub(super) fn meets_photos(&self, inner: &str) -> bool {
        let inner = resolved(&self.root.join(inner));
        inner.is_ok_and(|inner| {
            inner.starts_with(&self.photos_root) || self.photos_root.starts_with(&inner)
        })
    }

    /// The folder, absolute and without links.
    pub(super) fn canonical(&self) -> &Path {
        &self.canonical
    }

    /// The folder of the photos, absolute and without links.
    pub(super) fn photos_root(&self) -> &Path {
        &self.photos_root
    }

    /// How many files were written.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether a file of this name, relative to the folder, was written already.
    pub(super) fn has(&self, name: &str) -> bool {
        self.written.contains(&name.to_lowercase())
    }

    /// Writes a file, whole; `name` is relative to the folder, with `/`.
    pub(super) fn write(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut Draft) -> io::Result<()>,
    ) -> Result<()> {
        let path = name.split('/').fold(self.root.clone(), |path, part| path.join(part));
        let file = || printable(&path.display().to_string());
        if let Some(parent) = path.parent() {
            make_folder(parent)?;
        }
        let destination = Destination::new(&path);
        let is_photo = |target: &Path| {
            let inner = target.strip_prefix(&self.photos_root).ok();
            let parts = inner.map(|inner| inner.iter().map(|part| part.to_string_lossy()));
            let name = parts.map(|parts| parts.collect::<Vec<_>>().join("/").to_lowercase());
            name.is_some_and(|name| self.photos.contains(&name))
        };
        if destination.as_ref().is_ok_and(|destination| is_photo(destination.target())) {
            return Err(Error::Refused(format!(
                "{} is one of the photos and is not written over: choose another folder",
                file()
            )));
        }
        let written = destination.and_then(|destination| destination.replace(write));
        written.map_err(|source| Error::Write { file: file(), source })?;
        self.count += 1;
        self.written.insert(name.to_lowercase());
        Ok(())
    }
}

/// A path, absolute and without links, of which the end need not be there.
fn resolved(path: &Path) -> Result<PathBuf> {
    let mut missing = Vec::new();
    let mut there = path;
    loop {
        let looked_at = if there == Path::new("") { Path::new(".") } else { there };
        match (fs::canonicalize(looked_at), there.file_name(), there.parent()) {
            (Ok(found), ..) => {
                return Ok(missing.iter().rev().fold(found, |path, name| path.join(name)));
            }
            (Err(error), Some(name), Some(parent)) if error.kind() == io::ErrorKind::NotFound => {
                missing.push(name);
                there = parent;
            }
            (Err(source), ..) => {
                let file = printable(&path.display().to_string());
                return Err(Error::Write { file, source });
            }
        }
    }
}

/// Writes the names of all classes: that with id 1 in the first line, and so on.
pub(super) fn class_list(classes: &Classes<'_>, files: &mut Files) -> Result<()> {
    check_classes(classes)?;
    let names = classes.by_place();
    files.write("classes.txt", |out| names.iter().try_for_each(|name| writeln!(out, "{name}")))
}

/// Refuses lists of more names than a project has.
pub(super) fn check_classes(classes: &Classes<'_>) -> Result<()> {
    match classes.largest() {
        largest if largest > LONGEST_LIST => Err(Error::Refused(format!(
            "a class has the id {largest}: lists of names are written up to {LONGEST_LIST}"
        ))),
        _ => Ok(()),
    }
}
