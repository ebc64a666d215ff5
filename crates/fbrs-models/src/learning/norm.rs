//! Batch normalization (Ioffe & Szegedy 2015) of a network that learns.
//!
//! With statistics of the batch: `γ · (x - μ) / √(σ² + ε) + β`, μ and σ² the mean and the biased
//! variance over images and pixels; the running mean takes a tenth of μ, the running variance a tenth
//! of the unbiased σ². Frozen: the running ones in their place, which then stay as they are.

use std::sync::Arc;

use burn::tensor::Tensor;
#[cfg(feature = "cpu")]
use burn::tensor::{Device, TensorData};

use super::parameter::Parameter;
use crate::conv::Activation;
#[cfg(feature = "cpu")]
use crate::host::{self, Normalizing};

/// Share of a running statistic that a step replaces.
const MOMENTUM: f64 = 0.1;

#[derive(Debug, Clone)]
pub(super) struct Norm {
    pub(super) gamma: Arc<Parameter>,
    pub(super) beta: Arc<Parameter>,
    pub(super) mean: Arc<Parameter>,
    pub(super) variance: Arc<Parameter>,
    pub(super) epsilon: f64,
    /// Whether the statistics are those of the batch.
    pub(super) of_batch: bool,
    /// Whether the processor's own kernels serve it.
    #[cfg(feature = "cpu")]
    pub(super) on_host: bool,
}

impl Norm {
    /// `activation(norm(x) + addend)`.
    pub(super) fn run(
        &self,
        x: Tensor<4>,
        addend: Option<Tensor<4>>,
        activation: Activation,
    ) -> Tensor<4> {
        #[cfg(feature = "cpu")]
        if let Some(y) = self.on_host(&x, addend.as_ref(), activation) {
            return y;
        }
        let channels = x.dims()[1];
        let of_channels = |tensor: Tensor<1>| tensor.reshape([1, channels, 1, 1]);
        let (mean, variance) = match self.of_batch {
            true => self.measure(&x),
            false => (of_channels(self.mean.leaf()), of_channels(self.variance.leaf())),
        };
        let factor = of_channels(self.gamma.leaf()) / (variance + self.epsilon).sqrt();
        let y = (x - mean) * factor + of_channels(self.beta.leaf());
        let y = match addend {
            Some(addend) => y + addend,
            None => y,
        };
        activation.apply(y)
    }

    /// In one pass, where the processor's own kernels can.
    #[cfg(feature = "cpu")]
    fn on_host(
        &self,
        x: &Tensor<4>,
        addend: Option<&Tensor<4>>,
        activation: Activation,
    ) -> Option<Tensor<4>> {
        if !self.on_host {
            return None;
        }
        let [batch, channels, height, width] = x.dims();
        let given = match self.of_batch {
            true => None,
            false => Some([self.mean.read().ok()?, self.variance.read().ok()?]),
        };
        let (gamma, beta) = (self.gamma.leaf(), self.beta.leaf());
        let by = Normalizing { gamma: &gamma, beta: &beta, epsilon: self.epsilon, given };
        let (y, moments) = host::normalize(x, &by, addend, activation)?;
        if self.of_batch {
            let tensor = |values: &[f64]| {
                let values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
                Tensor::from_data(TensorData::new(values, [channels]), &Device::flex())
            };
            let (mean, variance) = (tensor(&moments.mean), tensor(&moments.variance));
            self.follow(mean, variance, batch * height * width);
        }
        Some(y)
    }

    /// Mean and biased variance of the batch, `[1, channels, 1, 1]` each; the running ones follow.
    fn measure(&self, x: &Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let [batch, channels, height, width] = x.dims();
        let mean_of = |tensor: Tensor<4>| tensor.mean_dim(3).mean_dim(2).mean_dim(0);
        let mean = mean_of(x.clone());
        let variance = mean_of((x.clone() - mean.clone()).powi_scalar(2));
        let flat = |tensor: &Tensor<4>| tensor.clone().inner().reshape([channels]);
        self.follow(flat(&mean), flat(&variance), batch * height * width);
        (mean, variance)
    }

    /// The running statistics take their share of those of a batch of `count` values a channel.
    fn follow(&self, mean: Tensor<1>, variance: Tensor<1>, count: usize) {
        let unbiased = count as f64 / (count.max(2) - 1) as f64;
        let mix = |running: &Parameter, own: Tensor<1>| {
            running.set(running.value() * (1.0 - MOMENTUM) + own * MOMENTUM);
        };
        mix(&self.mean, mean);
        mix(&self.variance, variance * unbiased);
    }
}
