use std::io;
use std::path::{Path, PathBuf};

use fbrs_data::files::ReadError;
use fbrs_data::text::printable;

/// Why an evaluation, a merge or a report could not be done.
///
/// What is wrong with one object of a data set is no error but a [`fbrs_data::sets::Problem`]: the
/// run goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A data set cannot be listed.
    #[error(transparent)]
    Data(#[from] fbrs_data::Error),
    /// A journal cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file or folder cannot be written.
    #[error("cannot write {}: {source}", shown(path))]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// A journal that is damaged, or is none.
    #[error("journal {}: {reason}", shown(path))]
    Journal {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A journal that was begun with another configuration.
    #[error(
        "journal {} is of another configuration; continue it with the same one, or give this run \
         a journal of its own: {}",
        shown(path),
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

/// Whose fault an [`enum@Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Of a data set or a journal that is read.
    Input,
    /// Of a place that is written to.
    Output,
    /// Of what was asked for.
    Usage,
    /// The segmenter's, which says more.
    Segment,
    /// This crate's own.
    Internal,
}

impl Error {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Data(fbrs_data::Error::Name { .. })
            | Self::OtherConfiguration { .. }
            | Self::Shard { .. }
            | Self::Parameter { .. } => ErrorKind::Usage,
            Self::Data(_) | Self::Read(_) | Self::Journal { .. } => ErrorKind::Input,
            Self::Write { .. } => ErrorKind::Output,
            Self::Segment(_) => ErrorKind::Segment,
            Self::Plot(_) | Self::Picture(_) => ErrorKind::Internal,
        }
    }
}

/// A result with this crate's [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

pub(crate) fn cannot_write(path: impl AsRef<Path>) -> impl Fn(io::Error) -> Error {
    let path = path.as_ref().to_owned();
    move |source| Error::Write { path: path.clone(), source }
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}
