//! The steps of a pickle.

use std::collections::HashMap;

use super::{Kind, Name, Node, Pickle, Span};
use crate::annotations::FormatError;
use crate::text::printable;

type Found<T> = Result<T, FormatError>;

fn damaged<T>(reason: impl Into<String>) -> Found<T> {
    Err(FormatError::Damaged(reason.into()))
}

fn unsupported<T>(reason: impl Into<String>) -> Found<T> {
    Err(FormatError::Unsupported(reason.into()))
}

/// Reads a pickle of at most so many values.
pub(super) fn walk(bytes: Vec<u8>, most: usize) -> Found<Pickle> {
    let memo = HashMap::new();
    let mut walk = Walk { bytes: &bytes, at: 0, nodes: Vec::new(), stack: Vec::new(), memo, most };
    let root = loop {
        if let Some(root) = walk.step()? {
            break root;
        }
    };
    let nodes = walk.nodes;
    Ok(Pickle { bytes, nodes, root })
}

/// A mark or a value.
#[derive(Clone, Copy)]
enum Item {
    Mark,
    Value(u32),
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    stack: Vec<Item>,
    memo: HashMap<u32, u32>,
    most: usize,
}

impl Walk<'_> {
    fn take(&mut self, count: u64) -> Found<Span> {
        let end = usize::try_from(count).ok().and_then(|count| self.at.checked_add(count));
        match end.filter(|end| *end <= self.bytes.len()) {
            Some(end) => {
                let span = Span { from: self.at, end };
                self.at = end;
                Ok(span)
            }
            None => damaged("its pickle ends too early"),
        }
    }

    fn slice(&self, span: Span) -> &[u8] {
        self.bytes.get(span.from..span.end).unwrap_or_default()
    }

    fn number<const N: usize>(&mut self) -> Found<u64> {
        let span = self.take(N as u64)?;
        let mut bytes = [0; 8];
        bytes.iter_mut().zip(self.slice(span)).for_each(|(to, from)| *to = *from);
        Ok(u64::from_le_bytes(bytes))
    }

    fn line(&mut self) -> Found<String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(length) = rest.iter().position(|byte| *byte == b'\n') else {
            return damaged("its pickle ends too early");
        };
        let span = self.take(length as u64)?;
        self.take(1)?;
        let line = self.slice(span);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match std::str::from_utf8(line) {
            Ok(line) => Ok(line.to_owned()),
            Err(_) => damaged("its pickle holds a line that is no text"),
        }
    }

    fn push(&mut self, node: Node) -> Found<()> {
        if self.nodes.len() >= self.most {
            let most = self.most;
            return Err(FormatError::TooLarge(format!("its pickle has more than {most} values")));
        }
        self.stack.push(Item::Value(self.nodes.len() as u32));
        self.nodes.push(node);
        Ok(())
    }

    fn text(&mut self, length: u64) -> Found<()> {
        let span = self.take(length)?;
        match std::str::from_utf8(self.slice(span)) {
            Ok(_) => self.push(Node::Text(span)),
            Err(_) => damaged("its pickle holds a text that is none"),
        }
    }

    fn data(&mut self, length: u64) -> Found<()> {
        let span = self.take(length)?;
        self.push(Node::Bytes(span))
    }

    fn pop(&mut self) -> Found<u32> {
        match self.stack.pop() {
            Some(Item::Value(value)) => Ok(value),
            Some(Item::Mark) => damaged("its pickle takes a mark for a value"),
            None => damaged("its pickle takes from an empty stack"),
        }
    }

    fn top(&self) -> Found<u32> {
        match self.stack.last() {
            Some(Item::Value(value)) => Ok(*value),
            Some(Item::Mark) => damaged("its pickle takes a mark for a value"),
            None => damaged("its pickle takes from an empty stack"),
        }
    }

    /// The last values, the lowest first.
    fn last(&mut self, count: usize) -> Found<Vec<u32>> {
        let mut values = (0..count).map(|_| self.pop()).collect::<Found<Vec<_>>>()?;
        values.reverse();
        Ok(values)
    }

    /// The values above the last mark, which goes too.
    fn above_mark(&mut self) -> Found<Vec<u32>> {
        let mark = self.stack.iter().rposition(|item| matches!(item, Item::Mark));
        let Some(mark) = mark else {
            return damaged("its pickle looks for a mark that is not there");
        };
        let values = self.stack.split_off(mark).into_iter().filter_map(|item| match item {
            Item::Value(value) => Some(value),
            Item::Mark => None,
        });
        Ok(values.collect())
    }

    fn node(&self, at: u32) -> &Node {
        self.nodes.get(at as usize).unwrap_or(&Node::None)
    }

    fn extend_list(&mut self, values: &[u32]) -> Found<()> {
        let top = self.top()?;
        match self.nodes.get_mut(top as usize) {
            Some(Node::List(items)) => {
                items.extend(values);
                Ok(())
            }
            _ => damaged("its pickle puts a value into something that holds none"),
        }
    }

    fn extend_dictionary(&mut self, values: &[u32]) -> Found<()> {
        let top = self.top()?;
        if !values.len().is_multiple_of(2) {
            return damaged("its pickle has a key without a value");
        }
        match self.nodes.get_mut(top as usize) {
            Some(Node::Dictionary(pairs)) => {
                pairs.extend(values);
                Ok(())
            }
            _ => damaged("its pickle puts a value into something that holds none"),
        }
    }

    fn dictionary(&mut self, values: Vec<u32>) -> Found<()> {
        match values.len().is_multiple_of(2) {
            true => self.push(Node::Dictionary(values)),
            false => damaged("its pickle has a key without a value"),
        }
    }

    fn remember(&mut self, index: u64) -> Found<()> {
        let Ok(index) = u32::try_from(index) else {
            return damaged("its pickle has an absurd place in the memo");
        };
        let top = self.top()?;
        self.memo.insert(index, top);
        Ok(())
    }

    fn recall(&mut self, index: u64) -> Found<()> {
        let value = u32::try_from(index).ok().and_then(|index| self.memo.get(&index));
        match value {
            Some(value) => {
                self.stack.push(Item::Value(*value));
                Ok(())
            }
            None => damaged(format!("its pickle recalls value {index}, which is not there")),
        }
    }

    fn index(&mut self) -> Found<u64> {
        let line = self.line()?;
        line.parse().or_else(|_| damaged("its pickle has a place in the memo that is no number"))
    }

    /// Takes one step; at the end, the value that the pickle is.
    fn step(&mut self) -> Found<Option<u32>> {
        match self.number::<1>()? as u8 {
            // Protocol and frame: nothing happens.
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'.' => return self.pop().map(Some),
            // Numbers, nothing, truth, bytes, text.
            b'N' => self.push(Node::None)?,
            0x88 => self.push(Node::Truth)?,
            0x89 => self.push(Node::Truth)?,
            b'K' => {
                let number = self.number::<1>()?;
                self.push(Node::Whole(number.cast_signed()))?;
            }
            b'M' => {
                let number = self.number::<2>()?;
                self.push(Node::Whole(number.cast_signed()))?;
            }
            b'J' => {
                let number = self.number::<4>()? as u32;
                self.push(Node::Whole(i64::from(number.cast_signed())))?;
            }
            b'G' => {
                let bits = self.number::<8>()?;
                self.push(Node::Real(f64::from_bits(bits.swap_bytes())))?;
            }
            0x8a => {
                let length = self.number::<1>()?;
                let span = self.take(length)?;
                let number = whole(self.slice(span), false, true);
                match number {
                    Some(number) => self.push(Node::Whole(number))?,
                    None => return unsupported("its pickle has a whole number above 2^63"),
                }
            }
            b'I' | b'L' | b'F' => {
                let line = self.line()?;
                let node = match line.as_str() {
                    "01" => Node::Truth,
                    "00" => Node::Truth,
                    line => match line.trim_end_matches('L').parse() {
                        Ok(number) => Node::Whole(number),
                        Err(_) => match line.parse() {
                            Ok(number) => Node::Real(number),
                            Err(_) => return damaged("its pickle has a number that is none"),
                        },
                    },
                };
                self.push(node)?;
            }
            b'C' | b'U' => {
                let length = self.number::<1>()?;
                self.data(length)?;
            }
            b'B' | b'T' => {
                let length = self.number::<4>()?;
                self.data(length)?;
            }
            0x8e | 0x96 => {
                let length = self.number::<8>()?;
                self.data(length)?;
            }
            0x8c => {
                let length = self.number::<1>()?;
                self.text(length)?;
            }
            b'X' => {
                let length = self.number::<4>()?;
                self.text(length)?;
            }
            0x8d => {
                let length = self.number::<8>()?;
                self.text(length)?;
            }
            // Containers.
            b'(' => self.stack.push(Item::Mark),
            b')' | b']' => self.push(Node::List(Vec::new()))?,
            b'}' => self.push(Node::Dictionary(Vec::new()))?,
            b't' | b'l' => {
                let values = self.above_mark()?;
                self.push(Node::List(values))?;
            }
            b'd' => {
                let values = self.above_mark()?;
                self.dictionary(values)?;
            }
            count @ 0x85..=0x87 => {
                let values = self.last(usize::from(count).saturating_sub(0x84))?;
                self.push(Node::List(values))?;
            }
            b'a' => {
                let value = self.pop()?;
                self.extend_list(&[value])?;
            }
            b'e' => {
                let values = self.above_mark()?;
                self.extend_list(&values)?;
            }
            b's' => {
                let values = self.last(2)?;
                self.extend_dictionary(&values)?;
            }
            b'u' => {
                let values = self.above_mark()?;
                self.extend_dictionary(&values)?;
            }
            // The stack and the memo.
            b'0' => {
                if self.stack.pop().is_none() {
                    return damaged("its pickle takes from an empty stack");
                }
            }
            b'1' => drop(self.above_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(Item::Value(top));
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
            0x94 => self.remember(self.memo.len() as u64)?,
            // Names, calls, states.
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.name(&module, &name)?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let text = |at| match self.node(at) {
                    Node::Text(span) => std::str::from_utf8(self.slice(*span)).ok(),
                    _ => None,
                };
                let (Some(module), Some(name)) = (text(module), text(name)) else {
                    return damaged("its pickle names a class by something that is no text");
                };
                let (module, name) = (module.to_owned(), name.to_owned());
                self.name(&module, &name)?;
            }
            b'R' => self.call()?,
            b'b' => self.state()?,
            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                return forbidden(&module, &name);
            }
            b'o' | 0x81 | 0x92 => return unsupported("its pickle makes an object of a class"),
            0x8f..=0x91 => return unsupported("its pickle holds a set, expected plain data"),
            b'P' | b'Q' => return unsupported("its pickle has a persistent name"),
            0x82..=0x84 => return unsupported("its pickle uses Python's extension registry"),
            0x97 | 0x98 => return unsupported("its pickle uses buffers outside the file"),
            b'V' => return unsupported("its pickle has texts of Python 2"),
            other => return damaged(format!("its pickle has no meaning at byte 0x{other:02x}")),
        }
        Ok(None)
    }

    fn name(&mut self, module: &str, name: &str) -> Found<()> {
        let known = match (module, name) {
            ("collections", "OrderedDict") => Name::Dictionary,
            ("collections", "defaultdict") => Name::DefaultDictionary,
            ("_codecs", "encode") => Name::Encode,
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => {
                Name::Reconstruct
            }
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Name::Scalar,
            ("numpy", "ndarray") => Name::Array,
            ("numpy", "dtype") => Name::Kind,
            ("builtins" | "__builtin__", "list" | "dict" | "int") => Name::Type,
            _ => return forbidden(module, name),
        };
        self.push(Node::Name(known))
    }

    /// What a call would make.
    fn call(&mut self) -> Found<()> {
        let (arguments, called) = (self.pop()?, self.pop()?);
        let (Node::Name(called), Node::List(arguments)) = (self.node(called), self.node(arguments))
        else {
            return damaged("its pickle calls something that is no function");
        };
        let first = arguments.first().map(|at| self.node(*at));
        let made = match (called, arguments.len(), first) {
            (Name::Dictionary, 0, _)
            | (Name::DefaultDictionary, 0 | 1, None | Some(Node::Name(Name::Type))) => {
                Some(Node::Dictionary(Vec::new()))
            }
            (Name::Encode, 2, Some(Node::Text(span))) => {
                let text = std::str::from_utf8(self.slice(*span)).unwrap_or_default();
                let bytes = text.chars().map(|letter| u8::try_from(u32::from(letter)).ok());
                bytes.collect::<Option<Vec<u8>>>().map(|bytes| Node::Made(bytes.into()))
            }
            (Name::Reconstruct, 3, Some(Node::Name(Name::Array))) => Some(Node::Array(None)),
            (Name::Kind, 3, Some(Node::Text(span))) => {
                let kind = Kind::of(self.slice(*span));
                match kind {
                    Some(kind) => Some(Node::Kind(kind)),
                    None => {
                        return unsupported("its pickle has arrays of no numbers (an odd dtype)");
                    }
                }
            }
            (Name::Scalar, 2, Some(Node::Kind(kind))) => {
                let bytes = arguments.get(1).map(|at| self.node(*at));
                let bytes = match bytes {
                    Some(Node::Bytes(span)) => self.slice(*span),
                    Some(Node::Made(bytes)) => bytes,
                    _ => &[],
                };
                kind.read(bytes)
            }
            _ => None,
        };
        match made {
            Some(made) => self.push(made),
            None => unsupported("its pickle has a function called as plain data never do"),
        }
    }

    /// Gives what is below the top of the stack its state.
    fn state(&mut self) -> Found<()> {
        let state = self.pop()?;
        let top = self.top()?;
        let Node::List(parts) = self.node(state) else {
            return damaged("its pickle has a state that is none");
        };
        let part = |index: usize| parts.get(index).map(|at| (*at, self.node(*at)));
        let new = match self.node(top) {
            // Version, byte order, …
            Node::Kind(kind) => match part(1) {
                Some((_, Node::Text(span))) => {
                    let is_big_endian = self.slice(*span) == b">";
                    Some(Node::Kind(Kind { is_big_endian, ..*kind }))
                }
                _ => None,
            },
            // Version, shape, kind, order of columns, numbers.
            Node::Array(None) => match (part(2), part(4)) {
                (Some((_, Node::Kind(kind))), Some((bytes, Node::Bytes(_) | Node::Made(_)))) => {
                    Some(Node::Array(Some((*kind, bytes))))
                }
                _ => None,
            },
            _ => None,
        };
        match (new, self.nodes.get_mut(top as usize)) {
            (Some(new), Some(node)) => {
                *node = new;
                Ok(())
            }
            _ => unsupported("its pickle gives something a state that plain data never have"),
        }
    }
}

