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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::value::UNREAD;
    use super::*;

    fn inspected(pickle: &[u8]) -> Inspected {
        inspect(&mut &pickle[..]).unwrap()
    }

    /// What is remembered of a pickle is shallow: deep ones would end the program where it is dropped.
    #[test]
    fn containers_in_one_another_take_no_stack() {
        let tuples = [b")".to_vec(), vec![0x85; 400_000]].concat();
        assert_eq!(inspected(&[&tuples[..], b"."].concat()).root, Root::Tuple);
        let lists = [vec![b']'; 200_000], vec![b'a'; 199_999]].concat();
        assert_eq!(inspected(&[&lists[..], b"."].concat()).root, Root::List);
        // {"config": ((…))}
        let found = inspected(&[b"}X\x06\0\0\0config", &tuples[..], b"s."].concat());
        assert_eq!(found.root, Root::Dictionary);
        assert!(found.config.is_none_or(|config| config.to_string().len() < 100));
    }

    #[test]
    fn a_configuration_is_found_beside_what_is_too_large() {
        // {"many": [0, 0, …], "config": {"a": (1, None, True, 1.5, "b")}}
        let many = [b"X\x04\0\0\0many](".to_vec(), b"K\0".repeat(20_000), b"e".to_vec()].concat();
        let config =
            b"X\x06\0\0\0config}X\x01\0\0\0a(K\x01N\x88G\x3f\xf8\0\0\0\0\0\0X\x01\0\0\0bts";
        let pickle = [b"}(".to_vec(), many, config.to_vec(), b"u.".to_vec()].concat();
        let found = inspected(&pickle).config;
        assert_eq!(found, Some(json!({ "a": [1, null, true, 1.5, "b"] })));
    }

    /// Python writes whole numbers above 2^31 as the bytes that they need.
    #[test]
    fn numbers_of_any_length_are_read_or_told_to_be_none() {
        let pair = |value: &[u8]| [b"X\x06\0\0\0config}X\x01\0\0\0a", value, b"s"].concat();
        for (value, expected) in [
            (&b"\x8a\x00"[..], json!(0)),
            (b"\x8a\x01\xee", json!(-18)),
            (b"\x8a\x05\0\0\0\0\x01", json!(1_i64 << 32)),
            (b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f", json!(i64::MAX)),
            (b"\x8a\x09\0\0\0\0\0\0\0\0\x01", json!(UNREAD)),
            (b"G\x7f\xf8\0\0\0\0\0\0", json!("NaN")),
            (b"\x8f", json!(UNREAD)),
        ] {
            let pickle = [b"}(".to_vec(), pair(value), b"u.".to_vec()].concat();
            assert_eq!(inspected(&pickle).config, Some(json!({ "a": expected })));
        }
    }
}
