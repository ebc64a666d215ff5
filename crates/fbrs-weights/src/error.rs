use std::io;
use std::path::Path;

use fbrs_data::text::printable;
use fbrs_models::BoxError;

use crate::scaling::EXPECTED_RADIUS;
use crate::{BackboneMismatch, Container, Mismatch};

/// What keeps weights from being found, fetched, read or written.
///
/// The variants are grouped by whose fault it is, see [`WeightsError::fault`]. Every text in them
/// that comes from a file or is a path has gone through [`printable`], and so have the sentences:
/// both can be printed as they are.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The machine: a file could not be read.
    #[error("cannot {operation} {file}: {source}")]
    Io {
        /// What was being done, as it reads after "cannot".
        operation: &'static str,
        /// The file.
        file: String,
        /// What the system said.
        source: io::Error,
    },

    /// The output: a file could not be written. What was there is as it was.
    #[error("cannot write {file}: {source}")]
    Write {
        /// The file.
        file: String,
        /// What the system said.
        source: io::Error,
    },

    /// The machine: somebody else wrote to the file, or put another in its place, meanwhile.
    #[error("{file} was changed while it was opened: wait until it is complete, then try again")]
    Changed {
        /// The file.
        file: String,
    },

    /// The file: it is in no format that holds weights.
    #[error(
        "{file} holds no weights: expected a PyTorch checkpoint (zip or older stream) or a \
         safetensors file, found {found}"
    )]
    UnknownFormat {
        /// The file.
        file: String,
        /// What its first bytes look like.
        found: String,
    },

    /// The file: it contradicts itself or ends too early.
    #[error("{file} is damaged ({container}): {reason}; get a fresh copy of it")]
    Damaged {
        /// The file.
        file: String,
        /// Its format.
        container: Container,
        /// What does not fit.
        reason: String,
    },

    /// The file: its pickle asks for something that reading weights never needs.
    #[error(
        "{file} asks to {request}, which a file of weights never needs: it may be hostile, and \
         nothing of it was run; expected only tensors. Where it comes from a source you trust, \
         save its state dict alone: torch.save(model.state_dict(), …)"
    )]
    Forbidden {
        /// The file.
        file: String,
        /// What it asks for, as it reads after "asks to".
        request: String,
    },

    /// The file: sound, but of a kind that is not read.
    #[error("{file}: {reason}")]
    Unsupported {
        /// The file.
        file: String,
        /// What is not read, and what to do.
        reason: String,
    },

    /// The file: its tensors belong to no known network.
    #[error("{file} holds tensors of no known network: {reason}")]
    Unrecognized {
        /// The file.
        file: String,
        /// What was looked for and what was found.
        reason: String,
    },

    /// The file: its tensors are not exactly those of the network it is closest to.
    #[error(transparent)]
    Mismatch(Box<Mismatch>),

    /// The file: its backbone is not that of the network that was to start from it.
    #[error(transparent)]
    Backbone(Box<BackboneMismatch>),

    /// The file: a parameter is infinite or not a number.
    #[error(
        "{file}: {tensor} holds {value}, expected finite numbers only; such weights give no masks \
         (a training that diverged?)"
    )]
    NotFinite {
        /// The file.
        file: String,
        /// The parameter.
        tensor: String,
        /// The first such value.
        value: f64,
    },

    /// The caller: a parameter that the file's network does not have.
    #[error("{file} ({architecture}) has no parameter {tensor} of shape {shape:?}")]
    NoSuchParameter {
        /// The file.
        file: String,
        /// The file's network.
        architecture: String,
        /// The name asked for.
        tensor: String,
        /// The shape asked for.
        shape: Vec<usize>,
    },

    /// The caller: a source that does not give a parameter's values.
    #[error("cannot read parameter {tensor}: {source}")]
    Source {
        /// The parameter.
        tensor: String,
        /// What the source said, or what it gave.
        source: BoxError,
    },

    /// The caller: a radius that distance maps cannot be normalized by.
    #[error("a norm radius of {value}: expected {}", EXPECTED_RADIUS)]
    NormRadius {
        /// The radius.
        value: f32,
    },

    /// The caller: a network that some programs do not have.
    #[error("{architecture} cannot be saved so: {reason}")]
    Flavor {
        /// The network.
        architecture: String,
        /// Which programs, and why.
        reason: &'static str,
    },

    /// The caller: a value too large for half precision.
    #[error(
        "{tensor} holds {value}, which half precision cannot hold (at most 65504): write these \
         weights in f32"
    )]
    Overflow {
        /// The parameter.
        tensor: String,
        /// The value.
        value: f32,
    },

    /// The caller: a name that fits nothing.
    #[error(
        "no weights are called \"{name}\": expected a path to a .pth or .safetensors file, or one \
         of {}; looked in {}",
        list(.known), list(.searched)
    )]
    UnknownName {
        /// What was asked for.
        name: String,
        /// Names that would do.
        known: Vec<String>,
        /// Folders that were searched.
        searched: Vec<String>,
    },

    /// The caller: the beginning of several names.
    #[error("\"{name}\" is the beginning of several names: {}; give more of it", list(.candidates))]
    AmbiguousName {
        /// What was asked for.
        name: String,
        /// The names it could be.
        candidates: Vec<String>,
    },

    /// The caller: published weights that are not on this machine.
    #[error(
        "{name} is published but not on this machine (looked in {}): fetch it, or download {url} \
         and put it into one of these folders",
        list(.searched)
    )]
    NotFetched {
        /// The published name.
        name: String,
        /// Where it can be had.
        url: String,
        /// Folders that were searched.
        searched: Vec<String>,
    },

    /// The caller: the built-in weights were left out when this program was built.
    #[error(
        "this program was built without built-in weights: give a file or a name, or build it \
         with the feature \"built-in\""
    )]
    NoBuiltIn,

    /// The network: a download failed.
    #[error(
        "cannot download {url}: {reason}. What came so far is kept for the next try; a file that \
         was downloaded by other means is found at {put}, by the name {name}"
    )]
    Download {
        /// The published name.
        name: String,
        /// The address.
        url: String,
        /// What went wrong.
        reason: String,
        /// Where a file downloaded by hand is found.
        put: String,
    },

    /// The network: what came is not what was published, or not what came last time.
    #[error(
        "what {url} sent is not {name}: its SHA-256 is {found}, expected {expected} ({origin}); \
         it was thrown away"
    )]
    Checksum {
        /// The published name.
        name: String,
        /// The address.
        url: String,
        /// Expected SHA-256, hexadecimal.
        expected: String,
        /// Found SHA-256, hexadecimal.
        found: String,
        /// Where the expected one comes from.
        origin: &'static str,
    },

    /// The caller: stopped a download, of which the part so far is kept.
    #[error(
        "stopped downloading {name}; what came so far is kept, the next try goes on from there"
    )]
    Cancelled {
        /// The published name.
        name: String,
    },
}

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The caller asked for something that cannot be.
    Caller,
    /// The file is not what it should be.
    File,
    /// The machine failed to read.
    Machine,
    /// The output cannot be written.
    Output,
    /// The network or the far end failed.
    Network,
}

