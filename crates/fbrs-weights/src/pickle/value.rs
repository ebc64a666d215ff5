#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::fmt;
use std::rc::Rc;

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

/// What the walk needs to know of a value.
#[derive(Clone)]
pub(super) enum Value {
    Mark,
    Text(Rc<str>),
    /// A number, a truth value, `None`.
    Plain(Plain),
    /// A class or function, `module.name`.
    Global(Rc<str>),
    /// Anything else, with the number of values in it, itself included; and what it holds, where
    /// that is known.
    Other(Root, u64, Option<Content>),
}

#[derive(Clone, Copy)]
pub(super) enum Plain {
    None,
    Truth(bool),
    Integer(i64),
    Real(f64),
    /// One that nobody needs.
    Unknown,
}

/// What is in a list, a tuple or a dictionary (key, value, key, value). It is bounded in number and in
/// depth, so that nothing that goes through it, its end least of all, goes deep.
#[derive(Clone, Default)]
pub(super) struct Content {
    values: Rc<Vec<Value>>,
    /// Containers in one another below this one.
    depth: u32,
}

/// Values of a container that are remembered. A state dict has 4,000.
const MAX_CONTENT: usize = 16_384;
/// Containers in one another that are remembered. A description has six.
const MAX_DEPTH: u32 = 8;

impl Content {
    /// The same with more values; `None` where that is more than is remembered.
    pub(super) fn with(mut self, mut more: Vec<Value>) -> Option<Self> {
        let depth = more.iter().map(Value::depth).max().unwrap_or(0);
        self.depth = self.depth.max(depth);
        let count = self.values.len().saturating_add(more.len());
        if self.depth >= MAX_DEPTH || count > MAX_CONTENT {
            return None;
        }
        Rc::make_mut(&mut self.values).append(&mut more);
        Some(self)
    }
}

/// A value that holds no others.
pub(super) const SINGLE: Value = Value::Plain(Plain::Unknown);

impl Value {
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Mark => 0,
            // A long text weighs as much as a list of its size in memory.
            Self::Text(text) => 1_u64.saturating_add(text.len() as u64 / 64),
            Self::Global(_) | Self::Plain(_) => 1,
            Self::Other(_, size, _) => *size,
        }
    }

    pub(super) fn root(&self) -> Root {
        match self {
            Self::Other(root, ..) => *root,
            Self::Plain(_) => Root::Plain,
            Self::Text(_) => Root::Text,
            Self::Global(_) => Root::Class,
            Self::Mark => Root::Plain,
        }
    }

    /// Containers in one another, this one included.
    fn depth(&self) -> u32 {
        match self {
            Self::Other(_, _, Some(content)) => content.depth.saturating_add(1),
            _ => 0,
        }
    }

    /// What lies under a key of a dictionary.
    pub(super) fn under(&self, key: &str) -> Option<&Self> {
        let Self::Other(Root::Dictionary, _, Some(content)) = self else { return None };
        let mut pairs = content.values.chunks_exact(2).filter_map(|pair| match pair {
            [Self::Text(name), value] if **name == *key => Some(value),
            _ => None,
        });
        pairs.next_back()
    }

    /// A list, a tuple or a dictionary as JSON; `None` for anything else.
    pub(super) fn json(&self) -> Option<serde_json::Value> {
        use serde_json::Value as Json;

        let Self::Other(root, _, Some(content)) = self else { return None };
        match root {
            Root::List | Root::Tuple => {
                Some(Json::Array(content.values.iter().map(Self::inner_json).collect()))
            }
            Root::Dictionary => {
                let mut object = serde_json::Map::new();
                for pair in content.values.chunks_exact(2) {
                    let [Self::Text(key), value] = pair else { return None };
                    object.insert((**key).to_owned(), value.inner_json());
                }
                Some(Json::Object(object))
            }
            _ => None,
        }
    }

    /// The value as JSON; a text in place of anything that is no number, text, list or dictionary.
    fn inner_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;

        match self {
            Self::Text(text) => Json::from(&**text),
            Self::Plain(Plain::None) => Json::Null,
            Self::Plain(Plain::Truth(truth)) => Json::from(*truth),
            Self::Plain(Plain::Integer(number)) => Json::from(*number),
            Self::Plain(Plain::Real(number)) => serde_json::Number::from_f64(*number)
                .map_or_else(|| Json::from(number.to_string()), Json::Number),
            _ => self.json().unwrap_or_else(|| Json::from(UNREAD)),
        }
    }
}

/// Stands for a value that is not remembered.
pub(super) const UNREAD: &str = "a value of another kind";
