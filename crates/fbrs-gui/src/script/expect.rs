//! What a script expects.
//!
//! | `expect …` | holds where |
//! |---|---|
//! | `objects N`, `clicks N`, `photos N` | there are so many |
//! | `mask`, `done`, `saved`, `document` | there is one; it is so |
//! | `unsaved`, `nothing` | changes are not in a file yet; no photo is open |
//! | `message TEXT` | it is said in a bar |
//! | `quiet` | nothing is said |

use fbrs_annotation::Document;

use crate::ui::Window;

pub(super) fn check(window: &Window, words: &[&str]) -> Result<(), String> {
    let desk = &window.desk;
    let count = |at: usize| words.get(at).and_then(|word| word.parse::<usize>().ok());
    let same = |what: &str, found: usize| match count(1) {
        Some(expected) if expected == found => Ok(()),
        expected => Err(format!("expected {expected:?} {what}, found {found}")),
    };
    let holds = |holds: bool, what: &str| match holds {
        true => Ok(()),
        false => Err(format!("expected {what}; said was: {:?}", said(window))),
    };
    let objects = desk.document().map_or(0, |document: &Document| document.objects.len());
    match words.first().copied().unwrap_or_default() {
        "objects" => same("objects", objects),
        "clicks" => same("clicks", desk.current().map_or(0, |current| current.clicks.len())),
        "photos" => same("photos", desk.photos.len()),
        "done" => holds(desk.is_done(), "the photo to be done"),
        "saved" => holds(desk.is_saved(), "everything to be saved"),
        "unsaved" => holds(!desk.is_saved(), "changes that are not saved"),
        "document" => holds(desk.document().is_some(), "a document"),
        "nothing" => holds(desk.open.is_none(), "no photo to be open"),
        "mask" => {
            let mask = desk.answer.mask.as_ref();
            holds(mask.is_some_and(|mask| !mask.is_empty()), "a mask")
        }
        "message" => {
            let text = words.get(1..).unwrap_or_default().join(" ");
            let is_said = said(window).iter().any(|said| said.contains(&text));
            holds(is_said, &format!("somebody to say “{text}”"))
        }
        "quiet" => holds(said(window).is_empty(), "nothing to be said"),
        other => Err(format!("“{other}” cannot be expected")),
    }
}

/// Everything that stands in bars.
pub(super) fn said(window: &Window) -> Vec<String> {
    let desk = &window.desk;
    let messages = desk.messages.iter().map(|message| message.text.clone());
    desk.trouble.iter().cloned().chain(messages).collect()
}
