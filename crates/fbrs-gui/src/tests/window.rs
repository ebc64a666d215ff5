//! The window, drawn by nobody: keys, names, hands.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, PointerButton, Pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};

use super::{Does, Place, at};
use crate::desk::{Action, Hand};
use crate::ui::Window;

fn window(place: &Place, does: &[Does]) -> Harness<'static, Window> {
    let desk = place.desk(does);
    let window = Window::new(desk, Arc::new(|| ()));
    let harness = Harness::builder().with_size(vec2(1200.0, 800.0)).with_max_steps(64);
    let mut harness = harness.build_ui_state(|ui, window: &mut Window| window.ui(ui), window);
    until(&mut harness, "the photo", |window| {
        window.desk.annotation().is_some() && window.desk.ready.is_some()
    });
    harness
}

fn until(harness: &mut Harness<'_, Window>, what: &str, holds: impl Fn(&Window) -> bool) {
    let begin = Instant::now();
    while !holds(harness.state()) {
        assert!(begin.elapsed() < Duration::from_secs(30), "{what} never came");
        std::thread::sleep(Duration::from_millis(2));
        harness.step();
    }
    harness.step();
    harness.step();
}

fn until_answered(harness: &mut Harness<'_, Window>) {
    until(harness, "the answer", |window| {
        window.desk.current().is_none() || window.desk.is_settled()
    });
}

fn press(harness: &mut Harness<'_, Window>, key: Key, modifiers: Modifiers) {
    harness.key_press_modifiers(modifiers, key);
    harness.step();
    harness.step();
}

fn screen(harness: &mut Harness<'_, Window>, x: f64, y: f64) -> Pos2 {
    harness.state_mut().brought_to_screen(at(x, y)).unwrap()
}

fn click(
    harness: &mut Harness<'_, Window>,
    x: f64,
    y: f64,
    button: PointerButton,
    held: Modifiers,
) {
    let pos = screen(harness, x, y);
    harness.event(Event::PointerMoved(pos));
    harness.step();
    for pressed in [true, false] {
        harness.event(Event::ModifiersChanged(held));
        harness.event(Event::PointerButton { pos, button, pressed, modifiers: held });
        harness.step();
    }
    harness.event(Event::ModifiersChanged(Modifiers::NONE));
    harness.step();
}

fn drag(
    harness: &mut Harness<'_, Window>,
    from: (f64, f64),
    to: (f64, f64),
    button: PointerButton,
) {
    let (from, to) = (screen(harness, from.0, from.1), screen(harness, to.0, to.1));
    let event =
        |pos, pressed| Event::PointerButton { pos, button, pressed, modifiers: Modifiers::NONE };
    harness.event(Event::PointerMoved(from));
    harness.step();
    harness.event(event(from, true));
    harness.step();
    for step in 1..=5 {
        harness.event(Event::PointerMoved(from.lerp(to, step as f32 / 5.0)));
        harness.step();
    }
    harness.event(event(to, false));
    harness.step();
    harness.step();
}

#[test]
fn hands_click_drag_and_pan() {
    let place = Place::new(&["a.png"]);
    let mut harness = window(&place, &[Does::Answers]);
    click(&mut harness, 50.0, 60.0, PointerButton::Primary, Modifiers::NONE);
    until_answered(&mut harness);
    click(&mut harness, 100.0, 60.0, PointerButton::Secondary, Modifiers::NONE);
    click(&mut harness, 100.0, 90.0, PointerButton::Primary, Modifiers::SHIFT);
    until_answered(&mut harness);
    let clicks = harness.state().desk.current().unwrap().clicks.clone();
    let told: Vec<_> =
        clicks.iter().map(|c| (c.position.x(), c.position.y(), c.is_positive())).collect();
    assert_eq!(told, [(50.0, 60.0, true), (100.0, 60.0, false), (100.0, 90.0, false)]);
    // A click is dragged to another pixel.
    drag(&mut harness, (50.0, 60.0), (70.0, 40.0), PointerButton::Primary);
    until_answered(&mut harness);
    let moved = harness.state().desk.current().unwrap().clicks[0];
    assert_eq!((moved.position.x(), moved.position.y()), (70.0, 40.0));
    // Dragging anything else pans, and is no click.
    for button in [PointerButton::Secondary, PointerButton::Middle, PointerButton::Primary] {
        let before = screen(&mut harness, 20.0, 20.0);
        drag(&mut harness, (20.0, 20.0), (24.0, 28.0), button);
        let after = screen(&mut harness, 20.0, 20.0);
        assert!((after - before).length() > 10.0, "{button:?}: {before} {after}");
    }
    assert_eq!(harness.state().desk.current().unwrap().clicks.len(), 3);
    // Turned around and taken away under the pointer.
    let pos = screen(&mut harness, 100.0, 60.0);
    harness.event(Event::PointerMoved(pos));
    harness.step();
    press(&mut harness, Key::I, Modifiers::NONE);
    assert!(harness.state().desk.current().unwrap().clicks[1].is_positive());
    press(&mut harness, Key::Delete, Modifiers::NONE);
    assert_eq!(harness.state().desk.current().unwrap().clicks.len(), 2);
    until_answered(&mut harness);
    press(&mut harness, Key::Space, Modifiers::NONE);
    until_answered(&mut harness);
    assert_eq!(harness.state().desk.document().unwrap().objects.len(), 1);
    // Ctrl and a click select.
    assert!(harness.state().desk.selection().is_empty());
    click(&mut harness, 70.0, 40.0, PointerButton::Primary, Modifiers::COMMAND | Modifiers::CTRL);
    assert_eq!(harness.state().desk.selection(), [1]);
}

