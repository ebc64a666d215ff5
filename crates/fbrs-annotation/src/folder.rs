//! A folder of photos, and where their documents are.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use fbrs_data::files;
use fbrs_data::text::printable;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::file::{self, Summary};
use crate::keeper::is_named;
use crate::project::PROJECT_FILE;

/// What a document's name has behind the photo's.
const SUFFIX: &str = ".fbrs.json";
/// Endings of photos, in lowercase.
const ENDINGS: [&str; 14] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "tif", "tiff", "bmp", "gif", "pnm", "ppm", "pgm",
    "pbm",
];
/// Name of the file that is locked.
const LOCK: &str = ".fbrs-project.lock";
/// Folders in one another that are looked into.
const DEPTH: usize = 32;

/// A folder of photos with their documents: beside them, or in a folder of their own with the same
/// structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    root: PathBuf,
    output: Option<PathBuf>,
}

/// Held by whoever may change a folder's classes.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
    path: PathBuf,
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // While it is held: nobody else takes it for theirs.
        let _ = fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

/// A photo of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhotoPath {
    /// Relative to the folder, with `/`.
    relative: String,
}

impl PhotoPath {
    /// From a path relative to the folder, with `/`.
    pub fn new(relative: impl Into<String>) -> Self {
        Self { relative: relative.into() }
    }

    /// Relative to the folder, with `/`.
    pub fn as_str(&self) -> &str {
        &self.relative
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        self.relative.rsplit('/').next().unwrap_or(&self.relative)
    }

    /// The path without the name's ending.
    pub fn stem(&self) -> &str {
        match self.relative.rsplit_once('.') {
            Some((stem, ending)) if !ending.contains('/') && !stem.is_empty() => stem,
            _ => &self.relative,
        }
    }
}

impl Folder {
    /// The photos below `root`; documents below `output`, or beside the photos.
    pub fn new(root: impl Into<PathBuf>, output: Option<PathBuf>) -> Self {
        Self { root: root.into(), output }
    }

    /// Where the photos are.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the documents are: the folder of their own, or the photos'.
    pub fn documents(&self) -> &Path {
        self.output.as_deref().unwrap_or(&self.root)
    }

    /// The same photos with their documents somewhere else.
    #[must_use]
    pub fn with_output(self, output: PathBuf) -> Self {
        Self { output: Some(output), ..self }
    }

    /// A photo's file.
    pub fn photo(&self, photo: &PhotoPath) -> PathBuf {
        self.root.join(&photo.relative)
    }

    /// A photo's document.
    pub fn document(&self, photo: &PhotoPath) -> PathBuf {
        self.documents().join(format!("{}{SUFFIX}", photo.relative))
    }

    /// The file of classes and settings.
    pub fn project(&self) -> PathBuf {
        self.documents().join(PROJECT_FILE)
    }

    /// The photo that lies at a path, where that is below the folder.
    pub fn relative(&self, path: &Path) -> Option<PhotoPath> {
        let relative = path.strip_prefix(&self.root).ok()?;
        let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
        (!parts.is_empty()).then(|| PhotoPath::new(parts.join("/")))
    }

