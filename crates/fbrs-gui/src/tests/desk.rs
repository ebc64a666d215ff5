//! Clicks, objects, classes, photos: the desk with a scripted engine, and with the built-in network.

use fbrs::{Sign, Watch};
use fbrs_annotation::{Document, Keeper, PhotoState, Project, file};

use super::{Does, Place, RADIUS, at, names, until, until_answered, until_open};
use crate::desk::{Action, Desk, Filter, Hand};

fn click(desk: &mut Desk, x: f64, y: f64, sign: Sign) {
    desk.click(at(x, y), sign);
    until_answered(desk);
}

fn object(desk: &mut Desk, x: f64, y: f64) {
    click(desk, x, y, Sign::Positive);
    desk.act(Action::Finish);
    until(desk, "the object", |desk| desk.current().is_none());
}

fn document(desk: &Desk) -> Document {
    desk.document().unwrap().clone()
}

#[test]
fn clicks_make_objects_and_the_next_click_begins_the_next_one() {
    let place = Place::new(&["a.png"]);
    let mut desk = place.desk(&[Does::Answers]);
    until_open(&mut desk);
    object(&mut desk, 40.0, 40.0);
    object(&mut desk, 100.0, 60.0);
    let found = document(&desk);
    assert_eq!(found.objects.iter().map(|object| object.id).collect::<Vec<_>>(), [1, 2]);
    assert!(found.objects.iter().all(|object| !object.edited && object.origin.repeatable));
    assert_eq!(found.objects[0].clicks.len(), 1);
    assert!(found.objects[1].mask.holds(at(100.0, 60.0)));
    assert_eq!(found.objects[1].origin.threshold, Some(0.5));
}

#[test]
fn everything_is_on_the_disk_before_it_is_answered_and_after_a_restart() {
    let place = Place::new(&["a.png", "b.png"]);
    let mut desk = place.desk(&[Does::Searches]);
    until_open(&mut desk);
    desk.click(at(50.0, 50.0), Sign::Positive);
    until(&mut desk, "a live answer", |desk| desk.answer.live.is_some());
    // The engine is at work, and the click is in the journal.
    let journal = std::fs::read_to_string(place.path("a.png.fbrs.journal")).unwrap();
    assert!(journal.contains("\"op\":\"click\""), "{journal}");
    // As a crash leaves it: the window is gone without a word.
    std::mem::forget(desk);
    std::fs::copy(place.path("a.png.fbrs.journal"), place.path("copy")).unwrap();
    std::fs::remove_file(place.path("a.png.fbrs.journal")).unwrap();
    std::fs::rename(place.path("copy"), place.path("a.png.fbrs.journal")).unwrap();
    let mut desk = place.desk(&[Does::Answers]);
    until_open(&mut desk);
    until_answered(&mut desk);
    assert_eq!(desk.current().unwrap().clicks.len(), 1);
    assert!(desk.answer.mask.as_ref().unwrap().holds(at(50.0, 50.0)));
    // What was in hand is not given up by Esc.
    desk.act(Action::Cancel);
    assert_eq!(desk.current().unwrap().clicks.len(), 1);
    desk.act(Action::Undo);
    assert!(desk.current().is_none(), "undo reaches behind the restart");
    desk.act(Action::Redo);
    assert_eq!(desk.current().unwrap().clicks.len(), 1);
}

#[test]
fn clicks_are_moved_turned_around_and_taken_away() {
    let place = Place::new(&["a.png"]);
    let mut desk = place.desk(&[Does::Answers]);
    until_open(&mut desk);
    click(&mut desk, 40.0, 40.0, Sign::Positive);
    click(&mut desk, 80.0, 40.0, Sign::Positive);
    desk.move_click(0, at(120.0, 90.0));
    until_answered(&mut desk);
    let mask = desk.answer.mask.clone().unwrap();
    assert!(mask.holds(at(120.0, 90.0)) && !mask.holds(at(40.0, 40.0)));
    desk.flip_click(1);
    until_answered(&mut desk);
    assert!(!desk.answer.mask.as_ref().unwrap().holds(at(80.0, 40.0)));
    desk.remove_click(0);
    until_answered(&mut desk);
    assert!(desk.answer.mask.as_ref().unwrap().is_empty());
    // Nothing is left to finish, which is said.
    desk.act(Action::Finish);
    assert!(desk.messages.iter().any(|message| message.text.contains("nothing is marked")));
    // A click beside the photo is none.
    desk.move_click(0, at(-3.0, 4.0));
    desk.click(at(160.0, 4.0), Sign::Positive);
    assert_eq!(desk.current().unwrap().clicks.len(), 1);
    for _ in 0..5 {
        desk.act(Action::Undo);
    }
    assert!(desk.document().unwrap().is_untouched());
}

