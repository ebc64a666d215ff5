//! A moving average of the weights, running statistics included.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use fbrs_models::{BoxError, LearningNetwork, ParameterRole, ParameterSource};

/// The weights' average: after step k a share of min(decay, (1 + k) / (10 + k)) stays.
#[derive(Debug, Clone)]
pub(crate) struct Average {
    pub(crate) decay: f64,
    pub(crate) steps: u64,
    pub(crate) values: BTreeMap<String, Tensor<1>>,
}

impl Average {
    pub(crate) fn new(network: &LearningNetwork, decay: f64) -> Self {
        let values = network.parameters().iter();
        let values = values.map(|parameter| (parameter.name().to_owned(), parameter.value()));
        Self { decay, steps: 0, values: values.collect() }
    }

    /// Takes in the weights behind a step.
    pub(crate) fn follow(&mut self, network: &LearningNetwork) {
        let steps = self.steps as f64;
        let stays = self.decay.min((1.0 + steps) / (10.0 + steps));
        self.steps += 1;
        for parameter in network.parameters() {
            if parameter.role() == ParameterRole::Kept {
                continue;
            }
            if let Some(value) = self.values.get_mut(parameter.name()) {
                *value = value.clone() * stays + parameter.value() * (1.0 - stays);
            }
        }
    }

    /// The average as weights to be run or saved.
    pub(crate) fn source(&self) -> impl ParameterSource + '_ {
        Averaged(self)
    }
}

struct Averaged<'a>(&'a Average);

impl ParameterSource for Averaged<'_> {
    fn read(&mut self, name: &str, _shape: &[usize]) -> Result<Vec<f32>, BoxError> {
        let value = self.0.values.get(name).ok_or("the network has no such parameter")?;
        value.clone().try_into_vec_as::<f32>().map_err(|error| format!("{error:?}").into())
    }
}
