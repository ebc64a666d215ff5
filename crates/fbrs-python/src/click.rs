//! Clicks, as Python has them.

use fbrs::{Click, ImageSpace};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// An `fbrs.Click`.
pub(crate) struct Given(pub(crate) Click<ImageSpace>);

impl FromPyObject<'_, '_> for Given {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let read = || {
            let (x, y) = (given.getattr("x")?.extract()?, given.getattr("y")?.extract()?);
            Ok(Self(click(x, y, given.getattr("positive")?.extract()?)))
        };
        read().map_err(|_: PyErr| {
            let found =
                given.repr().map_or_else(|_| "something else".to_owned(), |it| it.to_string());
            let expected = "expected an fbrs.Click, such as fbrs.Click(320, 250, True)";
            PyTypeError::new_err(format!("clicks: {expected}, got {found}"))
        })
    }
}

pub(crate) fn click(x: f64, y: f64, positive: bool) -> Click<ImageSpace> {
    match positive {
        true => Click::positive_at(x, y),
        false => Click::negative_at(x, y),
    }
}

/// A list of `fbrs.Click`.
pub(crate) fn listed<'py>(
    py: Python<'py>,
    clicks: impl IntoIterator<Item = Click<ImageSpace>>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let class = py.import("fbrs._values")?.getattr("Click")?;
    let made = |click: Click<ImageSpace>| {
        class.call1((click.position.x(), click.position.y(), click.is_positive()))
    };
    clicks.into_iter().map(made).collect()
}