#[test]
fn the_demo_s_keys_work() {
    let place = Place::new(&["a.png", "b.png"]);
    let mut harness = window(&place, &[Does::Answers]);
    click(&mut harness, 30.0, 30.0, PointerButton::Primary, Modifiers::NONE);
    until_answered(&mut harness);
    // A: a part is finished; Space: the object.
    press(&mut harness, Key::A, Modifiers::NONE);
    click(&mut harness, 120.0, 90.0, PointerButton::Primary, Modifiers::NONE);
    until_answered(&mut harness);
    press(&mut harness, Key::Space, Modifiers::NONE);
    until_answered(&mut harness);
    assert_eq!(harness.state().desk.document().unwrap().objects[0].parts.len(), 1);
    // Undo and redo.
    press(&mut harness, Key::Z, Modifiers::COMMAND | Modifiers::CTRL);
    assert!(harness.state().desk.document().unwrap().objects.is_empty());
    press(&mut harness, Key::Y, Modifiers::COMMAND | Modifiers::CTRL);
    assert_eq!(harness.state().desk.document().unwrap().objects.len(), 1);
    // The next photo, and back.
    for (key, name) in [(Key::ArrowRight, "b.png"), (Key::ArrowLeft, "a.png")] {
        press(&mut harness, key, Modifiers::NONE);
        until(&mut harness, name, |window| {
            window.desk.annotation().is_some()
                && window.desk.open.as_ref().is_some_and(|open| open.path.name() == name)
        });
    }
    // The wheel zooms at the pointer.
    let pos = screen(&mut harness, 60.0, 50.0);
    harness.event(Event::PointerMoved(pos));
    harness.step();
    harness.event(Event::MouseWheel {
        unit: egui::MouseWheelUnit::Line,
        delta: vec2(0.0, 3.0),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
        modifiers: Modifiers::NONE,
    });
    harness.step();
    let after = screen(&mut harness, 60.0, 50.0);
    assert!((after - pos).length() < 0.5, "{pos} {after}");
    let far = (screen(&mut harness, 70.0, 50.0) - after).x;
    press(&mut harness, Key::F, Modifiers::NONE);
    let near = screen(&mut harness, 70.0, 50.0) - screen(&mut harness, 60.0, 50.0);
    assert!(far > 1.6 * near.x, "{far} {near}");
    // The wheel has no click.
    assert!(harness.state().desk.current().is_none());
}

#[test]
fn all_of_it_goes_by_keyboard_alone() {
    let place = Place::new(&["a.png"]);
    let mut harness = window(&place, &[Does::Answers]);
    press(&mut harness, Key::P, Modifiers::NONE);
    let pointer = harness.state().desk.pointer.unwrap();
    press(&mut harness, Key::ArrowRight, Modifiers::NONE);
    press(&mut harness, Key::ArrowDown, Modifiers::SHIFT);
    let moved = harness.state().desk.pointer.unwrap();
    assert_eq!((moved.x() - pointer.x(), moved.y() - pointer.y()), (1.0, 10.0));
    press(&mut harness, Key::Period, Modifiers::NONE);
    until_answered(&mut harness);
    for _ in 0..4 {
        press(&mut harness, Key::ArrowLeft, Modifiers::SHIFT);
    }
    press(&mut harness, Key::Comma, Modifiers::NONE);
    until_answered(&mut harness);
    let clicks = harness.state().desk.current().unwrap().clicks.clone();
    assert_eq!(clicks.iter().map(|click| click.is_positive()).collect::<Vec<_>>(), [true, false]);
    // A class by its name.
    press(&mut harness, Key::C, Modifiers::NONE);
    harness.event(Event::Text("stone".to_owned()));
    harness.step();
    press(&mut harness, Key::Enter, Modifiers::NONE);
    press(&mut harness, Key::Space, Modifiers::NONE);
    until_answered(&mut harness);
    let desk = &harness.state().desk;
    assert_eq!(desk.document().unwrap().objects[0].class, Some(1));
    assert_eq!(desk.project.named("stone").map(|class| class.id), Some(1));
    // Every action has a key that does it, and none of them is lost to a control.
    for action in Action::ALL {
        assert!(desk.keys.of(*action).next().is_some(), "{action:?}");
    }
}

