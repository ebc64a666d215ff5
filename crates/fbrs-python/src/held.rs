//! What one thread at a time may use, and others wait for without the interpreter.

use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use fbrs::CancelToken;
use pyo3::prelude::*;

use crate::failure::Failure;
use crate::run::PAUSE;

/// A thing that is used by turns.
pub(crate) struct Held<T> {
    place: Mutex<Place<T>>,
    back: Condvar,
}

enum Place<T> {
    Here(T),
    /// This thread has it.
    With(ThreadId),
}

enum Taken<T> {
    Item(T),
    Busy,
    /// By the thread that asks.
    ByItself,
}

impl<T: Send> Held<T> {
    pub(crate) fn new(item: T) -> Self {
        Self { place: Mutex::new(Place::Here(item)), back: Condvar::new() }
    }

    /// Uses the thing once no other thread does. Signals are looked after while others have it, and
    /// the token ends the wait.
    pub(crate) fn with<R>(
        &self,
        py: Python<'_>,
        token: &CancelToken,
        work: impl FnOnce(&mut T) -> PyResult<R>,
    ) -> PyResult<R> {
        let mut item = self.wait_for(py, token)?;
        let done = panic::catch_unwind(AssertUnwindSafe(|| work(&mut item)));
        self.give_back(item);
        done.unwrap_or_else(|fault| Err(Failure::fault(fault.as_ref()).into()))
    }

    /// Whether some thread uses it.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(*self.lock(), Place::With(_))
    }

    fn wait_for(&self, py: Python<'_>, token: &CancelToken) -> PyResult<T> {
        let mut taken = self.take(Duration::ZERO);
        loop {
            match taken {
                Taken::Item(item) => return Ok(item),
                Taken::Busy => {
                    py.check_signals()?;
                    Failure::unless_wanted(token)?;
                    taken = py.detach(|| self.take(PAUSE));
                }
                Taken::ByItself => {
                    return Err(Failure::state(
                        "the session is answering a click: on_evaluation can cancel() it, and use it \
                         no other way",
                    )
                    .into());
                }
            }
        }
    }

    /// Takes it, and waits for it no longer than `patience`.
    fn take(&self, patience: Duration) -> Taken<T> {
        let own = thread::current().id();
        let mut place = self.lock();
        if let Place::With(thread) = *place {
            if thread == own {
                return Taken::ByItself;
            }
            let woken = self.back.wait_timeout(place, patience);
            place = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        match mem::replace(&mut *place, Place::With(own)) {
            Place::Here(item) => Taken::Item(item),
            Place::With(thread) => {
                *place = Place::With(thread);
                Taken::Busy
            }
        }
    }

    fn give_back(&self, item: T) {
        *self.lock() = Place::Here(item);
        self.back.notify_one();
    }

    /// Nothing under this lock takes long or needs the interpreter.
    fn lock(&self) -> MutexGuard<'_, Place<T>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