#[test]
fn esc_calls_off_what_is_not_answered_and_nothing_else() {
    let place = Place::new(&["a.png"]);
    let mut desk = place.desk(&[Does::Answers, Does::Searches, Does::Answers]);
    until_open(&mut desk);
    click(&mut desk, 40.0, 40.0, Sign::Positive);
    let before = document(&desk);
    let mask = desk.answer.mask.clone();
    desk.click(at(80.0, 80.0), Sign::Positive);
    until(&mut desk, "a search", |desk| desk.answer.live.is_some());
    desk.click(at(90.0, 20.0), Sign::Negative);
    desk.click(at(99.0, 20.0), Sign::Negative);
    assert_eq!(desk.queued(), 3);
    desk.act(Action::Finish);
    desk.act(Action::Cancel);
    until_answered(&mut desk);
    let after = document(&desk);
    assert_eq!((after.current, after.objects), (before.current, before.objects));
    assert_eq!(desk.answer.mask, mask);
    // The finish that was waiting is called off with it.
    assert_eq!(desk.queued(), 0);
}

#[test]
fn a_first_click_that_is_called_off_leaves_nothing() {
    let place = Place::new(&["a.png"]);
    let mut desk = place.desk(&[Does::Searches]);
    until_open(&mut desk);
    desk.click(at(80.0, 80.0), Sign::Positive);
    until(&mut desk, "a search", |desk| desk.answer.live.is_some());
    desk.act(Action::Cancel);
    assert!(desk.current().is_none() && desk.answer.mask.is_none());
    until(&mut desk, "calm", |desk| !desk.answer.is_busy);
}

#[test]
fn a_finish_waits_for_the_last_answer() {
    let place = Place::new(&["a.png"]);
    let mut desk = place.desk(&[Does::Hangs(150), Does::Answers]);
    until_open(&mut desk);
    desk.click(at(80.0, 80.0), Sign::Positive);
    desk.act(Action::Finish);
    assert!(desk.document().unwrap().objects.is_empty());
    until(&mut desk, "the object", |desk| desk.document().unwrap().objects.len() == 1);
    assert!(desk.current().is_none());
}

#[test]
fn parts_cut_join_and_keeping_out() {
    let place = Place::new(&["a.png"]);
    let mut desk = place.desk(&[Does::Answers]);
    until_open(&mut desk);
    click(&mut desk, 30.0, 30.0, Sign::Positive);
    desk.act(Action::FinishPart);
    until_answered(&mut desk);
    click(&mut desk, 120.0, 90.0, Sign::Positive);
    desk.act(Action::Finish);
    until_answered(&mut desk);
    let parts = document(&desk).objects[0].clone();
    assert_eq!((parts.parts.len(), parts.clicks.len()), (1, 1));
    assert!(parts.mask.holds(at(30.0, 30.0)) && parts.mask.holds(at(120.0, 90.0)));

    assert!(desk.selection().is_empty(), "the next class is not this object's");
    desk.select(Some(1), false);
    click(&mut desk, 30.0, 30.0, Sign::Positive);
    desk.act(Action::Cut);
    until_answered(&mut desk);
    let cut = document(&desk).objects[0].clone();
    assert!(!cut.mask.holds(at(30.0, 30.0)) && cut.edited && desk.current().is_none());
    click(&mut desk, 60.0, 60.0, Sign::Positive);
    desk.act(Action::Join);
    until_answered(&mut desk);
    assert!(document(&desk).objects[0].mask.holds(at(60.0, 60.0)));
    desk.act(Action::Undo);
    until_answered(&mut desk);
    assert_eq!(document(&desk).objects[0], cut);
    assert_eq!(desk.current().unwrap().clicks.len(), 1, "the clicks are back in hand");
    desk.act(Action::Reset);

    desk.settings.keep_out = true;
    click(&mut desk, 120.0 - RADIUS, 90.0, Sign::Positive);
    desk.act(Action::Finish);
    until_answered(&mut desk);
    let found = document(&desk);
    assert_eq!(found.objects.len(), 2);
    assert_eq!(found.objects[1].mask.overlap(&found.objects[0].mask), 0);
    assert!(found.objects[1].edited);
}

