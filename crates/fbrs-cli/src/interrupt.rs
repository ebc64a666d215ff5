//! Signals that end the program: at once, except while files are being written.
//!
//! Whoever writes holds [`Uninterrupted`] from creating a temporary file to renaming it. So a
//! program that was told to stop leaves complete files or none, and nothing else has to look at a
//! flag. Only SIGKILL and a power cut cannot be held off.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};

use crate::exit::Exit;

static WRITING: Mutex<()> = Mutex::new(());
/// The exit code of the signal that came; 0 for none.
static ASKED: AtomicU8 = AtomicU8::new(0);

/// While this lives, signals wait.
pub(crate) struct Uninterrupted(
    #[expect(dead_code, reason = "held, never read")] MutexGuard<'static, ()>,
);

/// From here on, signals end the program with the exit codes for them.
pub(crate) fn handle() {
    // Where no handler can be set, a signal does what it does to any program.
    #[cfg(unix)]
    let _ = signals::handle();
    #[cfg(not(unix))]
    let _ = ctrlc::set_handler(|| stop(Exit::Interrupted));
}

/// What the first signal does instead of ending the program.
static DIVERTED: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();

/// From here on the first signal calls `instead`, which ends the program in its own time; a second
/// one ends it as ever.
pub(crate) fn divert(instead: impl Fn() + Send + Sync + 'static) {
    // Whoever came first stays.
    let _ = DIVERTED.set(Box::new(instead));
}

/// Ends the program as soon as nothing is being written.
fn stop(exit: Exit) {
    // The first signal is the one that counts.
    let first = ASKED.compare_exchange(0, exit as u8, Ordering::Relaxed, Ordering::Relaxed);
    if let (Ok(_), Some(instead)) = (first, DIVERTED.get()) {
        return instead();
    }
    let guard = match WRITING.try_lock() {
        Ok(guard) => guard,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => {
            crate::print::say("stopping as soon as the file at hand is complete");
            WRITING.lock().unwrap_or_else(PoisonError::into_inner)
        }
    };
    // Never given back: nothing may begin to be written now.
    std::mem::forget(guard);
    std::process::exit(exit as i32);
}

/// Keeps signals waiting; waits itself for another writer.
pub(crate) fn hold_off() -> Uninterrupted {
    Uninterrupted(WRITING.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Whether a signal asked the program to stop: a long piece of writing may end early.
pub(crate) fn is_asked() -> bool {
    asked().is_some()
}

/// How the program ends where a signal asked it to.
pub(crate) fn asked() -> Option<Exit> {
    let code = ASKED.load(Ordering::Relaxed);
    [Exit::Interrupted, Exit::Terminated, Exit::HungUp].into_iter().find(|exit| *exit as u8 == code)
}

#[cfg(unix)]
mod signals {
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    use crate::exit::Exit;

    /// A write beyond the limit of a file's size; its number on every system that has it.
    const SIGXFSZ: i32 = 25;

    pub(super) fn handle() -> io::Result<()> {
        // With a handler, whatever it does, the write itself fails and is told as any other.
        let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
        let signals: Vec<_> =
            [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| is_ours(*signal)).collect();
        let mut signals = Signals::new(signals)?;
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in signals.forever() {
                super::stop(match signal {
                    SIGHUP => Exit::HungUp,
                    SIGTERM => Exit::Terminated,
                    _ => Exit::Interrupted,
                });
            }
        })?;
        Ok(())
    }

    /// Whether a signal is taken: what was ignored when the program was started (`nohup`, a job in
    /// the background) stays ignored. Where that cannot be told, SIGHUP is left as it is.
    fn is_ours(signal: i32) -> bool {
        let status = std::fs::read_to_string("/proc/self/status").ok();
        let ignored = status.as_deref().and_then(ignored);
        ignored.map_or(signal != SIGHUP, |mask| mask >> (signal - 1) & 1 == 0)
    }

    /// The ignored signals, bit by bit from 1 on, in Linux's description of a process.
    fn ignored(status: &str) -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(line.trim(), 16).ok()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn ignored_signals_are_read() {
            let status = "Name:\tfbrs\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n";
            assert_eq!(ignored(status), Some(0x1001));
            assert_eq!(ignored("Name:\tfbrs\n"), None);
        }
    }
}
