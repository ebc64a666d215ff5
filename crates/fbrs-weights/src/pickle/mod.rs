//! Looks through a pickle before anything acts on it.
//!
//! A pickle is a program. The one that `torch.save` writes for a state dict names a few classes
//! and calls a few functions; this walk follows the whole program on a stack of its own, knows at
//! every call what is called, and refuses the first thing that is not on the short list below.
//! It also bounds what a pickle may cost: no tensor is built here, and one whose walk succeeds has
//! at most [`MAX_STEPS`] steps and [`MAX_BYTES`] bytes, and copies at most [`MAX_COPIED`] values.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod bytes;
mod refusal;
mod stack;
mod steps;
mod value;

use std::collections::HashMap;
use std::io::{self, BufRead, Read};

pub(crate) use refusal::Refusal;
use refusal::damaged;
pub(crate) use value::Root;
use value::Value;

/// Steps of a pickle. The largest network's takes 60,000, with an optimizer 150,000.
const MAX_STEPS: u32 = 500_000;

/// Bytes of a pickle. That of the largest network has 300,000.
const MAX_BYTES: u64 = 16 << 20;

/// What a walk found.
#[derive(Debug)]
pub(crate) struct Inspected {
    /// What the pickle is.
    pub(crate) root: Root,
    /// What a dictionary has under `config`: the network's description, where there is one.
    pub(crate) config: Option<serde_json::Value>,
}

/// Walks one pickle and leaves `source` right behind it.
pub(crate) fn inspect(source: &mut impl BufRead) -> Result<Inspected, Refusal> {
    let mut walk =
        Walk { source: source.take(MAX_BYTES), stack: Vec::new(), memo: HashMap::new(), copied: 0 };
    for _ in 0..MAX_STEPS {
        match walk.step() {
            Ok(None) => {}
            Ok(Some(value)) => {
                let config = value.under("config").and_then(Value::json);
                return Ok(Inspected { root: value.root(), config });
            }
            Err(Refusal::Damaged(_)) if walk.source.limit() == 0 => {
                return damaged(format!("its pickle has more than {MAX_BYTES} bytes"));
            }
            Err(refusal) => return Err(refusal),
        }
    }
    damaged(format!("its pickle has more than {MAX_STEPS} steps"))
}

/// The walk: what is left to read, and the values so far.
struct Walk<'a, R> {
    source: io::Take<&'a mut R>,
    stack: Vec<Value>,
    memo: HashMap<u32, Value>,
    copied: u64,
}
