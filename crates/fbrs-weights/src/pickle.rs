//! Looks through a pickle before anything acts on it.
//!
//! A pickle is a program. The one that `torch.save` writes for a state dict names a few classes
//! and calls a few functions; this walk follows the whole program on a stack of its own, knows at
//! every call what is called, and refuses the first thing that is not on the short list below.
//! It also bounds what a pickle may cost: no value is built here, and one whose walk succeeds has
//! at most [`MAX_STEPS`] steps and [`MAX_BYTES`] bytes, and copies at most [`MAX_COPIED`] values.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::collections::HashMap;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use fbrs_data::text::printable;

use crate::entry::is_of_machine;

/// Steps of a pickle. The largest network's takes 60,000, with an optimizer 150,000.
const MAX_STEPS: u32 = 500_000;

/// Bytes of a pickle. That of the largest network has 300,000.
const MAX_BYTES: u64 = 16 << 20;

/// Values that may be copied by keeping and recalling them: the reader behind copies what Python
/// shares, and a few hundred bytes can double a value many times over. The largest network's pickle
/// copies 134,000, with the state of an Adam optimizer beside it 270,000.
const MAX_COPIED: u64 = 600_000;

/// The container of a state dict.
const DICTIONARY: &str = "collections.OrderedDict";

/// What may be called: what rebuilds a tensor, and the container of a state dict.
const CALLED: [&str; 5] = [
    DICTIONARY,
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

/// Why a pickle is refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It asks for something that weights never need; reads after "asks to".
    Forbidden(String),
    /// It is no pickle, or one that makes no sense.
    Damaged(String),
    /// It is sound, and not read all the same.
    Unsupported(String),
    /// It could not be read.
    Io(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        if is_of_machine(&error) {
            Self::Io(error)
        } else if error.kind() == io::ErrorKind::UnexpectedEof {
            ends()
        } else {
            // What the archive around it says, a wrong checksum for one.
            Self::Damaged(format!("its pickle cannot be read: {}", printable(&error.to_string())))
        }
    }
}

fn damaged<T>(reason: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Damaged(reason.into()))
}

/// What a whole pickle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    Dictionary,
    List,
    Tuple,
    Set,
    Tensor,
    Text,
    Class,
    /// A number, `None`, bytes.
    Plain,
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dictionary => "a dictionary",
            Self::List => "a list",
            Self::Tuple => "a tuple",
            Self::Set => "a set",
            Self::Tensor => "a single tensor",
            Self::Text => "a text",
            Self::Class => "a class",
            Self::Plain => "a single value",
        })
    }
}

/// Walks one pickle and leaves `source` right behind it. Returns what it is.
pub(crate) fn inspect(source: &mut impl BufRead) -> Result<Root, Refusal> {
    let mut walk =
        Walk { source: source.take(MAX_BYTES), stack: Vec::new(), memo: HashMap::new(), copied: 0 };
    for _ in 0..MAX_STEPS {
        match walk.step() {
            Ok(None) => {}
            Ok(Some(root)) => return Ok(root),
            Err(Refusal::Damaged(_)) if walk.source.limit() == 0 => {
                return damaged(format!("its pickle has more than {MAX_BYTES} bytes"));
            }
            Err(refusal) => return Err(refusal),
        }
    }
    damaged(format!("its pickle has more than {MAX_STEPS} steps"))
}

/// What the walk needs to know of a value.
#[derive(Clone)]
enum Value {
    Mark,
    Text(Rc<str>),
    /// A class or function, `module.name`.
    Global(Rc<str>),
    /// Anything else, with the number of values in it, itself included.
    Other(Root, u64),
}

/// A value that holds no others.
const SINGLE: Value = Value::Other(Root::Plain, 1);

impl Value {
    fn size(&self) -> u64 {
        match self {
            Self::Mark => 0,
            // A long text weighs as much as a list of its size in memory.
            Self::Text(text) => 1_u64.saturating_add(text.len() as u64 / 64),
            Self::Global(_) => 1,
            Self::Other(_, size) => *size,
        }
    }

    fn root(&self) -> Root {
        match self {
            Self::Other(root, _) => *root,
            Self::Text(_) => Root::Text,
            Self::Global(_) => Root::Class,
            Self::Mark => Root::Plain,
        }
    }
}

struct Walk<'a, R> {
    source: io::Take<&'a mut R>,
    stack: Vec<Value>,
    memo: HashMap<u32, Value>,
    copied: u64,
}

