use fbrs_models::ParameterSource;

use crate::WeightsError;

/// The values of one parameter from any source: as many as its shape holds, all finite.
pub(crate) fn values(
    source: &mut dyn ParameterSource,
    name: &str,
    shape: &[usize],
) -> Result<Vec<f32>, WeightsError> {
    let failed = |source| WeightsError::Source { tensor: name.to_owned(), source };
    let values = source.read(name, shape).map_err(|error| match error.downcast() {
        Ok(known) => *known,
        Err(other) => failed(other),
    })?;
    let expected = shape.iter().product::<usize>();
    if values.len() != expected {
        return Err(failed(format!("expected {expected} values, got {}", values.len()).into()));
    }
    match values.iter().find(|value| !value.is_finite()) {
        None => Ok(values),
        Some(value) => Err(WeightsError::NotFinite {
            file: "the network in memory".to_owned(),
            tensor: name.to_owned(),
            value: f64::from(*value),
        }),
    }
}