#[test]
fn texts_keep_their_keys() {
    let place = Place::new(&["a.png"]);
    let mut harness = window(&place, &[Does::Answers]);
    let search = harness.get_by_label("Search photos by name");
    search.focus();
    harness.step();
    for (key, text) in [(Key::B, "b"), (Key::G, "g"), (Key::Num1, "1"), (Key::Space, " ")] {
        harness.event(Event::Text(text.to_owned()));
        press(&mut harness, key, Modifiers::NONE);
    }
    assert_eq!(harness.state().desk.search, "bg1 ");
    assert_eq!(harness.state().desk.hand, Hand::Click);
    assert!(harness.state().desk.messages.is_empty());
}

#[test]
fn every_control_has_a_name() {
    let place = Place::new(&["a.png", "b.png"]);
    let mut harness = window(&place, &[Does::Answers]);
    harness.state_mut().desk.choose_class_named("stone");
    click(&mut harness, 50.0, 60.0, PointerButton::Primary, Modifiers::NONE);
    until_answered(&mut harness);
    press(&mut harness, Key::Space, Modifiers::NONE);
    until_answered(&mut harness);
    let look = |harness: &mut Harness<'_, Window>, what: &str| {
        harness.step();
        harness.step();
        let unnamed: Vec<String> = harness
            .root()
            .children_recursive()
            .filter(|node| {
                let node = node.accesskit_node();
                let is_control = matches!(
                    node.role(),
                    Role::Button
                        | Role::CheckBox
                        | Role::ComboBox
                        | Role::TextInput
                        | Role::SearchInput
                        | Role::Slider
                        | Role::SpinButton
                        | Role::ListItem
                        | Role::Link
                        | Role::ColorWell
                        | Role::Canvas
                );
                let has_name = node.label().is_some_and(|label| !label.trim().is_empty())
                    || node.labelled_by().next().is_some()
                    || node.value().is_some_and(|value| !value.trim().is_empty());
                is_control && !has_name
            })
            .map(|node| format!("{:?}", node.accesskit_node().role()))
            .collect();
        assert!(unnamed.is_empty(), "{what}: {unnamed:?}");
    };
    look(&mut harness, "at the beginning");
    harness.get_by_label("Parameters").click();
    look(&mut harness, "parameters");
    for (key, held, what) in [
        (Key::F1, Modifiers::NONE, "keys"),
        (Key::C, Modifiers::NONE, "classes"),
        (Key::E, Modifiers::COMMAND | Modifiers::CTRL, "export"),
    ] {
        press(&mut harness, key, held);
        look(&mut harness, what);
        press(&mut harness, Key::Escape, Modifiers::NONE);
    }
    harness.get_by_label_contains("scripted on").click();
    look(&mut harness, "weights");
}

#[test]
fn buttons_do_what_they_say() {
    let place = Place::new(&["a.png", "b.png"]);
    let mut harness = window(&place, &[Does::Answers]);
    click(&mut harness, 50.0, 60.0, PointerButton::Primary, Modifiers::NONE);
    until_answered(&mut harness);
    harness.get_by_label_contains("Finish").click();
    harness.step();
    until_answered(&mut harness);
    assert_eq!(harness.state().desk.document().unwrap().objects.len(), 1);
    harness.get_by_label("Hide object 1").click();
    harness.step();
    harness.step();
    assert!(!harness.state().desk.document().unwrap().objects[0].visible);
    harness.get_by_label_contains("Undo").click();
    harness.step();
    harness.step();
    assert!(harness.state().desk.document().unwrap().objects[0].visible);
    harness.get_by_label("b.png: untouched").click();
    harness.step();
    until(&mut harness, "b.png", |window| {
        window.desk.annotation().is_some()
            && window.desk.open.as_ref().is_some_and(|open| open.path.name() == "b.png")
    });
}
