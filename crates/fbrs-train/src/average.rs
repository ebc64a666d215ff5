//! A moving average of the weights, running statistics included.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use fbrs_models::{BoxError, Learned, LearningNetwork, ParameterRole, ParameterSource};

/// The weights' average: after step k a share of min(decay, (1 + k) / (10 + k)) stays.
#[derive(Debug, Clone)]
pub(crate) struct Average {
    pub(crate) decay: f64,
    pub(crate) steps: u64,
    pub(crate) values: BTreeMap<String, Tensor<1>>,
}

impl Average {
    pub(crate) fn new(network: &LearningNetwork, decay: f64) -> Self {
        let changing = network.parameters().iter();
        let changing = changing.filter(|parameter| parameter.role() != ParameterRole::Kept);
        let values = changing.map(|parameter| (parameter.name().to_owned(), parameter.value()));
        Self { decay, steps: 0, values: values.collect() }
    }

    /// Takes in the weights behind a step.
    pub(crate) fn follow(&mut self, network: &LearningNetwork) {
        let steps = self.steps as f64;
        let stays = self.decay.min((1.0 + steps) / (10.0 + steps));
        self.steps += 1;
        for parameter in network.parameters() {
            if let Some(value) = self.values.get_mut(parameter.name()) {
                *value = value.clone() * stays + parameter.value() * (1.0 - stays);
            }
        }
    }

    /// The average as weights to be run or saved; what does not change comes from the network.
    pub(crate) fn source<'a>(&'a self, network: &'a LearningNetwork) -> impl ParameterSource + 'a {
        Averaged { average: self, network: network.learned() }
    }
}

struct Averaged<'a> {
    average: &'a Average,
    network: Learned<'a>,
}

impl ParameterSource for Averaged<'_> {
    fn read(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, BoxError> {
        let Some(value) = self.average.values.get(name) else {
            return self.network.read(name, shape);
        };
        value.clone().try_into_vec_as::<f32>().map_err(|error| format!("{error:?}").into())
    }
}
