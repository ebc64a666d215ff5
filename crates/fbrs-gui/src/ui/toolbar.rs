//! The row of buttons above the photo.

use egui::{Button, Ui};

use super::Window;
use crate::desk::{Action, Hand};

/// Draws the buttons, each with its key in its tooltip.
pub(super) fn show(window: &mut Window, ui: &mut Ui) {
    let desk = &window.desk;
    let in_hand = desk.current().is_some_and(|current| !current.is_untouched());
    let has_photo = desk.annotation().is_some();
    let selected = !desk.selection().is_empty();
    let hand = desk.hand.clone();
    let (next_undo, next_redo) = (
        desk.annotation().and_then(|annotation| annotation.next_undo()).map(str::to_owned),
        desk.annotation().and_then(|annotation| annotation.next_redo()).map(str::to_owned),
    );
    let is_done = desk.is_done();
    let mut pressed = None;
    ui.horizontal_wrapped(|ui| {
        let mut button = |ui: &mut Ui, action: Action, text: &str, enabled: bool, on: bool| {
            let keys = window.desk.keys.text(action);
            let more = match action {
                Action::Undo => next_undo.as_deref(),
                Action::Redo => next_redo.as_deref(),
                _ => None,
            };
            let more = more.map_or(String::new(), |more| format!(": {more}"));
            let tip = format!("{}{more} ({keys})", action.text());
            let made =
                ui.add_enabled(enabled, Button::selectable(on, text)).on_hover_text(tip.clone());
            let made = made.on_disabled_hover_text(tip);
            if made.clicked() {
                pressed = Some(action);
            }
        };
        button(ui, Action::OpenPhoto, "Open…", true, false);
        button(ui, Action::OpenFolder, "Folder…", true, false);
        ui.separator();
        button(ui, Action::Undo, "Undo", next_undo.is_some(), false);
        button(ui, Action::Redo, "Redo", next_redo.is_some(), false);
        ui.separator();
        button(ui, Action::Finish, "Finish", in_hand, false);
        button(ui, Action::FinishPart, "Part", in_hand, false);
        button(ui, Action::Reset, "Reset", in_hand, false);
        if in_hand && selected {
            button(ui, Action::Cut, "Cut", true, false);
            button(ui, Action::Join, "Join", true, false);
        }
        ui.separator();
        let polygon = |c: bool| matches!(hand, Hand::Polygon { cuts, .. } if cuts == c);
        let brush = |e: bool| matches!(hand, Hand::Brush { erases, .. } if erases == e);
        button(ui, Action::Polygon, "Polygon", has_photo, polygon(false));
        button(ui, Action::Brush, "Brush", has_photo, brush(false));
        button(ui, Action::Eraser, "Eraser", has_photo && (selected || in_hand), brush(true));
        ui.separator();
        button(ui, Action::Fit, "Fit", has_photo, false);
        button(ui, Action::HideOthers, "Hide others", has_photo, window.desk.hides_others);
        ui.separator();
        button(ui, Action::ToggleDone, "Done", has_photo, is_done);
        button(ui, Action::NextUnfinished, "Next", has_photo, false);
        button(ui, Action::Export, "Export…", window.desk.folder.is_some(), false);
        button(ui, Action::Import, "Import…", window.desk.folder.is_some(), false);
        button(ui, Action::KeySheet, "Keys", true, false);
    });
    if let Some(action) = pressed {
        window.act(action);
    }
}