impl WeightsError {
    /// Whose fault this is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => Fault::Caller,
            Self::Io { .. } | Self::Changed { .. } => Fault::Machine,
            Self::Write { .. } => Fault::Output,
            Self::UnknownFormat { .. }
            | Self::Damaged { .. }
            | Self::Forbidden { .. }
            | Self::Unsupported { .. }
            | Self::Unrecognized { .. }
            | Self::Mismatch(_)
            | Self::Backbone(_)
            | Self::NotFinite { .. } => Fault::File,
            Self::NoSuchParameter { .. }
            | Self::Source { .. }
            | Self::NormRadius { .. }
            | Self::Flavor { .. }
            | Self::Overflow { .. }
            | Self::UnknownName { .. }
            | Self::AmbiguousName { .. }
            | Self::NotFetched { .. }
            | Self::NoBuiltIn
            | Self::Cancelled { .. } => Fault::Caller,
            Self::Download { .. } | Self::Checksum { .. } => Fault::Network,
        }
    }
}

/// Names in a sentence; "nothing" where there are none.
fn list(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// A path as messages show it.
pub(crate) fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

/// The error of a write to `path`.
pub(crate) fn cannot_write(path: &Path, source: io::Error) -> WeightsError {
    WeightsError::Write { file: shown(path), source }
}
