//! The refined quantity z: what it looks like, how it acts, what it costs.

use std::ops::Range;

use burn::tensor::{Device, Gradients, Tensor, TensorData, TensorReadError};
use fbrs_models::{Cut, channel_affine};

use crate::frame::Frame;
use crate::options::{RefineOptions, ScaleActivation};

/// Shape of z.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variables {
    /// Per channel a scale, then per channel a bias; shared by the whole batch.
    ChannelAffine { channels: usize },
    /// An offset `[crops, channels, height, width]`; mirrored for the mirror images.
    Offset { shape: [usize; 4], flip: bool },
}

/// z on a device, waiting for its gradient.
#[allow(clippy::large_enum_variant, reason = "one lives for one evaluation")]
pub(crate) enum Leaf {
    ChannelAffine { scale: Tensor<4>, bias: Tensor<4> },
    Offset(Tensor<4>),
}

impl Variables {
    pub(crate) fn at(cut: Cut, channels: usize, frame: &Frame) -> Self {
        let size = frame.size();
        let shape = [frame.crops(), channels, size.height, size.width];
        match cut {
            Cut::Image | Cut::DistanceMaps => Self::Offset { shape, flip: frame.is_flipped() },
            Cut::Early | Cut::Middle | Cut::Late => Self::ChannelAffine { channels },
        }
    }

    /// How many numbers z has.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::ChannelAffine { channels } => 2 * channels,
            Self::Offset { shape, .. } => shape.iter().product(),
        }
    }

    /// What acts on some of the crops, and where in z that is.
    pub(crate) fn of_part(&self, part: &Range<usize>) -> (Self, Range<usize>) {
        match *self {
            Self::ChannelAffine { .. } => (*self, 0..self.len()),
            Self::Offset { shape: shape @ [_, channels, height, width], flip } => {
                let length = shape[1..].iter().product::<usize>();
                let shape = [part.len(), channels, height, width];
                (Self::Offset { shape, flip }, part.start * length..part.end * length)
            }
        }
    }

    /// Whether z outlives a change of the frame.
    pub(crate) fn survive_frames(&self) -> bool {
        matches!(self, Self::ChannelAffine { .. })
    }

    /// z in single precision on a device; gradients will be kept where `tracked`.
    pub(crate) fn upload(&self, z: &[f64], device: &Device, tracked: bool) -> Leaf {
        let leaf = |values: &[f64], shape: [usize; 4]| {
            let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
            let tensor = Tensor::from_data(TensorData::new(values, shape), device);
            if tracked { tensor.autodiff().require_grad() } else { tensor }
        };
        match *self {
            Self::ChannelAffine { channels } => {
                let (scale, bias) = z.split_at(channels.min(z.len()));
                let shape = [1, channels, 1, 1];
                Leaf::ChannelAffine { scale: leaf(scale, shape), bias: leaf(bias, shape) }
            }
            Self::Offset { shape, .. } => Leaf::Offset(leaf(z, shape)),
        }
    }

    /// `(1 + scale)·features + bias`, or `features + offset`.
    pub(crate) fn apply(
        &self,
        leaf: &Leaf,
        features: Tensor<4>,
        activation: ScaleActivation,
    ) -> Tensor<4> {
        match (leaf, self) {
            (Leaf::ChannelAffine { scale, bias }, _) => {
                let scale = match activation {
                    ScaleActivation::Linear => scale.clone(),
                    ScaleActivation::Tanh => scale.clone().tanh(),
                    ScaleActivation::Sin => scale.clone().sin(),
                };
                channel_affine(features, scale + 1.0, bias.clone())
            }
            (Leaf::Offset(offset), Self::Offset { flip: true, .. }) => {
                let mirrored = offset.clone().flip([3]);
                features + Tensor::cat(vec![offset.clone(), mirrored], 0)
            }
            (Leaf::Offset(offset), _) => features + offset.clone(),
        }
    }

    /// Value of the regularization.
    pub(crate) fn regularization(&self, z: &[f64], options: &RefineOptions) -> f64 {
        let squares = |z: &[f64]| z.iter().map(|z| z * z).sum::<f64>();
        options.regularization
            * match *self {
                Self::ChannelAffine { channels } => {
                    let (scale, bias) = z.split_at(channels.min(z.len()));
                    squares(scale) + options.bias_regularization * squares(bias)
                }
                Self::Offset { flip, .. } => halves(flip) * squares(z),
            }
    }

    /// Adds the regularization's gradient to that of the data term.
    pub(crate) fn add_regularization_gradient(
        &self,
        z: &[f64],
        options: &RefineOptions,
        gradient: &mut [f64],
    ) {
        let weight = 2.0 * options.regularization;
        for (index, (gradient, z)) in gradient.iter_mut().zip(z).enumerate() {
            let factor = match *self {
                Self::ChannelAffine { channels } if index < channels => 1.0,
                Self::ChannelAffine { .. } => options.bias_regularization,
                Self::Offset { flip, .. } => halves(flip),
            };
            *gradient += weight * factor * z;
        }
    }
}

/// In how many images of the flip pair an offset acts.
fn halves(flip: bool) -> f64 {
    if flip { 2.0 } else { 1.0 }
}

impl Leaf {
    /// The gradient of z, in z's order; zeros where z did not take part.
    pub(crate) fn gradient(
        &self,
        gradients: &Gradients,
        len: usize,
    ) -> Result<Vec<f64>, TensorReadError> {
        let read = |leaf: &Tensor<4>| {
            let gradient = leaf.grad(gradients).map(Tensor::try_into_vec_as::<f64>);
            Ok::<_, TensorReadError>(gradient.transpose()?.unwrap_or_default())
        };
        let mut gradient = match self {
            Self::ChannelAffine { scale, bias } => {
                let mut gradient = read(scale)?;
                gradient.resize(len / 2, 0.0);
                gradient.extend(read(bias)?);
                gradient
            }
            Self::Offset(offset) => read(offset)?,
        };
        gradient.resize(len, 0.0);
        Ok(gradient)
    }
}
