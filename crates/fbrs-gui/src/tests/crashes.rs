//! Engines that fail and files that are not there: the window answers, and no work is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fbrs::Sign;

use super::{Does, Place, Script, at, until, until_answered, until_open};
use crate::desk::{Action, Kind, Remedy};

#[test]
fn an_engine_that_panics_is_started_again_and_the_click_is_answered() {
    let place = Place::new(&["a.png"]);
    let (steps, loads) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let does = vec![Does::Panics, Does::Answers];
    let script = Script { does, steps: steps.clone(), loads: loads.clone() };
    let mut desk = place.desk_with(Box::new(script), "default");
    until_open(&mut desk);
    desk.click(at(50.0, 50.0), Sign::Positive);
    until_answered(&mut desk);
    assert!(desk.answer.mask.as_ref().unwrap().holds(at(50.0, 50.0)));
    assert_eq!((steps.load(Ordering::SeqCst), loads.load(Ordering::SeqCst)), (2, 2));
    assert!(desk.messages.iter().any(|m| m.text.contains("a driver fell over")));
}

#[test]
fn one_that_always_panics_ends_the_click_and_not_the_program() {
    let place = Place::new(&["a.png"]);
    let mut desk = place.desk(&[Does::Panics]);
    until_open(&mut desk);
    desk.click(at(50.0, 50.0), Sign::Positive);
    until(&mut desk, "the end of it", |desk| !desk.answer.is_busy);
    let told = desk.messages.iter().find(|m| m.remedy == Some(Remedy::AskAgain)).unwrap();
    assert!(told.text.contains("cannot be answered"), "{told:?}");
    // On the processor, in the end.
    assert_eq!(desk.ready.as_ref().unwrap().device, "cpu");
    // The click is there, and everything else works.
    assert_eq!(desk.current().unwrap().clicks.len(), 1);
    desk.act(Action::Reset);
    desk.act(Action::Polygon);
    assert!(desk.current().is_none());
}

#[test]
fn one_without_memory_says_so_and_can_be_asked_again() {
    let place = Place::new(&["a.png"]);
    let mut desk = place.desk(&[Does::Refuses, Does::Answers]);
    until_open(&mut desk);
    desk.click(at(50.0, 50.0), Sign::Positive);
    until(&mut desk, "the refusal", |desk| !desk.answer.is_busy);
    let told = desk.messages.last().unwrap().clone();
    assert_eq!((told.kind, told.remedy.clone()), (Kind::Problem, Some(Remedy::AskAgain)));
    assert!(told.text.contains("no memory"));
    desk.remedy(&told.remedy.unwrap());
    until_answered(&mut desk);
    assert!(!desk.answer.mask.as_ref().unwrap().is_empty());
}

#[test]
fn one_that_hangs_stops_nobody() {
    /// Far longer than everything else here takes on the slowest machine.
    const HANGS: Duration = Duration::from_secs(20);
    let place = Place::new(&["a.png"]);
    let mut desk = place.desk(&[Does::Hangs(20_000), Does::Answers]);
    until_open(&mut desk);
    let begin = Instant::now();
    desk.click(at(50.0, 50.0), Sign::Positive);
    desk.click(at(60.0, 50.0), Sign::Positive);
    desk.act(Action::Undo);
    desk.hear();
    desk.act(Action::Cancel);
    desk.act(Action::Polygon);
    desk.act(Action::Cancel);
    desk.save();
    desk.hear();
    assert!(begin.elapsed() < HANGS / 2, "{:?}", begin.elapsed());
    assert!(desk.current().is_none());
    // And the window closes at once.
    desk.close();
    drop(desk);
    assert!(begin.elapsed() < HANGS / 2, "{:?}", begin.elapsed());
}

#[test]
fn missing_weights_offer_the_built_in_ones() {
    let place = Place::new(&["a.png"]);
    let (steps, loads) = (Arc::default(), Arc::default());
    let script = Script { does: vec![Does::Answers], steps, loads };
    let mut desk = place.desk_with(Box::new(script), "missing");
    until(&mut desk, "the problem", |desk| !desk.messages.is_empty());
    assert_eq!(desk.messages[0].remedy, Some(Remedy::BuiltIn));
    until(&mut desk, "the photo", |desk| desk.annotation().is_some());
    // Clicks wait for weights.
    desk.click(at(50.0, 50.0), Sign::Positive);
    desk.remedy(&Remedy::BuiltIn);
    until_answered(&mut desk);
    assert!(desk.answer.mask.as_ref().unwrap().holds(at(50.0, 50.0)));
}

