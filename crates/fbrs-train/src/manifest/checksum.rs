use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use fbrs_data::files::open;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::hexadecimal;
use crate::Result;
use crate::error::shown;
use fbrs_data::files::ReadError;

/// Bytes of a folder whose files are read whole. Of larger ones names and sizes must do: reading a
/// published set takes longer than many runs.
const MOST_BYTES: u64 = 256 << 20;

/// Folders within folders; links to folders are followed, and may lead in a circle.
const DEEPEST: usize = 16;

/// What is in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checksum {
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Whether the files' contents are in it; else their names and sizes alone.
    pub of_contents: bool,
}

/// The checksum of a folder: the same wherever it lies, in whatever order the system lists it.
/// Files whose names begin with a dot are left out.
///
/// # Errors
/// [`Error::Read`](crate::Error::Read).
pub fn of_folder(folder: &Path) -> Result<Checksum> {
    let mut files = BTreeMap::new();
    if folder.is_file() {
        let bytes = fs::metadata(folder).map_err(|error| unreadable(folder, error))?.len();
        files.insert(String::new(), (folder.to_owned(), bytes));
    } else {
        list(folder, "", DEEPEST, &mut files)?;
    }
    let total = files.values().fold(0_u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
    let of_contents = total <= MOST_BYTES;
    let mut hasher = Sha256::new();
    for (name, (path, bytes)) in &files {
        add_text(&mut hasher, name);
        hasher.update(bytes.to_le_bytes());
        if of_contents {
            add_file(&mut hasher, path)?;
        }
    }
    Ok(Checksum { sha256: hexadecimal(&hasher.finalize()), of_contents })
}

/// The SHA-256 of a file, hexadecimal.
///
/// # Errors
/// [`Error::Read`](crate::Error::Read).
pub fn of_file(path: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    add_file(&mut hasher, path)?;
    Ok(hexadecimal(&hasher.finalize()))
}

/// The SHA-256 of texts in their order, hexadecimal.
pub(super) fn of_texts<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    texts.for_each(|text| add_text(&mut hasher, text));
    hexadecimal(&hasher.finalize())
}

fn add_text(hasher: &mut Sha256, text: &str) {
    hasher.update((text.len() as u64).to_le_bytes());
    hasher.update(text);
}

fn add_file(hasher: &mut Sha256, path: &Path) -> Result<()> {
    let mut file = open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer).map_err(|error| unreadable(path, error))?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok(());
        };
        hasher.update(bytes);
    }
}

fn list(
    folder: &Path,
    within: &str,
    deeper: usize,
    files: &mut BTreeMap<String, (PathBuf, u64)>,
) -> Result<()> {
    let io = |error| unreadable(folder, error);
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let (path, name) = (entry.path(), format!("{within}{name}"));
        let Ok(metadata) = fs::metadata(&path) else {
            // A link that leads nowhere.
            continue;
        };
        if metadata.is_dir() && deeper > 0 {
            list(&path, &format!("{name}/"), deeper - 1, files)?;
        } else if metadata.is_file() {
            files.insert(name, (path, metadata.len()));
        }
    }
    Ok(())
}

fn unreadable(path: &Path, source: io::Error) -> crate::Error {
    ReadError::Io { file: shown(path), source }.into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_folder_is_what_is_in_it() {
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        for folder in &folders {
            fs::create_dir(folder.path().join("images")).unwrap();
            fs::write(folder.path().join("images/a.png"), "a").unwrap();
            fs::write(folder.path().join("b.png"), "b").unwrap();
        }
        let [one, other] = folders;
        let before = of_folder(one.path()).unwrap();
        assert!(before.of_contents);
        assert_eq!(of_folder(other.path()).unwrap(), before);
        fs::write(one.path().join(".cache"), "hidden").unwrap();
        assert_eq!(of_folder(one.path()).unwrap(), before);
        fs::write(one.path().join("b.png"), "c").unwrap();
        assert_ne!(of_folder(one.path()).unwrap(), before);
        fs::rename(other.path().join("b.png"), other.path().join("images/b.png")).unwrap();
        assert_ne!(of_folder(other.path()).unwrap(), before);
        let error = of_folder(&one.path().join("none")).unwrap_err().to_string();
        assert!(error.starts_with("cannot read") && error.contains("none"), "{error}");
    }

    #[test]
    fn a_file_has_its_usual_checksum() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        fs::write(&path, "abc").unwrap();
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_file(&path).unwrap(), sha256);
        assert!(of_folder(&path).unwrap().of_contents);
    }
}
