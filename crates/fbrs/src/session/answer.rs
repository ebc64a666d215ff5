//! From a click to its answer.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Instant;

use fbrs_clicks::{Click, ImageSpace, Region};
use fbrs_refine::{ClickTrace, Progress, RefineError, RefineState, Refiner};

use super::Session;
use super::history::Moment;
use super::object::{ClickState, Past};
use super::report::ClickReport;
use crate::error::{Error, Result};
use crate::prediction::{CropAnswer, Floor, Prediction};
use crate::view::{OBJECT, ObjectView, Seen, Whole};
use crate::watch::{Event, LiveAnswer, Watch, answer};

/// What a click is answered from.
struct Question<'a> {
    clicks: &'a [Click<ImageSpace>],
    refine: RefineState,
    floor: Option<&'a Arc<Floor>>,
    /// What the network sees of the answer before, or of the mask that was started from.
    seen_mask: Option<Prediction>,
    started: Instant,
}

struct Answered {
    seen: Seen,
    refine: RefineState,
    answer: Arc<CropAnswer>,
    trace: ClickTrace,
}

impl Session {
    /// Adds a click to the moment's object and answers it; `count` clicks are to be answered
    /// altogether.
    pub(super) fn answer(
        &self,
        moment: &mut Moment,
        click: Click<ImageSpace>,
        count: usize,
        watch: &mut Watch<'_>,
    ) -> Result<()> {
        let size = self.size();
        if !click.position.is_inside(size) {
            let (x, y) = (click.position.x(), click.position.y());
            let reason = format!("expected a place in the image of {size} pixels");
            return Err(Error::Click { x, y, reason });
        }
        let started = Instant::now();
        let object = &moment.object;
        watch.see(&Event::Click { index: object.past.len(), count });
        let clicks: Vec<_> = object.clicks().chain([click]).collect();
        let last = object.last();
        let mut view = last.map_or_else(ObjectView::default, |state| state.view.clone());
        let refine = last.map_or_else(RefineState::default, |state| state.refine());
        let previous = match last {
            Some(state) => state.answer.bounds(OBJECT, size),
            None => object.base.start,
        };
        // A network that sees its previous mask takes a mask to start from as that, and may answer
        // with less.
        let sees_mask = self.loaded.network.architecture().sees_previous_mask();
        let seen_mask = match (last, object.base.floor.as_deref()) {
            _ if !sees_mask => None,
            (Some(state), _) => Some(Prediction::new(size, Some(state.answer.clone()), None)),
            (None, Some(Floor::Mask(_))) => {
                Some(Prediction::new(size, None, object.base.floor.clone()))
            }
            (None, _) => None,
        };
        let started_from_mask = matches!(object.base.floor.as_deref(), Some(Floor::Mask(_)));
        let floor = object.floor().filter(|_| !(sees_mask && started_from_mask));
        let mut question = Question { clicks: &clicks, refine, floor, seen_mask, started };
        let mut answered = self.ask(moment, &mut view, &question, previous, watch)?;
        if moment.options.is_zoomed_in_from_the_first_click() {
            let predicted = answered.answer.bounds(OBJECT, size);
            if view.should_repeat(&moment.options, predicted, size) {
                question.refine = answered.refine;
                let first = answered.trace;
                answered = self.ask(moment, &mut view, &question, predicted, watch)?;
                answered.trace = answered.trace.after(first);
            }
        }
        let Answered { seen, refine, answer, trace } = answered;
        let threshold = moment.options.refine.threshold;
        let floor = question.floor.map(|floor| {
            floor.reduced(&answer, &clicks, threshold).map_or_else(|| floor.clone(), Arc::new)
        });
        let total = started.elapsed();
        let report = ClickReport {
            region: view.region().filter(|_| !seen.is_same(&moment.whole)),
            crop: seen.frame.size(),
            transforms: total.saturating_sub(trace.total()),
            refine: trace,
            total,
        };
        if watch.token.is_cancelled() {
            return Err(RefineError::Cancelled.into());
        }
        let state = Some(Arc::new(ClickState::new(view, refine, answer, floor, report)));
        moment.object.past.push(Past { click, state });
        Ok(())
    }

    /// One look at the photo and the answer to it.
    fn ask(
        &self,
        moment: &Moment,
        view: &mut ObjectView,
        question: &Question<'_>,
        previous: Option<Region>,
        watch: &mut Watch<'_>,
    ) -> Result<Answered> {
        if watch.token.is_cancelled() {
            return Err(RefineError::Cancelled.into());
        }
        let options = &*moment.options;
        let whole =
            Whole { options, photo: &self.photo, seen: &moment.whole, loaded: &self.loaded };
        let seen = view.choose(&whole, question.clicks, previous, |transform| {
            self.history.seen(transform, options.flip)
        });
        let region = view.region().filter(|_| !seen.is_same(&moment.whole));
        watch.see(&Event::View { region, crop: seen.frame.size() });
        let token = watch.token.clone();
        let is_shown = Cell::new(false);
        let (size, floor) = (self.size(), question.floor);
        let mut on_progress = |progress: &Progress<'_>| {
            is_shown.set(true);
            match *progress {
                Progress::Features { cached } => watch.see(&Event::Features { cached }),
                Progress::Plain { logits } => {
                    watch.see(&Event::Plain(LiveAnswer { logits, seen: &seen, size, floor }))
                }
                Progress::Evaluation { number, loss, logits } => {
                    let answer = LiveAnswer { logits, seen: &seen, size, floor };
                    watch.see(&Event::Evaluation { number, loss, answer });
                }
                _ => {}
            }
            is_shown.set(false);
        };
        let mut inner = fbrs_refine::Watch::none()
            .since(question.started)
            .cancelled_by(&token)
            .seen_by(&mut on_progress);
        let refiner =
            Refiner::new(&self.loaded.network, self.loaded.scaling.norm_radius, &options.refine);
        let previous: Option<Vec<_>> = question
            .seen_mask
            .as_ref()
            .map(|mask| seen.transforms.iter().map(|transform| mask.crop(transform)).collect());
        let refiner = match &previous {
            Some(previous) => refiner.seeing(previous),
            None => refiner,
        };
        let clicks = seen.clicks(question.clicks);
        // Drivers and the libraries above them may panic. The moment that is worked on is dropped
        // then, and the session is as before.
        let work = || refiner.click(&seen.frame, &clicks, &question.refine, &mut inner);
        let answered = match panic::catch_unwind(AssertUnwindSafe(work)) {
            Ok(answered) => answered?,
            // What the caller's own function panics with is the caller's.
            Err(fault) if is_shown.get() => panic::resume_unwind(fault),
            Err(fault) => return Err(Error::fault(fault.as_ref())),
        };
        let answer = Arc::new(answer(&seen, &answered.logits));
        Ok(Answered { seen, refine: answered.state, answer, trace: answered.trace })
    }
}
