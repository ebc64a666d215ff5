//! Work on one photo.

mod answer;
mod history;
mod memory;
mod object;
mod report;
mod work;

use std::fmt;
use std::sync::Arc;

use fbrs_clicks::{Click, ImageSpace, Position, Size};
use image::{GrayImage, ImageBuffer, Luma};

use crate::error::{Error, Result};
use crate::loaded::Loaded;
use crate::options::{Options, check_threshold};
use crate::photo::Photo;
use crate::prediction::{Floor, MaskBits, Prediction};
use crate::view;
use crate::watch::Watch;

use history::{Finished, History, Moment};
use object::{Base, Object};

pub use memory::Memory;
pub use report::ClickReport;
pub use work::Work;

/// Numbers of finished objects in a photo: 0 is background.
pub type LabelMask = ImageBuffer<Luma<u16>, Vec<u16>>;

/// Bytes that a session holds beside its photo, where nobody said otherwise.
const MEMORY_LIMIT: usize = 1 << 30;

/// Work on one photo: clicks on one object after the other.
///
/// Every change can be taken back ([`Session::undo`]) and made again: clicks, moved and removed
/// clicks, finished objects, new options. A call that fails or is cancelled leaves the session as it
/// was.
///
/// A session is independent of others and can move between threads; every session of a
/// [`crate::Segmenter`] shares its network. Beside the photo it holds what the network saw and
/// answered at that size: [`Session::memory`].
pub struct Session {
    loaded: Arc<Loaded>,
    photo: Photo,
    history: History,
    memory_limit: usize,
}

impl Session {
    pub(crate) fn new(loaded: Arc<Loaded>, photo: Photo, options: Options) -> Result<Self> {
        options.check()?;
        photo.check()?;
        let whole = view::whole(&photo, &options, loaded.device.burn())?;
        let (options, object) = (Arc::new(options), Object::default());
        let now = Moment { options, whole, object, finished: Arc::default() };
        Ok(Self { loaded, photo, history: History::new(now), memory_limit: MEMORY_LIMIT })
    }

    /// The photo's height and width.
    pub fn size(&self) -> Size {
        self.photo.size()
    }

    /// The photo, shared.
    pub fn photo(&self) -> &Photo {
        &self.photo
    }

    /// How clicks are answered.
    pub fn options(&self) -> &Options {
        &self.history.now().options
    }

    /// Adds a click to the current object and predicts it.
    ///
    /// # Errors
    /// [`Error::Click`] for a click outside the photo, [`Error::Refine`]; the session is then as
    /// before.
    pub fn click(&mut self, click: Click<ImageSpace>) -> Result<Prediction> {
        self.click_with(click, &mut Watch::new())
    }

    /// [`Session::click`], watched.
    ///
    /// # Errors
    /// As [`Session::click`]; [`Error::is_cancelled`] where the click was cancelled.
    pub fn click_with(
        &mut self,
        click: Click<ImageSpace>,
        watch: &mut Watch<'_>,
    ) -> Result<Prediction> {
        let mut moment = self.history.now().clone();
        let count = moment.object.past.len() + 1;
        self.answer(&mut moment, click, count, watch)?;
        self.advance(moment)
    }

    /// Replaces the current object's clicks. From the first that differs on all are answered anew,
    /// to the bit as in a session that had these clicks from the beginning.
    ///
    /// # Errors
    /// As [`Session::click_with`], for any of the clicks; the session is then as before.
    pub fn replay(
        &mut self,
        clicks: &[Click<ImageSpace>],
        watch: &mut Watch<'_>,
    ) -> Result<Option<Prediction>> {
        let now = self.history.now();
        let same = now.object.clicks().zip(clicks).take_while(|(old, new)| old == *new).count();
        if same == clicks.len() && same == now.object.past.len() {
            return Ok(self.prediction());
        }
        let mut moment = now.clone();
        moment.object = now.object.first(same);
        self.catch_up(&mut moment, clicks, watch)?;
        self.set(moment);
        Ok(self.prediction())
    }

    /// Takes a click of the current object out and answers those behind it anew.
    ///
    /// # Errors
    /// [`Error::State`] where there is no click of that index (from 0); as [`Session::replay`].
    pub fn remove_click(
        &mut self,
        index: usize,
        watch: &mut Watch<'_>,
    ) -> Result<Option<Prediction>> {
        let mut clicks = self.clicks_with(index)?;
        clicks.remove(index);
        self.replay(&clicks, watch)
    }

