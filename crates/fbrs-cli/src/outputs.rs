//! Files are written completely or not at all: beside their place first, then moved there.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use tempfile::NamedTempFile;

use crate::exit::Exit;
use crate::interrupt;

/// A place that will be written to; it was possible when this was made.
#[derive(Debug)]
pub(crate) struct Place {
    /// As the user wrote it.
    asked: PathBuf,
    /// The file itself, where that is behind a link; absolute.
    target: PathBuf,
}

/// What writes a file's bytes.
pub(crate) type Writing<'a> = Box<dyn FnOnce(&mut dyn WriteSeek) -> io::Result<()> + 'a>;

/// Image encoders go back to fill in lengths.
pub(crate) trait WriteSeek: Write + io::Seek {}

impl<T: Write + io::Seek> WriteSeek for T {}

impl Place {
    /// Tries whether a file can be written there, and leaves everything as it was.
    pub(crate) fn try_out(path: &Path) -> Result<Self> {
        let failed = |error: io::Error| cannot_write(path, &error.to_string());
        let (Some(name), folder) = (path.file_name(), folder_of(path)) else {
            return Err(cannot_write(path, "expected the name of a file"));
        };
        let folder = fs::canonicalize(folder).map_err(|error| {
            cannot_write(path, &format!("its folder, {}: {error}", folder.display()))
        })?;
        // Behind a link the file that it names is replaced, not the link.
        let target = match fs::canonicalize(folder.join(name)) {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => folder.join(name),
            Err(error) => return Err(failed(error)),
        };
        match fs::metadata(&target) {
            Ok(there) if there.is_dir() => return Err(cannot_write(path, "it is a folder")),
            Ok(there) if !there.is_file() => return Err(cannot_write(path, "it is no plain file")),
            Ok(there) if there.permissions().readonly() => {
                return Err(cannot_write(path, "it is write-protected"));
            }
            _ => {}
        }
        let place = Self { asked: path.to_owned(), target };
        let _uninterrupted = interrupt::hold_off();
        place.beside().and_then(NamedTempFile::close).map_err(failed)?;
        Ok(place)
    }

    /// As the user wrote it.
    pub(crate) fn asked(&self) -> &Path {
        &self.asked
    }

    /// Whether writing here would change that file.
    pub(crate) fn is(&self, path: &Path) -> bool {
        fs::canonicalize(path).is_ok_and(|path| path == self.target)
    }

    /// Whether both are one place.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.target == other.target
    }

    fn beside(&self) -> io::Result<NamedTempFile> {
        let mut beside = tempfile::Builder::new();
        beside.prefix(".fbrs-").suffix(".tmp");
        // Readable to whom the user's mask allows, like any file; a temporary file is private else.
        #[cfg(unix)]
        beside.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        beside.tempfile_in(folder_of(&self.target))
    }
}

/// Writes all files; where one cannot be written, none is replaced. Ctrl-C waits.
pub(crate) fn write_all(files: Vec<(&Place, Writing<'_>)>) -> Result<()> {
    let _uninterrupted = interrupt::hold_off();
    let mut written = Vec::new();
    for (place, write) in files {
        let failed = |error: io::Error| cannot_write(&place.asked, &error.to_string());
        let file = place.beside().map_err(failed)?;
        let mut buffered = BufWriter::with_capacity(1 << 18, file);
        write(&mut buffered).map_err(failed)?;
        let file = buffered.into_inner().map_err(|error| failed(error.into_error()))?;
        written.push((place, file));
    }
    for (place, file) in written {
        let moved = file.persist(&place.target);
        moved.map_err(|error| cannot_write(&place.asked, &error.error.to_string()))?;
    }
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

pub(crate) fn cannot_write(path: &Path, reason: &str) -> anyhow::Error {
    Exit::Output.because(format!("cannot write {}: {reason}", path.display()))
}

/// The ending of a file's name in lower case; empty where there is none.
pub(crate) fn ending(path: &Path) -> String {
    path.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase()
}
