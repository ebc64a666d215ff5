//! Where a network's values come from and where they go.

use burn::tensor::{Device, Tensor, TensorData};

use super::Folding;
use crate::build::{ParameterError, ParameterSource};

/// Reads every layer from a source.
pub(crate) struct Reading<'a> {
    pub(crate) source: &'a mut dyn ParameterSource,
    pub(crate) device: &'a Device,
    pub(crate) folding: Folding,
}

impl Reading<'_> {
    /// The values of one parameter: as many as its shape holds, all finite.
    pub(crate) fn values(
        &mut self,
        name: String,
        shape: &[usize],
    ) -> Result<Vec<f32>, ParameterError> {
        let expected = shape.iter().product();
        match self.source.read(&name, shape) {
            Ok(values) if values.len() != expected => {
                Err(ParameterError::Length { name, expected, found: values.len() })
            }
            Ok(values) => match values.iter().find(|value| !value.is_finite()) {
                None => Ok(values),
                Some(&value) => Err(ParameterError::NotFinite { name, value }),
            },
            Err(source) => Err(ParameterError::Source { name, source }),
        }
    }

    pub(crate) fn tensor<const D: usize>(&self, values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values, shape), self.device)
    }
}
