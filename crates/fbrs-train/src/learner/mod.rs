//! A network, on one device or several, and its optimizer: the sum of the gradients of all parts of a
//! batch, and the step that it makes.

mod losses;
mod memory;
mod scale;

use burn::tensor::Tensor;
use fbrs_models::{LearningNetwork, ParameterRole};

use crate::average::Average;
use crate::optimizer::Optimization;
use crate::{Error, Result};

use losses::norm;
pub(crate) use losses::{Losses, PartGradients, Passed, Question};
pub(crate) use memory::on_device;
pub use scale::LossScale;

/// What makes steps of gradients.
pub(crate) struct Stepping {
    pub(crate) optimization: Optimization,
    /// Largest norm of all gradients.
    pub(crate) longest: Option<f64>,
    /// Share of the moving average that stays.
    pub(crate) average: Option<f64>,
    /// Of gradients that are computed in f16.
    pub(crate) scale: Option<LossScale>,
}

/// A network that learns.
pub(crate) struct Learner {
    /// What is saved, judged and delivered.
    pub(crate) network: LearningNetwork,
    /// The same on further devices.
    pub(crate) others: Vec<LearningNetwork>,
    pub(crate) optimization: Optimization,
    pub(crate) average: Option<Average>,
    pub(crate) scale: Option<LossScale>,
    /// Of every parameter: what its rate is multiplied by.
    factors: Vec<f64>,
    longest: Option<f64>,
    /// Of the parts so far.
    gradients: PartGradients,
}

impl Learner {
    pub(crate) fn new(
        network: LearningNetwork,
        others: Vec<LearningNetwork>,
        stepping: Stepping,
        factor: impl Fn(&str) -> f64,
    ) -> Self {
        let Stepping { optimization, longest, average, scale } = stepping;
        let parameters = network.parameters();
        let factors = parameters.iter().map(|parameter| factor(parameter.name())).collect();
        let values = parameters.iter().map(|_| None).collect();
        let gradients = PartGradients { values, is_finite: true };
        let average = average.map(|decay| Average::new(&network, decay));
        Self { network, others, optimization, average, scale, factors, longest, gradients }
    }

    /// The network on each device.
    pub(crate) fn networks(&self) -> impl Iterator<Item = &LearningNetwork> {
        std::iter::once(&self.network).chain(&self.others)
    }

    /// Adds the gradients of a part of a batch.
    pub(crate) fn add(&mut self, part: PartGradients) -> Result<()> {
        if !part.is_finite && self.scale.is_none() {
            return Err(Error::Exploded);
        }
        self.gradients.add(part, self.network.device());
        Ok(())
    }

    /// Makes the step of the gradients so far, at a rate; `false` where it was left out, because gradients of
    /// half precision were no finite numbers, and a smaller scale may mend it.
    pub(crate) fn step(&mut self, rate: f64) -> Result<bool> {
        let is_finite = std::mem::replace(&mut self.gradients.is_finite, true);
        if is_finite {
            self.change(rate)?;
        } else {
            self.gradients.values.fill_with(|| None);
        }
        self.agree();
        if let Some(average) = &mut self.average {
            average.follow(&self.network);
        }
        if let Some(scale) = &mut self.scale {
            if is_finite {
                scale.keep();
            } else if !scale.shrink() {
                return Err(Error::Exploded);
            }
        }
        Ok(is_finite)
    }

    /// Changes the parameters on the first device.
    fn change(&mut self, rate: f64) -> Result<()> {
        let factor = self.scale.map_or(1.0, |scale| 1.0 / scale.factor);
        let factor = match self.longest {
            Some(longest) => {
                let norm = norm(&self.gradients.values)? * factor;
                if !norm.is_finite() {
                    return Err(Error::Exploded);
                }
                // PyTorch's clip_grad_norm_.
                factor * (longest / (norm + 1e-6)).min(1.0)
            }
            None => factor,
        };
        let parameters = self.network.parameters().iter().zip(&mut self.gradients.values);
        for ((parameter, gradient), rate_factor) in parameters.zip(&self.factors) {
            let Some(gradient) = gradient.take() else { continue };
            let gradient = if factor == 1.0 { gradient } else { gradient * factor };
            let (name, shape, value) = (parameter.name(), parameter.shape(), parameter.value());
            let rate = rate * rate_factor;
            parameter.set(self.optimization.step(name, shape, rate, value, gradient));
        }
        Ok(())
    }

    /// All devices get the first one's parameters, and the mean of all running statistics.
    pub(crate) fn agree(&self) {
        let device = self.network.device();
        for (index, parameter) in self.network.parameters().iter().enumerate() {
            let others: Vec<_> =
                self.others.iter().filter_map(|other| other.parameters().get(index)).collect();
            match parameter.role() {
                ParameterRole::Kept => continue,
                ParameterRole::Learned => {}
                ParameterRole::Statistic => {
                    let values = others.iter().map(|other| other.value().to_device(device));
                    let sum = values.fold(parameter.value(), |sum, value| sum + value);
                    if !others.is_empty() {
                        parameter.set(sum / (others.len() + 1) as f64);
                    }
                }
            }
            for (other, network) in others.iter().zip(&self.others) {
                other.set(parameter.value().to_device(network.device()));
            }
        }
    }

    /// How many numbers learn.
    pub(crate) fn learned(&self) -> usize {
        let learned = self.network.parameters().iter();
        let learned = learned.filter(|own| own.role() == ParameterRole::Learned);
        learned.map(|own| own.shape().iter().product::<usize>()).sum()
    }
}

/// A tensor's values on the host, in order.
pub(crate) fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let tensor = if tensor.is_autodiff() { tensor.inner() } else { tensor };
    tensor.try_into_vec_as::<f32>().map_err(|error| Error::Device(format!("{error:?}")))
}
