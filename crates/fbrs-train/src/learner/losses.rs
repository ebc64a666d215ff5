//! The gradients of a part of a batch, on one device.

use burn::tensor::{Device, Tensor, TensorData};
use fbrs_models::{ClickInput, Drops, LearningInput, LearningNetwork};

use super::read;
use crate::losses::{Evaluated, Factors, Loss};
use crate::{Error, Result};

/// What the logits are judged by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Losses {
    /// Of the network's answer, each with its weight.
    pub(crate) main: Vec<(Loss, f64)>,
    /// Of every auxiliary head's.
    pub(crate) auxiliary: (Loss, f64),
}

/// A part of a batch, as a network takes it.
pub(crate) struct Question<'a> {
    pub(crate) input: LearningInput,
    pub(crate) told: ClickInput,
    /// Labels of all pixels of `size`.
    pub(crate) targets: &'a [f32],
    /// Height and width of the logits.
    pub(crate) size: [usize; 2],
    /// The part's share in the whole.
    pub(crate) share: f64,
    /// What gradients are multiplied by while they are computed.
    pub(crate) scale: f64,
    pub(crate) drops: Drops,
}

/// What a forward pass came to.
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

/// Of every parameter, in the network's order, on the network's device.
pub(crate) struct PartGradients {
    pub(crate) values: Vec<Option<Tensor<1>>>,
    pub(crate) is_finite: bool,
}

impl PartGradients {
    /// Adds those of another part, which may lie on another device.
    pub(crate) fn add(&mut self, part: Self, device: &Device) {
        self.is_finite &= part.is_finite;
        for (sum, own) in self.values.iter_mut().zip(part.values) {
            let Some(own) = own else { continue };
            let own = own.to_device(device);
            *sum = Some(match sum.take() {
                None => own,
                Some(sum) => sum + own,
            });
        }
    }
}

impl Losses {
    /// Runs a network forwards and backwards.
    pub(crate) fn learn(
        &self,
        network: &LearningNetwork,
        question: Question<'_>,
    ) -> Result<(Passed, PartGradients)> {
        let Question { input, told, targets, size, share, scale, drops } = question;
        let output = network.forward(input, told, size, drops)?;
        let samples = output.logits.dims()[0];
        let device = network.device().clone().autodiff();
        let mut passed = Passed::default();
        let mut whole: Option<Tensor<1>> = None;
        let mut add = |logits: Tensor<4>, gradient: Vec<f64>| {
            let gradient = gradient.iter().map(|g| (g * share * scale) as f32).collect::<Vec<_>>();
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
        for (loss, weight) in &self.main {
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
        let (loss, weight) = self.auxiliary;
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
        let values: Vec<_> = match whole {
            None => network.parameters().iter().map(|_| None).collect(),
            Some(whole) => {
                let gradients = whole.backward();
                network.parameters().iter().map(|own| own.gradient(&gradients)).collect()
            }
        };
        // Reading it waits for the device: what failed there is known behind it.
        let is_finite = norm(&values)?.is_finite();
        Ok((passed, PartGradients { values, is_finite }))
    }

    /// The main losses of an answer, `[samples, pixels]`, weighted, per sample, without learning from it.
    pub(crate) fn judge(&self, logits: &[f32], targets: &[f32], samples: usize) -> Vec<f64> {
        let mut sums = vec![0.0; samples];
        for (loss, weight) in &self.main {
            let evaluated = loss.evaluate(logits, targets, samples);
            for (sum, own) in sums.iter_mut().zip(evaluated.losses) {
                *sum += weight * own;
            }
        }
        sums
    }
}

/// The root of the sum of all squares.
pub(super) fn norm(gradients: &[Option<Tensor<1>>]) -> Result<f64> {
    let squares = gradients.iter().flatten();
    let squares = squares.map(|gradient| gradient.clone().powi_scalar(2).sum());
    let Some(sum) = squares.reduce(|sum, square| sum + square) else { return Ok(0.0) };
    Ok(f64::from(read(sum)?.first().copied().unwrap_or(0.0)).sqrt())
}
