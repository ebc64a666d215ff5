//! The object in hand: its clicks, and all that answering the next one depends on.

use std::sync::{Arc, Mutex, PoisonError};

use fbrs_clicks::{Click, ImageSpace, Region, Size};
use fbrs_refine::RefineState;

use super::report::ClickReport;
use crate::prediction::{CropAnswer, Floor, Prediction};
use crate::view::ObjectView;

/// An object as it stands. Cloning is cheap: versions of it share their clicks' states.
#[derive(Debug, Clone, Default)]
pub(crate) struct Object {
    pub(crate) base: Base,
    /// In time order. The last one always has its state.
    pub(crate) past: Vec<Past>,
}

/// What an object has before its first click.
#[derive(Debug, Clone, Default)]
pub(crate) struct Base {
    /// What the object's probability never falls below.
    pub(crate) floor: Option<Arc<Floor>>,
    /// Where zoom-in looks before there is an answer: around the mask that was started from.
    pub(crate) start: Option<Region>,
}

/// A click that was answered.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    pub(crate) click: Click<ImageSpace>,
    /// `None` where it was given up for memory; it can be computed again.
    pub(crate) state: Option<Arc<ClickState>>,
}

/// All that the next click depends on, and the answer.
#[derive(Debug)]
pub(crate) struct ClickState {
    pub(crate) view: ObjectView,
    /// Its features may be given up.
    refine: Mutex<RefineState>,
    pub(crate) answer: Arc<CropAnswer>,
    /// What is left of the floor after the click.
    pub(crate) floor: Option<Arc<Floor>>,
    pub(crate) report: ClickReport,
}

impl ClickState {
    pub(crate) fn new(
        view: ObjectView,
        refine: RefineState,
        answer: Arc<CropAnswer>,
        floor: Option<Arc<Floor>>,
        report: ClickReport,
    ) -> Self {
        Self { view, refine: Mutex::new(refine), answer, floor, report }
    }

    pub(crate) fn refine(&self) -> RefineState {
        self.refine.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gives up what only saves time.
    pub(crate) fn forget_features(&self) {
        let mut refine = self.refine.lock().unwrap_or_else(PoisonError::into_inner);
        *refine = refine.without_features();
    }
}

impl Object {
    /// Whether it has neither clicks nor anything to start from.
    pub(crate) fn is_untouched(&self) -> bool {
        self.past.is_empty() && self.base.floor.is_none()
    }

    pub(crate) fn clicks(&self) -> impl ExactSizeIterator<Item = Click<ImageSpace>> + '_ {
        self.past.iter().map(|past| past.click)
    }

    pub(crate) fn last(&self) -> Option<&Arc<ClickState>> {
        self.past.last()?.state.as_ref()
    }

    /// What the object's probability does not fall below after its last click.
    pub(crate) fn floor(&self) -> Option<&Arc<Floor>> {
        match self.last() {
            Some(state) => state.floor.as_ref(),
            None => self.base.floor.as_ref(),
        }
    }

    /// `None` for an untouched object.
    pub(crate) fn prediction(&self, size: Size) -> Option<Prediction> {
        let answer = self.last().map(|state| state.answer.clone());
        let floor = self.floor().cloned();
        let touched = answer.is_some() || floor.is_some() || !self.is_untouched();
        touched.then(|| Prediction::new(size, answer, floor))
    }

    /// The object's first clicks, as many as have a state at their end, at most `count`.
    pub(crate) fn first(&self, count: usize) -> Self {
        let known = self.past.get(..count).unwrap_or(&self.past);
        let kept = known.iter().rposition(|past| past.state.is_some()).map_or(0, |last| last + 1);
        Self { base: self.base.clone(), past: self.past.iter().take(kept).cloned().collect() }
    }

    /// Gives up all states but the last: clicks can still be taken back one by one only where their
    /// states are held elsewhere, and be replayed in any case.
    pub(crate) fn forget_states(&mut self) {
        let before_last = self.past.len().saturating_sub(1);
        self.past.iter_mut().take(before_last).for_each(|past| past.state = None);
    }
}
