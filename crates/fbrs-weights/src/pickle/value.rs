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
    /// Anything else, with the number of values in it, itself included.
    Other(Root, u64, Content),
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

/// What is in a list, a tuple or a dictionary (key, value, key, value); `None` where nobody needs it
/// or there is too much of it.
pub(super) type Content = Option<Rc<Vec<Value>>>;

/// Values of a container that are remembered. A state dict has 4,000.
pub(super) const MAX_CONTENT: usize = 16_384;
/// How deep a description may be.
const MAX_DEPTH: u32 = 8;

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

    /// What lies under a key of a dictionary.
    pub(super) fn under(&self, key: &str) -> Option<&Self> {
        let Self::Other(Root::Dictionary, _, Some(content)) = self else { return None };
        let mut pairs = content.chunks_exact(2).filter_map(|pair| match pair {
            [Self::Text(name), value] if **name == *key => Some(value),
            _ => None,
        });
        pairs.next_back()
    }

    /// The value as JSON; `None` for anything that is not made of numbers, texts, lists and
    /// dictionaries alone.
    pub(super) fn json(&self) -> Option<serde_json::Value> {
        self.json_to(MAX_DEPTH)
    }

    fn json_to(&self, depth: u32) -> Option<serde_json::Value> {
        use serde_json::Value as Json;

        let deeper = depth.checked_sub(1)?;
        Some(match self {
            Self::Text(text) => Json::from(&**text),
            Self::Plain(Plain::None) => Json::Null,
            Self::Plain(Plain::Truth(truth)) => Json::from(*truth),
            Self::Plain(Plain::Integer(number)) => Json::from(*number),
            Self::Plain(Plain::Real(number)) => {
                Json::Number(serde_json::Number::from_f64(*number)?)
            }
            Self::Other(Root::List | Root::Tuple, _, Some(content)) => Json::Array(
                content.iter().map(|value| value.json_to(deeper)).collect::<Option<_>>()?,
            ),
            Self::Other(Root::Dictionary, _, Some(content)) => {
                let mut object = serde_json::Map::new();
                for pair in content.chunks_exact(2) {
                    let [Self::Text(key), value] = pair else { return None };
                    object.insert((**key).to_owned(), value.json_to(deeper)?);
                }
                Json::Object(object)
            }
            _ => return None,
        })
    }
}
