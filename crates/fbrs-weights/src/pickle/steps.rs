//! The table of a pickle's steps, and what may be called in them.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::io::BufRead;

use fbrs_data::text::printable;

use super::Walk;
use super::refusal::{Refusal, damaged, forbid};
use super::value::{Content, Plain, Root, SINGLE, Value};

/// The container of a state dict.
const DICTIONARY: &str = "collections.OrderedDict";

/// A container of numbers that schedules of learning rates are saved with beside a state dict.
const COUNTER: &str = "collections.Counter";

/// What may be called: what rebuilds a tensor, and containers of plain data.
const CALLED: [&str; 6] = [
    DICTIONARY,
    COUNTER,
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3",
    "torch._utils._rebuild_parameter",
];

/// What may be named beside: the types of storages and of elements.
const NAMED: [&str; 20] = [
    "torch.FloatStorage",
    "torch.DoubleStorage",
    "torch.HalfStorage",
    "torch.BFloat16Storage",
    "torch.LongStorage",
    "torch.IntStorage",
    "torch.ShortStorage",
    "torch.CharStorage",
    "torch.ByteStorage",
    "torch.BoolStorage",
    "torch.storage.UntypedStorage",
    "torch.float16",
    "torch.bfloat16",
    "torch.float32",
    "torch.float64",
    "torch.int64",
    "torch.int32",
    "torch.int16",
    "torch.int8",
    "torch.uint8",
];

