//! What hands do, as events frame by frame.

use egui::{
    Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, PointerButton, Pos2, TouchPhase, Vec2,
    vec2,
};
use fbrs::Position;

use crate::ui::Window;

type Frames = Vec<Vec<Event>>;

/// Where a pixel of the photo is on the screen; it is brought into sight.
pub(super) fn at(window: &mut Window, [x, y]: [f64; 2]) -> Result<Pos2, String> {
    window.brought_to_screen(Position::at_xy(x, y)).ok_or("no photo is open".to_owned())
}

/// The middle of the photo on the screen.
pub(super) fn middle(window: &mut Window) -> Result<Pos2, String> {
    let size = window.desk.open.as_ref().map(|open| open.photo.size());
    let size = size.ok_or("no photo is open")?;
    at(window, [(size.width / 2) as f64, (size.height / 2) as f64])
}

pub(super) fn press(at: Pos2, button: PointerButton) -> Frames {
    let event =
        |pressed| Event::PointerButton { pos: at, button, pressed, modifiers: Modifiers::NONE };
    vec![vec![Event::PointerMoved(at)], vec![event(true)], vec![event(false)]]
}

pub(super) fn drag(from: Pos2, to: Pos2) -> Frames {
    let event = |pos, pressed| Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    let mut frames = vec![vec![Event::PointerMoved(from)], vec![event(from, true)]];
    for step in 1..=8 {
        let at = from.lerp(to, step as f32 / 8.0);
        frames.push(vec![Event::PointerMoved(at)]);
    }
    frames.push(vec![event(to, false)]);
    frames
}

/// Two fingers on a pad.
pub(super) fn pan(at: Pos2, by: Vec2, frames: usize) -> Frames {
    vec![vec![Event::PointerMoved(at), scroll(MouseWheelUnit::Point, by)]; frames]
}

pub(super) fn wheel(at: Pos2, notches: f32) -> Frames {
    vec![
        vec![Event::PointerMoved(at)],
        vec![Event::PointerMoved(at), scroll(MouseWheelUnit::Line, vec2(0.0, notches))],
    ]
}

fn scroll(unit: MouseWheelUnit, delta: Vec2) -> Event {
    Event::MouseWheel {
        unit,
        delta,
        phase: TouchPhase::Move,
        source: MouseWheelSource::Unknown,
        modifiers: Modifiers::NONE,
    }
}

/// A key, with those before it held.
pub(super) fn key(words: &[&str]) -> Result<Frames, String> {
    let mut modifiers = Modifiers::NONE;
    let mut pressed = None;
    for word in words {
        match *word {
            "Ctrl" => modifiers |= Modifiers::CTRL | Modifiers::COMMAND,
            "Shift" => modifiers |= Modifiers::SHIFT,
            name => pressed = Some(Key::from_name(name).ok_or(format!("“{name}” is no key"))?),
        }
    }
    let key = pressed.ok_or("a key is missing")?;
    let event =
        |pressed| Event::Key { key, physical_key: Some(key), pressed, repeat: false, modifiers };
    Ok(vec![
        vec![Event::ModifiersChanged(modifiers), event(true)],
        vec![event(false), Event::ModifiersChanged(Modifiers::NONE)],
    ])
}
