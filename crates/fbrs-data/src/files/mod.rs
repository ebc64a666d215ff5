//! Files: opened only if they are plain ones, read within a bound, written whole or not at all.

mod read;
mod write;

pub use read::{ReadError, open, read, read_from, read_text, text};
pub use write::{Destination, Draft, commit_all};
