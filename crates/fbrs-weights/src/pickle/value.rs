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
    /// A class or function, `module.name`.
    Global(Rc<str>),
    /// Anything else, with the number of values in it, itself included.
    Other(Root, u64),
}

/// A value that holds no others.
pub(super) const SINGLE: Value = Value::Other(Root::Plain, 1);

impl Value {
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Mark => 0,
            // A long text weighs as much as a list of its size in memory.
            Self::Text(text) => 1_u64.saturating_add(text.len() as u64 / 64),
            Self::Global(_) => 1,
            Self::Other(_, size) => *size,
        }
    }

    pub(super) fn root(&self) -> Root {
        match self {
            Self::Other(root, _) => *root,
            Self::Text(_) => Root::Text,
            Self::Global(_) => Root::Class,
            Self::Mark => Root::Plain,
        }
    }
}
