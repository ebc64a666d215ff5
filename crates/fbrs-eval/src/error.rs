use std::io;
use std::path::{Path, PathBuf};

/// Why an evaluation, a merge or a report could not be done.
///
/// What is wrong with one object of a data set is no error but a [`crate::Problem`]: the run goes
/// on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder cannot be read or written.
    #[error("cannot {operation} {}: {source}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// A text that names no data set.
    #[error("\"{text}\" names no data set: {reason}")]
    Name {
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A data set whose files are not as its layout says.
    #[error("data set {}: {reason}", path.display())]
    Data {
        /// Where it lies.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A journal that is damaged, or is none.
    #[error("journal {}: {reason}", path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A journal that was begun with another configuration.
    #[error(
        "journal {} is of another configuration; continue it with the same one, or give this run \
         a journal of its own: {}",
        path.display(),
        differences.join("; ")
    )]
    OtherConfiguration {
        /// The file.
        path: PathBuf,
        /// What differs: there, here.
        differences: Vec<String>,
    },
    /// A shard that cannot be.
    #[error("shard \"{text}\": {reason}")]
    Shard {
        /// What was asked for.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A parameter of the evaluation outside its range.
    #[error("{name}: expected {expected}, got {found}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Its range.
        expected: &'static str,
        /// What came.
        found: String,
    },
    /// A plot could not be drawn.
    #[error("cannot draw a plot: {0}")]
    Plot(String),
    /// A picture of the gallery could not be drawn.
    #[error("cannot draw a picture: {0}")]
    Picture(String),
    /// The segmenter refuses the options.
    #[error(transparent)]
    Segment(#[from] fbrs::Error),
}

/// A result with this crate's [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

pub(crate) fn io_error(
    operation: &'static str,
    path: impl AsRef<Path>,
) -> impl FnOnce(io::Error) -> Error {
    let path = path.as_ref().to_owned();
    move |source| Error::Io { operation, path, source }
}
