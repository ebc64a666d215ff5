//! Taking back and making again.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::columns;
use crate::document::Document;
use crate::patch::Patch;

/// Changes that can be taken back.
const DEPTH: usize = 1000;

/// The changes of a document that can be taken back or made again.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub(crate) struct History {
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "shared")]
    past: Vec<Arc<Step>>,
    /// The next one to be made again is the last.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "shared")]
    future: Vec<Arc<Step>>,
}

/// Steps that are shared in memory, each written where it stands.
fn shared<S: Serializer>(steps: &[Arc<Step>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(steps.iter().map(|step| &**step))
}

/// A change, and what leads to its other side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Step {
    op: String,
    patch: Patch,
}

impl History {
    /// As a file has it, as far as it can be read and its masks take no more than `room`: where a step
    /// is left out, so are those that come after it on the way.
    pub(crate) fn read(mut history: Value, mut room: u64) -> Self {
        let mut steps = |key: &str| {
            let found = history.get_mut(key).map(Value::take);
            let Some(Value::Array(found)) = found else { return Vec::new() };
            let mut steps = Vec::new();
            for step in found.into_iter().rev().take(DEPTH) {
                let Some(left) = room.checked_sub(columns::cost(&step)) else { break };
                let Ok(step) = serde_json::from_value(step) else { break };
                room = left;
                steps.push(Arc::new(step));
            }
            steps.reverse();
            steps
        };
        Self { past: steps("past"), future: steps("future") }
    }

    /// Remembers a change that was made; what was taken back before it is gone.
    pub(crate) fn made(&mut self, op: &str, old: &Document, new: &Document) {
        self.future.clear();
        let patch = Patch::between(new, old);
        self.past.push(Arc::new(Step { op: op.to_owned(), patch }));
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

    fn pass(
        from: &mut Vec<Arc<Step>>,
        to: &mut Vec<Arc<Step>>,
        document: &mut Document,
    ) -> Option<String> {
        let step = from.pop()?;
        let before = document.clone();
        step.patch.apply(document);
        if document.fault().is_some() {
            // Of a file that somebody changed: what lies behind it leads nowhere either.
            *document = before;
            from.clear();
            return None;
        }
        let patch = Patch::between(document, &before);
        to.push(Arc::new(Step { op: step.op.clone(), patch }));
        Some(step.op.clone())
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