    /// Moves a click of the current object and answers it and those behind it anew.
    ///
    /// # Errors
    /// As [`Session::remove_click`].
    pub fn move_click(
        &mut self,
        index: usize,
        to: Position<ImageSpace>,
        watch: &mut Watch<'_>,
    ) -> Result<Option<Prediction>> {
        let mut clicks = self.clicks_with(index)?;
        clicks.iter_mut().skip(index).take(1).for_each(|click| click.position = to);
        self.replay(&clicks, watch)
    }

    /// Makes a positive click of the current object negative or the other way round, and answers it
    /// and those behind it anew.
    ///
    /// # Errors
    /// As [`Session::remove_click`].
    pub fn flip_click(
        &mut self,
        index: usize,
        watch: &mut Watch<'_>,
    ) -> Result<Option<Prediction>> {
        let mut clicks = self.clicks_with(index)?;
        clicks.iter_mut().skip(index).take(1).for_each(|click| click.sign = click.sign.opposite());
        self.replay(&clicks, watch)
    }

    /// Changes how clicks are answered. The current object's clicks are answered anew; its finished
    /// parts stay as they are.
    ///
    /// # Errors
    /// [`Error::Parameter`] for options out of range; as [`Session::replay`].
    pub fn set_options(
        &mut self,
        options: Options,
        watch: &mut Watch<'_>,
    ) -> Result<Option<Prediction>> {
        options.check()?;
        let now = self.history.now();
        if *now.options == options {
            return Ok(self.prediction());
        }
        let whole = view::whole(&self.photo, &options, self.loaded.device.burn())?;
        let clicks: Vec<_> = self.clicks().collect();
        let mut moment = Moment { options: Arc::new(options), whole, ..now.clone() };
        moment.object.past.clear();
        self.catch_up(&mut moment, &clicks, watch)?;
        self.set(moment);
        Ok(self.prediction())
    }

