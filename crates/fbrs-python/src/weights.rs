use std::ops::ControlFlow;
use std::path::PathBuf;

use fbrs::CancelToken;
use fbrs::weights::fetch::{self, Progress};
use fbrs::weights::{cache_folder, find_published};
use pyo3::prelude::*;

use crate::failure::Failure;
use crate::logging::inform;
use crate::process;
use crate::run::{Ended, watched};

/// Downloads published weights into the cache folder (`$FBRS_CACHE`, or `fbrs` in the user's) and
/// returns the path of the native file that was made of them. What is there already is not downloaded
/// again, and a download that was stopped goes on where it stopped.
///
/// name: the weights' name, or its beginning.
/// on_progress: called with the bytes that are here and with those of the whole file, None where that
/// is not known; what it raises stops the download.
#[pyfunction]
#[pyo3(signature = (name, *, on_progress=None))]
pub(crate) fn fetch_weights(
    py: Python<'_>,
    name: &str,
    on_progress: Option<Py<PyAny>>,
) -> PyResult<PathBuf> {
    process::check()?;
    let published = find_published(name).map_err(Failure::from)?;
    inform(py, &format!("fetching {} from {}", published.name, published.url))?;
    let token = CancelToken::new();
    let is_shown = on_progress.is_some();
    let work = |say: &mut dyn FnMut(Progress)| {
        let fetched = fetch::fetch(&published, &cache_folder(), |progress| {
            if is_shown {
                say(progress);
            }
            match token.is_cancelled() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        Ok(fetched?.path)
    };
    let Ended { done, raised } =
        watched(py, &token, work, |py, progress: Progress| match &on_progress {
            Some(on_progress) => on_progress.call1(py, (progress.done, progress.total)).map(drop),
            None => Ok(()),
        });
    match raised {
        Some(raised) => Err(raised),
        None => Ok(done?),
    }
}
