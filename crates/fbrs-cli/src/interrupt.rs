//! Ctrl-C: the program ends at once, except while files are being written.
//!
//! Whoever writes holds [`Uninterrupted`] from creating a temporary file to renaming it. So an
//! interrupted program leaves complete files or none, and nothing else has to look at a flag.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use crate::exit::Exit;

static WRITING: Mutex<()> = Mutex::new(());
static ASKED: AtomicBool = AtomicBool::new(false);

/// While this lives, Ctrl-C waits.
pub(crate) struct Uninterrupted(
    #[expect(dead_code, reason = "held, never read")] MutexGuard<'static, ()>,
);

/// From here on, Ctrl-C ends the program with the exit code for it.
pub(crate) fn handle() {
    // Where no handler can be set, Ctrl-C does what it does to any program.
    let _ = ctrlc::set_handler(|| {
        ASKED.store(true, Ordering::Relaxed);
        let guard = match WRITING.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                eprintln!("\nfbrs: stopping as soon as the file at hand is complete");
                WRITING.lock().unwrap_or_else(PoisonError::into_inner)
            }
        };
        // Never given back: nothing may begin to be written now.
        std::mem::forget(guard);
        std::process::exit(Exit::Interrupted as i32);
    });
}

/// Keeps Ctrl-C waiting; waits itself for another writer.
pub(crate) fn hold_off() -> Uninterrupted {
    Uninterrupted(WRITING.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Whether Ctrl-C was pressed: a long piece of writing may stop early.
pub(crate) fn is_asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
