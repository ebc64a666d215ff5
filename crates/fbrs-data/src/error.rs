use std::io;

use crate::files::ReadError;

/// Why a data set cannot be listed, split by whose fault it is.
///
/// What is wrong with one object is no error but a [`crate::sets::Problem`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text that names no data set: the user's fault.
    #[error("\"{text}\" names no data set: {reason}")]
    Name {
        /// The text, fit to be printed.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A folder cannot be listed: the machine's.
    #[error("cannot list {folder}: {source}")]
    List {
        /// The folder, fit to be printed.
        folder: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be written: the machine's.
    #[error("cannot write {file}: {source}")]
    Write {
        /// The file, fit to be printed.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be read: the machine's.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Files that are not as the layout says: the data set's.
    #[error("data set {path}: {reason}")]
    Layout {
        /// Where it lies, fit to be printed.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// None of the photos that a file of instances lists is near it.
    #[error(
        "data set {file}: its photos ({photos}) were found in none of {folders}; name the folder \
         that they are in"
    )]
    NoPhotos {
        /// The file, fit to be printed.
        file: String,
        /// Some photos.
        photos: String,
        /// Where they were looked for.
        folders: String,
    },
}

/// A result with this crate's [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