#[test]
fn finished_objects_are_gone_on_with() {
    let place = Place::new(&["a.png"]);
    let mut desk = place.desk_with_network();
    until_open(&mut desk);
    click(&mut desk, 75.0, 60.0, Sign::Positive);
    desk.act(Action::Finish);
    until_answered(&mut desk);
    let first = document(&desk).objects[0].clone();
    object(&mut desk, 20.0, 100.0);
    desk.select(Some(1), false);
    desk.act(Action::Reopen);
    until_answered(&mut desk);
    let current = desk.current().unwrap().clone();
    assert_eq!((current.object, current.clicks.len(), current.start), (Some(1), 1, None));
    assert_eq!(desk.answer.mask.as_ref(), Some(&first.mask));
    click(&mut desk, 10.0, 10.0, Sign::Negative);
    desk.act(Action::Finish);
    until_answered(&mut desk);
    let found = document(&desk);
    assert_eq!(found.objects.iter().map(|object| object.id).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(found.objects[0].clicks.len(), 2);

    // One that was drawn on goes on from its mask.
    desk.select(Some(2), false);
    desk.act(Action::Brush);
    desk.stroke(at(140.0, 20.0));
    desk.end_stroke();
    desk.act(Action::Brush);
    let drawn = document(&desk).objects[1].clone();
    assert!(drawn.edited && drawn.mask.holds(at(140.0, 20.0)));
    desk.act(Action::Reopen);
    until_answered(&mut desk);
    let current = desk.current().unwrap();
    assert_eq!(current.start.as_ref(), Some(&drawn.mask));
    assert_eq!(desk.answer.mask.as_ref(), Some(&drawn.mask));
    // Locked ones are not.
    desk.act(Action::Reset);
    desk.set_locked(2, true);
    desk.act(Action::Reopen);
    desk.act(Action::Delete);
    assert!(desk.current().is_none());
    assert_eq!(document(&desk).objects.len(), 2);
}

/// The masks are those of a session of the library with the same clicks, in whatever order they came
/// about: removed, moved, turned around, undone, finished and taken back.
#[test]
fn masks_are_those_of_a_fresh_session() {
    let place = Place::new(&["a.png"]);
    let mut desk = place.desk_with_network();
    until_open(&mut desk);
    let segmenter = fbrs::Segmenter::built_in().unwrap();
    let fresh = |desk: &Desk| {
        let clicks = &desk.current().unwrap().clicks;
        let mut session = segmenter.session(super::photo(0), desk.options.clone()).unwrap();
        session.replay(clicks, &mut Watch::new()).unwrap().unwrap().mask(0.5).unwrap()
    };
    let same = |desk: &Desk, what: &str| {
        assert_eq!(desk.answer.mask.as_ref().unwrap().to_gray(), fresh(desk), "{what}");
    };
    for (x, y, sign) in [
        (75.0, 60.0, Sign::Positive),
        (20.0, 20.0, Sign::Negative),
        (100.0, 80.0, Sign::Positive),
        (130.0, 60.0, Sign::Negative),
        (50.0, 40.0, Sign::Positive),
        (75.0, 110.0, Sign::Negative),
    ] {
        desk.click(at(x, y), sign);
    }
    until_answered(&mut desk);
    same(&desk, "six clicks at once");
    desk.remove_click(2);
    until_answered(&mut desk);
    same(&desk, "one removed");
    desk.move_click(1, at(25.0, 90.0));
    until_answered(&mut desk);
    same(&desk, "one moved");
    desk.flip_click(3);
    until_answered(&mut desk);
    same(&desk, "one turned around");
    desk.act(Action::Undo);
    desk.act(Action::Undo);
    until_answered(&mut desk);
    same(&desk, "undone");
    desk.act(Action::Redo);
    until_answered(&mut desk);
    same(&desk, "redone");
    desk.act(Action::Finish);
    until_answered(&mut desk);
    object(&mut desk, 20.0, 100.0);
    for _ in 0..3 {
        desk.act(Action::Undo);
    }
    until_answered(&mut desk);
    same(&desk, "taken back after it was finished");
    // Called off in the middle, everything is as before.
    let before = desk.answer.mask.clone();
    desk.click(at(140.0, 20.0), Sign::Positive);
    desk.click(at(5.0, 60.0), Sign::Negative);
    desk.act(Action::Cancel);
    until_answered(&mut desk);
    assert_eq!(desk.answer.mask, before);
    same(&desk, "called off");
    // Answered in other ways, when asked to.
    let options = desk.options.clone().with_flip(false);
    desk.set_options(options);
    assert!(desk.has_other_options());
    desk.recompute();
    until_answered(&mut desk);
    same(&desk, "with other options");
}

#[test]
fn the_threshold_acts_at_once_and_takes_nothing_new() {
    let place = Place::new(&["a.png"]);
    let mut desk = place.desk_with_network();
    until_open(&mut desk);
    click(&mut desk, 75.0, 60.0, Sign::Positive);
    let usual = desk.answer.mask.clone().unwrap().area();
    desk.set_threshold(0.05);
    until_answered(&mut desk);
    let more = desk.answer.mask.clone().unwrap().area();
    desk.set_threshold(0.95);
    until_answered(&mut desk);
    let less = desk.answer.mask.clone().unwrap().area();
    assert!(less < usual && usual < more, "{less} {usual} {more}");
    desk.act(Action::Finish);
    assert_eq!(document(&desk).objects[0].origin.threshold, Some(0.95));
}

#[test]
fn polygons_and_brushes() {
    let place = Place::new(&["a.png"]);
    let mut desk = place.desk(&[Does::Answers]);
    until_open(&mut desk);
    desk.act(Action::Polygon);
    for (x, y) in [(9.5, 9.5), (49.5, 9.5), (49.5, 29.5), (9.5, 29.5)] {
        desk.corner(at(x, y));
    }
    desk.act(Action::Close);
    assert_eq!(document(&desk).objects[0].mask.area(), 40 * 20);
    desk.act(Action::PolygonCut);
    for (x, y) in [(9.5, 9.5), (29.5, 9.5), (29.5, 29.5), (9.5, 29.5)] {
        desk.corner(at(x, y));
    }
    desk.act(Action::Close);
    assert_eq!(document(&desk).objects[0].mask.area(), 20 * 20);
    // Esc gives up the polygon, then the hand, then the selection.
    desk.corner(at(1.0, 1.0));
    desk.act(Action::Cancel);
    assert!(matches!(&desk.hand, Hand::Polygon { corners, .. } if corners.is_empty()));
    desk.act(Action::Cancel);
    assert_eq!(desk.hand, Hand::Click);
    assert_eq!(desk.selection(), [1]);
    desk.act(Action::Eraser);
    desk.settings.brush_radius = 500.0;
    desk.stroke(at(40.0, 20.0));
    desk.end_stroke();
    assert!(desk.messages.iter().any(|message| message.text.contains("nothing would be left")));
    desk.act(Action::Cancel);
    desk.act(Action::Cancel);
    assert!(desk.selection().is_empty());
    desk.act(Action::Eraser);
    assert_eq!(desk.hand, Hand::Click, "an eraser needs something to erase");
    // An object in hand is finished before its mask is drawn on.
    click(&mut desk, 120.0, 80.0, Sign::Positive);
    desk.act(Action::Brush);
    until_answered(&mut desk);
    assert_eq!(document(&desk).objects.len(), 2);
    desk.settings.brush_radius = 3.0;
    desk.stroke(at(100.0, 100.0));
    desk.stroke(at(110.0, 100.0));
    desk.end_stroke();
    let second = document(&desk).objects[1].clone();
    assert!(second.mask.holds(at(105.0, 102.0)) && second.edited && second.clicks.len() == 1);
}

#[test]
fn classes_are_chosen_changed_renamed_merged_and_removed() {
    let place = Place::new(&["a.png", "b.png"]);
    let mut desk = place.desk(&[Does::Answers]);
    until_open(&mut desk);
    desk.choose_class_named("cat");
    object(&mut desk, 40.0, 40.0);
    desk.select(None, false);
    desk.choose_class_named(" dog ");
    object(&mut desk, 90.0, 40.0);
    let classes = |desk: &Desk| -> Vec<Option<u32>> {
        document(desk).objects.iter().map(|object| object.class).collect()
    };
    assert_eq!(classes(&desk), [Some(1), Some(2)]);
    // Many at once.
    desk.select(Some(1), false);
    desk.select(Some(2), true);
    desk.press_digit('1');
    assert_eq!(classes(&desk), [Some(1), Some(1)]);
    desk.act(Action::Undo);
    assert_eq!(classes(&desk), [Some(1), Some(2)]);
    desk.press_digit('7');
    assert!(desk.messages.iter().any(|message| message.text.contains("key 7")));
    // Renaming changes no object.
    desk.rename_class(1, "big cat");
    assert_eq!(classes(&desk), [Some(1), Some(2)]);
    // Another photo.
    desk.act(Action::Next);
    until(&mut desk, "b", |desk| {
        desk.annotation().is_some() && desk.open.as_ref().unwrap().path.name() == "b.png"
    });
    desk.select(None, false);
    desk.choose_class(Some(1));
    object(&mut desk, 30.0, 30.0);
    // Merging changes them everywhere, also in photos that are not open.
    desk.rename_class(1, "dog");
    assert_eq!(classes(&desk), [Some(2)]);
    let used: Vec<_> = desk.project.in_use().map(|class| (class.id, class.name.as_str())).collect();
    assert_eq!(used, [(2, "dog")]);
    until(&mut desk, "merged", |desk| desk.project.merges.is_empty());
    // A new class does not get an id that was used.
    desk.choose_class_named("bird");
    assert_eq!(desk.class, Some(3));
    desk.close();
    drop(desk);
    let a = file::read(&place.path("a.png.fbrs.json")).unwrap();
    let of_a: Vec<_> = a.document().objects.iter().map(|object| object.class).collect();
    assert_eq!(of_a, [Some(2), Some(2)]);
    let project = Project::read(&place.path("fbrs-project.json")).unwrap();
    assert_eq!(project.classes.len(), 3);
    assert_eq!(project.last_photo.as_deref(), Some("b.png"));
}

#[test]
fn merging_classes_goes_on_where_a_window_was_killed() {
    let place = Place::new(&["a.png", "b.png", "c.png"]);
    let mut desk = place.desk(&[Does::Answers]);
    for name in ["a.png", "b.png", "c.png"] {
        until(&mut desk, name, |desk| {
            desk.annotation().is_some() && desk.open.as_ref().unwrap().path.name() == name
        });
        desk.select(None, false);
        desk.choose_class_named("cat");
        object(&mut desk, 40.0, 40.0);
        desk.select(None, false);
        desk.choose_class_named("dog");
        object(&mut desk, 90.0, 40.0);
        desk.act(Action::Next);
    }
    desk.close();
    drop(desk);
    // As a kill leaves it behind "cat" was made "dog": nothing of it is in the documents.
    let path = place.path("fbrs-project.json");
    let mut project = Project::read(&path).unwrap();
    project.merges.push(fbrs_annotation::Merge { from: 1, into: 2 });
    project.class_mut(1).unwrap().removed = true;
    project.write(&path).unwrap();
    let mut desk = place.desk(&[Does::Answers]);
    // And on to a third class, while that is under way.
    desk.choose_class_named("bird");
    desk.rename_class(2, "bird");
    until(&mut desk, "merged", |desk| {
        desk.annotation().is_some() && desk.project.merges.is_empty()
    });
    let here = document(&desk).objects.iter().map(|object| object.class).collect::<Vec<_>>();
    assert_eq!(here, [Some(3), Some(3)]);
    desk.close();
    drop(desk);
    for name in ["a.png", "b.png", "c.png"] {
        let known = file::read(&place.path(&format!("{name}.fbrs.json"))).unwrap();
        let classes: Vec<_> = known.document().objects.iter().map(|object| object.class).collect();
        assert_eq!(classes, [Some(3), Some(3)], "{name}");
    }
    assert_eq!(Project::read(&path).unwrap().merges, []);
}

#[test]
fn the_list_s_order_is_the_one_on_the_photo() {
    let place = Place::new(&["a.png"]);
    let mut desk = place.desk(&[Does::Answers]);
    until_open(&mut desk);
    for x in [40.0, 45.0, 50.0] {
        object(&mut desk, x, 40.0);
    }
    let ids = |desk: &Desk| -> Vec<u64> {
        document(desk).objects.iter().map(|object| object.id).collect()
    };
    assert_eq!(desk.object_at(at(45.0, 40.0)), Some(3));
    desk.select(Some(1), false);
    desk.act(Action::Raise);
    assert_eq!(ids(&desk), [2, 3, 1]);
    assert_eq!(desk.object_at(at(45.0, 40.0)), Some(1));
    desk.set_visible(1, false);
    assert_eq!(desk.object_at(at(45.0, 40.0)), Some(3));
    desk.act(Action::Lower);
    assert_eq!(ids(&desk), [1, 2, 3]);
    desk.place_object(3, 0);
    assert_eq!(ids(&desk), [3, 1, 2]);
    desk.select(None, false);
    desk.act(Action::SelectNext);
    assert_eq!(desk.selection(), [2]);
    desk.act(Action::SelectNext);
    assert_eq!(desk.selection(), [3]);
    desk.act(Action::SelectPrevious);
    assert_eq!(desk.selection(), [2]);
    desk.act(Action::Delete);
    assert_eq!(ids(&desk), [3, 1]);
    assert!(desk.selection().is_empty());
    desk.act(Action::Undo);
    assert_eq!(ids(&desk), [3, 1, 2]);
}

#[test]
fn photos_have_states_and_the_work_goes_on_where_it_stopped() {
    let place = Place::new(&["1.png", "2.png", "10.png", "sub/Ünï/写真 1.png"]);
    let mut desk = place.desk(&[Does::Answers]);
    until_open(&mut desk);
    let shown: Vec<_> = desk.photos.iter().map(|item| item.path.as_str().to_owned()).collect();
    assert_eq!(shown, ["1.png", "2.png", "10.png", "sub/Ünï/写真 1.png"]);
    object(&mut desk, 40.0, 40.0);
    desk.act(Action::DoneAndNext);
    until(&mut desk, "the second", |desk| {
        desk.annotation().is_some() && desk.open.as_ref().unwrap().path.name() == "2.png"
    });
    // Done, and there is nothing in it.
    desk.act(Action::DoneAndNext);
    until(&mut desk, "the third", |desk| {
        desk.annotation().is_some() && desk.open.as_ref().unwrap().path.name() == "10.png"
    });
    object(&mut desk, 40.0, 40.0);
    let states = |desk: &Desk| -> Vec<_> { desk.photos.iter().map(|item| item.state).collect() };
    let expected = [
        Some((PhotoState::Done, 1)),
        Some((PhotoState::Done, 0)),
        Some((PhotoState::InProgress, 1)),
        None,
    ];
    assert_eq!(states(&desk), expected);
    let unfinished = desk.photos.iter().filter(|item| Filter::Unfinished.holds(item)).count();
    assert_eq!(unfinished, 2);
    desk.close();
    drop(desk);
    let kept = names(place.folder.path());
    assert!(kept.contains(&"2.png.fbrs.json".to_owned()), "{kept:?}");
    assert!(!kept.iter().any(|name| name.contains("journal") || name.contains("tmp")), "{kept:?}");

    let mut desk = place.desk(&[Does::Answers]);
    until_open(&mut desk);
    assert_eq!(desk.open.as_ref().unwrap().path.name(), "10.png");
    until(&mut desk, "states", |desk| states(desk) == expected);
    desk.act(Action::NextUnfinished);
    until_name(&mut desk, "写真 1.png");
    object(&mut desk, 30.0, 30.0);
    desk.act(Action::NextUnfinished);
    until_name(&mut desk, "10.png");
    desk.act(Action::Previous);
    until_name(&mut desk, "2.png");
    desk.act(Action::ToggleDone);
    assert!(!desk.is_done());
}

fn until_name(desk: &mut Desk, name: &str) {
    until(desk, name, |desk| {
        desk.annotation().is_some() && desk.open.as_ref().unwrap().path.name() == name
    });
}

#[test]
fn a_photo_that_was_renamed_keeps_its_objects() {
    let place = Place::new(&["a.png", "b.png"]);
    let mut desk = place.desk(&[Does::Answers]);
    until_open(&mut desk);
    object(&mut desk, 40.0, 40.0);
    desk.close();
    drop(desk);
    std::fs::create_dir(place.path("moved")).unwrap();
    std::fs::rename(place.path("a.png"), place.path("moved/c.png")).unwrap();
    let mut desk = place.desk(&[Does::Answers]);
    until_open(&mut desk);
    desk.act(Action::Next);
    until_name(&mut desk, "c.png");
    assert_eq!(document(&desk).objects.len(), 1);
    assert!(desk.messages.iter().any(|message| message.text.contains("another name")));
    assert!(!place.path("a.png.fbrs.json").exists());
    assert!(place.path("moved/c.png.fbrs.json").exists());
}

#[test]
fn a_second_window_looks_and_changes_nothing() {
    let place = Place::new(&["a.png"]);
    let mut first = place.desk(&[Does::Answers]);
    until_open(&mut first);
    object(&mut first, 40.0, 40.0);
    let mut second = place.desk(&[Does::Answers]);
    until_open(&mut second);
    assert!(second.read_only().unwrap().contains("another window"));
    second.click(at(50.0, 50.0), Sign::Positive);
    second.act(Action::Undo);
    assert_eq!(document(&second).objects.len(), 1);
    assert!(second.current().is_none());
    second.close();
    drop(second);
    object(&mut first, 90.0, 40.0);
    first.close();
    drop(first);
    assert_eq!(file::read(&place.path("a.png.fbrs.json")).unwrap().document().objects.len(), 2);
}

#[test]
fn what_is_kept_is_a_document_that_others_can_open() {
    let place = Place::new(&["a.png"]);
    let mut desk = place.desk_with_network();
    until_open(&mut desk);
    desk.choose_class_named("box");
    click(&mut desk, 75.0, 60.0, Sign::Positive);
    desk.act(Action::Finish);
    until_answered(&mut desk);
    desk.close();
    drop(desk);
    let text = std::fs::read_to_string(place.path("a.png.fbrs.json")).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["format"], "fbrs-annotation");
    assert_eq!((&value["photo"]["file"], &value["photo"]["width"]), (&"a.png".into(), &160.into()));
    let object = &value["objects"][0];
    assert_eq!((&object["class"], &object["clicks"][0]["x"]), (&1.into(), &75.0.into()));
    assert_eq!(object["mask"]["size"], serde_json::json!([120, 160]));
    assert_eq!(object["weights"]["sha256"].as_str().unwrap().len(), 64);
    assert!(!text.contains(place.folder.path().to_str().unwrap()), "no path of this machine");
    let photo = file::read(&place.path("a.png.fbrs.json")).unwrap().document().photo.clone();
    assert!(Keeper::open(&place.path("a.png.fbrs.json"), &photo).is_ok());
}

