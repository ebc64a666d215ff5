//! Long work without the interpreter, which stays in reach: signals are looked after, functions of
//! Python's are called.

use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use fbrs::CancelToken;
use pyo3::prelude::*;

use crate::failure::Failure;

/// How often signals are looked after while work runs: as long does Ctrl-C take to be heard.
pub(crate) const PAUSE: Duration = Duration::from_millis(50);

/// The stack of a thread that works, as large as that of a program's first thread.
const STACK: usize = 8 << 20;

/// Short work without the interpreter. A panic is a [`Failure`].
pub(crate) fn detached<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> PyResult<T> {
    let done = py.detach(|| panic::catch_unwind(AssertUnwindSafe(work)));
    Ok(done.unwrap_or_else(|fault| Err(Failure::fault(fault.as_ref())))?)
}

/// How watched work ended.
pub(crate) struct Ended<T> {
    /// What the work gave.
    pub(crate) done: Result<T, Failure>,
    /// What Python raised meanwhile, a `KeyboardInterrupt` or an exception of `on_event`. The token was
    /// cancelled then; the work may have been done all the same.
    pub(crate) raised: Option<PyErr>,
}

/// Runs work on a thread of its own. This thread waits for it without the interpreter, looks after
/// signals, and calls `on_event` with it for every event; the work goes on when that has returned. What
/// is raised here cancels the token.
pub(crate) fn watched<E: Send, T: Send>(
    py: Python<'_>,
    token: &CancelToken,
    work: impl FnOnce(&mut dyn FnMut(E)) -> Result<T, Failure> + Send,
    mut on_event: impl FnMut(Python<'_>, E) -> PyResult<()> + Send,
) -> Ended<T> {
    let Ended { done, raised } = py.detach(|| {
        thread::scope(|scope| {
            let (say, hear) = mpsc::channel::<E>();
            let (let_go, go) = mpsc::channel::<()>();
            let worker = thread::Builder::new().name("fbrs".to_owned()).stack_size(STACK);
            let worker = worker.spawn_scoped(scope, move || {
                work(&mut |event| {
                    // The other ends live until this thread has ended.
                    if say.send(event).is_ok() {
                        let _ = go.recv();
                    }
                })
            });
            let worker = match worker {
                Ok(worker) => worker,
                Err(error) => return Ended { done: Err(Failure::no_thread(&error)), raised: None },
            };
            let mut raised = None;
            loop {
                let heard = match hear.recv_timeout(PAUSE) {
                    Ok(event) => Some(event),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => break,
                };
                let is_waiting = heard.is_some();
                if raised.is_none() {
                    let looked_after = Python::attach(|py| {
                        py.check_signals()?;
                        heard.map_or(Ok(()), |event| on_event(py, event))
                    });
                    raised = looked_after.err();
                    if raised.is_some() {
                        token.cancel();
                    }
                }
                if is_waiting {
                    // A worker that waits has not ended.
                    let _ = let_go.send(());
                }
            }
            let done = worker.join();
            let done = done.unwrap_or_else(|fault| Err(Failure::fault(fault.as_ref())));
            Ended { done, raised }
        })
    });
    // What came since the last look would be raised behind this call, as if it had been done. The
    // interpreter is held from here on until the call has ended.
    Ended { done, raised: raised.or_else(|| py.check_signals().err()) }
}
