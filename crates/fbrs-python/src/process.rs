//! One process alone: a fork copies memory, but none of the threads that work in it.

use std::process;
use std::sync::OnceLock;

use crate::failure::Failure;

/// The process that used this library first.
static USER: OnceLock<u32> = OnceLock::new();

/// Fails in a child that was forked after this library was used: the threads that it would wait for
/// are not there.
pub(crate) fn check() -> Result<(), Failure> {
    let own = process::id();
    match *USER.get_or_init(|| own) == own {
        true => Ok(()),
        false => Err(Failure::state(
            "fbrs was used before this process was forked, and its threads did not come along: \
             create it in each process, with spawn or forkserver; log() has the clicks",
        )),
    }
}
