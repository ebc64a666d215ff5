//! A document with its history: every change makes a line for the journal.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::document::{Document, PhotoRecord};
use crate::history::History;
use crate::patch::Patch;

/// The document of a photo, with every change that can be taken back.
///
/// It is kept in memory alone: what is made of it on disk is a [`Keeper`](crate::Keeper)'s, which
/// may live in another thread.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    document: Document,
    history: History,
    /// Number of the last change.
    seq: u64,
    pub(crate) extra: Map<String, Value>,
}

/// A change, as a line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Its number; they only grow.
    pub(crate) seq: u64,
    /// When it was made, in milliseconds since 1970.
    pub(crate) time: u64,
    /// What people call it: `click`, `finish`, `undo`, …
    pub(crate) op: String,
    /// What it changes; nothing for `undo` and `redo`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) patch: Option<Patch>,
}

/// The largest number of a change and of an object that is believed: more than people can make, and
/// every program can count on from there.
pub(crate) const LARGEST: u64 = 1 << 53;

const UNDO: &str = "undo";
const REDO: &str = "redo";

impl Annotation {
    /// Of a photo in which nothing is marked.
    pub fn new(photo: PhotoRecord) -> Self {
        let (document, history) = (Document::new(photo), History::default());
        Self { document, history, seq: 0, extra: Map::new() }
    }

    pub(crate) fn from_parts(
        document: Document,
        history: History,
        seq: u64,
        extra: Map<String, Value>,
    ) -> Self {
        Self { document, history, seq, extra }
    }

    /// What is marked.
    pub fn document(&self) -> &Document {
        &self.document
    }

    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// Number of the last change.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Makes a change, which can be taken back as one; `op` is what people call it. `None` where it
    /// changes nothing.
    pub fn change(&mut self, op: &str, change: impl FnOnce(&mut Document)) -> Option<Line> {
        let mut new = self.document.clone();
        change(&mut new);
        let patch = Patch::between(&self.document, &new);
        // An id that was given is not given again, even where nothing came of it.
        self.document.next_id = new.next_id.max(self.document.next_id);
        if patch.is_empty() {
            return None;
        }
        self.history.made(op, &self.document, &new);
        self.document = new;
        Some(self.line(op, Some(patch)))
    }

    /// Takes the last change back; `None` where there is none.
    pub fn undo(&mut self) -> Option<Line> {
        self.history.undo(&mut self.document)?;
        Some(self.line(UNDO, None))
    }

    /// Makes the change that was taken back last again; `None` where there is none.
    pub fn redo(&mut self) -> Option<Line> {
        self.history.redo(&mut self.document)?;
        Some(self.line(REDO, None))
    }

    /// What people call the change that [`Annotation::undo`] would take back.
    pub fn next_undo(&self) -> Option<&str> {
        self.history.next_undo()
    }

    /// What people call the change that [`Annotation::redo`] would make again.
    pub fn next_redo(&self) -> Option<&str> {
        self.history.next_redo()
    }

    /// The photo as its file is now.
    pub(crate) fn set_photo(&mut self, photo: PhotoRecord) {
        self.document.photo = photo;
    }

    fn line(&mut self, op: &str, patch: Option<Patch>) -> Line {
        self.seq += 1;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let time = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        Line { seq: self.seq, time, op: op.to_owned(), patch }
    }

    /// Makes a change again that the journal tells of. Those that are in the document already change
    /// nothing.
    pub(crate) fn follow(&mut self, line: &Line) {
        if line.seq <= self.seq || line.seq > LARGEST {
            return;
        }
        match (&line.patch, line.op.as_str()) {
            (Some(patch), op) => {
                let old = self.document.clone();
                patch.apply(&mut self.document);
                self.history.made(op, &old, &self.document);
            }
            (None, REDO) => {
                self.history.redo(&mut self.document);
            }
            (None, _) => {
                self.history.undo(&mut self.document);
            }
        }
        self.seq = line.seq;
    }
}

impl Line {
    /// As the journal has it, with its end of line.
    pub fn text(&self) -> String {
        // Nothing in it can fail to be written but a mask beyond 2^32 pixels, which no photo has.
        serde_json::to_string(self).map_or_else(|_| String::new(), |text| text + "\n")
    }

    /// What people call the change.
    pub fn op(&self) -> &str {
        &self.op
    }
}
