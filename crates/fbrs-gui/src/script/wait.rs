//! What a script waits for.
//!
//! | `until …` | goes on when |
//! |---|---|
//! | `ready` | the weights are loaded |
//! | `listed`, `states` | photos are listed; the state of each is known |
//! | `loaded`, `document` | a photo is there; its document too |
//! | `first`, `sharp` | something of the photo is drawn; nothing new came for a while |
//! | `live` | the last click has an answer on the way, or is answered |
//! | `answered` | all clicks are answered |
//! | `saved` | every change is in a file |
//! | `said` | something is said in a bar |
//! | `idle` | everything is answered, saved and painted |

use std::str::FromStr;
use std::time::{Duration, Instant};

use egui::Context;
use serde_json::json;

use super::{Player, expect, hands};
use crate::ui::Window;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Waits {
    Nothing,
    /// Frames.
    Frames(usize),
    Time(Instant),
    Until {
        what: Until,
        began: Instant,
        /// Since when it is so, and what was counted then.
        since: Option<(Instant, usize)>,
    },
    /// For the picture of that name.
    Picture(String),
    /// For a control that is to be clicked, so many frames.
    Control {
        name: String,
        frames: usize,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    Ready,
    Listed,
    States,
    Loaded,
    Document,
    First,
    Sharp,
    Live,
    Answered,
    Saved,
    Said,
    Idle,
}

impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "ready" => Self::Ready,
            "listed" => Self::Listed,
            "states" => Self::States,
            "loaded" => Self::Loaded,
            "document" => Self::Document,
            "first" => Self::First,
            "sharp" => Self::Sharp,
            "live" => Self::Live,
            "answered" => Self::Answered,
            "saved" => Self::Saved,
            "said" => Self::Said,
            "idle" => Self::Idle,
            other => return Err(format!("“{other}” is nothing to wait for")),
        })
    }
}

/// Longest time until anything comes.
const PATIENCE: Duration = Duration::from_secs(120);

impl Until {
    /// How long it has to be so.
    fn calm(self) -> Duration {
        match self {
            Self::Idle => Duration::from_millis(250),
            Self::Sharp => Duration::from_millis(700),
            _ => Duration::ZERO,
        }
    }

    /// Whether it is so, and a count that must not change while it is.
    fn holds(self, window: &Window, ctx: &Context) -> Option<usize> {
        let desk = &window.desk;
        let clicks = desk.current().map_or(0, |current| current.clicks.len());
        let is_answered = !desk.answer.is_busy && desk.answer.answered >= clicks;
        let holds = match self {
            Self::Ready => desk.ready.is_some(),
            Self::Listed => !desk.photos.is_empty(),
            Self::States => {
                !desk.photos.is_empty() && desk.photos.iter().all(|item| item.state.is_some())
            }
            Self::Loaded => desk.open.is_some(),
            Self::Document => desk.annotation().is_some() && desk.loading_photo().is_none(),
            Self::First => photo_textures(ctx) > 0,
            Self::Sharp => {
                let count = photo_textures(ctx);
                return (count > 0 && desk.open.is_some()).then_some(count);
            }
            Self::Live => {
                let live = desk.answer.live.is_some_and(|(click, ..)| click + 1 >= clicks);
                is_answered || (live && desk.answer.mask.is_some())
            }
            Self::Answered => is_answered,
            Self::Saved => desk.is_saved(),
            Self::Said => !expect::said(window).is_empty(),
            Self::Idle => window.is_idle(),
        };
        holds.then_some(0)
    }
}

/// Pieces of photos that the graphics have.
fn photo_textures(ctx: &Context) -> usize {
    let textures = ctx.tex_manager();
    let textures = textures.read();
    textures.allocated().filter(|(_, meta)| meta.name == "photo").count()
}

impl Waits {
    pub(super) fn until(what: Until) -> Self {
        Self::Until { what, began: Instant::now(), since: None }
    }
}

impl Player {
    /// Whether the script can go on; a sentence where it never can.
    pub(super) fn has_waited(&mut self, window: &Window, ctx: &Context) -> Result<bool, String> {
        let now = Instant::now();
        match &mut self.waits {
            Waits::Nothing => {}
            Waits::Frames(0) => {}
            Waits::Frames(count) => {
                *count -= 1;
                return Ok(false);
            }
            Waits::Time(until) if now < *until => return Ok(false),
            Waits::Time(_) => {}
            Waits::Picture(_) => return Ok(false),
            Waits::Until { what, began, since } => {
                let what = *what;
                if now.duration_since(*began) > PATIENCE {
                    return Err(format!("{what:?} was waited for in vain"));
                }
                let Some(count) = what.holds(window, ctx) else {
                    *since = None;
                    return Ok(false);
                };
                let (from, known) = *since.get_or_insert((now, count));
                if known != count {
                    *since = Some((now, count));
                    return Ok(false);
                }
                if now.duration_since(from) < what.calm() {
                    return Ok(false);
                }
                let after = from.saturating_duration_since(self.touched).as_secs_f64();
                let late = now.duration_since(from).as_secs_f64();
                let entry = json!({"until": format!("{what:?}"), "after": after, "ago": late});
                self.log.keep(entry);
            }
            Waits::Control { name, frames } => {
                if let Some(at) = self.controls.find(name) {
                    self.events.extend(hands::press(at, egui::PointerButton::Primary));
                    self.waits = Waits::Nothing;
                    return Ok(false);
                }
                if *frames == 0 {
                    let known = self.controls.names().join(", ");
                    return Err(format!("no control is called “{name}”; there are: {known}"));
                }
                *frames -= 1;
                return Ok(false);
            }
        }
        self.waits = Waits::Nothing;
        Ok(true)
    }
}
