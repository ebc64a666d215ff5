use burn::tensor::TensorReadError;
use fbrs_models::Interrupted;

use crate::lbfgs::LbfgsError;

/// Why a click has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefineError {
    /// It was called off; the state before the click still holds.
    #[error("the click was cancelled")]
    Cancelled,
    /// The objective is not finite where refinement starts.
    #[error("refinement: {0}; the network's answer is not finite")]
    Optimizer(#[from] LbfgsError),
    /// The network's answer holds infinities or what is not a number, which no mask can be made of.
    #[error("the network's answer is not finite: its weights or the device are at fault")]
    NotFinite,
    /// The network's answer could not be computed or read: the device ran out of memory, or failed.
    #[error(
        "the device failed (a smaller maximum size of the image needs less of its memory): {0}"
    )]
    Device(String),
}

impl From<TensorReadError> for RefineError {
    fn from(error: TensorReadError) -> Self {
        Self::Device(error.to_string())
    }
}

impl From<Interrupted> for RefineError {
    fn from(_: Interrupted) -> Self {
        Self::Cancelled
    }
}
