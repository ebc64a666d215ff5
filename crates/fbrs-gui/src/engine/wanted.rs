//! What the window asks of the engine, and what it hears.

use std::time::Duration;

use fbrs::weights::Fingerprint;
use fbrs::{Click, DeviceChoice, Ending, ImageSpace, Options, Photo, Region};
use fbrs_annotation::Mask;

/// Tells opened photos from one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct PhotoKey(pub(crate) u64);

/// An object as it is wanted: not what to do, but what is to be there.
///
/// Taking back, moving a click and going on with an object are nothing else than other clicks, so
/// that there is one thing to ask for; the engine finds the shortest way there.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// Grows with each thing that is asked for; answers carry it.
    pub(crate) revision: u64,
    pub(crate) key: PhotoKey,
    pub(crate) photo: Photo,
    pub(crate) options: Options,
    /// The mask that the object was begun from.
    pub(crate) start: Option<Mask>,
    /// The clicks of its finished parts.
    pub(crate) parts: Vec<Vec<Click<ImageSpace>>>,
    pub(crate) clicks: Vec<Click<ImageSpace>>,
    /// Probability above which a pixel is object.
    pub(crate) threshold: f32,
}

impl Wanted {
    /// Whether answering `self` is on the way to answering `other`.
    pub(crate) fn leads_to(&self, other: &Self) -> bool {
        let same_base = self.key == other.key
            && self.options == other.options
            && self.start == other.start
            && self.parts == other.parts;
        same_base && other.clicks.starts_with(&self.clicks)
    }
}

/// Which network is to answer, and where.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Choice {
    /// A name, a path, or `default`.
    pub(crate) weights: String,
    pub(crate) device: DeviceChoice,
}

/// The network that answers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ready {
    pub(crate) choice: Choice,
    /// What the network is.
    pub(crate) network: String,
    pub(crate) fingerprint: Option<Fingerprint>,
    /// Where it runs.
    pub(crate) device: String,
    /// How it answers best.
    pub(crate) options: Options,
    /// Whether it takes a mask as an input, so that a mask to start from can be taken back in part.
    pub(crate) sees_mask: bool,
}

/// What is heard while clicks are answered and behind that.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// Weights are being loaded: how far, from 0 to 1.
    Loading(f32),
    /// They are loaded.
    Ready(Box<Ready>),
    /// They cannot be loaded: a sentence. Those from before go on.
    NotLoaded(String),
    /// The network looks at a region of the photo.
    View { revision: u64, region: Option<Region> },
    /// An answer on the way.
    Live(Live),
    /// A click is answered.
    Answered(Answered),
    /// It could not be: a sentence. Nothing has changed.
    Failed { revision: u64, problem: String },
    /// A fault was survived: what is done about it.
    Fault(String),
    /// Nothing more to do.
    Idle { revision: u64 },
}

#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) revision: u64,
    pub(crate) mask: Mask,
    /// Which click, from 0.
    pub(crate) click: usize,
    /// Which evaluation of its search, from 1; 0 for an answer without one.
    pub(crate) evaluation: usize,
    pub(crate) loss: Option<f64>,
}

#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) revision: u64,
    pub(crate) mask: Mask,
    /// How many of the clicks it answers.
    pub(crate) clicks: usize,
    pub(crate) cost: Option<Cost>,
    /// Whether any search on the way was ended by its time.
    pub(crate) by_time: bool,
}

/// What a click took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cost {
    pub(crate) time: Duration,
    pub(crate) evaluations: usize,
    pub(crate) ending: Option<Ending>,
}
