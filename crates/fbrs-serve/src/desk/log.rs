//! What was done in a session: enough to do it again.

use fbrs::{Click, ImageSpace, Options, Position, Session, Watch};
use image::GrayImage;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::names::ImageHash;
use crate::problem::Result;

/// A click as requests and answers write it: pixels of the photo, 0, 0 in the middle of the first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClickAt {
    /// Column.
    pub(crate) x: f64,
    /// Row.
    pub(crate) y: f64,
    /// Whether it is on the object.
    pub(crate) positive: bool,
}

impl From<ClickAt> for Click<ImageSpace> {
    fn from(click: ClickAt) -> Self {
        match click.positive {
            true => Click::positive_at(click.x, click.y),
            false => Click::negative_at(click.x, click.y),
        }
    }
}

impl From<Click<ImageSpace>> for ClickAt {
    fn from(click: Click<ImageSpace>) -> Self {
        let position: Position<ImageSpace> = click.position;
        Self { x: position.x(), y: position.y(), positive: click.is_positive() }
    }
}

/// A change of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    Click(ClickAt),
    Reset,
    Finish {
        threshold: f32,
    },
    /// A mask, by the name of its file.
    StartMask(ImageHash),
}

/// What a session was made of and what was done in it since, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) image: ImageHash,
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Digest of the token that the session belongs to; empty where there was none.
    pub(crate) owner: String,
    /// Fingerprint of the network that answers.
    pub(crate) weights: String,
    pub(crate) options: Options,
    pub(crate) done: Vec<Change>,
    /// What was taken back and can be done again, the next last.
    pub(crate) undone: Vec<Change>,
}

impl Log {
    /// Clicks of the object in hand.
    pub(crate) fn clicks(&self) -> Vec<ClickAt> {
        let clicks = self.done.iter().rev().map_while(|change| match change {
            Change::Click(click) => Some(*click),
            _ => None,
        });
        let mut clicks: Vec<_> = clicks.collect();
        clicks.reverse();
        clicks
    }

    /// Number of finished objects.
    pub(crate) fn finished(&self) -> usize {
        self.done.iter().filter(|change| matches!(change, Change::Finish { .. })).count()
    }

    /// Whether the object in hand was begun.
    pub(crate) fn is_untouched(&self) -> bool {
        matches!(self.done.last(), None | Some(Change::Reset | Change::Finish { .. }))
    }

    /// Adds a change; what was taken back before it cannot be done again.
    pub(crate) fn push(&mut self, change: Change) {
        self.undone.clear();
        self.done.push(change);
    }

    pub(crate) fn undo(&mut self) {
        self.undone.extend(self.done.pop());
    }

    pub(crate) fn redo(&mut self) {
        self.done.extend(self.undone.pop());
    }

    /// What would be done again next.
    pub(crate) fn next(&self) -> Option<&Change> {
        self.undone.last()
    }
}

impl Change {
    /// Makes the change in a session.
    ///
    /// # Errors
    /// Whatever the session says; `mask` finds a mask by its name.
    pub(crate) fn make(
        &self,
        session: &mut Session,
        watch: &mut Watch<'_>,
        mask: impl Fn(&ImageHash) -> Result<GrayImage>,
    ) -> Result<()> {
        match self {
            Self::Click(click) => session.click_with((*click).into(), watch).map(drop)?,
            Self::Reset => session.reset(),
            Self::Finish { threshold } => session.finish(*threshold).map(drop)?,
            Self::StartMask(name) => session.start_from_mask(&mask(name)?)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn click(x: f64) -> Change {
        Change::Click(ClickAt { x, y: 1.0, positive: true })
    }

    fn log() -> Log {
        Log {
            image: ImageHash::of(b"photo"),
            width: 64,
            height: 48,
            owner: String::new(),
            weights: "w".to_owned(),
            options: Options::default(),
            done: Vec::new(),
            undone: Vec::new(),
        }
    }

    #[test]
    fn the_object_in_hand_is_what_came_after_the_last_end() {
        let mut log = log();
        assert!(log.is_untouched());
        for change in [click(1.0), Change::Finish { threshold: 0.5 }, click(2.0), click(3.0)] {
            log.push(change);
        }
        let places = |log: &Log| log.clicks().iter().map(|click| click.x).collect::<Vec<_>>();
        assert_eq!((places(&log), log.finished()), (vec![2.0, 3.0], 1));
        log.undo();
        log.undo();
        assert_eq!((places(&log), log.is_untouched()), (vec![], true));
        log.redo();
        assert_eq!(places(&log), [2.0]);
        log.push(click(4.0));
        assert!(log.undone.is_empty());
    }

    #[test]
    fn a_log_comes_back_from_its_text() -> serde_json::Result<()> {
        let mut log = log();
        log.push(Change::StartMask(ImageHash::of(b"mask")));
        log.push(click(1.5));
        log.undo();
        let text = serde_json::to_string(&log)?;
        assert_eq!(serde_json::from_str::<Log>(&text)?, log);
        assert!(serde_json::from_str::<Log>(&text.replace("sha256:", "sha1:")).is_err());
        Ok(())
    }
}