impl<R: BufRead> Walk<'_, R> {
    /// Takes one step; at the end, what the pickle is.
    pub(super) fn step(&mut self) -> Result<Option<Value>, Refusal> {
        match self.byte()? {
            // Protocol and frame: nothing happens.
            0x80 => self.skip(1)?,
            0x95 => self.skip(8)?,
            b'.' => {
                return self.pop().map(Some);
            }
            // Numbers, None, booleans, bytes, empty containers.
            b'N' => self.push(Value::Plain(Plain::None)),
            0x88 => self.push(Value::Plain(Plain::Truth(true))),
            0x89 => self.push(Value::Plain(Plain::Truth(false))),
            b')' => self.push(Value::Other(Root::Tuple, 1, Some(Content::default()))),
            b']' => self.push(Value::Other(Root::List, 1, Some(Content::default()))),
            b'}' => self.push(Value::Other(Root::Dictionary, 1, Some(Content::default()))),
            0x8f => self.push(Value::Other(Root::Set, 1, None)),
            b'I' | b'L' | b'F' => {
                let line = self.line()?;
                self.push(Value::Plain(plain(&line)));
            }
            b'K' => self.integer::<1>(u64::cast_signed)?,
            b'M' => self.integer::<2>(u64::cast_signed)?,
            b'J' => self.integer::<4>(|bits| i64::from((bits as u32).cast_signed()))?,
            b'G' => {
                let bits = self.number::<8>()?;
                self.push(Value::Plain(Plain::Real(f64::from_bits(bits.swap_bytes()))));
            }
            0x8a => {
                let length = self.number::<1>()?;
                self.long_integer(length)?;
            }
            b'C' => {
                let length = self.number::<1>()?;
                self.skip_and_push(length)?;
            }
            0x8b | b'B' => {
                let length = self.number::<4>()?;
                self.skip_and_push(length)?;
            }
            0x8e | 0x96 => {
                let length = self.number::<8>()?;
                self.skip_and_push(length)?;
            }
            // Text.
            b'V' => {
                let text = self.line()?;
                self.push(Value::Text(text.into()));
            }
            b'U' | 0x8c => {
                let length = self.number::<1>()?;
                self.text(length)?;
            }
            b'T' | b'X' => {
                let length = self.number::<4>()?;
                self.text(length)?;
            }
            0x8d => {
                let length = self.number::<8>()?;
                self.text(length)?;
            }
            // Containers.
            b'(' => self.push(Value::Mark),
            b't' => self.gather(Root::Tuple)?,
            b'l' => self.gather(Root::List)?,
            b'd' => self.gather(Root::Dictionary)?,
            0x91 => self.gather(Root::Set)?,
            0x85 => self.replace(1, Root::Tuple)?,
            0x86 => self.replace(2, Root::Tuple)?,
            0x87 => self.replace(3, Root::Tuple)?,
            b'a' => {
                let values = self.take(1)?;
                self.grow(values)?;
            }
            b's' => {
                let values = self.take(2)?;
                self.grow(values)?;
            }
            b'e' | b'u' | 0x90 => {
                let values = self.pop_to_mark()?;
                self.grow(values)?;
            }
            b'1' => {
                self.pop_to_mark()?;
            }
            // The stack and the memo.
            b'0' => {
                if self.stack.pop().is_none() {
                    return damaged("its pickle takes from an empty stack");
                }
            }
            b'2' => {
                let top = self.copy()?;
                self.push(top);
            }
            b'g' => {
                let index = self.index()?;
                self.recall(index)?;
            }
            b'h' => {
                let index = self.number::<1>()?;
                self.recall(index)?;
            }
            b'j' => {
                let index = self.number::<4>()?;
                self.recall(index)?;
            }
            b'p' => {
                let index = self.index()?;
                self.remember(index)?;
            }
            b'q' => {
                let index = self.number::<1>()?;
                self.remember(index)?;
            }
            b'r' => {
                let index = self.number::<4>()?;
                self.remember(index)?;
            }
            0x94 => {
                let index = self.memo.len() as u64;
                self.remember(index)?;
            }
            // Classes, functions, storages.
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.global(&module, &name)?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (module, name) {
                    (Value::Text(module), Value::Text(name)) => self.global(&module, &name)?,
                    _ => return damaged("its pickle names a class by something that is no text"),
                }
            }
            b'Q' => self.replace(1, Root::Plain)?,
            b'P' => {
                self.line()?;
                self.push(SINGLE);
            }
            // Calls.
            b'R' => {
                let arguments = self.pop()?.size();
                self.call(arguments)?;
            }
            // The state of an object. Every object here comes from one of the permitted calls,
            // none of which gives its state a meaning beyond plain data.
            b'b' => {
                let state = self.pop()?.size();
                self.weigh(state)?;
                self.copy()?;
            }
            0x81 => {
                self.pop()?;
                return self.construct();
            }
            0x92 => {
                self.take(2)?;
                return self.construct();
            }
            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                return forbid(format!("construct {}", printable(&format!("{module}.{name}"))));
            }
            b'o' => return forbid("construct an object".to_owned()),
            0x82..=0x84 => return forbid("use Python's extension registry".to_owned()),
            0x97 | 0x98 => return forbid("use buffers outside the file".to_owned()),
            other => return damaged(format!("its pickle has no meaning at byte 0x{other:02x}")),
        }
        Ok(None)
    }

    fn global(&mut self, module: &str, name: &str) -> Result<(), Refusal> {
        let full = format!("{module}.{name}");
        if !CALLED.contains(&full.as_str()) && !NAMED.contains(&full.as_str()) {
            return forbid(format!("use {}", printable(&full)));
        }
        self.push(Value::Global(full.into()));
        Ok(())
    }

    fn call(&mut self, arguments: u64) -> Result<(), Refusal> {
        match self.pop()? {
            Value::Global(name) if CALLED.contains(&&*name) => {
                let (root, content) = match &*name {
                    DICTIONARY | COUNTER => (Root::Dictionary, Some(Content::default())),
                    _ => (Root::Tensor, None),
                };
                self.push(Value::Other(root, arguments, content));
                Ok(())
            }
            Value::Global(name) => forbid(format!("call {name}")),
            _ => damaged("its pickle calls something that is no function"),
        }
    }

    /// Constructors that go past a class's own call: no state dict has them.
    fn construct(&mut self) -> Result<Option<Value>, Refusal> {
        match self.pop()? {
            Value::Global(name) => forbid(format!("construct {name}")),
            _ => damaged("its pickle constructs something that has no class"),
        }
    }
}

/// A number as a line of text: older pickles have truth values, integers and reals so.
fn plain(line: &str) -> Plain {
    match line {
        "01" => return Plain::Truth(true),
        "00" => return Plain::Truth(false),
        _ => {}
    }
    let integer = line.trim_end_matches('L').parse().ok().map(Plain::Integer);
    integer.or_else(|| line.parse().ok().map(Plain::Real)).unwrap_or(Plain::Unknown)
}
