use std::io;

use fbrs_data::files::ReadError;
use fbrs_data::pictures::PictureError;

/// Why annotations cannot be read or written. Texts are whole sentences that name the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that cannot be read, or is no text.
    #[error(transparent)]
    File(#[from] ReadError),
    /// A photo that cannot be read.
    #[error(transparent)]
    Photo(#[from] PictureError),
    /// A file that is damaged, or of another kind.
    #[error("{file}: {reason}")]
    Damaged {
        /// The file, fit to be printed.
        file: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A file of a version of the program that came after this one.
    #[error(
        "{file} was written by a later version of this program (format {found}, expected 1): update it"
    )]
    Newer {
        /// The file, fit to be printed.
        file: String,
        /// The format's version.
        found: u64,
    },
    /// A file that cannot be written.
    #[error("cannot write {file}: {source}")]
    Write {
        /// The file, fit to be printed.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// What was asked for cannot be done.
    #[error("{0}")]
    Refused(String),
    /// Whoever asked for it has thought better of it.
    #[error("stopped before everything was done; what was written is complete")]
    Stopped,
    /// A folder that cannot be listed.
    #[error("cannot list {folder}: {source}")]
    List {
        /// The folder, fit to be printed.
        folder: String,
        /// What the system said.
        source: io::Error,
    },
}

/// What these crates' calls return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