    /// The current object's clicks, in time order.
    pub fn clicks(&self) -> impl ExactSizeIterator<Item = Click<ImageSpace>> + '_ {
        self.history.now().object.clicks()
    }

    /// The current object's prediction; `None` before its first click.
    pub fn prediction(&self) -> Option<Prediction> {
        self.history.now().object.prediction(self.size())
    }

    /// How the last click that holds was answered.
    pub fn report(&self) -> Option<&ClickReport> {
        self.history.now().object.last().map(|state| &state.report)
    }

    /// Takes the last change back; `false` where there is none. Everything is then bit for bit what
    /// it was before.
    pub fn undo(&mut self) -> bool {
        self.history.undo()
    }

    /// Makes the last change that was taken back again; `false` where there is none.
    pub fn redo(&mut self) -> bool {
        self.history.redo()
    }

    /// Forgets the current object: its clicks, its finished parts and the mask that it started from.
    pub fn reset(&mut self) {
        if !self.history.now().object.is_untouched() {
            let moment = Moment { object: Object::default(), ..self.history.now().clone() };
            self.set(moment);
        }
    }

    /// Starts the current object from a mask of the photo's size: what is above 127 is object.
    ///
    /// The mask is part of the object, and tells the first clicks where to zoom in once zoom-in
    /// begins. Negative clicks reduce it: after each click, the mask's pixels at or below the
    /// threshold of the ending tests ([`crate::RefineOptions::threshold`]) in the network's answer
    /// that are connected with a negative click (by 4 neighbors, over such pixels) leave it.
    ///
    /// # Errors
    /// [`Error::State`] while an object is in progress, [`Error::Image`] for another size.
    pub fn start_from_mask(&mut self, mask: &GrayImage) -> Result<()> {
        self.expect_untouched("finish or reset the object in hand before starting from a mask")?;
        let expected = self.size();
        let (width, height) = mask.dimensions();
        let size = Size { height: height as usize, width: width as usize };
        if size != expected {
            let reason = format!("expected a mask of the photo's size, {expected}");
            return Err(Error::Image { size, reason });
        }
        let Some(bits) = MaskBits::new(mask) else {
            let reason = "expected a mask with a pixel above 127, found none".to_owned();
            return Err(Error::Image { size, reason });
        };
        let start = bits.bounds();
        let base = Base { floor: Some(Arc::new(Floor::Mask(bits))), start };
        let object = Object { base, ..Object::default() };
        self.set(Moment { object, ..self.history.now().clone() });
        Ok(())
    }

    /// Keeps the current prediction as a part of the object while new clicks start a refinement of
    /// their own: from now on the object's probability is the larger of both.
    ///
    /// # Errors
    /// [`Error::State`] where there is no prediction yet.
    pub fn finish_partially(&mut self) -> Result<()> {
        let part = self.prediction().ok_or(NOTHING_TO_FINISH)?;
        let base = Base { floor: Some(Arc::new(Floor::Part(part))), start: None };
        let object = Object { base, ..Object::default() };
        self.set(Moment { object, ..self.history.now().clone() });
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
        let prediction = self.prediction().ok_or(NOTHING_TO_FINISH)?;
        let number = self.finished().checked_add(1);
        let number = number.ok_or(Error::State("a label mask holds at most 65535 objects"))?;
        let mut finished = self.history.now().finished.to_vec();
        finished.push(Finished { prediction, threshold });
        let (object, finished) = (Object::default(), Arc::new(finished));
        self.set(Moment { object, finished, ..self.history.now().clone() });
        Ok(number)
    }

    /// Takes the current object out of the session, to be gone on with later; `None` where none is
    /// in progress.
    pub fn take(&mut self) -> Option<Work> {
        let now = self.history.now();
        if now.object.is_untouched() {
            return None;
        }
        let work = Work {
            loaded: self.loaded.clone(),
            photo: self.photo.clone(),
            options: now.options.clone(),
            whole: now.whole.clone(),
            object: now.object.clone(),
        };
        self.set(Moment { object: Object::default(), ..now.clone() });
        Some(work)
    }

    /// Makes an object that was taken out the current one, to the bit as it was; the session takes on
    /// the object's options. The session may be another one of the same network on the same photo.
    ///
    /// # Errors
    /// [`Error::State`] while an object is in progress, and for an object of another photo or
    /// network.
    pub fn resume(&mut self, work: Work) -> Result<()> {
        self.expect_untouched("finish, take or reset the object in hand before resuming another")?;
        if !(work.photo.is_same(&self.photo) && Arc::ptr_eq(&work.loaded, &self.loaded)) {
            return Err(Error::State("this object belongs to another photo or another network"));
        }
        let Work { options, whole, object, .. } = work;
        self.set(Moment { options, whole, object, ..self.history.now().clone() });
        Ok(())
    }

    /// Numbers of finished objects: 1, 2, 3, … in the order they were finished, 0 for background. It
    /// is computed when asked for, and has 2 bytes for every pixel of the photo.
    pub fn label_mask(&self) -> LabelMask {
        let size = self.size();
        let mut labels = LabelMask::new(size.width as u32, size.height as u32);
        let whole = fbrs_clicks::Region::whole(size);
        for (number, finished) in (1..).zip(self.history.now().finished.iter()) {
            finished.prediction.each_row(whole, &mut labels, |label, probability| {
                if probability > finished.threshold {
                    *label = number;
                }
            });
        }
        labels
    }

    /// How many objects are finished.
    pub fn finished(&self) -> u16 {
        u16::try_from(self.history.now().finished.len()).unwrap_or(u16::MAX)
    }

    /// What the session holds in memory.
    pub fn memory(&self) -> Memory {
        self.history.memory(&self.photo)
    }

    /// Limits what the session holds beside the photo, in bytes; 1 GiB where this was not called.
    /// What can be computed again to the bit is given up first, then the oldest changes that could
    /// be taken back. What the current object's next click needs is held in any case.
    pub fn set_memory_limit(&mut self, bytes: usize) {
        self.memory_limit = bytes;
        self.history.limit(bytes, &self.photo);
    }

    /// Forgets all changes that could be taken back or made again.
    pub fn forget_history(&mut self) {
        self.history.forget();
    }

    /// Answers those of `clicks` that the object does not have yet.
    fn catch_up(
        &self,
        moment: &mut Moment,
        clicks: &[Click<ImageSpace>],
        watch: &mut Watch<'_>,
    ) -> Result<()> {
        let known = moment.object.past.len();
        clicks
            .iter()
            .skip(known)
            .try_for_each(|click| self.answer(moment, *click, clicks.len(), watch))
    }

    fn advance(&mut self, moment: Moment) -> Result<Prediction> {
        self.set(moment);
        self.prediction().ok_or(NOTHING_TO_FINISH)
    }

    fn set(&mut self, moment: Moment) {
        self.history.advance(moment);
        self.history.limit(self.memory_limit, &self.photo);
    }

    fn clicks_with(&self, index: usize) -> Result<Vec<Click<ImageSpace>>> {
        let clicks: Vec<_> = self.clicks().collect();
        match index < clicks.len() {
            true => Ok(clicks),
            false => Err(Error::State("the object has no click of that index")),
        }
    }

    fn expect_untouched(&self, else_say: &'static str) -> Result<()> {
        match self.history.now().object.is_untouched() {
            true => Ok(()),
            false => Err(Error::State(else_say)),
        }
    }
}

const NOTHING_TO_FINISH: Error =
    Error::State("there is nothing to finish: click on the object first");

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (size, clicks, done) = (self.size(), self.clicks().len(), self.finished());
        write!(f, "Session({size}, {clicks} clicks, {done} finished)")
    }
}
