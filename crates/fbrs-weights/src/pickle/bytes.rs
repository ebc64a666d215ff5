//! What a walk reads of a pickle's bytes.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::io::{self, BufRead, Read};

use super::Walk;
use super::refusal::{Refusal, damaged, ends};
use super::value::{Plain, SINGLE, Value};

impl<R: BufRead> Walk<'_, R> {
    pub(super) fn byte(&mut self) -> Result<u8, Refusal> {
        let mut byte = [0];
        self.source.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    pub(super) fn number<const N: usize>(&mut self) -> Result<u64, Refusal> {
        let mut bytes = [0; 8];
        if let Some(bytes) = bytes.get_mut(..N) {
            self.source.read_exact(bytes)?;
        }
        Ok(u64::from_le_bytes(bytes))
    }

    pub(super) fn skip(&mut self, length: u64) -> Result<(), Refusal> {
        let skipped = io::copy(&mut self.source.by_ref().take(length), &mut io::sink())?;
        if skipped == length { Ok(()) } else { Err(ends()) }
    }

    pub(super) fn skip_and_push(&mut self, length: u64) -> Result<(), Refusal> {
        self.skip(length)?;
        self.push(SINGLE);
        Ok(())
    }

    /// A whole number of `N` bytes, little endian.
    pub(super) fn integer<const N: usize>(
        &mut self,
        signed: impl Fn(u64) -> i64,
    ) -> Result<(), Refusal> {
        let number = signed(self.number::<N>()?);
        self.push(Value::Plain(Plain::Integer(number)));
        Ok(())
    }

    /// A whole number of `length` bytes, little endian, in two's complement.
    pub(super) fn long_integer(&mut self, length: u64) -> Result<(), Refusal> {
        let mut bytes = [0; 8];
        let Some(own) = usize::try_from(length).ok().and_then(|length| bytes.get_mut(..length))
        else {
            return self.skip_and_push(length);
        };
        self.source.read_exact(own)?;
        let is_negative = own.last().is_some_and(|last| last & 0x80 != 0);
        if let (true, Some(rest)) = (is_negative, bytes.get_mut(length as usize..)) {
            rest.fill(0xff);
        }
        self.push(Value::Plain(Plain::Integer(i64::from_le_bytes(bytes))));
        Ok(())
    }

    pub(super) fn text(&mut self, length: u64) -> Result<(), Refusal> {
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

    pub(super) fn line(&mut self) -> Result<String, Refusal> {
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

    pub(super) fn index(&mut self) -> Result<u64, Refusal> {
        let line = self.line()?;
        line.parse().or_else(|_| damaged("its pickle has a place in the memo that is no number"))
    }
}
