use pyo3::prelude::*;

/// Lets this process keep the memory that it freed, for the next time: on the processor of a Linux machine a
/// click with an HRNet then takes a quarter less time. What the process holds at most stays the same; it no longer
/// gets smaller in between, whatever else it does. To be called first of all.
///
/// Returns whether it was done: False with other C libraries than that of GNU.
///
/// >>> import fbrs
/// >>> isinstance(fbrs.keep_memory(), bool)
/// True
#[pyfunction]
pub(crate) fn keep_memory() -> bool {
    fbrs::keep_memory()
}
