//! Memory of a piece of work, for the next one on the same thread.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};

/// What memory is for. What is taken for the same again is mostly about as large; the longest stays.
#[derive(Clone, Copy)]
pub(super) enum Use {
    /// Weights, or inputs, as products read them.
    Packed,
    /// What inputs become before they are multiplied.
    Wide,
    /// A line, or a plane, on its way out or in.
    Line,
    /// What is between inputs and outputs: sums, or a block's middle channels.
    Middle,
    /// Places of tiles.
    Tiles,
}

thread_local! {
    static KEPT: [Cell<Vec<Vec<f32>>>; 5] = const { [const { Cell::new(Vec::new()) }; 5] };
}

/// Values in a cache line: what vectors are read from begins with one, since a vector that lies in two lines is read
/// twice.
const LINE: usize = 16;

/// Memory that may have been used before, with whatever is in it; it begins with a cache line. It is kept for the next
/// one when it is dropped. Work that others begin on this thread meanwhile takes memory of its own.
pub(super) struct Scratch {
    of: Use,
    values: Vec<f32>,
    /// Values before the first line.
    before: usize,
}

impl Scratch {
    /// At least `length` values.
    pub(super) fn take(of: Use, length: usize) -> Self {
        let mut values = with_kept(of, Vec::pop).unwrap_or_default();
        if values.len() < length + LINE {
            values.resize(length + LINE, 0.0);
        }
        let before = values.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
        Self { of, values, before }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let values = std::mem::take(&mut self.values);
        with_kept(self.of, |kept| kept.push(values));
    }
}

impl Deref for Scratch {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values[self.before..]
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.before..]
    }
}

fn with_kept<T>(of: Use, work: impl FnOnce(&mut Vec<Vec<f32>>) -> T) -> T {
    KEPT.with(|all| {
        let place = &all[of as usize];
        let mut kept = place.take();
        let done = work(&mut kept);
        place.set(kept);
        done
    })
}

/// How many pieces of memory this thread keeps.
#[cfg(test)]
pub(super) fn kept() -> usize {
    let all = [Use::Packed, Use::Wide, Use::Line, Use::Middle, Use::Tiles];
    all.into_iter().map(|of| with_kept(of, |kept| kept.len())).sum()
}
