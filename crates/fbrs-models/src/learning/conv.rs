//! A convolution that learns.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{FloatDType, Tensor};

use super::dropout::{Dropout, seed_of};
use super::norm::Norm;
use super::parameter::Parameter;
use crate::conv::{Activation, Chain, Layer};
#[cfg(feature = "cpu")]
use crate::host::{self, HostShape};

/// What all layers of a network share while it runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) dropout: f64,
    /// Decides what is dropped.
    pub(super) seed: AtomicU64,
    /// The place of the first sample in its batch.
    pub(super) first: AtomicUsize,
}

/// A convolution and its batch normalization, with gradients.
#[derive(Debug, Clone)]
pub(crate) struct LearningConv {
    pub(super) weight: Arc<Parameter>,
    /// `[output, input / groups, kernel, kernel]`.
    pub(super) shape: [usize; 4],
    /// Which of the weight's input channels, where the convolution was split.
    pub(super) inputs: Option<Range<usize>>,
    pub(super) bias: Option<Arc<Parameter>>,
    /// A number whose absolute value the output is multiplied by.
    pub(super) scale: Option<Arc<Parameter>>,
    pub(super) before: Option<Norm>,
    pub(super) after: Option<Norm>,
    /// Whether an addend is a part of what is normalized: the other part of a split convolution.
    pub(super) joins: bool,
    pub(super) options: ConvOptions<2>,
    /// For the processor's own kernels; `None` where they do not serve the layer.
    #[cfg(feature = "cpu")]
    pub(super) host: Option<HostShape>,
    /// What input and weight are rounded to.
    pub(super) rounded: Option<FloatDType>,
    pub(super) dropout: Option<Dropout>,
    pub(super) running: Arc<Running>,
}

impl LearningConv {
    fn convolved(&self, x: Tensor<4>) -> Tensor<4> {
        let mut weight = self.weight.leaf().reshape(self.shape);
        if let Some(inputs) = &self.inputs {
            weight = weight.narrow(1, inputs.start, inputs.len());
        }
        let mut bias = self.bias.as_ref().map(|bias| bias.leaf());
        if let Some(scale) = &self.scale {
            let scale = scale.leaf().abs();
            weight = weight * scale.clone().reshape([1, 1, 1, 1]);
            bias = bias.map(|bias| bias * scale);
        }
        if let Some(half) = self.rounded {
            let bias = bias.map(|bias| bias.cast(half));
            let y = conv2d(x.cast(half), weight.cast(half), bias, self.options.clone());
            return y.cast(FloatDType::F32);
        }
        #[cfg(feature = "cpu")]
        if let Some(y) = self.host.and_then(|shape| host::convolve(&x, &weight, shape)) {
            return match bias {
                Some(bias) => y + bias.reshape([1, self.shape[0], 1, 1]),
                None => y,
            };
        }
        conv2d(x, weight, bias, self.options.clone())
    }
}

impl Layer for LearningConv {
    fn run(&self, x: Tensor<4>, addend: Option<Tensor<4>>, activation: Activation) -> Tensor<4> {
        let x = match &self.before {
            Some(norm) => norm.run(x, None, Activation::None),
            None => x,
        };
        let mut y = self.convolved(x);
        let mut addend = addend;
        if self.joins
            && let Some(addend) = addend.take()
        {
            y = y + addend;
        }
        let y = match &self.after {
            Some(norm) => norm.run(y, addend, activation),
            None => activation.apply(match addend {
                Some(addend) => y + addend,
                None => y,
            }),
        };
        match self.dropout {
            Some(dropout) => {
                let running = &self.running;
                let seed = seed_of(self.weight.name(), running.seed.load(Ordering::Relaxed));
                dropout.run(y, running.dropout, seed, running.first.load(Ordering::Relaxed))
            }
            None => y,
        }
    }

    /// What lies between the layers is wanted for the gradients.
    fn at_once(_: &Chain<Self>, _: &Tensor<4>) -> Option<Tensor<4>> {
        None
    }
}
