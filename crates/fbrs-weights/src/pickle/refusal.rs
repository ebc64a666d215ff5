#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::io;

use fbrs_data::text::printable;

use crate::entry::is_of_machine;

/// Why a pickle is refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It asks for something that weights never need; reads after "asks to".
    Forbidden(String),
    /// It is no pickle, or one that makes no sense.
    Damaged(String),
    /// It is sound, and not read all the same.
    Unsupported(String),
    /// It could not be read.
    Io(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        if is_of_machine(&error) {
            Self::Io(error)
        } else if error.kind() == io::ErrorKind::UnexpectedEof {
            ends()
        } else {
            // What the archive around it says, a wrong checksum for one.
            Self::Damaged(format!("its pickle cannot be read: {}", printable(&error.to_string())))
        }
    }
}

pub(super) fn damaged<T>(reason: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Damaged(reason.into()))
}

pub(super) fn ends() -> Refusal {
    Refusal::Damaged("its pickle ends too early".to_owned())
}

pub(super) fn forbid<T>(request: String) -> Result<T, Refusal> {
    Err(Refusal::Forbidden(request))
}
