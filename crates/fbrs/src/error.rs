use std::any::Any;

use fbrs_clicks::Size;
use fbrs_models::ParameterError;
use fbrs_refine::RefineError;
use fbrs_weights::WeightsError;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The weights: their file, their name or their download.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The weights could not be read to the end.
    #[error("cannot load the network: {0}")]
    Load(#[from] ParameterError),
    /// The device does not exist, does not work, or is not part of this build.
    #[error("device {wanted}: {reason}")]
    Device {
        /// What was asked for.
        wanted: String,
        /// Why it is not to be had.
        reason: String,
    },
    /// The image cannot be segmented.
    #[error("image of {size} pixels: {reason}")]
    Image {
        /// Its size.
        size: Size,
        /// What is wrong with it.
        reason: String,
    },
    /// A click that cannot be.
    #[error("click at x {x}, y {y}: {reason}")]
    Click {
        /// Column.
        x: f64,
        /// Row.
        y: f64,
        /// What is wrong with it.
        reason: String,
    },
    /// The call makes no sense now.
    #[error("{0}")]
    State(&'static str),
    /// A parameter outside its range.
    #[error("{name}: expected {expected}, got {found}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Its range.
        expected: &'static str,
        /// What came.
        found: String,
    },
    /// Refinement of a click failed or was cancelled; the session is as before the click.
    #[error(transparent)]
    Refine(#[from] RefineError),
    /// Something below panicked while a click was answered: a driver, a library, a fault of this one.
    /// The session is as before the click. After the loss of a device every click ends so: load the
    /// network again, onto another one.
    #[error("a fault while the click was answered: {0}")]
    Fault(String),
}

/// What kind of thing went wrong: what a program does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller asked for something that cannot be: a click outside, an option out of range, a
    /// call at the wrong time.
    Usage,
    /// The image.
    Image,
    /// The weights: not found, not sound, not to be had.
    Weights,
    /// The device: not there, failing, out of memory.
    Device,
    /// It was called off, as asked.
    Cancelled,
    /// A fault of this library or below it.
    Fault,
}

impl Error {
    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Weights(WeightsError::Cancelled { .. })
            | Self::Refine(RefineError::Cancelled) => ErrorKind::Cancelled,
            Self::Weights(_) | Self::Load(_) | Self::Refine(RefineError::NotFinite) => {
                ErrorKind::Weights
            }
            Self::Device { .. } | Self::Refine(RefineError::Device(_)) => ErrorKind::Device,
            Self::Image { .. } => ErrorKind::Image,
            Self::Click { .. } | Self::State(_) | Self::Parameter { .. } => ErrorKind::Usage,
            Self::Refine(_) | Self::Fault(_) => ErrorKind::Fault,
        }
    }

    /// What somebody panicked with.
    pub(crate) fn fault(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        Self::Fault(text.unwrap_or("a panic without a text").to_owned())
    }

    /// Whether a click was cancelled, as asked.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Refine(RefineError::Cancelled))
    }
}

/// A result with this crate's [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
