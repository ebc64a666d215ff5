use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fbrs_clicks::{Click, ImageSpace, Region, Size};
use fbrs_refine::{ClickTrace, Progress, RefineState, Refiner, Watch};
use image::{GrayImage, ImageBuffer, Luma, RgbImage};

use crate::error::{Error, Result};
use crate::options::{Options, check_threshold};
use crate::photo::Photo;
use crate::prediction::{CropPrediction, Prediction};
use crate::segmenter::Loaded;
use crate::view::{self, ObjectView, Seen};

/// Numbers of finished objects in a photo: 0 is background.
pub type LabelMask = ImageBuffer<Luma<u16>, Vec<u16>>;

/// Work on one image: clicks on one object after the other.
///
/// A session is independent of others and can move between threads; every session of a
/// [`crate::Segmenter`] shares its network.
pub struct Session {
    loaded: Arc<Loaded>,
    photo: Photo,
    options: Options,
    whole: Seen,
    object: Object,
    labels: LabelMask,
    finished: u16,
    cancelled: Arc<AtomicBool>,
}

/// The object that is being clicked.
#[derive(Default)]
struct Object {
    /// What the object's probability never falls below: an earlier part of it.
    floor: Option<Arc<Prediction>>,
    /// Where the floor was given as a mask, it also tells where to zoom in.
    start: Option<Arc<Prediction>>,
    /// One per click. The first `done` hold; the others can be redone.
    states: Vec<ClickState>,
    done: usize,
    /// The answer to the last click that holds, without the floor.
    answer: Option<Prediction>,
    /// The same with the floor.
    prediction: Option<Prediction>,
}

/// All that the next click depends on, and the answer.
#[derive(Clone)]
struct ClickState {
    click: Click<ImageSpace>,
    view: ObjectView,
    refine: RefineState,
    answer: Arc<CropPrediction>,
    report: ClickReport,
}

/// How a click was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ClickReport {
    /// Part of the photo that the network saw; `None` for all of it.
    pub region: Option<Region>,
    /// Size at which the network saw it.
    pub crop: Size,
    /// Losses, times and size of the refined quantity.
    pub refine: ClickTrace,
    /// Time of cropping, resizing and averaging.
    pub transforms: Duration,
    /// Time of the whole click.
    pub total: Duration,
}

/// One evaluation of a click's refinement, for a live view.
pub struct LiveAnswer<'a> {
    /// Number of the evaluation, from 1.
    pub evaluation: usize,
    /// The objective's value, regularization included.
    pub loss: f64,
    progress: &'a Progress<'a>,
    seen: &'a Seen,
    size: Size,
    floor: Option<&'a Prediction>,
}

impl LiveAnswer<'_> {
    /// The photo's probabilities as they stand; computed only when asked for.
    pub fn prediction(&self) -> Prediction {
        let answer = crop_prediction(self.seen, self.progress.logits).in_photo(self.size);
        match self.floor {
            Some(floor) => answer.raised_to(floor),
            None => answer,
        }
    }
}

/// Cancels the click that a session is answering, from another thread.
#[derive(Debug, Clone)]
pub struct CancelHandle(Arc<AtomicBool>);

impl CancelHandle {
    /// The click that is running ends with [`Error::is_cancelled`] after its current evaluation; the
    /// session is then as before the click. Without a running click nothing happens.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Session {
    pub(crate) fn new(loaded: Arc<Loaded>, image: RgbImage, options: Options) -> Result<Self> {
        options.check()?;
        let photo = Photo::new(image)?;
        let whole = see_whole(&photo, &options, &loaded)?;
        let size = photo.size();
        let labels = LabelMask::new(size.width as u32, size.height as u32);
        Ok(Self {
            loaded,
            photo,
            options,
            whole,
            object: Object::default(),
            labels,
            finished: 0,
            cancelled: Arc::default(),
        })
    }

    /// The photo's height and width.
    pub fn size(&self) -> Size {
        self.photo.size()
    }

    /// How clicks are answered.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Changes how clicks are answered.
    ///
    /// # Errors
    /// [`Error::State`] while an object is in progress, [`Error::Parameter`] for options out of
    /// range.
    pub fn set_options(&mut self, options: Options) -> Result<()> {
        if !self.object.states.is_empty() {
            return Err(Error::State(
                "options are locked while an object is in progress: finish or reset it first",
            ));
        }
        options.check()?;
        self.whole = see_whole(&self.photo, &options, &self.loaded)?;
        self.options = options;
        Ok(())
    }

    /// Adds a click to the current object and predicts it. Clicks that were undone are forgotten.
    ///
    /// # Errors
    /// [`Error::Click`] for a click outside the image, [`Error::Refine`]; the session is then as
    /// before.
    pub fn click(&mut self, click: Click<ImageSpace>) -> Result<&Prediction> {
        self.click_watched(click, |_| ControlFlow::Continue(()))
    }