/// Who types ahead of the answer gets the same objects as who waits.
#[test]
fn clicks_and_classes_behind_a_finish_are_the_next_object_s() {
    let place = Place::new(&["a.png"]);
    let mut desk = place.desk(&[Does::Hangs(300), Does::Answers]);
    until_open(&mut desk);
    desk.choose_class_named("cat");
    desk.choose_class_named("dog");
    desk.press_digit('1');
    desk.click(at(40.0, 40.0), Sign::Positive);
    desk.act(Action::Finish);
    desk.press_digit('2');
    desk.click(at(120.0, 80.0), Sign::Positive);
    assert!(desk.document().unwrap().objects.is_empty(), "the answer is still to come");
    until(&mut desk, "the object", |desk| desk.document().unwrap().objects.len() == 1);
    until_answered(&mut desk);
    let found = document(&desk);
    assert_eq!((found.objects[0].class, found.objects[0].clicks.len()), (Some(1), 1));
    let current = found.current.unwrap();
    assert_eq!((current.class, current.clicks.len()), (Some(2), 1));
}

#[test]
fn the_object_that_was_asked_for_is_gone_on_with_whatever_is_in_hand() {
    let place = Place::new(&["a.png"]);
    let mut desk = place.desk(&[Does::Answers]);
    until_open(&mut desk);
    object(&mut desk, 30.0, 30.0);
    object(&mut desk, 60.0, 90.0);
    click(&mut desk, 120.0, 80.0, Sign::Positive);
    desk.select(Some(1), false);
    desk.act(Action::Reopen);
    until_answered(&mut desk);
    assert_eq!(desk.current().unwrap().object, Some(1));
    assert_eq!(document(&desk).objects.len(), 3);
}

