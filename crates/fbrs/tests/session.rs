//! What a session promises: undo and redo to the bit, objects, views, cancellation, clear errors.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ops::ControlFlow;
use std::sync::OnceLock;
use std::time::Duration;

use fbrs::{
    Click, Error, ImageSpace, Mode, Options, Position, Prediction, RefineOptions, Segmenter,
    Session, Tiles, View, ZoomIn,
};
use image::{DynamicImage, GrayImage, Luma, Rgb, RgbImage};

fn segmenter() -> &'static Segmenter {
    static SEGMENTER: OnceLock<Segmenter> = OnceLock::new();
    SEGMENTER.get_or_init(|| Segmenter::built_in().unwrap())
}

/// A red box on green, 120×90.
fn photo() -> RgbImage {
    RgbImage::from_fn(120, 90, |x, y| {
        let inside = (40..80).contains(&x) && (30..60).contains(&y);
        Rgb(if inside { [200, 50, (x * 2) as u8] } else { [40, 120, (y * 2) as u8] })
    })
}

fn on(row: f64, col: f64) -> Click<ImageSpace> {
    Click::positive(Position::from_row_col(row, col))
}

fn off(row: f64, col: f64) -> Click<ImageSpace> {
    Click::negative(Position::from_row_col(row, col))
}

fn options(mode: Mode) -> Options {
    Options { refine: RefineOptions { mode, ..RefineOptions::default() }, ..Options::default() }
}

fn session(options: Options) -> Session {
    segmenter().session(photo(), options).unwrap()
}

/// Small views and click limits, so that regions are replaced and features cached within few clicks.
fn eventful(mode: Mode) -> Options {
    let zoom = ZoomIn { target_size: 64, min_region_size: 20, ..ZoomIn::default() };
    let refine =
        RefineOptions { mode, net_clicks: Some(2), max_evaluations: 3, ..RefineOptions::default() };
    Options { view: View::ZoomIn(zoom), refine, ..Options::default() }
}

const CLICKS: [(bool, f64, f64); 5] = [
    (true, 45.0, 60.0),
    (false, 10.0, 10.0),
    (true, 35.0, 45.0),
    (false, 45.0, 90.0),
    (true, 57.0, 77.0),
];

fn listed((positive, row, col): (bool, f64, f64)) -> Click<ImageSpace> {
    if positive { on(row, col) } else { off(row, col) }
}