    /// [`Session::click`] with a look at every evaluation of the refinement; `ControlFlow::Break`
    /// cancels the click.
    ///
    /// # Errors
    /// As [`Session::click`]; [`Error::is_cancelled`] where the click was cancelled.
    pub fn click_watched(
        &mut self,
        click: Click<ImageSpace>,
        mut watch: impl FnMut(&LiveAnswer<'_>) -> ControlFlow<()>,
    ) -> Result<&Prediction> {
        let size = self.size();
        if !click.position.is_inside(size) {
            let (x, y) = (click.position.col, click.position.row);
            let reason = format!("expected a place in the image of {size} pixels");
            return Err(Error::Click { x, y, reason });
        }
        self.cancelled.store(false, Ordering::Relaxed);
        let started = Instant::now();
        let past = self.object.past();
        let mut clicks: Vec<_> = past.iter().map(|state| state.click).collect();
        clicks.push(click);
        let mut view = past.last().map_or_else(ObjectView::default, |state| state.view.clone());
        let refine = past.last().map_or_else(RefineState::default, |state| state.refine.clone());
        let mut answered = self.answer(&mut view, &clicks, &refine, None, &mut watch)?;
        if view.should_repeat(&self.options, &answered.prediction) {
            let previous = answered.prediction;
            answered =
                self.answer(&mut view, &clicks, &answered.state, Some(&previous), &mut watch)?;
        }
        let Answered { seen, state, answer, prediction, trace } = answered;
        let total = started.elapsed();
        let network = trace.backbone + trace.head_forward + trace.head_backward;
        let report = ClickReport {
            region: view.region().filter(|_| !seen.is_same(&self.whole)),
            crop: seen.frame.size(),
            transforms: total.saturating_sub(network + trace.objective + trace.optimizer),
            refine: trace,
            total,
        };
        let object = &mut self.object;
        object.states.truncate(object.done);
        object.states.push(ClickState { click, view, refine: state, answer, report });
        object.done += 1;
        Ok(object.hold(prediction))
    }

    fn answer(
        &self,
        view: &mut ObjectView,
        clicks: &[Click<ImageSpace>],
        refine: &RefineState,
        repeated: Option<&Prediction>,
        watch: &mut impl FnMut(&LiveAnswer<'_>) -> ControlFlow<()>,
    ) -> Result<Answered> {
        let size = self.size();
        let previous = repeated.or(self.object.answer.as_ref()).or(self.object.start.as_deref());
        let device = self.loaded.device.burn();
        let seen = view.choose(&self.options, clicks, previous, &self.photo, &self.whole, device);
        let refiner =
            Refiner::new(&self.loaded.network, self.loaded.norm_radius, &self.options.refine);
        let mut on_evaluation = |progress: &Progress<'_>| {
            let live = LiveAnswer {
                evaluation: progress.evaluation,
                loss: progress.loss,
                progress,
                seen: &seen,
                size,
                floor: self.object.floor.as_deref(),
            };
            match watch(&live) {
                ControlFlow::Continue(()) if !self.cancelled.load(Ordering::Relaxed) => {
                    ControlFlow::Continue(())
                }
                _ => ControlFlow::Break(()),
            }
        };
        let clicks = seen.clicks(clicks);
        let answer =
            refiner.click(&seen.frame, &clicks, refine, &mut Watch::new(&mut on_evaluation))?;
        let compact = Arc::new(crop_prediction(&seen, &answer.logits));
        let prediction = compact.in_photo(size);
        Ok(Answered { seen, state: answer.state, answer: compact, prediction, trace: answer.trace })
    }

    /// Cancels this session's clicks from another thread.
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle(self.cancelled.clone())
    }