#[test]
fn esc_leaves_class_and_finished_parts_alone() {
    let place = Place::new(&["a.png"]);
    let does = [Does::Answers, Does::Answers, Does::Searches, Does::Answers];
    let mut desk = place.desk(&does);
    until_open(&mut desk);
    click(&mut desk, 30.0, 30.0, Sign::Positive);
    desk.act(Action::FinishPart);
    until_answered(&mut desk);
    desk.choose_class_named("cat");
    desk.click(at(120.0, 80.0), Sign::Positive);
    until(&mut desk, "a search", |desk| desk.answer.live.is_some());
    desk.act(Action::Cancel);
    until_answered(&mut desk);
    let current = desk.current().unwrap().clone();
    assert_eq!((current.class, current.parts.len(), current.clicks.len()), (Some(1), 1, 0));
    // And what was called off can be had again.
    desk.act(Action::Undo);
    until_answered(&mut desk);
    assert_eq!(desk.current().unwrap().clicks.len(), 1);
}

#[test]
fn locked_objects_are_not_changed() {
    let place = Place::new(&["a.png"]);
    let mut desk = place.desk(&[Does::Answers]);
    until_open(&mut desk);
    object(&mut desk, 30.0, 30.0);
    desk.set_locked(1, true);
    let before = document(&desk);
    desk.select(Some(1), false);
    for action in [Action::Delete, Action::Reopen] {
        desk.act(action);
    }
    desk.choose_class_named("cat");
    desk.act(Action::Brush);
    desk.stroke(at(100.0, 100.0));
    desk.end_stroke();
    desk.act(Action::Brush);
    click(&mut desk, 30.0, 30.0, Sign::Positive);
    desk.act(Action::Cut);
    assert_eq!(document(&desk).objects, before.objects);
}

