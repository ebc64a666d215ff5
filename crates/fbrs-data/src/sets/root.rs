//! What the layouts share: the folder of a data set, beyond which nothing is read.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageFormat};

use super::Problem;
use crate::annotations::labels::{LabelMask, alpha_if_it_is_the_mask};
use crate::error::{Error, Result};
use crate::pictures::{self, Limits, Picture};
use crate::text::printable;

/// Names that are spelled out where something was not looked at.
const FEW: usize = 3;
/// What file managers leave everywhere.
const LEFT_BEHIND: [&str; 2] = ["thumbs.db", "desktop.ini"];

/// The folder of a data set.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    /// As it was given.
    path: PathBuf,
    /// The same, absolute and without links.
    canonical: PathBuf,
}

/// What is in a folder.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// The files of images, in the order of their names.
    pub(crate) pictures: Vec<PathBuf>,
    /// Files of other kinds and folders.
    others: Vec<PathBuf>,
}

impl Root {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let failed = |source| Error::List { folder: shown(path), source };
        let canonical = fs::canonicalize(path).map_err(failed)?;
        if !canonical.is_dir() {
            return Err(layout_error(path, "it is a file, expected a folder"));
        }
        Ok(Self { path: path.to_owned(), canonical })
    }

    /// The folders of these names in it.
    pub(crate) fn folders<const N: usize>(&self, names: [&str; N]) -> Result<[PathBuf; N]> {
        let folders = names.map(|name| self.path.join(name));
        if !folders.iter().all(|folder| folder.is_dir()) {
            let there = names_in(&self.path)?;
            let there = if there.is_empty() { "nothing".to_owned() } else { few(&there) };
            let expected = names.join(" and ");
            let reason = format!("expected the folders {expected} in it, found {there}");
            return Err(layout_error(&self.path, reason));
        }
        for folder in &folders {
            self.check(folder, "folder")
                .map_err(|problem| layout_error(&self.path, problem.to_string()))?;
        }
        Ok(folders)
    }

    /// Lists a folder in it.
    pub(crate) fn list(folder: &Path) -> Result<Listing> {
        let mut listing = Listing::default();
        for path in entries(folder)? {
            let name = file_name(&path);
            if name.starts_with('.') || LEFT_BEHIND.contains(&name.to_ascii_lowercase().as_str()) {
                continue;
            }
            let is_read = ImageFormat::from_path(&path).is_ok_and(|kind| kind.reading_enabled());
            match is_read && !path.is_dir() {
                true => listing.pictures.push(path),
                false => listing.others.push(path),
            }
        }
        listing.pictures.sort();
        listing.others.sort();
        Ok(listing)
    }

    /// Whether a file lies in the folder, behind all links. One that is not there does: reading it
    /// says so.
    pub(crate) fn check(&self, path: &Path, what: &str) -> Result<(), Problem> {
        match fs::canonicalize(path) {
            Ok(behind) if !behind.starts_with(&self.canonical) => {
                let (name, behind) = (printable(&file_name(path)), shown(&behind));
                Err(Problem::new(format!(
                    "the {what} {name} leads out of the data set's folder, to {behind}: put a copy \
                     in its place"
                )))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn read_photo(&self, path: &Path) -> Result<Picture, Problem> {
        self.check(path, "photo")?;
        pictures::read(path, &Limits::default()).map_err(|error| unreadable("photo", path, &error))
    }

    /// Reads a mask as a picture; where colors say nothing it is what alpha says.
    pub(crate) fn read_mask(&self, path: &Path) -> Result<DynamicImage, Problem> {
        self.check(path, "mask")?;
        let mask = pictures::read(path, &Limits::default());
        let mask = mask.map_err(|error| unreadable("mask", path, &error))?;
        Ok(alpha_if_it_is_the_mask(mask.image))
    }

    pub(crate) fn read_labels(&self, path: &Path) -> Result<LabelMask, Problem> {
        self.check(path, "mask")?;
        LabelMask::read(path, &Limits::default()).map_err(|error| unreadable("mask", path, &error))
    }

    /// The bytes of a mask that is no picture.
    pub(crate) fn read_bytes(&self, path: &Path, limit: u64) -> Result<Vec<u8>, Problem> {
        self.check(path, "mask")?;
        crate::files::read(path, limit).map_err(|error| Problem::new(error.to_string()))
    }
}

impl Listing {
    /// A sentence on what is in the folder of this name and was not looked at.
    pub(crate) fn remark(&self, folder: &str) -> Option<String> {
        let count = |count: usize, what: &str| match count {
            0 => None,
            1 => Some(format!("1 {what}")),
            count => Some(format!("{count} {what}s")),
        };
        let (folders, files): (Vec<_>, Vec<_>) = self.others.iter().partition(|path| path.is_dir());
        let counts = [count(files.len(), "file"), count(folders.len(), "folder")];
        let counts: Vec<_> = counts.into_iter().flatten().collect();
        let names: Vec<_> = self.others.iter().map(|path| file_name(path)).collect();
        let were = if self.others.len() == 1 { "was" } else { "were" };
        (!counts.is_empty()).then(|| {
            format!("in {folder}, {} {were} not looked at: {}", counts.join(" and "), few(&names))
        })
    }

    /// A file that is not read and has the name of this picture, whatever its ending.
    pub(crate) fn passed_over(&self, picture: &Path) -> Option<String> {
        let same = |path: &&PathBuf| stem(path) == stem(picture) && !path.is_dir();
        self.others.iter().find(same).map(|path| printable(&file_name(path)))
    }
}

pub(crate) fn layout_error(path: &Path, reason: impl Into<String>) -> Error {
    Error::Layout { path: shown(path), reason: reason.into() }
}

fn unreadable(what: &str, path: &Path, error: &dyn std::error::Error) -> Problem {
    Problem::new(format!("the {what} {} cannot be read: {error}", printable(&file_name(path))))
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |source| Error::List { folder: shown(folder), source };
    let entries = fs::read_dir(folder).map_err(failed)?;
    entries.map(|entry| Ok(entry.map_err(failed)?.path())).collect()
}

/// Names of what is in a folder, in order; hidden files are left out.
pub(crate) fn names_in(folder: &Path) -> Result<Vec<String>> {
    let mut names: Vec<_> = entries(folder)?.iter().map(|path| file_name(path)).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    Ok(names)
}

/// The first names, and how many there are beyond.
pub(crate) fn few(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(FEW).map(|name| printable(name)).collect();
    match names.len().saturating_sub(FEW) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

pub(crate) fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

/// A file's name; bytes that are no text are spelled out, so that names stay different.
pub(crate) fn file_name(path: &Path) -> String {
    spelled(path.file_name().unwrap_or_default())
}

/// A file's name without its last ending: what a photo and its mask have in common.
pub(crate) fn stem(path: &Path) -> String {
    spelled(path.file_stem().unwrap_or_default())
}

fn spelled(name: &OsStr) -> String {
    match name.to_str() {
        Some(name) => name.to_owned(),
        None => name.as_encoded_bytes().escape_ascii().to_string(),
    }
}
