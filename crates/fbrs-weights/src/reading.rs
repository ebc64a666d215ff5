use fbrs_data::text::printable;

use crate::entry::{Entry, Source, is_of_machine};
use crate::{Container, WeightsError};

/// A file that values are read from.
#[derive(Debug)]
pub(crate) struct Reading {
    /// How it is called in messages.
    pub(crate) shown: String,
    pub(crate) container: Container,
    pub(crate) source: Source,
}

impl Reading {
    /// The values of one of its tensors, which is called `name` in messages: row-major, all finite.
    pub(crate) fn values(&mut self, name: &str, entry: &Entry) -> Result<Vec<f32>, WeightsError> {
        let bytes = entry.read(&mut self.source).map_err(|error| {
            if is_of_machine(&error) {
                WeightsError::Io { operation: "read", file: self.shown.clone(), source: error }
            } else {
                self.damaged(printable(&error.to_string()))
            }
        })?;
        let count = entry.shape.iter().product::<usize>();
        let values = entry.element.to_f32(&bytes).filter(|values| values.len() == count);
        let Some(values) = values else {
            return Err(self.damaged(format!(
                "{name} has {} bytes, expected {count} elements of {}",
                bytes.len(),
                entry.element
            )));
        };
        match values.iter().find(|value| !value.is_finite()) {
            None => Ok(values),
            Some(value) => Err(WeightsError::NotFinite {
                file: self.shown.clone(),
                tensor: name.to_owned(),
                value: f64::from(*value),
            }),
        }
    }

    fn damaged(&self, reason: String) -> WeightsError {
        WeightsError::Damaged { file: self.shown.clone(), container: self.container, reason }
    }
}
