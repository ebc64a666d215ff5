//! What can be taken back, changed afterwards and put aside, and what that takes of memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use fbrs::{
    CancelToken, Click, Error, ImageSpace, Mode, NetClicks, Position, RefineOptions, Session, Watch,
};
use image::{GrayImage, Luma};

use support::{CLICKS, eventful, listed, off, on, options, photo, segmenter, session};

fn clicks() -> Vec<Click<ImageSpace>> {
    CLICKS.into_iter().map(listed).collect()
}

fn play(session: &mut Session, clicks: &[Click<ImageSpace>]) {
    for click in clicks {
        session.click(*click).unwrap();
    }
}

fn fresh(mode: Mode, clicks: &[Click<ImageSpace>]) -> Vec<f32> {
    let mut session = session(eventful(mode));
    play(&mut session, clicks);
    values(&session)
}

fn values(session: &Session) -> Vec<f32> {
    session.prediction().unwrap().probabilities()
}

#[test]
fn a_changed_click_gives_what_a_fresh_session_gives() {
    for mode in Mode::ALL {
        let all = clicks();
        let mut session = session(eventful(mode));
        play(&mut session, &all);
        let before = values(&session);
        for index in 0..all.len() {
            let mut changed = all.clone();
            changed[index].position = Position::at_xy(70.0, 50.0);
            session.move_click(index, changed[index].position, &mut Watch::new()).unwrap();
            assert_eq!(values(&session), fresh(mode, &changed), "{mode} move {index}");
            assert!(session.undo());
            let mut changed = all.clone();
            changed[index].sign = changed[index].sign.opposite();
            session.flip_click(index, &mut Watch::new()).unwrap();
            assert_eq!(values(&session), fresh(mode, &changed), "{mode} flip {index}");
            assert!(session.undo());
            let mut changed = all.clone();
            changed.remove(index);
            session.remove_click(index, &mut Watch::new()).unwrap();
            assert_eq!(values(&session), fresh(mode, &changed), "{mode} remove {index}");
            assert!(session.undo());
            assert_eq!(values(&session), before, "{mode} undo {index}");
        }
        assert!(matches!(session.remove_click(5, &mut Watch::new()), Err(Error::State(_))));
        let outside = session.move_click(1, Position::at_xy(500.0, 5.0), &mut Watch::new());
        assert!(matches!(outside, Err(Error::Click { .. })));
        assert_eq!(values(&session), before, "all or nothing");
    }
}

#[test]
fn new_options_answer_the_same_clicks_anew() {
    let all = clicks();
    let mut session = session(eventful(Mode::FBrsB));
    play(&mut session, &all);
    let before = values(&session);
    session.set_options(eventful(Mode::FBrsC), &mut Watch::new()).unwrap();
    assert_eq!(values(&session), fresh(Mode::FBrsC, &all));
    assert_eq!(session.options().refine.mode, Mode::FBrsC);
    session.undo();
    assert_eq!(values(&session), before);
    assert_eq!(session.options().refine.mode, Mode::FBrsB);
    let wrong = options(Mode::FBrsB).with_max_size(Some(0));
    assert!(matches!(session.set_options(wrong, &mut Watch::new()), Err(Error::Parameter { .. })));
}

