use std::fmt;
use std::sync::Arc;

use fbrs_clicks::{Region, Size};
use fbrs_models::CancelToken;
use fbrs_refine::Logits;

use crate::prediction::{CropAnswer, Floor, Prediction};
use crate::view::Seen;

/// What is seen of a click while it is answered, in this order.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A click begins to be answered: one, or one of several that are replayed.
    Click {
        /// Its place among the object's clicks, from 0.
        index: usize,
        /// Number of the object's clicks when all are answered.
        count: usize,
    },
    /// The network is about to look.
    View {
        /// At which part of the photo; `None` for all of it.
        region: Option<Region>,
        /// At which size.
        crop: Size,
    },
    /// The network has run up to where refinement acts.
    Features {
        /// Whether they are those of an earlier click.
        cached: bool,
    },
    /// The answer of a click without a search: first clicks, and all without refinement.
    Plain(LiveAnswer<'a>),
    /// An evaluation of a click's search.
    Evaluation {
        /// Its number within the click, from 1.
        number: usize,
        /// The objective's value, regularization included.
        loss: f64,
        /// The answer as it stands.
        answer: LiveAnswer<'a>,
    },
}

/// An answer on the way; computed as a prediction only when asked for.
#[derive(Clone, Copy)]
pub struct LiveAnswer<'a> {
    pub(crate) logits: &'a Logits,
    pub(crate) seen: &'a Seen,
    pub(crate) size: Size,
    pub(crate) floor: Option<&'a Arc<Floor>>,
}

impl LiveAnswer<'_> {
    /// The prediction as it stands. It takes memory for what the network saw, not for the photo.
    pub fn prediction(&self) -> Prediction {
        let answer = Arc::new(answer(self.seen, self.logits));
        Prediction::new(self.size, Some(answer), self.floor.cloned())
    }
}

impl fmt::Debug for LiveAnswer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LiveAnswer({} of {})", self.seen.frame.size(), self.size)
    }
}

/// The probabilities of each crop: the mean of its logits and its mirror image's.
pub(crate) fn answer(seen: &Seen, logits: &Logits) -> CropAnswer {
    match seen.frame.is_flipped() {
        true => CropAnswer::new(seen.transforms.clone(), &logits.unflipped()),
        false => CropAnswer::new(seen.transforms.clone(), logits),
    }
}

type OnEvent<'a> = &'a mut dyn FnMut(&Event<'_>);

/// How a call is watched and called off.
///
/// A token belongs to the calls that it is given to: cancelled before such a call, while it runs or
/// between two evaluations, it ends the call, whose session is then as before.
///
/// ```
/// use fbrs::{CancelToken, Event, Watch};
///
/// let token = CancelToken::new();
/// let mut see = |event: &Event<'_>| println!("{event:?}");
/// let watch = Watch::new().cancelled_by(&token).seen_by(&mut see);
/// ```
#[derive(Default)]
pub struct Watch<'a> {
    pub(crate) token: CancelToken,
    on_event: Option<OnEvent<'a>>,
}

impl<'a> Watch<'a> {
    /// Nobody watches.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the call once the token is cancelled.
    #[must_use]
    pub fn cancelled_by(self, token: &CancelToken) -> Self {
        Self { token: token.clone(), ..self }
    }

    /// Shows the call every [`Event`].
    #[must_use]
    pub fn seen_by(self, on_event: &'a mut dyn FnMut(&Event<'_>)) -> Self {
        Self { on_event: Some(on_event), ..self }
    }

    pub(crate) fn see(&mut self, event: &Event<'_>) {
        if let Some(on_event) = &mut self.on_event {
            on_event(event);
        }
    }
}

impl fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let watched = self.on_event.is_some();
        f.debug_struct("Watch").field("token", &self.token).field("watched", &watched).finish()
    }
}
