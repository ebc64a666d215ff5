//! The compiled part of the Python package `fbrs`: `fbrs` (the crate) for Python.
//!
//! The decision that shaped this crate: work never keeps the interpreter waiting. It runs on a thread
//! of its own (`run`), while the thread that called looks after signals, so that Ctrl-C and callbacks
//! are heard in the middle of a click; threads that share a session wait for their turn outside of the
//! interpreter (`held`). Values without work in them (clicks, options, errors) are plain Python, in
//! `python/src/fbrs/`, beside the stubs of what is here.

mod answer;
mod calls;
mod click;
mod device;
mod failure;
mod files;
mod held;
mod image;
mod logging;
mod memory;
mod options;
mod overlay;
mod pickle;
mod polygons;
mod prediction;
mod process;
mod run;
mod segmenter;
mod session;
mod weights;

/// What `fbrs` is made of.
#[pyo3::pymodule]
mod _fbrs {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::device::devices;
    #[pymodule_export]
    use crate::files::{try_out, write_mask};
    #[pymodule_export]
    use crate::memory::keep_memory;
    #[pymodule_export]
    use crate::options::check_options;
    #[pymodule_export]
    use crate::prediction::PyPrediction;
    #[pymodule_export]
    use crate::segmenter::PySegmenter;
    #[pymodule_export]
    use crate::session::PySession;
    #[pymodule_export]
    use crate::weights::fetch_weights;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
