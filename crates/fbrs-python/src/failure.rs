//! From what goes wrong in Rust to Python's exceptions.

use std::any::Any;
use std::fmt::Display;
use std::io;

use fbrs::weights::WeightsError;
use fbrs::{CancelToken, Error, RefineError};
use fbrs_data::pictures::PictureError;
use pyo3::prelude::*;

/// Something that went wrong: a class of `fbrs._errors` and a sentence. It can be made where Python is
/// not at hand, and is raised where it is.
#[derive(Debug)]
pub(crate) struct Failure {
    class: &'static str,
    sentence: String,
}

impl Failure {
    fn new(class: &'static str, sentence: impl Display) -> Self {
        Self { class, sentence: sentence.to_string() }
    }

    /// A call that makes no sense now.
    pub(crate) fn state(sentence: impl Display) -> Self {
        Self::new("StateError", sentence)
    }

    /// A parameter outside its range.
    pub(crate) fn parameter(sentence: impl Display) -> Self {
        Self::new("ParameterError", sentence)
    }

    /// A picture that cannot be segmented.
    pub(crate) fn image(sentence: impl Display) -> Self {
        Self::new("ImageError", sentence)
    }

    /// What somebody panicked with, so that no panic reaches Python as one.
    pub(crate) fn fault(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        Self::new("Fault", text.unwrap_or("a fault without a text"))
    }

    /// The machine refuses a thread.
    pub(crate) fn no_thread(error: &io::Error) -> Self {
        Self::new("Fault", format!("the system gives no further thread: {error}"))
    }

    /// Fails where a call was called off before it began.
    pub(crate) fn unless_wanted(token: &CancelToken) -> Result<(), Self> {
        match token.is_cancelled() {
            true => Err(Error::from(RefineError::Cancelled).into()),
            false => Ok(()),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let class = match error {
            Error::Weights(error) => return error.into(),
            Error::Load(_) => "LoadError",
            Error::Device { .. } | Error::Refine(RefineError::Device(_)) => "DeviceError",
            Error::Image { .. } => "ImageError",
            Error::Click { .. } => "ClickError",
            Error::State(_) => "StateError",
            Error::Parameter { .. } => "ParameterError",
            Error::Refine(RefineError::Cancelled) => "Cancelled",
            Error::Refine(_) => "RefineError",
            Error::Fault(_) => "Fault",
            _ => "Error",
        };
        Self::new(class, error)
    }
}

impl From<WeightsError> for Failure {
    fn from(error: WeightsError) -> Self {
        let class = match &error {
            WeightsError::NotFetched { name, .. } => {
                let fetch = format!("{error}. This fetches it: fbrs.fetch_weights(\"{name}\")");
                return Self::new("WeightsNotFoundError", fetch);
            }
            WeightsError::UnknownName { .. } | WeightsError::AmbiguousName { .. } => {
                "WeightsNotFoundError"
            }
            WeightsError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "WeightsNotFoundError"
            }
            WeightsError::NormRadius { .. } => "ParameterError",
            WeightsError::Cancelled { .. } => "Cancelled",
            _ => "WeightsError",
        };
        Self::new(class, error)
    }
}

impl From<PictureError> for Failure {
    fn from(error: PictureError) -> Self {
        let class = match &error {
            PictureError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "ImageNotFoundError"
            }
            PictureError::Io { .. } => "ImageReadError",
            _ => "ImageError",
        };
        Self::new(class, error)
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        Python::attach(|py| {
            let made = py.import("fbrs._errors").and_then(|errors| {
                let error = errors.getattr(failure.class)?.call1((failure.sentence,))?;
                Ok(PyErr::from_value(error))
            });
            made.unwrap_or_else(|error| error)
        })
    }
}