/// Nothing that was finished is lost by what follows, and every step can be taken back.
#[test]
fn finishing_and_starting_anew_can_be_taken_back() {
    let mut session = session(options(Mode::NoBrs));
    let mask = GrayImage::from_fn(120, 90, |x, _| Luma([if x > 100 { 255 } else { 0 }]));
    let mut stages = vec![(session.prediction(), session.label_mask())];
    let mut note = |session: &Session| stages.push((session.prediction(), session.label_mask()));
    session.start_from_mask(&mask).unwrap();
    note(&session);
    session.click(on(45.0, 60.0)).unwrap();
    note(&session);
    session.finish_partially().unwrap();
    note(&session);
    // A finished part is not dropped by a mask, nor by options that change.
    assert!(matches!(session.start_from_mask(&mask), Err(Error::State(_))));
    session.click(on(10.0, 100.0)).unwrap();
    note(&session);
    session.finish(0.5).unwrap();
    note(&session);
    session.click(on(20.0, 20.0)).unwrap();
    note(&session);
    session.reset();
    note(&session);
    for (prediction, labels) in stages.iter().rev().skip(1) {
        assert!(session.undo());
        assert_eq!(&session.prediction(), prediction);
        assert_eq!(&session.label_mask(), labels);
    }
    assert!(!session.undo());
    for (prediction, labels) in stages.iter().skip(1) {
        assert!(session.redo());
        assert_eq!(&session.prediction(), prediction);
        assert_eq!(&session.label_mask(), labels);
    }
    assert!(!session.redo());
    // Back at the beginning, a session is as free as at first.
    while session.undo() {}
    session.set_options(options(Mode::FBrsA), &mut Watch::new()).unwrap();
    session.start_from_mask(&mask).unwrap();
}

#[test]
fn a_finished_part_outlives_new_options() {
    let mut session = session(options(Mode::NoBrs));
    let part = session.click(on(45.0, 60.0)).unwrap().probabilities();
    session.finish_partially().unwrap();
    session.set_options(options(Mode::FBrsC), &mut Watch::new()).unwrap();
    assert_eq!(values(&session), part);
    session.click(on(10.0, 100.0)).unwrap();
    assert!(values(&session).iter().zip(&part).all(|(now, part)| now >= part));
}

#[test]
fn negative_clicks_reduce_a_start_mask() {
    let mut session = session(options(Mode::NoBrs));
    let mask = GrayImage::from_fn(120, 90, |x, y| {
        let (object, extra) = ((40..80).contains(&x) && (30..60).contains(&y), x < 20 && y < 20);
        Luma([if object || extra { 255 } else { 0 }])
    });
    session.start_from_mask(&mask).unwrap();
    session.click(on(45.0, 60.0)).unwrap();
    let with = session.prediction().unwrap().mask(0.5).unwrap();
    assert!(with.as_raw().iter().zip(mask.as_raw()).all(|(with, given)| with >= given));
    session.click(off(10.0, 10.0)).unwrap();
    let without = session.prediction().unwrap().mask(0.5).unwrap();
    assert_eq!(without.get_pixel(10, 10).0, [0], "the part that was clicked away");
    session.undo();
    assert_eq!(session.prediction().unwrap().mask(0.5).unwrap(), with);
    session.redo();
    assert_eq!(session.prediction().unwrap().mask(0.5).unwrap(), without);
}

#[test]
fn an_object_can_be_put_aside() {
    let all = clicks();
    for mode in [Mode::FBrsB, Mode::RgbBrs] {
        let mut session = session(eventful(mode));
        assert!(session.take().is_none());
        play(&mut session, &all[..3]);
        let work = session.take().unwrap();
        assert_eq!(work.clicks().len(), 3);
        assert!(session.prediction().is_none());
        play(&mut session, &[on(10.0, 100.0)]);
        assert!(matches!(session.resume(work.clone()), Err(Error::State(_))));
        session.finish(0.5).unwrap();
        session.resume(work.clone()).unwrap();
        play(&mut session, &all[3..]);
        assert_eq!(values(&session), fresh(mode, &all), "{mode}");
        // Another session on the same photo goes on with it as well; one on another does not.
        let photo = session.photo().clone();
        let mut second = segmenter().session(photo, eventful(mode)).unwrap();
        second.resume(work.clone()).unwrap();
        play(&mut second, &all[3..]);
        assert_eq!(values(&second), values(&session));
        let mut other = segmenter().session(self::photo(), eventful(mode)).unwrap();
        assert!(matches!(other.resume(work), Err(Error::State(_))));
    }
}

