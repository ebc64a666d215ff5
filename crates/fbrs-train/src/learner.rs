//! A network, its losses and its optimizer: gradients of one batch, or of several parts of one, and the
//! step that they make.

use burn::tensor::{Tensor, TensorData};
use fbrs_models::{ClickInput, LearningInput, LearningNetwork, ParameterRole};

use crate::average::Average;
use crate::losses::{Evaluated, Factors, Loss};
use crate::optimizer::Optimization;
use crate::{Error, Result};

/// What the logits are judged by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Losses {
    /// Of the network's answer, each with its weight.
    pub(crate) main: Vec<(Loss, f64)>,
    /// Of every auxiliary head's.
    pub(crate) auxiliary: (Loss, f64),
}

/// One network that learns.
pub(crate) struct Learner {
    pub(crate) network: LearningNetwork,
    pub(crate) optimization: Optimization,
    pub(crate) average: Option<Average>,
    losses: Losses,
    /// Of every parameter: what its rate is multiplied by.
    factors: Vec<f64>,
    /// Largest norm of all gradients.
    longest: Option<f64>,
    /// Of every parameter, of the parts so far.
    gradients: Vec<Option<Tensor<1>>>,
}

/// What one forward pass came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Passed {
    /// The network's answer, `[batch, height · width]`.
    pub(crate) logits: Vec<f32>,
    /// Of the main losses, weighted.
    pub(crate) instance: f64,
    /// Of the auxiliary heads, not weighted.
    pub(crate) auxiliary: Option<f64>,
    pub(crate) overall: f64,
    /// Of the normalized focal loss, per sample.
    pub(crate) factors: Vec<Factors>,
}

impl Learner {
    pub(crate) fn new(
        network: LearningNetwork,
        losses: Losses,
        optimization: Optimization,
        factor: impl Fn(&str) -> f64,
        longest: Option<f64>,
        average: Option<f64>,
    ) -> Self {
        let parameters = network.parameters();
        let factors = parameters.iter().map(|parameter| factor(parameter.name())).collect();
        let gradients = parameters.iter().map(|_| None).collect();
        let average = average.map(|decay| Average::new(&network, decay));
        Self { network, optimization, average, losses, factors, longest, gradients }
    }

    /// Runs the network forwards and backwards on a part of a batch, which has this share in the whole.
    /// `targets`: labels of all pixels of `size`.
    pub(crate) fn learn(
        &mut self,
        input: LearningInput,
        told: ClickInput,
        targets: &[f32],
        size: [usize; 2],
        share: f64,
        seed: u64,
    ) -> Result<Passed> {
        let output = self.network.forward(input, told, size, seed)?;
        let samples = output.logits.dims()[0];
        let device = self.network.device().clone().autodiff();
        let mut passed = Passed::default();
        let mut whole: Option<Tensor<1>> = None;
        let mut add = |logits: Tensor<4>, gradient: Vec<f64>| {
            let gradient = gradient.iter().map(|g| (g * share) as f32).collect::<Vec<_>>();
            let gradient = TensorData::new(gradient, logits.dims());
            // Its gradient is the loss's.
            let part = (logits * Tensor::from_data(gradient, &device)).sum();
            whole = Some(match whole.take() {
                None => part,
                Some(whole) => whole + part,
            });
        };
        passed.logits = read(output.logits.clone())?;
        let mut gradient = vec![0.0; passed.logits.len()];
        for (loss, weight) in &self.losses.main {
            let evaluated = loss.evaluate(&passed.logits, targets, samples);
            passed.instance += weight * evaluated.mean();
            for (sum, own) in gradient.iter_mut().zip(&evaluated.gradient) {
                *sum += weight * own;
            }
            if let Loss::NormalizedFocal(_) = loss {
                passed.factors = evaluated.factors;
            }
        }
        add(output.logits, gradient);
        passed.overall = passed.instance;
        let (loss, weight) = self.losses.auxiliary;
        for logits in output.auxiliary {
            let evaluated: Evaluated = loss.evaluate(&read(logits.clone())?, targets, samples);
            let mean = evaluated.mean();
            passed.auxiliary = Some(passed.auxiliary.unwrap_or(0.0) + mean);
            passed.overall += weight * mean;
            add(logits, evaluated.gradient.iter().map(|g| g * weight).collect());
        }
        if !passed.overall.is_finite() {
            return Err(Error::Exploded);
        }
        let Some(whole) = whole else { return Ok(passed) };
        let gradients = whole.backward();
        for (parameter, sum) in self.network.parameters().iter().zip(&mut self.gradients) {
            let Some(own) = parameter.gradient(&gradients) else { continue };
            *sum = Some(match sum.take() {
                None => own,
                Some(sum) => sum + own,
            });
        }
        Ok(passed)
    }

    /// The main losses of an answer, `[samples, pixels]`, weighted, per sample, without learning from it.
    pub(crate) fn judge(&self, logits: &[f32], targets: &[f32], samples: usize) -> Vec<f64> {
        let mut sums = vec![0.0; samples];
        for (loss, weight) in &self.losses.main {
            let evaluated = loss.evaluate(logits, targets, samples);
            for (sum, own) in sums.iter_mut().zip(evaluated.losses) {
                *sum += weight * own;
            }
        }
        sums
    }

    /// Makes the step of the gradients so far, at a rate.
    pub(crate) fn step(&mut self, rate: f64) -> Result<()> {
        let scale = match self.longest {
            Some(longest) => {
                let norm = self.norm()?;
                if !norm.is_finite() {
                    return Err(Error::Exploded);
                }
                // PyTorch's clip_grad_norm_.
                (longest / (norm + 1e-6)).min(1.0)
            }
            None => 1.0,
        };
        let parameters = self.network.parameters().iter().zip(&mut self.gradients);
        for ((parameter, gradient), factor) in parameters.zip(&self.factors) {
            let Some(gradient) = gradient.take() else { continue };
            let gradient = if scale < 1.0 { gradient * scale } else { gradient };
            let (name, shape, value) = (parameter.name(), parameter.shape(), parameter.value());
            parameter.set(self.optimization.step(name, shape, rate * factor, value, gradient));
        }
        if let Some(average) = &mut self.average {
            average.follow(&self.network);
        }
        Ok(())
    }

    fn norm(&self) -> Result<f64> {
        let squares = self.gradients.iter().flatten();
        let squares = squares.map(|gradient| gradient.clone().powi_scalar(2).sum());
        let Some(sum) = squares.reduce(|sum, square| sum + square) else { return Ok(0.0) };
        Ok(f64::from(read(sum)?.first().copied().unwrap_or(0.0)).sqrt())
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
