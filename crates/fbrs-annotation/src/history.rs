//! Taking back and making again.

use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::patch::Patch;

/// Changes that can be taken back.
const DEPTH: usize = 1000;

/// The changes of a document that can be taken back or made again.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct History {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    past: Vec<Step>,
    /// The next one to be made again is the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    future: Vec<Step>,
}

/// A change, and what leads to its other side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Step {
    op: String,
    patch: Patch,
}

impl History {
    /// Remembers a change that was made; what was taken back before it is gone.
    pub(crate) fn made(&mut self, op: &str, old: &Document, new: &Document) {
        self.future.clear();
        self.past.push(Step { op: op.to_owned(), patch: Patch::between(new, old) });
        if self.past.len() > DEPTH {
            self.past.drain(..self.past.len() - DEPTH);
        }
    }

    /// Takes the last change back and returns what it was called.
    pub(crate) fn undo(&mut self, document: &mut Document) -> Option<String> {
        Self::pass(&mut self.past, &mut self.future, document)
    }

    /// Makes the change again that was taken back last.
    pub(crate) fn redo(&mut self, document: &mut Document) -> Option<String> {
        Self::pass(&mut self.future, &mut self.past, document)
    }

    fn pass(from: &mut Vec<Step>, to: &mut Vec<Step>, document: &mut Document) -> Option<String> {
        let step = from.pop()?;
        let before = document.clone();
        step.patch.apply(document);
        let patch = Patch::between(document, &before);
        to.push(Step { op: step.op.clone(), patch });
        Some(step.op)
    }

    /// What would be taken back next.
    pub(crate) fn next_undo(&self) -> Option<&str> {
        self.past.last().map(|step| step.op.as_str())
    }

    /// What would be made again next.
    pub(crate) fn next_redo(&self) -> Option<&str> {
        self.future.last().map(|step| step.op.as_str())
    }
}