#[test]
fn classes_are_one_window_s_to_change() {
    let place = Place::new(&["a.png", "b.png"]);
    let mut first = place.desk(&[Does::Answers]);
    until_open(&mut first);
    first.choose_class_named("cat");
    let mut second = place.desk(&[Does::Answers]);
    until(&mut second, "the photo", |desk| desk.open.is_some());
    assert!(second.messages.iter().any(|message| message.text.contains("another window")));
    second.choose_class_named("dog");
    assert!(second.project.named("dog").is_none());
    second.close();
    drop(second);
    first.choose_class_named("dog");
    first.close();
    drop(first);
    let project = Project::read(&place.path("fbrs-project.json")).unwrap();
    let classes: Vec<_> = project.in_use().map(|class| (class.id, class.name.as_str())).collect();
    assert_eq!(classes, [(1, "cat"), (2, "dog")]);
    assert!(!names(place.folder.path()).iter().any(|name| name.contains("lock")));
}

#[test]
fn documents_that_were_put_elsewhere_are_found_again_and_are_of_that_folder_alone() {
    let (a, b) = (Place::new(&["1.png"]), Place::new(&["1.png"]));
    let elsewhere = tempfile::tempdir().unwrap();
    let mut desk = a.desk(&[Does::Answers]);
    until_open(&mut desk);
    desk.set_output(elsewhere.path().to_owned());
    until_open(&mut desk);
    object(&mut desk, 40.0, 40.0);
    desk.open_folder(b.folder.path().to_owned(), None);
    until_open(&mut desk);
    assert!(document(&desk).is_untouched(), "the other folder's photo of this name");
    object(&mut desk, 40.0, 40.0);
    desk.close();
    drop(desk);
    assert!(b.path("1.png.fbrs.json").exists());
    assert!(elsewhere.path().join("1.png.fbrs.json").exists());
    let mut desk = a.desk(&[Does::Answers]);
    until_open(&mut desk);
    assert_eq!(document(&desk).objects.len(), 1);
}
