//! A pickle of protocol 2, as Python's own would be but for what it remembers: names that it says often.

use std::collections::HashMap;

/// What is pickled.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    None,
    Truth(bool),
    Integer(i64),
    Real(f64),
    Text(&'static str),
    List(Vec<Value<'a>>),
    Tuple(Vec<Value<'a>>),
    Dictionary(Vec<(&'static str, Value<'a>)>),
    /// An ordered dictionary of tensors; the values of the n-th lie in the archive's file `data/n`.
    StateDict(Vec<Stored<'a>>),
}

/// A tensor whose values lie elsewhere, one after another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stored<'a> {
    pub(super) name: &'a str,
    pub(super) kind: Kind,
    pub(super) shape: &'a [usize],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    F32,
    I64,
}

const MARK: u8 = b'(';
const TUPLE: u8 = b't';
const EMPTY_TUPLE: u8 = b')';
const REDUCE: u8 = b'R';
const SET_ITEMS: u8 = b'u';
const FALSE: u8 = 0x89;

pub(super) fn pickle(value: &Value<'_>) -> Vec<u8> {
    let mut writer = Writer { bytes: vec![0x80, 2], remembered: HashMap::new() };
    writer.value(value);
    writer.bytes.push(b'.');
    writer.bytes
}

struct Writer {
    bytes: Vec<u8>,
    /// Where what has been said once is remembered.
    remembered: HashMap<&'static str, u8>,
}

impl Writer {
    fn value(&mut self, value: &Value<'_>) {
        match value {
            Value::None => self.bytes.push(b'N'),
            Value::Truth(truth) => self.bytes.push(if *truth { 0x88 } else { FALSE }),
            Value::Integer(number) => self.integer(*number),
            Value::Real(number) => {
                self.bytes.push(b'G');
                self.bytes.extend(number.to_be_bytes());
            }
            Value::Text(text) => self.text(text),
            Value::List(values) => {
                self.bytes.extend([b']', MARK]);
                values.iter().for_each(|value| self.value(value));
                self.bytes.push(b'e');
            }
            Value::Tuple(values) => {
                self.bytes.push(MARK);
                values.iter().for_each(|value| self.value(value));
                self.bytes.push(TUPLE);
            }
            Value::Dictionary(pairs) => {
                self.bytes.extend([b'}', MARK]);
                for (key, value) in pairs {
                    self.text(key);
                    self.value(value);
                }
                self.bytes.push(SET_ITEMS);
            }
            Value::StateDict(tensors) => {
                self.ordered_dictionary();
                self.bytes.push(MARK);
                for (index, tensor) in tensors.iter().enumerate() {
                    self.text(tensor.name);
                    self.tensor(index, tensor);
                }
                self.bytes.push(SET_ITEMS);
            }
        }
    }

    /// `_rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())`
    fn tensor(&mut self, index: usize, tensor: &Stored<'_>) {
        self.name("torch._utils\n_rebuild_tensor_v2\n");
        self.bytes.push(MARK);
        self.bytes.push(MARK);
        self.constant("storage");
        self.name(match tensor.kind {
            Kind::F32 => "torch\nFloatStorage\n",
            Kind::I64 => "torch\nLongStorage\n",
        });
        self.text(&index.to_string());
        self.constant("cpu");
        self.size(tensor.shape.iter().product());
        self.bytes.push(TUPLE);
        self.bytes.push(b'Q');
        self.integer(0);
        self.sizes(tensor.shape.iter().copied());
        let mut strides = Vec::new();
        let mut stride = 1_usize;
        for extent in tensor.shape.iter().rev() {
            strides.push(stride);
            stride = stride.saturating_mul(*extent);
        }
        self.sizes(strides.into_iter().rev());
        self.bytes.push(FALSE);
        self.ordered_dictionary();
        self.bytes.push(TUPLE);
        self.bytes.push(REDUCE);
    }

    fn ordered_dictionary(&mut self) {
        self.name("collections\nOrderedDict\n");
        self.bytes.extend([EMPTY_TUPLE, REDUCE]);
    }

    fn sizes(&mut self, sizes: impl Iterator<Item = usize>) {
        self.bytes.push(MARK);
        sizes.for_each(|size| self.size(size));
        self.bytes.push(TUPLE);
    }

    fn size(&mut self, size: usize) {
        self.integer(i64::try_from(size).unwrap_or(i64::MAX));
    }

    fn integer(&mut self, number: i64) {
        if let Ok(number) = u8::try_from(number) {
            self.bytes.extend([b'K', number]);
        } else if let Ok(number) = u16::try_from(number) {
            self.bytes.push(b'M');
            self.bytes.extend(number.to_le_bytes());
        } else if let Ok(number) = i32::try_from(number) {
            self.bytes.push(b'J');
            self.bytes.extend(number.to_le_bytes());
        } else {
            self.bytes.extend([0x8a, 8]);
            self.bytes.extend(number.to_le_bytes());
        }
    }

    fn text(&mut self, text: &str) {
        self.bytes.push(b'X');
        // Names are short.
        self.bytes.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.bytes.extend(text.bytes());
    }

    /// A text that is said for every tensor.
    fn constant(&mut self, text: &'static str) {
        self.once(text, |writer| writer.text(text));
    }

    /// A class or a function: its module and its name, in a line each.
    fn name(&mut self, lines: &'static str) {
        self.once(lines, |writer| {
            writer.bytes.push(b'c');
            writer.bytes.extend(lines.bytes());
        });
    }

    /// Writes a thing the first time, and from then on where it is remembered.
    fn once(&mut self, thing: &'static str, write: impl FnOnce(&mut Self)) {
        if let Some(place) = self.remembered.get(thing) {
            self.bytes.extend([b'h', *place]);
            return;
        }
        write(self);
        if let Ok(place) = u8::try_from(self.remembered.len()) {
            self.bytes.extend([b'q', place]);
            self.remembered.insert(thing, place);
        }
    }
}
