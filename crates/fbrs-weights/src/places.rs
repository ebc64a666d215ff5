use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

use crate::{BUILT_IN, Checkpoint, ExtraKeys, WeightsError, manifest};

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
pub enum Location {
    /// In this program.
    BuiltIn,
    /// In a file.
    File(PathBuf),
}

impl Location {
    /// Opens them.
    ///
    /// # Errors
    /// As [`Checkpoint::open`] and [`Checkpoint::built_in`].
    pub fn open(&self, extra: ExtraKeys) -> Result<Checkpoint, WeightsError> {
        match self {
            Self::BuiltIn => Checkpoint::built_in(),
            Self::File(path) => Checkpoint::open(path, extra),
        }
    }
}

/// Folders in which names of weights are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The folders, first to last.
    pub folders: Vec<PathBuf>,
}

impl Default for Places {
    /// `./weights` and the cache folder.
    fn default() -> Self {
        Self { folders: vec!["weights".into(), cache_folder()] }
    }
}

impl Places {
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
        if text == "default" {
            return built_in();
        }
        if text == BUILT_IN && cfg!(feature = "built-in") {
            return Ok(Location::BuiltIn);
        }
        let path = Path::new(text);
        if path.is_file() || is_path(path, text) {
            return Ok(Location::File(path.to_owned()));
        }
        let name = self.complete(text)?;
        if let Some(path) = self.file(&name) {
            return Ok(Location::File(path));
        }
        if name == BUILT_IN {
            return built_in();
        }
        let url = manifest::find_published(&name)?.url;
        Err(WeightsError::NotFetched { name, url, searched: self.searched() })
    }

    /// Names of all weights: built in, in the folders, published.
    fn names(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = [BUILT_IN.to_owned()].into();
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

    fn complete(&self, text: &str) -> Result<String, WeightsError> {
        let names = self.names();
        if names.contains(text) {
            return Ok(text.to_owned());
        }
        let mut fits = names.iter().filter(|name| !text.is_empty() && name.starts_with(text));
        match (fits.next(), fits.next()) {
            (Some(one), None) => Ok(one.clone()),
            (None, _) => Err(WeightsError::UnknownName {
                name: text.to_owned(),
                known: ["default".to_owned()].into_iter().chain(names).collect(),
                searched: self.searched(),
            }),
            (Some(first), Some(second)) => Err(WeightsError::AmbiguousName {
                name: text.to_owned(),
                candidates: [first, second].into_iter().chain(fits).cloned().collect(),
            }),
        }
    }

    fn file(&self, name: &str) -> Option<PathBuf> {
        let in_folder = |folder: &PathBuf| {
            ENDINGS
                .iter()
                .map(|ending| folder.join(format!("{name}.{ending}")))
                .find(|path| path.is_file())
        };
        self.folders.iter().find_map(in_folder)
    }

    fn searched(&self) -> Vec<String> {
        self.folders.iter().map(|folder| folder.display().to_string()).collect()
    }
}

fn built_in() -> Result<Location, WeightsError> {
    if cfg!(feature = "built-in") { Ok(Location::BuiltIn) } else { Err(WeightsError::NoBuiltIn) }
}

fn has_ending(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known))
}

/// Whether a text can only be meant as a path.
fn is_path(path: &Path, text: &str) -> bool {
    text.contains(['/', MAIN_SEPARATOR]) || has_ending(path)
}
