//! Work on one photo.

mod answer;
mod changes;
mod history;
mod memory;
mod object;
mod objects;
mod report;
mod work;

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use fbrs_clicks::{Click, ImageSpace, Size};
use fbrs_models::Interrupt;
use fbrs_refine::RefineError;
use image::{ImageBuffer, Luma};

use crate::error::{Error, Result};
use crate::loaded::Loaded;
use crate::options::Options;
use crate::photo::Photo;
use crate::prediction::Prediction;
use crate::view;
use crate::watch::Watch;

use history::{History, Moment};
use object::Object;

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
        loaded.check(&options)?;
        photo.check()?;
        let whole = view::whole(&photo, &options, &loaded)?;
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

    /// What the session holds in memory.
    pub fn memory(&self) -> Memory {
        self.history.memory(&self.photo)
    }

    /// Limits what the session holds beside the photo, in bytes; 1 GiB where this was not called.
    /// What can be computed again to the bit is given up first, then the oldest changes that could
    /// be taken back. What cannot be computed again of the current object is held in any case.
    pub fn set_memory_limit(&mut self, bytes: usize) {
        self.memory_limit = bytes;
        self.history.limit(bytes, &self.photo);
    }

    /// Computes what the network makes of the whole photo alone, so that the first click on each
    /// object need not: for moments in which nobody waits. Answers are the same with and without it.
    /// Networks of the Lite family have most of their work there, those of the published families
    /// nothing.
    ///
    /// # Errors
    /// [`Error::is_cancelled`] where it was cancelled, [`Error::Fault`] where a device's driver
    /// failed.
    pub fn prepare(&mut self, watch: &mut Watch<'_>) -> Result<()> {
        let frame = self.history.now().whole.frame.clone();
        let (network, interrupt) = (&self.loaded.network, Interrupt::by(&watch.token));
        let prepared = || frame.prepare(network, &interrupt);
        match panic::catch_unwind(AssertUnwindSafe(prepared)) {
            Ok(prepared) => prepared.map_err(RefineError::from)?,
            Err(fault) => return Err(Error::fault(fault.as_ref())),
        }
        self.history.limit(self.memory_limit, &self.photo);
        Ok(())
    }

    /// Forgets all changes that could be taken back or made again.
    pub fn forget_history(&mut self) {
        self.history.forget();
    }

    fn advance(&mut self, moment: Moment) -> Result<Prediction> {
        self.set(moment);
        self.prediction().ok_or(NOTHING_TO_FINISH)
    }

    /// Makes a moment the current one.
    fn set(&mut self, moment: Moment) {
        self.history.advance(moment);
        self.history.limit(self.memory_limit, &self.photo);
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
