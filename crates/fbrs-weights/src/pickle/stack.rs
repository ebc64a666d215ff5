//! The walk's stack and memo.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::io::BufRead;

use super::Walk;
use super::refusal::{Refusal, damaged};
use super::value::{Content, Root, Value};

/// Values that may be copied by keeping and recalling them: the reader behind copies what Python
/// shares, and a few hundred bytes can double a value many times over. The largest network's pickle
/// copies 134,000, with the state of an Adam optimizer beside it 270,000.
const MAX_COPIED: u64 = 600_000;

impl<R: BufRead> Walk<'_, R> {
    pub(super) fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    pub(super) fn pop(&mut self) -> Result<Value, Refusal> {
        match self.stack.pop() {
            None => damaged("its pickle takes from an empty stack"),
            Some(Value::Mark) => damaged("its pickle takes a mark for a value"),
            Some(value) => Ok(value),
        }
    }

    pub(super) fn top(&self) -> Result<Value, Refusal> {
        match self.stack.last() {
            None => damaged("its pickle reads an empty stack"),
            Some(Value::Mark) => damaged("its pickle takes a mark for a value"),
            Some(value) => Ok(value.clone()),
        }
    }

    /// The top of the stack, once more.
    pub(super) fn copy(&mut self) -> Result<Value, Refusal> {
        let value = self.top()?;
        self.copied = self.copied.saturating_add(value.size());
        if self.copied > MAX_COPIED {
            return damaged("its pickle copies its values over and over (a memo bomb)");
        }
        Ok(value)
    }

    /// Puts values into what is on top of the stack.
    pub(super) fn grow(&mut self, values: Vec<Value>) -> Result<(), Refusal> {
        let size = values.iter().map(Value::size).fold(0, u64::saturating_add);
        if let Some(Value::Other(_, _, content)) = self.stack.last_mut() {
            *content = content.take().and_then(|content| content.with(values));
        }
        self.weigh(size)
    }

    /// Makes what is on top of the stack heavier.
    pub(super) fn weigh(&mut self, size: u64) -> Result<(), Refusal> {
        match self.stack.last_mut() {
            Some(Value::Other(_, whole, _)) => {
                *whole = whole.saturating_add(size);
                Ok(())
            }
            _ => damaged("its pickle puts a value into something that holds none"),
        }
    }

    /// Takes values away, the lowest first.
    pub(super) fn take(&mut self, count: u32) -> Result<Vec<Value>, Refusal> {
        let mut values = (0..count).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
        values.reverse();
        Ok(values)
    }

    pub(super) fn replace(&mut self, count: u32, root: Root) -> Result<(), Refusal> {
        let values = self.take(count)?;
        self.make(root, values);
        Ok(())
    }

    /// Makes one value of all down to the last mark.
    pub(super) fn gather(&mut self, root: Root) -> Result<(), Refusal> {
        let values = self.pop_to_mark()?;
        self.make(root, values);
        Ok(())
    }

    fn make(&mut self, root: Root, values: Vec<Value>) {
        let size = values.iter().map(Value::size).fold(1, u64::saturating_add);
        let is_kept = matches!(root, Root::Dictionary | Root::List | Root::Tuple);
        let content = if is_kept { Content::default().with(values) } else { None };
        self.push(Value::Other(root, size, content));
    }

    /// The values above the last mark, the lowest first.
    pub(super) fn pop_to_mark(&mut self) -> Result<Vec<Value>, Refusal> {
        let mark = self.stack.iter().rposition(|value| matches!(value, Value::Mark));
        let Some(mark) = mark else {
            return damaged("its pickle looks for a mark that is not there");
        };
        let values = self.stack.split_off(mark.saturating_add(1));
        self.stack.pop();
        Ok(values)
    }

    pub(super) fn remember(&mut self, index: u64) -> Result<(), Refusal> {
        let value = self.copy()?;
        self.memo.insert(memo_index(index)?, value);
        Ok(())
    }

    pub(super) fn recall(&mut self, index: u64) -> Result<(), Refusal> {
        let Some(value) = self.memo.get(&memo_index(index)?).cloned() else {
            return damaged(format!("its pickle recalls value {index}, which is not there"));
        };
        self.push(value);
        self.copy().map(drop)
    }
}

fn memo_index(index: u64) -> Result<u32, Refusal> {
    u32::try_from(index).or_else(|_| damaged("its pickle has an absurd place in the memo"))
}
