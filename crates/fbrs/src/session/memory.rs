//! What a session holds in memory.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::history::Moment;
use super::object::ClickState;
use crate::photo::Photo;
use crate::view::Seen;

/// Bytes that a session holds, on its device and beside it, by what they are. What it shares with
/// itself is counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Memory {
    /// The photo, which other sessions may share.
    pub photo: usize,
    /// What the network sees of it, and what it makes of that alone, whatever the clicks are. It
    /// only saves time.
    pub views: usize,
    /// Features kept for later clicks. They only save time.
    pub features: usize,
    /// The refined quantities.
    pub refined: usize,
    /// The answers to all clicks that can be taken back, and to finished objects.
    pub answers: usize,
}

impl Memory {
    /// All of it.
    pub fn total(self) -> usize {
        self.photo + self.views + self.features + self.refined + self.answers
    }

    /// All but the photo.
    pub(crate) fn held(self) -> usize {
        self.total() - self.photo
    }
}

/// Counts every piece once.
pub(super) struct Count {
    pub(super) memory: Memory,
    seen: HashSet<usize>,
}

impl Count {
    pub(super) fn new(photo: &Photo) -> Self {
        let photo = photo.pixels().as_raw().len();
        Self { memory: Memory { photo, ..Memory::default() }, seen: HashSet::new() }
    }

    pub(super) fn moment(&mut self, moment: &Moment) {
        self.view(&moment.whole);
        moment.object.past.iter().flat_map(|past| &past.state).for_each(|state| self.state(state));
        if let Some(floor) = &moment.object.base.floor {
            let Self { memory, seen } = self;
            floor.memory(&mut |id, bytes| add(seen, id, bytes, &mut memory.answers));
        }
        for finished in moment.finished.iter() {
            let Self { memory, seen } = self;
            finished.prediction.memory(&mut |id, bytes| add(seen, id, bytes, &mut memory.answers));
        }
    }

    fn state(&mut self, state: &ClickState) {
        if !self.seen.insert(std::ptr::from_ref(state).addr()) {
            return;
        }
        if let Some(view) = state.view.seen() {
            self.view(view);
        }
        let Self { memory, seen } = self;
        let refine = state.refine();
        for (kind, (id, bytes)) in refine.memory() {
            let place = match kind {
                fbrs_refine::Held::Refined => &mut memory.refined,
                fbrs_refine::Held::Features => &mut memory.features,
            };
            add(seen, id, bytes, place);
        }
        let answer = std::ptr::from_ref(&*state.answer).addr();
        add(seen, answer, state.answer.bytes(), &mut memory.answers);
        if let Some(floor) = &state.floor {
            floor.memory(&mut |id, bytes| add(seen, id, bytes, &mut memory.answers));
        }
    }

    fn view(&mut self, view: &Seen) {
        let id = view.transforms.as_ptr().addr();
        add(&mut self.seen, id, view.frame.memory(), &mut self.memory.views);
    }
}

fn add(seen: &mut HashSet<usize>, id: usize, bytes: usize, place: &mut usize) {
    if bytes > 0 && seen.insert(id) {
        *place += bytes;
    }
}