    /// The current object's clicks, in time order.
    pub fn clicks(&self) -> impl Iterator<Item = Click<ImageSpace>> + '_ {
        self.object.past().iter().map(|state| state.click)
    }

    /// The current object's prediction; `None` before its first click.
    pub fn prediction(&self) -> Option<&Prediction> {
        self.object.prediction.as_ref()
    }

    /// How the last click that holds was answered.
    pub fn report(&self) -> Option<&ClickReport> {
        self.object.past().last().map(|state| &state.report)
    }

    /// Takes the last click back; `false` where there is none. The prediction is then bit for bit
    /// what it was before that click.
    pub fn undo(&mut self) -> bool {
        let undone = self.object.done > 0;
        if undone {
            self.object.done -= 1;
            self.object.restore(self.photo.size());
        }
        undone
    }

    /// Brings back the last click that was undone; `false` where there is none.
    pub fn redo(&mut self) -> bool {
        let redone = self.object.done < self.object.states.len();
        if redone {
            self.object.done += 1;
            self.object.restore(self.photo.size());
        }
        redone
    }

    /// Forgets the current object: its clicks, its finished parts and the mask it started from.
    pub fn reset(&mut self) {
        self.object = Object::default();
    }

    /// Starts the current object from a mask of the photo's size: what is above 127 is object.
    ///
    /// The mask is part of the object whatever the clicks say, and tells the first of them where to
    /// zoom in once zoom-in begins.
    ///
    /// # Errors
    /// [`Error::State`] while an object is in progress, [`Error::Image`] for another size.
    pub fn start_from_mask(&mut self, mask: &GrayImage) -> Result<()> {
        if !self.object.states.is_empty() {
            return Err(Error::State("a mask can only be given before the object's first click"));
        }
        let expected = self.size();
        let (width, height) = mask.dimensions();
        let size = Size { height: height as usize, width: width as usize };
        if size != expected {
            let reason = format!("expected a mask of the photo's size, {expected}");
            return Err(Error::Image { size, reason });
        }
        let probability = |pixel: &u8| if *pixel > 127 { 1.0 } else { 0.0 };
        let values = mask.as_raw().iter().map(probability).collect();
        let floor = Arc::new(Prediction::new(size, values));
        self.object = Object {
            prediction: Some((*floor).clone()),
            start: Some(floor.clone()),
            floor: Some(floor),
            ..Object::default()
        };
        Ok(())
    }

    /// Keeps the current prediction as a part of the object while new clicks start a refinement of
    /// their own: from now on the object's probability is the larger of both.
    ///
    /// # Errors
    /// [`Error::State`] where there is no prediction yet.
    pub fn finish_partially(&mut self) -> Result<()> {
        let prediction = self.object.prediction.take();
        let Some(prediction) = prediction else {
            return Err(Error::State("there is nothing to finish: click on the object first"));
        };
        self.object = Object {
            floor: Some(Arc::new(prediction.clone())),
            prediction: Some(prediction),
            ..Object::default()
        };
        Ok(())
    }

    /// Gives the current object's mask the next number in the label mask, and returns that number.
    /// Where masks overlap, the later object holds.
    ///
    /// # Errors
    /// [`Error::State`] where there is no prediction yet or 65535 objects are finished,
    /// [`Error::Parameter`] for a threshold that is not between 0 and 1.
    pub fn finish(&mut self, threshold: f32) -> Result<u16> {
        check_threshold(threshold)?;
        let Some(prediction) = &self.object.prediction else {
            return Err(Error::State("there is nothing to finish: click on the object first"));
        };
        let Some(number) = self.finished.checked_add(1) else {
            return Err(Error::State("a label mask holds at most 65535 objects"));
        };
        for (label, probability) in self.labels.iter_mut().zip(prediction.probabilities()) {
            if *probability > threshold {
                *label = number;
            }
        }
        self.finished = number;
        self.reset();
        Ok(number)
    }

    /// Finished objects: 1, 2, 3, … in the order they were finished, 0 for background.
    pub fn label_mask(&self) -> &LabelMask {
        &self.labels
    }

    /// How many objects are finished.
    pub fn finished(&self) -> u16 {
        self.finished
    }
}

struct Answered {
    seen: Seen,
    state: RefineState,
    answer: Arc<CropPrediction>,
    prediction: Prediction,
    trace: ClickTrace,
}

impl Object {
    /// The clicks that hold.
    fn past(&self) -> &[ClickState] {
        self.states.get(..self.done).unwrap_or_default()
    }

    /// Makes an answer the current one.
    fn hold(&mut self, answer: Prediction) -> &Prediction {
        let prediction = match &self.floor {
            Some(floor) => answer.clone().raised_to(floor),
            None => answer.clone(),
        };
        self.answer = Some(answer);
        self.prediction.insert(prediction)
    }

    /// Recomputes the answer of the last click that holds; the same values give the same bits.
    fn restore(&mut self, size: Size) {
        match self.past().last().map(|state| state.answer.in_photo(size)) {
            Some(answer) => {
                self.hold(answer);
            }
            None => {
                self.answer = None;
                self.prediction = self.floor.as_deref().cloned();
            }
        }
    }
}

fn see_whole(photo: &Photo, options: &Options, loaded: &Loaded) -> Result<Seen> {
    view::whole(photo, options, loaded.device.burn()).ok_or_else(|| Error::Image {
        size: photo.size(),
        reason: "there is nothing to see in it".to_owned(),
    })
}

fn crop_prediction(seen: &Seen, logits: &fbrs_refine::Logits) -> CropPrediction {
    match seen.frame.is_flipped() {
        true => CropPrediction::new(seen.transforms.clone(), &logits.unflipped()),
        false => CropPrediction::new(seen.transforms.clone(), logits),
    }
}
