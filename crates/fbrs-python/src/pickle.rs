//! What cannot be copied or taken to another process, and says what to do.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// Refuses pickling and copying, which begin alike.
pub(crate) fn refuse(class: &str, advice: &str) -> PyResult<()> {
    let sentence = format!("cannot pickle or copy fbrs.{class}: {advice}");
    Err(PyTypeError::new_err(sentence))
}