#[test]
fn weights_are_changed_without_a_restart() {
    let place = Place::new(&["a.png"]);
    let mut desk = place.desk(&[Does::Answers]);
    until_open(&mut desk);
    desk.click(at(50.0, 50.0), Sign::Positive);
    until_answered(&mut desk);
    desk.load("others".to_owned(), fbrs::DeviceChoice::Cpu);
    until(&mut desk, "the others", |desk| {
        desk.ready.as_ref().is_some_and(|ready| ready.choice.weights == "others")
    });
    until_answered(&mut desk);
    // Those that are not there change nothing.
    desk.load("missing".to_owned(), fbrs::DeviceChoice::Cpu);
    until(&mut desk, "the problem", |desk| !desk.messages.is_empty());
    assert_eq!(desk.choice().weights, "others");
    desk.click(at(90.0, 50.0), Sign::Positive);
    until_answered(&mut desk);
    assert_eq!(desk.answer.answered, 2);
}

#[test]
fn photos_that_cannot_be_read_are_marked_and_the_others_work() {
    let place = Place::new(&["b.png", "c.png"]);
    std::fs::write(place.path("a.jpg"), b"").unwrap();
    let whole = std::fs::read(place.path("b.png")).unwrap();
    std::fs::write(place.path("d.png"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(place.path("e.png"), b"<!DOCTYPE html>").unwrap();
    let mut desk = place.desk(&[Does::Answers]);
    until(&mut desk, "the problem", |desk| !desk.messages.is_empty());
    let told = desk.messages[0].clone();
    let is_of_it = matches!(&told.remedy, Some(Remedy::ReadAgain(path)) if path.name() == "a.jpg");
    assert!(told.text.contains("a.jpg") && is_of_it, "{told:?}");
    assert!(desk.photos[0].fault.is_some());
    for (name, action) in [("b.png", Action::Next), ("c.png", Action::Next)] {
        desk.act(action);
        until(&mut desk, name, |desk| {
            desk.annotation().is_some() && desk.open.as_ref().unwrap().path.name() == name
        });
    }
    for name in ["d.png", "e.png"] {
        let path = desk.photos.iter().find(|p| p.path.name() == name).unwrap().path.clone();
        desk.open_photo(&path);
        until(&mut desk, name, |desk| {
            desk.photos.iter().any(|p| p.path.name() == name && p.fault.is_some())
        });
    }
    // One that is gone.
    std::fs::remove_file(place.path("b.png")).unwrap();
    // One that is mended can be read again.
    std::fs::write(place.path("a.jpg"), &whole).unwrap();
    desk.remedy(&told.remedy.unwrap());
    until(&mut desk, "a.jpg", |desk| desk.annotation().is_some());
    assert!(desk.photos[0].fault.is_none());
}

#[test]
fn a_document_of_another_photo_is_left_alone_and_said() {
    let place = Place::new(&["a.png"]);
    std::fs::write(place.path("a.png.fbrs.json"), "{\"format\": \"something\"}").unwrap();
    let mut desk = place.desk(&[Does::Answers]);
    until(&mut desk, "the problem", |desk| !desk.messages.is_empty());
    assert!(desk.messages[0].text.contains("a.png.fbrs.json"), "{:?}", desk.messages);
    // The photo can be looked at; clicks would be lost, and are not taken.
    assert!(desk.open.is_some() && desk.annotation().is_none());
    desk.click(at(50.0, 50.0), Sign::Positive);
    desk.close();
    drop(desk);
    let text = std::fs::read_to_string(place.path("a.png.fbrs.json")).unwrap();
    assert_eq!(text, "{\"format\": \"something\"}");
}

#[test]
fn a_project_file_that_is_damaged_is_never_written_over() {
    let place = Place::new(&["a.png"]);
    std::fs::write(place.path("fbrs-project.json"), "{ half of it").unwrap();
    let mut desk = place.desk(&[Does::Answers]);
    until_open(&mut desk);
    assert!(desk.messages[0].text.contains("fbrs-project.json"));
    desk.choose_class_named("cat");
    desk.close();
    drop(desk);
    let text = std::fs::read_to_string(place.path("fbrs-project.json")).unwrap();
    assert_eq!(text, "{ half of it");
}

#[test]
fn folders_that_are_not_there_or_empty_are_said() {
    let place = Place::new(&[]);
    let mut desk = place.desk(&[Does::Answers]);
    until(&mut desk, "what is seen", |desk| desk.unread().is_some());
    assert!(desk.unread().unwrap().0.contains("no photos"));
    desk.open_folder(place.path("none"), None);
    until(&mut desk, "the problem", |desk| desk.messages.iter().any(|m| m.kind == Kind::Problem));
    assert!(desk.messages.iter().any(|m| m.text.contains("none")));
    for action in Action::ALL {
        desk.act(*action);
        desk.hear();
    }
    desk.click(at(1.0, 1.0), Sign::Positive);
}

#[test]
fn a_next_photo_that_cannot_be_read_ahead_is_read_when_it_is_asked_for() {
    let place = Place::new(&["a.png", "c.png"]);
    std::fs::write(place.path("b.jpg"), b"\xff\xd8 and no more").unwrap();
    let mut desk = place.desk(&[Does::Answers]);
    until_open(&mut desk);
    desk.act(Action::Next);
    until(&mut desk, "its fault", |desk| desk.photos[1].fault.is_some());
    assert!(desk.loading_photo().is_none());
    until(&mut desk, "the problem", |desk| desk.messages.iter().any(|m| m.kind == Kind::Problem));
    assert!(desk.unread().unwrap().0.contains("b.jpg"));
    desk.act(Action::Next);
    // What is said of a photo is not said of the next one.
    assert!(desk.messages.iter().all(|message| message.kind != Kind::Problem));
    until(&mut desk, "c.png", |desk| {
        desk.annotation().is_some() && desk.open.as_ref().unwrap().path.name() == "c.png"
    });
    assert_eq!(desk.unread(), None);
}

#[test]
fn a_click_that_failed_is_not_finished_with_the_answer_before() {
    let place = Place::new(&["a.png"]);
    let mut desk = place.desk(&[Does::Answers, Does::Refuses, Does::Answers]);
    until_open(&mut desk);
    desk.click(at(50.0, 50.0), Sign::Positive);
    until_answered(&mut desk);
    desk.click(at(120.0, 50.0), Sign::Positive);
    until(&mut desk, "the refusal", |desk| !desk.answer.is_busy);
    assert!(!desk.is_settled());
    // Finishing asks once more.
    desk.act(Action::Finish);
    until(&mut desk, "the object", |desk| desk.current().is_none());
    let object = &desk.document().unwrap().objects[0];
    assert_eq!(object.clicks.len(), 2);
    assert!(object.mask.holds(at(120.0, 50.0)) && object.mask.holds(at(50.0, 50.0)));
}

/// A finish that comes to nothing must not be tried for ever.
#[test]
fn what_cannot_be_finished_is_left_in_hand() {
    let place = Place::new(&["a.png"]);
    let mut first = place.desk(&[Does::Answers]);
    until_open(&mut first);
    first.click(at(50.0, 50.0), Sign::Positive);
    until_answered(&mut first);
    first.act(Action::Finish);
    first.settings.keep_out = true;
    first.click(at(50.0, 50.0), Sign::Positive);
    until_answered(&mut first);
    for action in [Action::Brush, Action::Polygon, Action::DoneAndNext, Action::Reopen] {
        first.act(action);
        assert_eq!(first.current().unwrap().clicks.len(), 1, "{action:?}");
    }
    // And in a window that only looks.
    let mut second = place.desk(&[Does::Answers]);
    until_open(&mut second);
    until_answered(&mut second);
    for action in Action::ALL {
        second.act(*action);
        second.hear();
    }
    assert_eq!(second.document().unwrap().objects.len(), 1);
}

#[test]
fn photos_of_two_folders_with_one_name_are_not_taken_for_each_other() {
    let (a, b) = (Place::new(&["1.png"]), Place::new(&["1.png"]));
    let mut desk = a.desk(&[Does::Answers]);
    // While the first is being read.
    desk.open_folder(b.folder.path().to_owned(), None);
    until_open(&mut desk);
    desk.click(at(50.0, 50.0), Sign::Positive);
    until_answered(&mut desk);
    desk.act(Action::Finish);
    desk.close();
    drop(desk);
    assert!(b.path("1.png.fbrs.json").exists() && !a.path("1.png.fbrs.json").exists());
}
