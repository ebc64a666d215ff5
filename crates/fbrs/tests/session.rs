//! What a session promises: undo and redo to the bit, objects, views, clear errors.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::sync::Arc;

use fbrs::{
    Error, Mode, Options, Photo, Prediction, RefineOptions, Segmenter, Session, Tiles, View, ZoomIn,
};
use image::{DynamicImage, GrayImage, Luma, RgbImage};

use support::{CLICKS, eventful, listed, off, on, options, photo, segmenter, session};

#[test]
fn undo_and_redo_are_exact_to_the_bit() {
    for mode in Mode::ALL {
        let mut session = session(eventful(mode));
        let mut history: Vec<Prediction> = Vec::new();
        for click in CLICKS {
            history.push(session.click(listed(click)).unwrap());
        }
        for remaining in (0..CLICKS.len()).rev() {
            assert!(session.undo());
            assert_eq!(session.clicks().count(), remaining);
            let expected = remaining.checked_sub(1).map(|last| history[last].clone());
            assert_eq!(session.prediction(), expected);
        }
        assert!(!session.undo());
        for (count, prediction) in history.iter().enumerate() {
            assert!(session.redo());
            assert_eq!(session.clicks().count(), count + 1);
            assert_eq!(session.prediction().as_ref(), Some(prediction), "{mode}");
        }
        assert!(!session.redo());
        // Refinement's own state comes back as well: the same clicks again give the same bits.
        for _ in 0..3 {
            session.undo();
        }
        for (count, click) in CLICKS.into_iter().enumerate().skip(2) {
            let prediction = session.click(listed(click)).unwrap();
            assert_eq!(prediction, history[count], "{mode}");
        }
        assert!(!session.redo(), "a new click forgets what was undone");
    }
}

#[test]
fn one_call_is_the_clicks_one_after_the_other() {
    let clicks: Vec<_> = CLICKS.into_iter().map(listed).collect();
    let options = eventful(Mode::FBrsB);
    let mut session = session(options.clone());
    for click in &clicks {
        session.click(*click).unwrap();
    }
    let at_once = segmenter().segment(photo(), &clicks, &options).unwrap();
    assert_eq!(Some(at_once), session.prediction());
    let negative = segmenter().segment(photo(), &clicks[1..2], &options);
    assert!(matches!(negative, Err(Error::State(_))));
    assert!(segmenter().segment(photo(), &[], &options).is_err());
}

#[test]
fn images_come_in_every_form() {
    let options = options(Mode::NoBrs);
    let image = photo();
    let clicks = [on(45.0, 60.0)];
    let expected = segmenter().segment(image.clone(), &clicks, &options).unwrap();
    let dynamic = DynamicImage::ImageRgb8(image.clone());
    assert_eq!(segmenter().segment(dynamic, &clicks, &options).unwrap(), expected);
    let slice = Photo::from_slice(image.as_raw(), 120, 90).unwrap();
    assert_eq!(segmenter().segment(slice, &clicks, &options).unwrap(), expected);
    let short = Photo::from_slice(&image.as_raw()[1..], 120, 90);
    assert!(short.err().unwrap().to_string().contains("expected 32400 bytes, got 32399"));
    assert!(matches!(Photo::from_slice(&[0; 32401], 120, 90), Err(Error::Image { .. })));
    // Shared, not copied.
    let shared = Arc::new(image);
    let session = segmenter().session(shared.clone(), options.clone()).unwrap();
    assert!(Arc::ptr_eq(session.photo().pixels(), &shared));
    let tiny = segmenter().session(RgbImage::new(1, 1), options);
    assert!(matches!(tiny, Err(Error::Image { .. })));
}

#[test]
fn masks_follow_the_probabilities() {
    let mut session = session(options(Mode::NoBrs));
    let prediction = session.click(on(45.0, 60.0)).unwrap();
    for threshold in [0.1, 0.49, 0.9] {
        let mask = prediction.mask(threshold).unwrap();
        assert_eq!(mask.dimensions(), (120, 90));
        for (pixel, probability) in mask.as_raw().iter().zip(prediction.probabilities()) {
            assert_eq!(*pixel, if probability > threshold { 255 } else { 0 });
        }
    }
    for wrong in [0.0, 1.0, -1.0, f32::NAN, f32::INFINITY] {
        assert!(matches!(prediction.mask(wrong), Err(Error::Parameter { .. })), "{wrong}");
    }
}