/// What is given up for memory changes no answer.
#[test]
fn a_session_in_little_memory_answers_alike() {
    let all: Vec<_> = clicks().into_iter().chain(clicks()).collect();
    for mode in Mode::ALL {
        let mut wide = session(eventful(mode));
        let mut narrow = session(eventful(mode));
        narrow.set_memory_limit(0);
        for click in &all {
            let expected = wide.click(*click).unwrap().probabilities();
            assert_eq!(narrow.click(*click).unwrap().probabilities(), expected, "{mode}");
        }
        let (wide_memory, memory) = (wide.memory(), narrow.memory());
        assert!(memory.total() < wide_memory.total(), "{memory:?} {wide_memory:?}");
        assert_eq!(memory.photo, 120 * 90 * 3);
        let mut changed = all.clone();
        changed.remove(4);
        narrow.remove_click(4, &mut Watch::new()).unwrap();
        wide.remove_click(4, &mut Watch::new()).unwrap();
        assert_eq!(values(&narrow), values(&wide), "{mode}");
        assert_eq!(values(&narrow), fresh(mode, &changed), "{mode}");
    }
}

/// A hundred clicks hold what the limit allows, not a hundred clicks' worth.
#[test]
fn memory_does_not_grow_with_clicks() {
    let refine = RefineOptions::default()
        .with_mode(Mode::RgbBrs)
        .with_net_clicks(NetClicks::First(1))
        .with_max_evaluations(1);
    let mut session = session(eventful(Mode::RgbBrs).with_refine(refine));
    let limit = 1 << 20;
    session.set_memory_limit(limit);
    let mut largest = 0;
    for number in 0..40 {
        let (row, col) = (f64::from(number % 9) * 10.0, f64::from(number % 12) * 10.0);
        session.click(if number % 2 == 0 { on(row, col) } else { off(row, col) }).unwrap();
        let memory = session.memory();
        largest = largest.max(memory.total() - memory.photo);
    }
    assert!(largest <= 2 * limit, "{largest}");
    assert!(session.undo());
}

/// What the network computes of a view alone is held once, for every object, and changes no answer.
#[test]
fn what_depends_on_the_image_alone_is_shared() {
    let mode = Mode::NoBrs;
    let fresh = fresh(mode, &clicks());
    let mut session = session(eventful(mode));
    assert_eq!(session.memory().views, 0);
    session.prepare(&mut Watch::new()).unwrap();
    let prepared = session.memory().views;
    assert!(prepared > 0);
    play(&mut session, &clicks()[..1]);
    assert_eq!(session.memory().views, prepared, "the first click saw what was prepared");
    play(&mut session, &clicks()[1..]);
    assert_eq!(values(&session), fresh);
    let views = session.memory().views;
    session.finish(0.5).unwrap();
    // The same clicks on another object: the same views.
    play(&mut session, &clicks());
    assert_eq!(values(&session), fresh);
    assert_eq!(session.memory().views, views);
    // And after an undo.
    session.undo();
    session.click(clicks()[4]).unwrap();
    assert_eq!(values(&session), fresh);
    assert_eq!(session.memory().views, views);
    // Given up, it is computed anew, to the bit.
    session.set_memory_limit(0);
    assert_eq!(session.memory().views, 0);
    session.replay(&clicks()[..4], &mut Watch::new()).unwrap();
    session.click(clicks()[4]).unwrap();
    assert_eq!(values(&session), fresh);
    assert_eq!(session.memory().views, 0);
}

#[test]
fn preparing_can_be_cancelled() {
    let mut session = session(eventful(Mode::NoBrs));
    let token = CancelToken::new();
    token.cancel();
    let error = session.prepare(&mut Watch::new().cancelled_by(&token)).unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    assert_eq!(session.memory().views, 0);
    session.set_memory_limit(0);
    session.prepare(&mut Watch::new()).unwrap();
    assert_eq!(session.memory().views, 0, "within the limit");
}