impl<R: BufRead> Walk<'_, R> {
    /// Takes one step; at the end, what the pickle is.
    fn step(&mut self) -> Result<Option<Root>, Refusal> {
        match self.byte()? {
            // Protocol and frame: nothing happens.
            0x80 => self.skip(1)?,
            0x95 => self.skip(8)?,
            b'.' => {
                return self.pop().map(|value| Some(value.root()));
            }
            // Numbers, None, booleans, bytes, empty containers.
            b'N' | 0x88 | 0x89 => self.push(SINGLE),
            b')' => self.push(Value::Other(Root::Tuple, 1)),
            b']' => self.push(Value::Other(Root::List, 1)),
            b'}' => self.push(Value::Other(Root::Dictionary, 1)),
            0x8f => self.push(Value::Other(Root::Set, 1)),
            b'I' | b'L' | b'F' => {
                self.line()?;
                self.push(SINGLE);
            }
            b'K' => self.skip_and_push(1)?,
            b'M' => self.skip_and_push(2)?,
            b'J' => self.skip_and_push(4)?,
            b'G' => self.skip_and_push(8)?,
            0x8a | b'C' => {
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
                let size = self.discard(1)?;
                self.grow(size)?;
            }
            b's' => {
                let size = self.discard(2)?;
                self.grow(size)?;
            }
            b'e' | b'u' | 0x90 => {
                let size = self.pop_to_mark()?;
                self.grow(size)?;
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
                let size = self.pop()?.size();
                self.grow(size)?;
                self.copy()?;
            }
            0x81 => {
                self.pop()?;
                return self.construct();
            }
            0x92 => {
                self.discard(2)?;
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
                let root = if &*name == DICTIONARY { Root::Dictionary } else { Root::Tensor };
                self.push(Value::Other(root, arguments));
                Ok(())
            }
            Value::Global(name) => forbid(format!("call {name}")),
            _ => damaged("its pickle calls something that is no function"),
        }
    }

    /// Constructors that go past a class's own call: no state dict has them.
    fn construct(&mut self) -> Result<Option<Root>, Refusal> {
        match self.pop()? {
            Value::Global(name) => forbid(format!("construct {name}")),
            _ => damaged("its pickle constructs something that has no class"),
        }
    }

    fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    fn pop(&mut self) -> Result<Value, Refusal> {
        match self.stack.pop() {
            None => damaged("its pickle takes from an empty stack"),
            Some(Value::Mark) => damaged("its pickle takes a mark for a value"),
            Some(value) => Ok(value),
        }
    }

    fn top(&self) -> Result<Value, Refusal> {
        match self.stack.last() {
            None => damaged("its pickle reads an empty stack"),
            Some(Value::Mark) => damaged("its pickle takes a mark for a value"),
            Some(value) => Ok(value.clone()),
        }
    }

    /// The top of the stack, once more.
    fn copy(&mut self) -> Result<Value, Refusal> {
        let value = self.top()?;
        self.copied = self.copied.saturating_add(value.size());
        if self.copied > MAX_COPIED {
            return damaged("its pickle copies its values over and over (a memo bomb)");
        }
        Ok(value)
    }

    /// Puts so many values into what is on top of the stack.
    fn grow(&mut self, size: u64) -> Result<(), Refusal> {
        match self.stack.last_mut() {
            Some(Value::Other(_, whole)) => {
                *whole = whole.saturating_add(size);
                Ok(())
            }
            _ => damaged("its pickle puts a value into something that holds none"),
        }
    }

    /// Takes values away and tells how large they were together.
    fn discard(&mut self, count: u32) -> Result<u64, Refusal> {
        (0..count).try_fold(0, |size: u64, _| Ok(size.saturating_add(self.pop()?.size())))
    }

    fn replace(&mut self, count: u32, root: Root) -> Result<(), Refusal> {
        let size = self.discard(count)?;
        self.push(Value::Other(root, size.saturating_add(1)));
        Ok(())
    }

    /// Makes one value of all down to the last mark.
    fn gather(&mut self, root: Root) -> Result<(), Refusal> {
        let size = self.pop_to_mark()?;
        self.push(Value::Other(root, size.saturating_add(1)));
        Ok(())
    }

    fn pop_to_mark(&mut self) -> Result<u64, Refusal> {
        let mut size = 0_u64;
        loop {
            match self.stack.pop() {
                None => return damaged("its pickle looks for a mark that is not there"),
                Some(Value::Mark) => return Ok(size),
                Some(value) => size = size.saturating_add(value.size()),
            }
        }
    }

    fn remember(&mut self, index: u64) -> Result<(), Refusal> {
        let value = self.copy()?;
        self.memo.insert(memo_index(index)?, value);
        Ok(())
    }

    fn recall(&mut self, index: u64) -> Result<(), Refusal> {
        let Some(value) = self.memo.get(&memo_index(index)?).cloned() else {
            return damaged(format!("its pickle recalls value {index}, which is not there"));
        };
        self.push(value);
        self.copy().map(drop)
    }

    fn byte(&mut self) -> Result<u8, Refusal> {
        let mut byte = [0];
        self.source.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    fn number<const N: usize>(&mut self) -> Result<u64, Refusal> {
        let mut bytes = [0; 8];
        if let Some(bytes) = bytes.get_mut(..N) {
            self.source.read_exact(bytes)?;
        }
        Ok(u64::from_le_bytes(bytes))
    }

    fn skip(&mut self, length: u64) -> Result<(), Refusal> {
        let skipped = io::copy(&mut self.source.by_ref().take(length), &mut io::sink())?;
        if skipped == length { Ok(()) } else { Err(ends()) }
    }

    fn skip_and_push(&mut self, length: u64) -> Result<(), Refusal> {
        self.skip(length)?;
        self.push(SINGLE);
        Ok(())
    }

    fn text(&mut self, length: u64) -> Result<(), Refusal> {
        let mut bytes = Vec::new();
        self.source.by_ref().take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != length {
            return Err(ends());
        }
        let value = match String::from_utf8(bytes) {
            Ok(text) => Value::Text(text.into()),
            Err(_) => SINGLE,
        };
        self.push(value);
        Ok(())
    }

    fn line(&mut self) -> Result<String, Refusal> {
        let mut bytes = Vec::new();
        self.source.read_until(b'\n', &mut bytes)?;
        if bytes.pop() != Some(b'\n') {
            return Err(ends());
        }
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        String::from_utf8(bytes).or_else(|_| damaged("its pickle holds a line that is no text"))
    }

    fn index(&mut self) -> Result<u64, Refusal> {
        let line = self.line()?;
        line.parse().or_else(|_| damaged("its pickle has a place in the memo that is no number"))
    }
}

fn memo_index(index: u64) -> Result<u32, Refusal> {
    u32::try_from(index).or_else(|_| damaged("its pickle has an absurd place in the memo"))
}

fn ends() -> Refusal {
    Refusal::Damaged("its pickle ends too early".to_owned())
}

fn forbid<T>(request: String) -> Result<T, Refusal> {
    Err(Refusal::Forbidden(request))
}
