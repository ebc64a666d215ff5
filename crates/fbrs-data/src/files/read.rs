use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use crate::text::{Stranger, printable};

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The machine could not read it.
    #[error("cannot read {file}: {source}")]
    Io {
        /// The file, fit to be printed.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// It is a folder, a pipe or a device.
    #[error("{file} is {found}, expected a plain file")]
    NotPlain {
        /// The file, fit to be printed.
        file: String,
        /// What it is.
        found: &'static str,
    },
    /// It is larger than anything sound of its kind.
    #[error("{file} has more than {limit} bytes, which no sound file of its kind has")]
    TooLarge {
        /// The file, fit to be printed.
        file: String,
        /// The bound, in bytes.
        limit: u64,
    },
    /// It is no UTF-8 text.
    #[error("{file} is no text in UTF-8")]
    NotText {
        /// The file, fit to be printed.
        file: String,
    },
    /// Something else stands in its place.
    #[error("{file} is {}; {}", found.name(), found.advice())]
    Stranger {
        /// The file, fit to be printed.
        file: String,
        /// What it is.
        found: Stranger,
    },
}

/// Opens a plain file for reading; links are followed. Never waits: a pipe is refused, not opened.
///
/// # Errors
/// [`ReadError::Io`], [`ReadError::NotPlain`].
pub fn open(path: &Path) -> Result<File, ReadError> {
    let io = |source| ReadError::Io { file: name(path), source };
    let mut options = OpenOptions::new();
    options.read(true);
    // Opening a pipe would wait for somebody to write into it.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, NONBLOCK);
    let file = options.open(path).map_err(io)?;
    let kind = file.metadata().map_err(io)?.file_type();
    match () {
        () if kind.is_file() => Ok(file),
        () if kind.is_dir() => Err(ReadError::NotPlain { file: name(path), found: "a folder" }),
        () => Err(ReadError::NotPlain { file: name(path), found: "a pipe or a device" }),
    }
}

/// `O_NONBLOCK`, which has no effect on plain files.
#[cfg(any(target_os = "linux", target_os = "android"))]
const NONBLOCK: i32 = 0o4000;
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
const NONBLOCK: i32 = 0x4;

/// Reads a plain file that may have at most `limit` bytes.
///
/// # Errors
/// [`ReadError`]; never reads more than the limit into memory.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    read_from(open(path)?, &path.display().to_string(), limit)
}

/// Reads at most `limit` bytes from `source`, which messages call `name`.
///
/// # Errors
/// [`ReadError::Io`], [`ReadError::TooLarge`].
pub fn read_from(source: impl Read, name: &str, limit: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let read = source.take(limit.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|source| ReadError::Io { file: printable(name), source })?;
    if bytes.len() as u64 > limit {
        return Err(ReadError::TooLarge { file: printable(name), limit });
    }
    Ok(bytes)
}

/// Reads a plain text file of at most `limit` bytes; a byte order mark is taken off.
///
/// # Errors
/// As [`read`] and [`text`].
pub fn read_text(path: &Path, limit: u64) -> Result<String, ReadError> {
    text(read(path, limit)?, &path.display().to_string())
}

/// The text that the bytes of a file are, without a byte order mark; messages call it `name`.
///
/// # Errors
/// [`ReadError::Stranger`] for what often stands in the place of a text file, and
/// [`ReadError::NotText`].
pub fn text(bytes: Vec<u8>, name: &str) -> Result<String, ReadError> {
    if let Some(found) = Stranger::of(&bytes) {
        return Err(ReadError::Stranger { file: printable(name), found });
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| ReadError::NotText { file: printable(name) })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

fn name(path: &Path) -> String {
    printable(&path.display().to_string())
}
