//! Convolution with the batch normalization that belongs to it.

mod activation;
mod chain;
mod fixed;
mod fold;
mod layer;
mod reading;
mod spec;

pub(crate) use activation::Activation;
pub(crate) use chain::Chain;
pub(crate) use fixed::Conv;
pub(crate) use layer::Layer;
pub(crate) use reading::Reading;
pub(crate) use spec::{ConvSpec, NORM_PARAMETERS, NormPlace};

/// Whether batch normalization is folded into the convolution it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Folding {
    /// One convolution per pair: for inference.
    #[default]
    Folded,
    /// Normalization as an operation of its own, as published.
    Separate,
}