fn forbidden<T>(module: &str, name: &str) -> Found<T> {
    let name = printable(&format!("{module}.{name}"));
    unsupported(format!("its pickle asks to use {name}, which plain data never do"))
}

/// A whole number in two's complement, of at most 8 bytes.
fn whole(bytes: &[u8], is_big_endian: bool, is_signed: bool) -> Option<i64> {
    if bytes.len() > 8 {
        return None;
    }
    let mut little: Vec<u8> = bytes.to_vec();
    if is_big_endian {
        little.reverse();
    }
    let is_negative = is_signed && little.last().is_some_and(|last| last & 0x80 != 0);
    little.resize(8, if is_negative { 0xff } else { 0 });
    let number = u64::from_le_bytes(little.try_into().ok()?);
    match is_signed {
        true => Some(number.cast_signed()),
        false => i64::try_from(number).ok(),
    }
}

impl Kind {
    /// By its name: `u1`, `f4`.
    fn of(name: &[u8]) -> Option<Self> {
        let name = name.strip_prefix(b"<").or(name.strip_prefix(b"|")).unwrap_or(name);
        let (letter, size) = match name {
            [letter @ (b'i' | b'u'), size @ (b'1' | b'2' | b'4' | b'8')] => (*letter, size),
            [letter @ b'f', size @ (b'4' | b'8')] => (*letter, size),
            [letter @ b'b', size @ b'1'] => (*letter, size),
            _ => return None,
        };
        Some(Self { letter, size: size.saturating_sub(b'0'), is_big_endian: false })
    }

    /// One number.
    fn read(self, bytes: &[u8]) -> Option<Node> {
        if bytes.len() != usize::from(self.size) {
            return None;
        }
        let bits = whole(bytes, self.is_big_endian, true)?;
        Some(match (self.letter, self.size) {
            (b'f', 4) => Node::Real(f64::from(f32::from_bits(bits.cast_unsigned() as u32))),
            (b'f', _) => Node::Real(f64::from_bits(bits.cast_unsigned())),
            (b'b', _) => Node::Truth,
            (letter, _) => Node::Whole(whole(bytes, self.is_big_endian, letter == b'i')?),
        })
    }
}
