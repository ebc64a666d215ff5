//! Who answers clicks: the network, or a script in tests.

use fbrs::{CancelToken, Photo};

use super::wanted::{Answered, Choice, PhotoKey, Ready, Wanted};

/// What is seen of an answer on its way: its mask is made only where somebody asks for it.
pub(crate) enum Progress<'a> {
    View(Option<fbrs::Region>),
    Live {
        click: usize,
        evaluation: usize,
        loss: Option<f64>,
        mask: &'a dyn Fn() -> fbrs_annotation::Mask,
    },
}

/// Why clicks were not answered.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// Somebody called it off.
    Cancelled,
    /// A sentence, with what to do.
    Problem(String),
    /// The device failed: it has to be opened again.
    Lost(String),
}

/// Answers clicks on photos.
pub(crate) trait Answerer: Send {
    /// What it is.
    fn ready(&self) -> Ready;

    /// Goes one click towards what is wanted. The last answer has all of its clicks.
    fn step(
        &mut self,
        wanted: &Wanted,
        token: &CancelToken,
        see: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Answered, Unanswered>;

    /// The object in hand is finished or was put aside.
    fn put_aside(&mut self, key: PhotoKey);

    /// Looks at a photo before anybody clicks.
    fn prepare(
        &mut self,
        key: PhotoKey,
        photo: &Photo,
        options: &fbrs::Options,
        token: &CancelToken,
    );

    /// A photo is no longer open.
    fn close(&mut self, key: PhotoKey);
}

/// Loads answerers. `on_progress` hears how far it is, from 0 to 1.
pub(crate) trait Load: Send {
    fn load(
        &mut self,
        choice: &Choice,
        on_progress: &mut dyn FnMut(f32),
    ) -> Result<Box<dyn Answerer>, String>;
}