#[test]
fn undo_and_redo_are_exact_to_the_bit() {
    for mode in Mode::ALL {
        let mut session = session(eventful(mode));
        let mut history: Vec<Prediction> = Vec::new();
        for click in CLICKS {
            history.push(session.click(listed(click)).unwrap().clone());
        }
        for remaining in (0..CLICKS.len()).rev() {
            assert!(session.undo());
            assert_eq!(session.clicks().count(), remaining);
            assert_eq!(session.prediction(), remaining.checked_sub(1).map(|last| &history[last]));
        }
        assert!(!session.undo());
        for (count, prediction) in history.iter().enumerate() {
            assert!(session.redo());
            assert_eq!(session.clicks().count(), count + 1);
            assert_eq!(session.prediction(), Some(prediction), "{mode}");
        }
        assert!(!session.redo());
        // Refinement's own state comes back as well: the same clicks again give the same bits.
        for _ in 0..3 {
            session.undo();
        }
        for (count, click) in CLICKS.into_iter().enumerate().skip(2) {
            let prediction = session.click(listed(click)).unwrap();
            assert_eq!(prediction, &history[count], "{mode}");
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
    assert_eq!(Some(&at_once), session.prediction());
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
    let mut session =
        segmenter().session_from_slice(image.as_raw(), 120, 90, options.clone()).unwrap();
    assert_eq!(session.click(clicks[0]).unwrap(), &expected);
    let short = segmenter().session_from_slice(&image.as_raw()[1..], 120, 90, options.clone());
    assert!(short.err().unwrap().to_string().contains("expected 32400 bytes, got 32399"));
    let long = segmenter().session_from_slice(&[0; 32401], 120, 90, options.clone());
    assert!(matches!(long, Err(Error::Image { .. })));
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
            assert_eq!(*pixel, if *probability > threshold { 255 } else { 0 });
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
    assert!(session.prediction().is_none() && !session.undo());
    let fresh = self::session(options(Mode::FBrsB)).click(on(10.0, 100.0)).unwrap().clone();
    let second = session.click(on(10.0, 100.0)).unwrap();
    assert_eq!(second, &fresh, "nothing is left of the first object");
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
    let part = session.click(on(45.0, 60.0)).unwrap().clone();
    session.finish_partially().unwrap();
    assert_eq!(session.prediction(), Some(&part));
    assert_eq!(session.clicks().count(), 0);
    let alone = self::session(options(Mode::FBrsB)).click(on(10.0, 100.0)).unwrap().clone();
    let both = session.click(on(10.0, 100.0)).unwrap().clone();
    let larger = part.probabilities().iter().zip(alone.probabilities()).map(|(a, b)| a.max(*b));
    assert!(both.probabilities().iter().copied().eq(larger));
    session.undo();
    assert_eq!(session.prediction(), Some(&part));
    session.redo();
    assert_eq!(session.prediction(), Some(&both));
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
fn options_are_locked_while_an_object_is_in_progress() {
    let mut session = session(options(Mode::NoBrs));
    session.click(on(45.0, 60.0)).unwrap();
    assert!(matches!(session.set_options(options(Mode::FBrsA)), Err(Error::State(_))));
    session.reset();
    session.set_options(options(Mode::FBrsA)).unwrap();
    assert_eq!(session.options().refine.mode, Mode::FBrsA);
    let wrong = Options { max_size: Some(0), ..Options::default() };
    assert!(matches!(session.set_options(wrong), Err(Error::Parameter { .. })));
}

#[test]
fn every_option_out_of_range_is_named() {
    let refine = |change: fn(&mut RefineOptions)| {
        let mut options = Options::default();
        change(&mut options.refine);
        options
    };
    let zoom = |zoom: ZoomIn| Options { view: View::ZoomIn(zoom), ..Options::default() };
    let wrong = [
        ("threshold", refine(|r| r.threshold = f32::NAN)),
        ("minimal IoU difference", refine(|r| r.min_iou_diff = -0.1)),
        ("regularization", refine(|r| r.regularization = f64::INFINITY)),
        ("maximal size", Options { max_size: Some(1_000_000), ..Options::default() }),
        ("zoom-in target size", zoom(ZoomIn { target_size: 0, ..ZoomIn::default() })),
        (
            "zoom-in expansion ratio",
            zoom(ZoomIn { expansion_ratio: f64::NAN, ..ZoomIn::default() }),
        ),
        (
            "tile size",
            Options {
                view: View::Tiles(Tiles { size: 1, ..Tiles::default() }),
                ..Options::default()
            },
        ),
        (
            "tile overlap",
            Options {
                view: View::Tiles(Tiles { min_overlap: 1.0, ..Tiles::default() }),
                ..Options::default()
            },
        ),
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
    let before = session.click(on(45.0, 60.0)).unwrap().clone();
    for (row, col) in
        [(-1.0, 5.0), (5.0, -0.5), (90.0, 5.0), (5.0, 120.0), (f64::NAN, 5.0), (5.0, f64::INFINITY)]
    {
        assert!(matches!(session.click(on(row, col)), Err(Error::Click { .. })), "{row} {col}");
        assert_eq!(session.prediction(), Some(&before));
        assert_eq!(session.clicks().count(), 1);
    }
    session.click(on(89.5, 119.5)).unwrap();
}

#[test]
fn every_view_covers_the_photo() {
    let views = [
        View::Whole,
        View::ZoomIn(ZoomIn::default()),
        View::Tiles(Tiles { size: 50, min_overlap: 0.2 }),
        View::Tiles(Tiles { size: 500, min_overlap: 0.2 }),
    ];
    for view in views {
        for mode in Mode::ALL {
            for flip in [true, false] {
                let refine = RefineOptions { mode, max_evaluations: 2, ..RefineOptions::default() };
                let options = Options { view: view.clone(), flip, max_size: Some(64), refine };
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
        let options = Options { view, ..options(Mode::NoBrs) };
        session(options).click(on(45.0, 60.0)).unwrap().clone()
    };
    let tile = Tiles { size: 500, min_overlap: 0.2 };
    assert_eq!(seen(View::Whole), seen(View::Tiles(tile)));
}

/// With `skip_clicks` 0 a small object is predicted again, zoomed in, at the very first click.
#[test]
fn the_first_click_zooms_in_where_asked() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/predictions/photos");
    let photo = image::open(format!("{folder}/000000303818.webp")).unwrap().into_rgb8();
    for (skip_clicks, zooms) in [(0, true), (1, false)] {
        let zoom = ZoomIn { skip_clicks, target_size: 128, ..ZoomIn::default() };
        let options =
            Options { view: View::ZoomIn(zoom), max_size: Some(320), ..options(Mode::NoBrs) };
        let mut session = segmenter().session(photo.clone(), options).unwrap();
        session.click(on(234.0, 56.0)).unwrap();
        assert_eq!(session.report().unwrap().region.is_some(), zooms);
    }
}

#[test]
fn big_photos_are_limited() {
    let big = image::imageops::resize(&photo(), 480, 360, image::imageops::FilterType::Nearest);
    let options = Options { max_size: Some(100), ..options(Mode::NoBrs) };
    let mut session = segmenter().session(big, options).unwrap();
    session.click(on(180.0, 240.0)).unwrap();
    let crop = session.report().unwrap().crop;
    assert_eq!((crop.height, crop.width), (75, 100));
}

#[test]
fn a_cancelled_click_never_happened() {
    let refine =
        RefineOptions { min_iou_diff: 0.0, net_clicks: Some(1), ..RefineOptions::default() };
    let mut session = session(Options { refine, ..Options::default() });
    let before = session.click(on(45.0, 60.0)).unwrap().clone();
    let mut losses = Vec::new();
    let error = session
        .click_watched(off(10.0, 10.0), |live| {
            losses.push(live.loss);
            assert_eq!(live.prediction().size(), before.size());
            ControlFlow::Break(())
        })
        .err()
        .unwrap();
    assert!(error.is_cancelled() && losses.len() == 1);
    assert_eq!(session.prediction(), Some(&before));
    assert_eq!(session.clicks().count(), 1);
    // From another thread, while the click runs.
    let handle = session.cancel_handle();
    let error = session
        .click_watched(off(10.0, 10.0), |_| {
            let handle = handle.clone();
            std::thread::spawn(move || handle.cancel()).join().unwrap();
            ControlFlow::Continue(())
        })
        .err()
        .unwrap();
    assert!(error.is_cancelled());
    session.click(off(10.0, 10.0)).unwrap();
    assert_eq!(session.clicks().count(), 2);
}

#[test]
fn time_can_be_limited() {
    let refine = RefineOptions {
        min_iou_diff: 0.0,
        net_clicks: Some(1),
        max_time: Some(Duration::ZERO),
        ..RefineOptions::default()
    };
    let mut session = session(Options { refine, ..Options::default() });
    session.click(on(45.0, 60.0)).unwrap();
    session.click(off(10.0, 10.0)).unwrap();
    assert_eq!(session.report().unwrap().refine.losses.len(), 1);
}

#[test]
fn a_segmenter_serves_many_threads() {
    fn shareable<T: Send + Sync>() {}
    fn movable<T: Send>() {}
    shareable::<Segmenter>();
    movable::<Session>();
    let expected = session(options(Mode::FBrsB)).click(on(45.0, 60.0)).unwrap().clone();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| session(options(Mode::FBrsB)).click(on(45.0, 60.0)).unwrap().clone())
            })
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), expected);
        }
    });
}