#[test]
fn objects_are_numbered_and_start_anew() {
    let mut session = session(options(Mode::FBrsB));
    assert!(matches!(session.finish(0.5), Err(Error::State(_))));
    let mask = session.click(on(45.0, 60.0)).unwrap().mask(0.5).unwrap();
    assert!(matches!(session.finish(f32::NAN), Err(Error::Parameter { .. })));
    assert_eq!(session.finish(0.5).unwrap(), 1);
    assert_eq!(session.clicks().count(), 0);
    assert!(session.prediction().is_none());
    let fresh = self::session(options(Mode::FBrsB)).click(on(10.0, 100.0)).unwrap();
    let second = session.click(on(10.0, 100.0)).unwrap();
    assert_eq!(second, fresh, "nothing is left of the first object");
    let second = second.mask(0.5).unwrap();
    assert_eq!(session.finish(0.5).unwrap(), 2);
    for ((label, first), second) in
        session.label_mask().iter().zip(mask.as_raw()).zip(second.as_raw())
    {
        let expected = if *second > 0 { 2 } else { u16::from(*first > 0) };
        assert_eq!(*label, expected);
    }
    assert_eq!(session.finished(), 2);
}

#[test]
fn a_finished_part_is_a_floor() {
    let mut session = session(options(Mode::FBrsB));
    assert!(matches!(session.finish_partially(), Err(Error::State(_))));
    let part = session.click(on(45.0, 60.0)).unwrap();
    session.finish_partially().unwrap();
    assert_eq!(session.prediction().unwrap().probabilities(), part.probabilities());
    assert_eq!(session.clicks().count(), 0);
    let alone = self::session(options(Mode::FBrsB)).click(on(10.0, 100.0)).unwrap();
    let both = session.click(on(10.0, 100.0)).unwrap();
    let (part, alone) = (part.probabilities(), alone.probabilities());
    let larger = part.iter().zip(alone).map(|(a, b)| a.max(b));
    assert!(both.probabilities().iter().copied().eq(larger));
    session.undo();
    assert_eq!(session.prediction().unwrap().probabilities(), part);
    session.redo();
    assert_eq!(session.prediction(), Some(both));
    session.reset();
    assert!(session.prediction().is_none());
}

#[test]
fn an_object_can_start_from_a_mask() {
    let mut session = session(eventful(Mode::NoBrs));
    let inside = |x, y| (90..110).contains(&x) && (60..80).contains(&y);
    let mask = GrayImage::from_fn(120, 90, |x, y| Luma([if inside(x, y) { 255 } else { 0 }]));
    assert!(matches!(session.start_from_mask(&GrayImage::new(9, 9)), Err(Error::Image { .. })));
    session.start_from_mask(&mask).unwrap();
    assert_eq!(session.prediction().unwrap().mask(0.5).unwrap(), mask);
    session.click(on(45.0, 60.0)).unwrap();
    let with = session.prediction().unwrap().mask(0.5).unwrap();
    assert!(with.as_raw().iter().zip(mask.as_raw()).all(|(with, given)| with >= given));
    assert!(matches!(session.start_from_mask(&mask), Err(Error::State(_))));
    session.undo();
    assert_eq!(session.prediction().unwrap().mask(0.5).unwrap(), mask);
}

#[test]
fn every_option_out_of_range_is_named() {
    let refine = |change: fn(&mut RefineOptions)| {
        let mut options = Options::default();
        change(&mut options.refine);
        options
    };
    let zoom = |zoom: ZoomIn| Options::default().with_view(View::ZoomIn(zoom));
    let tiles = |tiles: Tiles| Options::default().with_view(View::Tiles(tiles));
    let wrong = [
        ("threshold", refine(|r| r.threshold = f32::NAN)),
        ("minimal IoU difference", refine(|r| r.min_iou_diff = -0.1)),
        ("regularization", refine(|r| r.regularization = f64::INFINITY)),
        ("maximal size", Options::default().with_max_size(Some(1_000_000))),
        ("zoom-in target size", zoom(ZoomIn::default().with_target_size(0))),
        ("zoom-in expansion ratio", zoom(ZoomIn::default().with_expansion_ratio(f64::NAN))),
        ("tile size", tiles(Tiles::default().with_size(1))),
        ("tile overlap", tiles(Tiles::default().with_min_overlap(1.0))),
    ];
    for (name, options) in wrong {
        match segmenter().session(photo(), options) {
            Err(Error::Parameter { name: found, .. }) => assert_eq!(found, name),
            other => panic!("{name}: {:?}", other.err()),
        }
    }
}

