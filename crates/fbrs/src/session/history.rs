//! All that a session was, so that it can be that again.

use std::collections::VecDeque;
use std::sync::Arc;

use fbrs_clicks::CropTransform;

use super::memory::{Count, Memory};
use super::object::Object;
use crate::options::Options;
use crate::photo::Photo;
use crate::prediction::Prediction;
use crate::view::Seen;

/// A session at one moment. Cloning is cheap: moments share what did not change.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    pub(crate) options: Arc<Options>,
    /// The whole photo as the options have it.
    pub(crate) whole: Seen,
    pub(crate) object: Object,
    pub(crate) finished: Arc<Vec<Finished>>,
}

/// An object that is done.
#[derive(Debug, Clone)]
pub(crate) struct Finished {
    pub(crate) prediction: Prediction,
    pub(crate) threshold: f32,
}

#[derive(Debug)]
pub(crate) struct History {
    past: VecDeque<Moment>,
    now: Moment,
    /// The next one last.
    future: Vec<Moment>,
}

impl History {
    pub(crate) fn new(now: Moment) -> Self {
        Self { past: VecDeque::new(), now, future: Vec::new() }
    }

    pub(crate) fn now(&self) -> &Moment {
        &self.now
    }

    /// Goes on to a moment; what was taken back before is forgotten.
    pub(crate) fn advance(&mut self, next: Moment) {
        self.future.clear();
        self.past.push_back(std::mem::replace(&mut self.now, next));
    }

    pub(crate) fn undo(&mut self) -> bool {
        let Some(before) = self.past.pop_back() else { return false };
        self.future.push(std::mem::replace(&mut self.now, before));
        true
    }

    pub(crate) fn redo(&mut self) -> bool {
        let Some(next) = self.future.pop() else { return false };
        self.past.push_back(std::mem::replace(&mut self.now, next));
        true
    }

    /// Forgets all but now.
    pub(crate) fn forget(&mut self) {
        self.past.clear();
        self.future.clear();
    }

    fn moments(&self) -> impl Iterator<Item = &Moment> {
        self.past.iter().chain(&self.future).chain([&self.now])
    }

    /// A view that some object has had. What the network computed of it is shared.
    pub(crate) fn seen(&self, transform: &CropTransform, flip: bool) -> Option<Seen> {
        let states = self.moments().flat_map(|moment| &moment.object.past);
        let mut views = states.filter_map(|past| past.state.as_ref()?.view.seen());
        let is_it =
            |seen: &&Seen| *seen.transforms == [*transform] && seen.frame.is_flipped() == flip;
        views.find(is_it).cloned()
    }

    pub(crate) fn memory(&self, photo: &Photo) -> Memory {
        let mut count = Count::new(photo);
        self.moments().for_each(|moment| count.moment(moment));
        count.memory
    }

    /// Gives up what is needed least until at most `limit` bytes are held beside the photo: what can
    /// be computed again to the bit (features, then views), then the oldest moments, then those that
    /// were taken back, then the states of the object's own earlier clicks, at last what was computed
    /// of the current view.
    pub(crate) fn limit(&mut self, limit: usize, photo: &Photo) {
        let fits = |history: &Self| history.memory(photo).held() <= limit;
        if fits(self) {
            return;
        }
        self.forget_features();
        if fits(self) {
            return;
        }
        self.forget_views();
        while !fits(self) && self.past.pop_front().is_some() {}
        while !fits(self) && !self.future.is_empty() {
            self.future.remove(0);
        }
        if !fits(self) {
            self.now.object.forget_states();
        }
        if !fits(self)
            && let Some(current) = self.now.object.last().and_then(|state| state.view.seen())
        {
            current.frame.forget();
        }
    }

    fn forget_features(&self) {
        let last = self.now.object.last();
        for state in self.moments().flat_map(|moment| &moment.object.past) {
            let state = state.state.as_ref();
            if let Some(state) = state.filter(|state| last.is_none_or(|l| !Arc::ptr_eq(l, state))) {
                state.forget_features();
            }
        }
    }

    fn forget_views(&self) {
        let current = self.now.object.last().and_then(|state| state.view.seen());
        for moment in self.moments() {
            let views =
                moment.object.past.iter().filter_map(|past| past.state.as_ref()?.view.seen());
            for view in views.chain([&moment.whole]) {
                if current.is_none_or(|current| !current.is_same(view)) {
                    view.frame.forget();
                }
            }
        }
    }
}
