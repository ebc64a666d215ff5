//! Reading the layers of a network that learns.

use std::sync::Arc;

use burn::tensor::FloatDType;

use super::conv::{LearningConv, Running};
use super::norm::Norm;
use super::parameter::{Parameter, ParameterRole};
use super::{LearningOptions, Statistics};
use crate::build::{Build, ParameterError};
use crate::conv::{ConvSpec, NORM_PARAMETERS, NormPlace, Reading};
#[cfg(feature = "cpu")]
use crate::host;

pub(super) struct Building<'a> {
    pub(super) reading: Reading<'a>,
    pub(super) options: &'a LearningOptions<'a>,
    pub(super) running: Arc<Running>,
    /// All that was read, in published order.
    pub(super) parameters: Vec<Arc<Parameter>>,
}

impl Building<'_> {
    fn read(
        &mut self,
        name: String,
        shape: &[usize],
        role: ParameterRole,
    ) -> Result<Arc<Parameter>, ParameterError> {
        let values = self.reading.values(name.clone(), shape)?;
        let count = values.len();
        let value = self.reading.tensor(values, [count]);
        let parameter = Arc::new(Parameter::new(name, shape.to_vec(), role, value));
        self.parameters.push(parameter.clone());
        Ok(parameter)
    }

    fn norm(
        &mut self,
        name: &str,
        channels: usize,
        epsilon: f64,
        learns: bool,
    ) -> Result<Norm, ParameterError> {
        let of_batch = learns && self.options.statistics == Statistics::OfBatch;
        #[cfg(feature = "cpu")]
        let on_host = host::serves(self.reading.device);
        let learned = role(learns);
        let statistic = if of_batch { ParameterRole::Statistic } else { ParameterRole::Kept };
        let mut part = |part, role| self.read(format!("{name}.{part}"), &[channels], role);
        let [gamma, beta, mean, variance] = NORM_PARAMETERS;
        Ok(Norm {
            gamma: part(gamma, learned)?,
            beta: part(beta, learned)?,
            mean: part(mean, statistic)?,
            variance: part(variance, statistic)?,
            epsilon,
            of_batch,
            #[cfg(feature = "cpu")]
            on_host,
        })
    }

    fn layer(&mut self, spec: &ConvSpec) -> Result<LearningConv, ParameterError> {
        let learns = (self.options.learns)(&spec.name);
        let learned = role(learns);
        let epsilon = spec.norm_epsilon;
        let before = match &spec.norm {
            NormPlace::Before(name) => Some(self.norm(name, spec.input, epsilon, learns)?),
            _ => None,
        };
        let shape = spec.weight_shape();
        let weight = self.read(format!("{}.weight", spec.name), &shape, learned)?;
        let bias = match spec.bias {
            true => Some(self.read(format!("{}.bias", spec.name), &[spec.output], learned)?),
            false => None,
        };
        let after = match &spec.norm {
            NormPlace::After(name) => Some(self.norm(name, spec.output, epsilon, learns)?),
            _ => None,
        };
        let scale = match &spec.scale {
            Some(name) => Some(self.read(name.clone(), &[1], learned)?),
            None => None,
        };
        Ok(LearningConv {
            weight,
            shape,
            inputs: None,
            bias,
            scale,
            before,
            after,
            joins: false,
            options: spec.options(),
            #[cfg(feature = "cpu")]
            host: spec.host_shape(shape[1], self.reading.device),
            rounded: Some(self.options.arithmetic).filter(|own| *own != FloatDType::F32),
            dropout: spec.dropout,
            running: self.running.clone(),
        })
    }
}

fn role(learns: bool) -> ParameterRole {
    if learns { ParameterRole::Learned } else { ParameterRole::Kept }
}

impl Build for Building<'_> {
    type Layer = LearningConv;
    type Error = ParameterError;

    fn conv(&mut self, spec: ConvSpec) -> Result<LearningConv, ParameterError> {
        self.layer(&spec)
    }

    /// The normalization is of the sum, and so the second part's, which the first part's output joins.
    fn conv_split(
        &mut self,
        spec: ConvSpec,
        channels: usize,
    ) -> Result<[LearningConv; 2], ParameterError> {
        let whole = self.layer(&spec)?;
        let part = |inputs: std::ops::Range<usize>| LearningConv {
            #[cfg(feature = "cpu")]
            host: spec.host_shape(inputs.len(), self.reading.device),
            inputs: Some(inputs),
            ..whole.clone()
        };
        let first = LearningConv { bias: None, after: None, dropout: None, ..part(0..channels) };
        let second = LearningConv { joins: true, ..part(channels..spec.input) };
        Ok([first, second])
    }

    /// Kept, so that what is saved is complete.
    fn unused(&mut self, spec: ConvSpec) -> Result<(), ParameterError> {
        for (name, shape) in spec.parameters() {
            self.read(name, &shape, ParameterRole::Kept)?;
        }
        Ok(())
    }
}
