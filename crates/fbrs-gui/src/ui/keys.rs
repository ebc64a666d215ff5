//! From keys to what they do.

use egui::{Context, Event, Key, Modifiers};

use super::Window;
use crate::desk::Action;

/// Does what the keys say that were pressed since the last frame.
pub(super) fn press(window: &mut Window, ctx: &Context) {
    if window.dialogs.is_modal() || window.dialogs.wants_key() {
        // Dialogs have their own; Esc closes them.
        if !window.dialogs.wants_key() && ctx.input(|input| input.key_pressed(Key::Escape)) {
            window.dialogs.close_one();
        }
        return;
    }
    let writes = ctx.egui_wants_keyboard_input() && ctx.text_edit_focused();
    // The canvas is no control: its keys are the annotator's.
    let focused = ctx.memory(|memory| memory.focused());
    let has_focus = focused.is_some_and(|id| Some(id) != window.sheet.id);
    let events = ctx.input(|input| input.raw.events.clone());
    for event in events {
        let Event::Key { key, physical_key, pressed: true, repeat, modifiers } = event else {
            continue;
        };
        if writes && (!modifiers.command || is_text(key)) {
            continue;
        }
        if has_focus && !modifiers.command && is_of_controls(key) {
            continue;
        }
        if !modifiers.command && !modifiers.alt && window.move_pointer(key, modifiers.shift) {
            continue;
        }
        let action = window.desk.keys.action(key, physical_key, modifiers);
        let digit = digit(key, physical_key).filter(|_| modifiers == Modifiers::NONE);
        // A sign that is written where others have a digit is that sign.
        if let Some(digit) = digit.filter(|_| action.is_none()) {
            if !repeat {
                window.desk.press_digit(digit);
            }
            continue;
        }
        if let Some(action) = action.filter(|action| !repeat || repeats(*action)) {
            window.act(action);
        }
    }
}

/// Keys that texts need beside Ctrl.
fn is_text(key: Key) -> bool {
    matches!(
        key,
        Key::A
            | Key::C
            | Key::V
            | Key::X
            | Key::Y
            | Key::Z
            | Key::ArrowLeft
            | Key::ArrowRight
            | Key::ArrowUp
            | Key::ArrowDown
            | Key::Backspace
            | Key::Delete
            | Key::Home
            | Key::End
    )
}

/// Keys that the control has that was reached with Tab.
fn is_of_controls(key: Key) -> bool {
    matches!(
        key,
        Key::Space | Key::Enter | Key::ArrowLeft | Key::ArrowRight | Key::ArrowUp | Key::ArrowDown
    )
}

/// Whether holding the key does it again and again.
fn repeats(action: Action) -> bool {
    matches!(
        action,
        Action::Undo
            | Action::Redo
            | Action::Previous
            | Action::Next
            | Action::SelectNext
            | Action::SelectPrevious
            | Action::BrushSmaller
            | Action::BrushLarger
            | Action::ZoomIn
            | Action::ZoomOut
            | Action::PanUp
            | Action::PanDown
            | Action::PanLeft
            | Action::PanRight
    )
}

/// The number keys act by their place: on a French keyboard digits need Shift.
fn digit(key: Key, physical: Option<Key>) -> Option<char> {
    let of = |key: Key| {
        let name = key.name();
        let mut letters = name.chars();
        letters.next().filter(|c| c.is_ascii_digit() && letters.next().is_none())
    };
    of(key).or_else(|| physical.and_then(of))
}
