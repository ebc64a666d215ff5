//! Exit codes, and failures that carry one.

use std::fmt;
use std::process::ExitCode;

use fbrs::ErrorKind;
use fbrs::weights::{Fault, WeightsError};

use crate::interrupt;

/// How the program ends. The numbers are part of what scripts rely on; `--help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Anything that is none of the others.
    Other = 1,
    /// Wrong usage: options, clicks, names of devices and modes.
    Usage = 2,
    /// A photo, a file of clicks or of annotations that cannot be read.
    Input = 3,
    /// Weights that cannot be found, read or fetched.
    Weights = 4,
    /// A device that cannot be had, or fails.
    Device = 5,
    /// Something that cannot be written.
    Output = 6,
    /// An evaluation, an export or an import is finished, but for some objects.
    Incomplete = 7,
    /// SIGHUP: the terminal is gone.
    HungUp = 129,
    /// Ctrl-C.
    Interrupted = 130,
    /// SIGTERM: asked to end, by `kill` or by whoever started the program.
    Terminated = 143,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A failure of a kind that the library's errors do not tell.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    sentence: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Failure {}

impl Exit {
    /// A failure of this kind; the sentence names what was expected, what came and what to do.
    pub(crate) fn because(self, sentence: impl Into<String>) -> anyhow::Error {
        Failure { exit: self, sentence: sentence.into() }.into()
    }

    /// The kind of any error that reaches the end of the program.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        if let Some(failure) = error.downcast_ref::<Failure>() {
            failure.exit
        } else if let Some(error) = error.downcast_ref::<WeightsError>() {
            of_weights(error)
        } else if let Some(fbrs::Error::Weights(error)) = error.downcast_ref() {
            of_weights(error)
        } else if let Some(error) = error.downcast_ref::<fbrs::Error>() {
            match error.kind() {
                ErrorKind::Usage => Self::Usage,
                ErrorKind::Image => Self::Input,
                ErrorKind::Weights => Self::Weights,
                ErrorKind::Device => Self::Device,
                ErrorKind::Cancelled => cancelled(),
                _ => Self::Other,
            }
        } else {
            Self::Other
        }
    }
}

fn of_weights(error: &WeightsError) -> Exit {
    match error {
        WeightsError::Cancelled { .. } => cancelled(),
        error if error.fault() == Fault::Output => Exit::Output,
        _ => Exit::Weights,
    }
}

/// Only a signal cancels anything.
fn cancelled() -> Exit {
    interrupt::asked().unwrap_or(Exit::Interrupted)
}
