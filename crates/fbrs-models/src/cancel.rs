//! Stopping a run from outside, and in time.
//!
//! A network's run is minutes long where the photo is large and the network deep, and nobody wants
//! to wait for an answer that was called off. So a run can be made under an [`Interrupt`]: once
//! that is due, the processor's convolutions, forwards and backwards, compute nothing any more, and
//! the run falls through to its end, where it is known as interrupted and what it gave is thrown
//! away. On other devices a run is queued rather than computed; it is looked at before and behind.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Calls off what it was given to, from any thread. Once cancelled it stays so: whoever is given
/// the token later is called off as well. Clones are the same token.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// A token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls off everything that has this token, running or not begun.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// When a run is no longer wanted.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    token: Option<CancelToken>,
    deadline: Option<Instant>,
}

/// The run was no longer wanted and has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the run was interrupted")]
pub struct Interrupted;

thread_local! {
    static CURRENT: RefCell<Interrupt> = RefCell::default();
}

impl Interrupt {
    /// Every run is wanted.
    pub fn never() -> Self {
        Self::default()
    }

    /// Once the token is cancelled.
    pub fn by(token: &CancelToken) -> Self {
        Self { token: Some(token.clone()), deadline: None }
    }

    /// Also from a moment on; `None` for no such moment.
    #[must_use]
    pub fn from(self, deadline: Option<Instant>) -> Self {
        Self { deadline, ..self }
    }

    /// Whether runs under it are no longer wanted.
    pub fn is_due(&self) -> bool {
        self.token.as_ref().is_some_and(CancelToken::is_cancelled)
            || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Runs networks, or their gradients, under this interrupt.
    ///
    /// # Errors
    /// [`Interrupted`] where it is due before the run has ended; what the run computed is dropped.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> Result<T, Interrupted> {
        if self.is_due() {
            return Err(Interrupted);
        }
        let _outer = Scope::enter(self.clone());
        let done = work();
        if self.is_due() { Err(Interrupted) } else { Ok(done) }
    }

    /// The interrupt under which this thread runs.
    #[cfg(feature = "cpu")]
    pub(crate) fn current() -> Self {
        CURRENT.with_borrow(Clone::clone)
    }
}

/// Puts the outer interrupt back when it is dropped, also by a panic.
struct Scope(Interrupt);

impl Scope {
    fn enter(interrupt: Interrupt) -> Self {
        Self(CURRENT.replace(interrupt))
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        CURRENT.set(std::mem::take(&mut self.0));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_token_stays_cancelled() {
        let token = CancelToken::new();
        let interrupt = Interrupt::by(&token);
        assert_eq!(interrupt.run(|| 7), Ok(7));
        assert_eq!(interrupt.run(|| token.clone().cancel()), Err(Interrupted));
        assert_eq!(interrupt.run(|| unreachable!("called off")), Err::<(), _>(Interrupted));
    }

    #[test]
    fn time_passes() {
        let now = Instant::now();
        assert!(Interrupt::never().from(Some(now)).is_due());
        assert!(!Interrupt::never().from(now.checked_add(Duration::from_secs(3600))).is_due());
        assert!(!Interrupt::never().from(None).is_due());
    }
}
