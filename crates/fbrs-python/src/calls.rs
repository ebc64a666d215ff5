//! The long calls that run or wait for their turn, so that others can call them off.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fbrs::CancelToken;

/// Tokens of all calls that have begun and not ended.
#[derive(Default)]
pub(crate) struct Calls {
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    begun: u64,
    tokens: BTreeMap<u64, CancelToken>,
}

/// A call; it has ended when this is dropped.
pub(crate) struct Call<'a> {
    calls: &'a Calls,
    number: u64,
    pub(crate) token: CancelToken,
}

impl Calls {
    pub(crate) fn begin(&self) -> Call<'_> {
        let token = CancelToken::new();
        let mut running = self.lock();
        running.begun += 1;
        let number = running.begun;
        running.tokens.insert(number, token.clone());
        Call { calls: self, number, token }
    }

    /// Calls off what has begun; what begins later is not affected.
    pub(crate) fn cancel(&self) {
        self.lock().tokens.values().for_each(CancelToken::cancel);
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.calls.lock().tokens.remove(&self.number);
    }
}
