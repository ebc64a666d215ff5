use std::io;
use std::path::{Path, PathBuf};

use fbrs_data::files::ReadError;
use fbrs_data::text::printable;
use fbrs_models::{BatchOfOne, ParameterError};
use fbrs_samples::{BadOptions, BadSet, LoaderError};
use fbrs_weights::WeightsError;

use crate::optimizer::ForeignState;

/// Why a run cannot be configured, begun, written down or resumed, or cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value of a configuration that cannot be.
    #[error("{key}: expected {expected}, got {found}")]
    Value {
        /// The key, with its section: `optimizer.rate`.
        key: String,
        /// What was expected.
        expected: String,
        /// What came.
        found: String,
    },
    /// A configuration that is no TOML, or says something that nobody can mean.
    #[error("{place}: {reason}")]
    Config {
        /// The file or the option.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file cannot be read.
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
    /// A folder that is no run's, or is in use.
    #[error("{}: {reason}", shown(path))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A training file that is damaged, or is none.
    #[error("training file {}: {reason}", shown(path))]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A run that cannot go on from what was saved.
    #[error("cannot resume: {0}")]
    Resume(String),
    /// Data that cannot be learned from; what is wrong, line by line.
    #[error("{0}")]
    Data(String),
    /// Photos that cannot be drawn from.
    #[error(transparent)]
    Photos(#[from] BadSet),
    /// Options of samples that make no sense.
    #[error(transparent)]
    Samples(#[from] BadOptions),
    /// Samples that cannot be prepared.
    #[error(transparent)]
    Loader(#[from] LoaderError),
    /// Weights that cannot be read or written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// Weights that make no network.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// Batch statistics of one sample.
    #[error(transparent)]
    BatchOfOne(#[from] BatchOfOne),
    /// A loss or a gradient that is no finite number.
    #[error(
        "the loss or its gradient is no finite number any more: the learning rate is too high for these data \
         (optimizer.rate), numbers are too large for network.precision = \"f16\" where that is set, or the \
         weights that the run began with are damaged; what was saved before is whole"
    )]
    Exploded,
    /// A device that cannot be opened, or failed.
    #[error("{0}")]
    Device(String),
    /// A device whose memory does not suffice, even for the fewest samples that a network can learn from; what
    /// it said.
    #[error(
        "the device has too little memory ({0}): take smaller crops (samples.crop) or a smaller network, \
         freeze its backbone (freeze.backbone = true), and close other programs that use the device; what \
         was saved before is whole"
    )]
    Memory(String),
    /// Clicks that cannot be counted.
    #[error(transparent)]
    Evaluation(#[from] fbrs_eval::Error),
    /// What an optimizer remembers belongs to another one.
    #[error("cannot resume: {0}")]
    Optimizer(#[from] ForeignState),
    /// The library's own error.
    #[error(transparent)]
    Segment(#[from] fbrs::Error),
}

/// What this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn value(key: &str, expected: &str, found: impl ToString) -> Self {
        Self::Value {
            key: printable(key),
            expected: expected.to_owned(),
            found: printable(&found.to_string()),
        }
    }

    pub(crate) fn write(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Write { path: path.to_owned(), source }
    }
}

pub(crate) fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}