#[test]
fn clicks_outside_change_nothing() {
    let mut session = session(options(Mode::NoBrs));
    let before = session.click(on(45.0, 60.0)).unwrap();
    for (row, col) in
        [(-1.0, 5.0), (5.0, -0.5), (90.0, 5.0), (5.0, 120.0), (f64::NAN, 5.0), (5.0, f64::INFINITY)]
    {
        assert!(matches!(session.click(on(row, col)), Err(Error::Click { .. })), "{row} {col}");
        assert_eq!(session.prediction(), Some(before.clone()));
        assert_eq!(session.clicks().count(), 1);
    }
    session.click(on(89.5, 119.5)).unwrap();
}

#[test]
fn every_view_covers_the_photo() {
    let views = [
        View::Whole,
        View::ZoomIn(ZoomIn::default()),
        View::Tiles(Tiles::default().with_size(50)),
        View::Tiles(Tiles::default().with_size(500)),
    ];
    for view in views {
        for mode in Mode::ALL {
            for flip in [true, false] {
                let refine = RefineOptions::default().with_mode(mode).with_max_evaluations(2);
                let options = Options::default()
                    .with_view(view.clone())
                    .with_flip(flip)
                    .with_max_size(Some(64))
                    .with_refine(refine);
                let mut session = session(options);
                session.click(on(45.0, 60.0)).unwrap();
                let prediction = session.click(off(5.0, 5.0)).unwrap();
                let values = prediction.probabilities();
                assert_eq!(values.len(), 120 * 90);
                assert!(values.iter().all(|p| (0.0..=1.0).contains(p)), "{view:?} {mode}");
            }
        }
    }
    // A tile as large as the photo is the photo.
    let seen = |view| {
        let options = options(Mode::NoBrs).with_view(view);
        session(options).click(on(45.0, 60.0)).unwrap()
    };
    let tile = Tiles::default().with_size(500);
    assert_eq!(seen(View::Whole), seen(View::Tiles(tile)));
}

/// With `skip_clicks` 0 a small object is predicted again, zoomed in, at the very first click.
#[test]
fn the_first_click_zooms_in_where_asked() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/predictions/photos");
    let photo = image::open(format!("{folder}/000000303818.webp")).unwrap().into_rgb8();
    for (skip_clicks, zooms) in [(0, true), (1, false)] {
        let zoom = ZoomIn::default().with_skip_clicks(skip_clicks).with_target_size(128);
        let options = options(Mode::NoBrs).with_view(View::ZoomIn(zoom)).with_max_size(Some(320));
        let mut session = segmenter().session(photo.clone(), options).unwrap();
        session.click(on(234.0, 56.0)).unwrap();
        assert_eq!(session.report().unwrap().region.is_some(), zooms);
    }
}

#[test]
fn big_photos_are_limited() {
    let big = image::imageops::resize(&photo(), 480, 360, image::imageops::FilterType::Nearest);
    let options = options(Mode::NoBrs).with_max_size(Some(100));
    let mut session = segmenter().session(big, options).unwrap();
    session.click(on(180.0, 240.0)).unwrap();
    let crop = session.report().unwrap().crop;
    assert_eq!((crop.height, crop.width), (75, 100));
}

#[test]
fn weights_are_told_from_others_and_loaded_again() {
    let (mut calls, mut last) = (0, (0, 0));
    let checkpoint = fbrs::weights::Checkpoint::built_in().unwrap();
    let device = fbrs::DeviceChoice::Cpu.open().unwrap();
    let first = Segmenter::from_checkpoint_with(checkpoint, device, |done, total| {
        calls += 1;
        assert!(done >= last.0 && done <= total);
        last = (done, total);
    });
    let first = first.unwrap();
    assert!(calls > 100 && last.0 == last.1, "{calls} {last:?}");
    let again = first.on_device(fbrs::DeviceChoice::Cpu).unwrap();
    assert_eq!(first.fingerprint().unwrap(), again.fingerprint().unwrap());
    let clicks = [on(45.0, 60.0)];
    let answer =
        |segmenter: &Segmenter| segmenter.segment(photo(), &clicks, &options(Mode::NoBrs)).unwrap();
    assert_eq!(answer(&first), answer(&again));
    first.warm_up(first_size(), &options(Mode::FBrsB), &mut fbrs::Watch::new()).unwrap();
}

fn first_size() -> fbrs::Size {
    fbrs::Size { height: 90, width: 120 }
}

#[test]
fn a_segmenter_serves_many_threads() {
    fn shareable<T: Send + Sync>() {}
    fn movable<T: Send>() {}
    shareable::<Segmenter>();
    movable::<Session>();
    let expected = session(options(Mode::FBrsB)).click(on(45.0, 60.0)).unwrap();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| session(options(Mode::FBrsB)).click(on(45.0, 60.0)).unwrap()))
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), expected);
        }
    });
}
