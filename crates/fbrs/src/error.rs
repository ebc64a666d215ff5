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
}

impl Error {
    /// Whether a click was cancelled, as asked.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Refine(RefineError::Cancelled))
    }
}

/// A result with this crate's [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