    /// Keeps others from changing the folder's classes; `None` where somebody else does so.
    ///
    /// # Errors
    /// Whatever the system says: nobody is kept from anything then.
    pub fn lock(&self) -> io::Result<Option<FolderLock>> {
        let path = self.documents().join(LOCK);
        for _ in 0..8 {
            let file = OpenOptions::new().create(true).append(true).open(&path)?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
                Ok(()) if is_named(&file, &path) => return Ok(Some(FolderLock { file, path })),
                // Whoever had it has removed it in between.
                Ok(()) => {}
            }
        }
        Err(io::Error::other("the file of the lock is removed again and again"))
    }

    /// What a list shows of a photo's document.
    pub fn summary(&self, photo: &PhotoPath) -> Option<Summary> {
        file::summary(&self.document(photo))
    }

    /// All photos, by name as people sort them: numbers by their value. Hidden files, links to folders
    /// and the documents' folder are left out.
    ///
    /// # Errors
    /// [`Error::List`] for the folder itself; folders in it that cannot be listed are left out.
    pub fn photos(&self) -> Result<Vec<PhotoPath>> {
        let list_error =
            |source| Error::List { folder: printable(&self.root.display().to_string()), source };
        let first = fs::read_dir(&self.root).map_err(list_error)?;
        let mut found = Vec::new();
        let mut folders = vec![(first, String::new(), 0)];
        while let Some((entries, prefix, depth)) = folders.pop() {
            for entry in entries.flatten() {
                let Ok(name) = entry.file_name().into_string() else { continue };
                let Ok(kind) = entry.file_type() else { continue };
                if name.starts_with('.') {
                    continue;
                }
                let relative = format!("{prefix}{name}");
                if kind.is_dir() {
                    let is_output = self.output.as_deref() == Some(&entry.path());
                    let inner = (depth < DEPTH && !is_output).then(|| fs::read_dir(entry.path()));
                    if let Some(Ok(inner)) = inner {
                        folders.push((inner, relative + "/", depth + 1));
                    }
                } else if is_photo(&name) {
                    found.push(PhotoPath::new(relative));
                }
            }
        }
        found.sort_by_cached_key(|photo| sort_key(&photo.relative));
        Ok(found)
    }

    /// The document of a photo that was renamed or moved: one whose own photo is gone, and that tells
    /// of a file of this length and contents.
    pub fn lost_document(&self, photo: &PhotoPath, sha256: &str, bytes: u64) -> Option<PathBuf> {
        if self.document(photo).exists() {
            return None;
        }
        let mut folders = vec![self.documents().to_owned()];
        let mut seen = HashSet::new();
        while let Some(folder) = folders.pop() {
            if seen.len() > 10_000 || !seen.insert(folder.clone()) {
                break;
            }
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let (path, name) = (entry.path(), entry.file_name());
                let Some(name) = name.to_str() else { continue };
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) && !name.starts_with('.') {
                    folders.push(path);
                    continue;
                }
                let Some(own) = name.strip_suffix(SUFFIX) else { continue };
                let parent = folder.strip_prefix(self.documents()).unwrap_or(Path::new(""));
                if self.root.join(parent).join(own).exists() {
                    continue;
                }
                let found = file::read(&path).ok();
                let record = found.map(|annotation| annotation.document().photo.clone());
                if record.is_some_and(|record| record.sha256 == sha256 && record.bytes == bytes) {
                    return Some(path);
                }
            }
        }
        None
    }
}

/// Whether a name is that of a photo, by its ending.
pub fn is_photo(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
    !name.starts_with('.') && ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// The SHA-256 of a file in hexadecimal digits, and its length.
///
/// # Errors
/// [`Error::File`].
pub fn digest(path: &Path) -> Result<(String, u64)> {
    let shown = path.display().to_string();
    let mut source = files::open(path)?;
    let (mut hash, mut length) = (Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = source
            .read(&mut buffer)
            .map_err(|source| Error::List { folder: printable(&shown), source })?;
        if count == 0 {
            break;
        }
        hash.update(buffer.get(..count).unwrap_or_default());
        length += count as u64;
    }
    let digits: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((digits, length))
}

/// Text in lowercase, and numbers by their value before their digits.
fn sort_key(text: &str) -> Vec<(u128, String)> {
    let mut key = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        let (number, behind) = rest.split_at(digits.min(30));
        if !number.is_empty() {
            key.push((number.parse().unwrap_or(0), number.to_owned()));
        }
        let letters = behind.find(|letter: char| letter.is_ascii_digit()).unwrap_or(behind.len());
        let letters = if number.is_empty() { letters.max(1).min(behind.len()) } else { letters };
        let letters = (letters..=behind.len()).find(|end| behind.is_char_boundary(*end));
        let (word, behind) = behind.split_at(letters.unwrap_or(behind.len()));
        if !word.is_empty() {
            key.push((u128::MAX, word.to_lowercase()));
        }
        rest = behind;
    }
    key
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn photos_are_found_and_sorted_as_people_do() {
        let root = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        };
        for name in [
            "b10.jpg",
            "b9.JPG",
            "a.png",
            "Ünï/写真 1.jpg",
            "x.txt",
            ".hidden.png",
            "out/a.png",
            "a.png.fbrs.json",
            ".git/a.png",
            "00012345678901234567890123456789012345678901.webp",
        ] {
            make(name);
        }
        let folder = Folder::new(root.path(), Some(root.path().join("out")));
        let names: Vec<_> = folder.photos().unwrap();
        let names: Vec<_> = names.iter().map(PhotoPath::as_str).collect();
        assert_eq!(
            names,
            [
                "00012345678901234567890123456789012345678901.webp",
                "a.png",
                "b9.JPG",
                "b10.jpg",
                "Ünï/写真 1.jpg",
            ]
        );
        let photo = PhotoPath::new("Ünï/写真 1.jpg");
        assert_eq!((photo.name(), photo.stem()), ("写真 1.jpg", "Ünï/写真 1"));
        assert!(folder.document(&photo).ends_with("out/Ünï/写真 1.jpg.fbrs.json"));
        assert_eq!(folder.relative(&folder.photo(&photo)), Some(photo));
        assert!(Folder::new(root.path().join("none"), None).photos().is_err());
    }

    #[test]
    fn digests_are_sha_256() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        fs::write(&path, "abc").unwrap();
        let (digits, length) = digest(&path).unwrap();
        assert!(digits.starts_with("ba7816bf") && digits.ends_with("f20015ad") && length == 3);
    }
}
