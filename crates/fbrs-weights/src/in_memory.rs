use std::collections::HashMap;

use fbrs_models::{BoxError, ParameterSource};

/// Parameters in memory: a network as it is at some moment of its training.
///
/// ```
/// use fbrs_models::ParameterSource;
/// use fbrs_weights::InMemory;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let mut network: InMemory = [("head.bias", vec![2], vec![0.5, 1.5])].into_iter().collect();
/// assert_eq!(network.read("head.bias", &[2])?, [0.5, 1.5]);
/// assert!(network.read("head.bias", &[3]).is_err());
/// assert!(network.read("head.weight", &[2]).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct InMemory(HashMap<String, (Vec<usize>, Vec<f32>)>);

impl<N: Into<String>> FromIterator<(N, Vec<usize>, Vec<f32>)> for InMemory {
    /// Of names, shapes and values; of one name's, the last.
    fn from_iter<I: IntoIterator<Item = (N, Vec<usize>, Vec<f32>)>>(parameters: I) -> Self {
        let named = |(name, shape, values): (N, _, _)| (name.into(), (shape, values));
        Self(parameters.into_iter().map(named).collect())
    }
}

impl ParameterSource for InMemory {
    fn read(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, BoxError> {
        match self.0.get(name) {
            None => Err("the network in memory has no such parameter".into()),
            Some((own, _)) if own != shape => {
                Err(format!("expected a parameter of shape {shape:?}, found {own:?}").into())
            }
            Some((_, values)) => Ok(values.clone()),
        }
    }
}
