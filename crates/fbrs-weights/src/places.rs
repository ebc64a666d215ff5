use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

use fbrs_data::text::printable;

use crate::built_in::built_in_name;
use crate::error::shown;
use crate::{Checkpoint, ExtraKeys, WeightsError, built_in_names, manifest};

/// Endings of files of weights, native ones first: where a folder has both, the native one opens
/// faster and holds the same.
const ENDINGS: [&str; 3] = ["safetensors", "pth", "pt"];

/// The folder where fetched weights are kept: `$FBRS_CACHE`, or `fbrs` in the user's cache folder,
/// or `.fbrs-cache` where there is none.
pub fn cache_folder() -> PathBuf {
    match env::var_os("FBRS_CACHE").filter(|folder| !folder.is_empty()) {
        Some(folder) => folder.into(),
        None => {
            dirs::cache_dir().map_or_else(|| ".fbrs-cache".into(), |folder| folder.join("fbrs"))
        }
    }
}

/// Where weights were found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Location {
    /// In this program, under this name.
    BuiltIn(&'static str),
    /// In a file.
    File(PathBuf),
}

impl Location {
    /// Opens them.
    ///
    /// # Errors
    /// As [`Checkpoint::open`] and [`Checkpoint::built_in_as`].
    pub fn open(&self, extra: ExtraKeys) -> Result<Checkpoint, WeightsError> {
        match self {
            Self::BuiltIn(name) => Checkpoint::built_in_as(name),
            Self::File(path) => Checkpoint::open(path, extra),
        }
    }
}

/// Folders in which names of weights are looked up.
///
/// A library looks where it is told to and in the cache folder, never in whatever folder it was
/// started from. A program that wants its user's `./weights` says so:
///
/// ```
/// use fbrs_weights::Places;
///
/// let places = Places::default().looking_first_in("weights");
/// assert_eq!(places.folders.len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The folders, first to last.
    pub folders: Vec<PathBuf>,
}

impl Default for Places {
    /// The cache folder.
    fn default() -> Self {
        Self { folders: vec![cache_folder()] }
    }
}

impl Places {
    /// The same, with a folder that goes before the others. Its files are taken as they are: one
    /// with a published name hides the fetched and checked one, see [`Places::hidden`].
    #[must_use]
    pub fn looking_first_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folders.insert(0, folder.into());
        self
    }

    /// Finds weights by what a user writes: `default` or the built-in weights' own name; a path;
    /// the name of a file in one of the folders, without its ending; a published name; or the
    /// beginning of exactly one of these names.
    ///
    /// Names are unique over all that is known, fetched or not: what a beginning stands for does
    /// not change by fetching something.
    ///
    /// # Errors
    /// [`WeightsError::UnknownName`], [`AmbiguousName`](WeightsError::AmbiguousName),
    /// [`NotFetched`](WeightsError::NotFetched), [`NoBuiltIn`](WeightsError::NoBuiltIn).
    pub fn locate(&self, text: &str) -> Result<Location, WeightsError> {
        if let Some(name) = built_in_name(text) {
            return Ok(Location::BuiltIn(name));
        }
        if text == "default" {
            return Err(WeightsError::NoBuiltIn);
        }
        let path = Path::new(text);
        let names = self.names();
        if is_path(path, text) || (!names.contains(text) && path.is_file()) {
            return Ok(Location::File(path.to_owned()));
        }
        let name = self.complete(text, names)?;
        if let Some(name) = built_in_name(&name) {
            return Ok(Location::BuiltIn(name));
        }
        if let Some(path) = self.files(&name).next() {
            return Ok(Location::File(path));
        }
        let url = manifest::find_published(&name)?.url;
        Err(WeightsError::NotFetched { name, url, searched: self.searched() })
    }

    /// Files of this name that [`Places::locate`] passes over, because an earlier folder has one
    /// of that name too, an ending is preferred, or the name is that of built-in weights.
    pub fn hidden(&self, name: &str) -> Vec<PathBuf> {
        let taken = usize::from(built_in_name(name).is_none());
        self.files(name).skip(taken).collect()
    }

    /// Names of all weights: built in, in the folders, published.
    fn names(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = built_in_names().map(str::to_owned).collect();
        names.extend(manifest::published().into_iter().map(|published| published.name));
        for entry in self.folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten() {
            let Ok(path) = entry.map(|entry| entry.path()) else { continue };
            if has_ending(&path)
                && let Some(stem) = path.file_stem()
            {
                names.insert(stem.to_string_lossy().into_owned());
            }
        }
        names
    }

    fn complete(&self, text: &str, names: BTreeSet<String>) -> Result<String, WeightsError> {
        if names.contains(text) {
            return Ok(text.to_owned());
        }
        let mut fits = names.iter().filter(|name| !text.is_empty() && name.starts_with(text));
        match (fits.next(), fits.next()) {
            (Some(one), None) => Ok(one.clone()),
            (None, _) => Err(WeightsError::UnknownName {
                name: printable(text),
                known: ["default"]
                    .into_iter()
                    .chain(names.iter().map(String::as_str))
                    .map(printable)
                    .collect(),
                searched: self.searched(),
            }),
            (Some(first), Some(second)) => Err(WeightsError::AmbiguousName {
                name: printable(text),
                candidates: [first, second]
                    .into_iter()
                    .chain(fits)
                    .map(|name| printable(name))
                    .collect(),
            }),
        }
    }

    /// Files of this name, the one that is taken first.
    fn files(&self, name: &str) -> impl Iterator<Item = PathBuf> {
        let in_folder = move |folder: &PathBuf| {
            let folder = folder.clone();
            ENDINGS.map(|ending| folder.join(format!("{name}.{ending}")))
        };
        self.folders.iter().flat_map(in_folder).filter(|path| path.is_file())
    }

    fn searched(&self) -> Vec<String> {
        self.folders.iter().map(|folder| shown(folder)).collect()
    }
}

fn has_ending(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known))
}

/// Whether a text can only be meant as a path.
fn is_path(path: &Path, text: &str) -> bool {
    text.contains(['/', MAIN_SEPARATOR]) || has_ending(path)
}
