use std::fmt;
use std::sync::Arc;

use fbrs_clicks::{Click, ImageSpace};

use super::object::Object;
use super::report::ClickReport;
use crate::loaded::Loaded;
use crate::options::Options;
use crate::photo::Photo;
use crate::prediction::Prediction;
use crate::view::Seen;

/// An object that was taken out of its session, to be gone on with later: with its clicks, all that
/// answering the next one depends on, and the options that it was answered under. Cloning is cheap.
#[derive(Clone)]
pub struct Work {
    pub(super) loaded: Arc<Loaded>,
    pub(super) photo: Photo,
    pub(super) options: Arc<Options>,
    pub(super) whole: Seen,
    pub(super) object: Object,
}

impl Work {
    /// The object's clicks, in time order.
    pub fn clicks(&self) -> impl ExactSizeIterator<Item = Click<ImageSpace>> + '_ {
        self.object.clicks()
    }

    /// The object's prediction.
    pub fn prediction(&self) -> Option<Prediction> {
        self.object.prediction(self.photo.size())
    }

    /// How its clicks were answered.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// How its last click was answered; `None` where it has none.
    pub fn report(&self) -> Option<&ClickReport> {
        self.object.last().map(|state| &state.report)
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Work({} clicks, {})", self.object.past.len(), self.options.refine.mode)
    }
}
