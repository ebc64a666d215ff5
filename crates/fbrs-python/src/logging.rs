//! What there is to say goes to Python's `logging`, to the logger `fbrs`.

use pyo3::prelude::*;

pub(crate) fn warn(py: Python<'_>, sentence: &str) -> PyResult<()> {
    say(py, "warning", sentence)
}

pub(crate) fn inform(py: Python<'_>, sentence: &str) -> PyResult<()> {
    say(py, "info", sentence)
}

fn say(py: Python<'_>, level: &str, sentence: &str) -> PyResult<()> {
    let logger = py.import("logging")?.call_method1("getLogger", ("fbrs",))?;
    logger.call_method1(level, ("%s", sentence))?;
    Ok(())
}
