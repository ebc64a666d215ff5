//! Watching, cancelling and limiting clicks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::time::{Duration, Instant};

use fbrs::{
    CancelToken, Ending, ErrorKind, Event, Mode, NetClicks, Options, RefineOptions, Region, Watch,
};

use support::{CLICKS, eventful, listed, off, on, options, segmenter, session};

fn names(events: &mut Vec<String>) -> impl FnMut(&Event<'_>) + '_ {
    |event| {
        events.push(match event {
            Event::Click { index, count } => format!("click {index}/{count}"),
            Event::View { region, .. } => format!("view {}", region.is_some()),
            Event::Features { cached } => format!("features {cached}"),
            Event::Plain(_) => "plain".to_owned(),
            Event::Evaluation { number, .. } => format!("evaluation {number}"),
            _ => "another".to_owned(),
        });
    }
}

#[test]
fn every_click_shows_its_events() {
    for mode in Mode::ALL {
        let mut session = session(eventful(mode));
        let mut events = Vec::new();
        session
            .click_with(on(45.0, 60.0), &mut Watch::new().seen_by(&mut names(&mut events)))
            .unwrap();
        assert_eq!(events, ["click 0/1", "view false", "features false", "plain"], "{mode}");
        let mut events = Vec::new();
        session
            .click_with(off(5.0, 5.0), &mut Watch::new().seen_by(&mut names(&mut events)))
            .unwrap();
        assert_eq!(events[..3], ["click 1/2", "view true", "features false"], "{mode}");
        let answers: Vec<_> = match mode {
            Mode::NoBrs => vec!["plain".to_owned()],
            _ => {
                let count = session.report().unwrap().refine.losses.len();
                (1..=count).map(|number| format!("evaluation {number}")).collect()
            }
        };
        assert_eq!(events[3..], answers, "{mode}");
    }
}

#[test]
fn live_answers_are_predictions() {
    let mut session = session(eventful(Mode::NoBrs));
    let mut live = None;
    let mut see = |event: &Event<'_>| {
        if let Event::Plain(answer) = event {
            live = Some(answer.prediction());
        }
    };
    let answer = session.click_with(on(45.0, 60.0), &mut Watch::new().seen_by(&mut see)).unwrap();
    assert_eq!(live, Some(answer));
}

/// Whenever the token is cancelled, before the click or at any of its events, the click ends and the
/// session is as before; the next click is not affected.
#[test]
fn a_cancelled_click_never_happened() {
    for mode in Mode::ALL {
        let mut session = session(eventful(mode));
        let clicks = CLICKS.map(listed);
        for click in clicks {
            let before = session.prediction();
            let early = CancelToken::new();
            early.cancel();
            let error = session.click_with(click, &mut Watch::new().cancelled_by(&early));
            assert_eq!(error.err().unwrap().kind(), ErrorKind::Cancelled);
            for last in 0..10 {
                let token = CancelToken::new();
                let mut seen = 0;
                let mut stop = |_: &Event<'_>| {
                    if seen == last {
                        let token = token.clone();
                        std::thread::spawn(move || token.cancel()).join().unwrap();
                    }
                    seen += 1;
                };
                let mut watch = Watch::new().cancelled_by(&token).seen_by(&mut stop);
                match session.click_with(click, &mut watch) {
                    Ok(_) => {
                        assert!(seen <= last, "{mode}: a cancel at event {last} was lost");
                        assert!(session.undo());
                        break;
                    }
                    Err(error) => assert!(error.is_cancelled(), "{mode}: {error}"),
                }
                assert_eq!(session.prediction(), before, "{mode}");
            }
            session.click(click).unwrap();
        }
        let mut fresh = self::session(eventful(mode));
        clicks.into_iter().for_each(|click| drop(fresh.click(click).unwrap()));
        assert_eq!(session.prediction(), fresh.prediction(), "{mode}");
    }
}

#[test]
fn a_cancelled_replay_never_happened() {
    let mut session = session(eventful(Mode::FBrsB));
    let clicks = CLICKS.map(listed);
    clicks.into_iter().for_each(|click| drop(session.click(click).unwrap()));
    let before = session.prediction();
    let token = CancelToken::new();
    let mut stop = |event: &Event<'_>| {
        if matches!(event, Event::Click { index: 3, .. }) {
            token.cancel();
        }
    };
    let mut watch = Watch::new().cancelled_by(&token).seen_by(&mut stop);
    assert!(session.remove_click(1, &mut watch).err().unwrap().is_cancelled());
    assert_eq!(session.prediction(), before);
    assert_eq!(session.clicks().len(), clicks.len());
}

#[test]
fn what_a_watcher_panics_with_is_the_callers() {
    let mut session = session(options(Mode::NoBrs));
    let fault = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut see = |event: &Event<'_>| {
            if matches!(event, Event::Features { .. }) {
                panic!("of the caller's own");
            }
        };
        session.click_with(on(45.0, 60.0), &mut Watch::new().seen_by(&mut see)).map(drop)
    }));
    assert_eq!(fault.err().unwrap().downcast_ref(), Some(&"of the caller's own"));
    session.click(on(45.0, 60.0)).unwrap();
}

fn limited(max_time: Duration) -> Options {
    let refine = RefineOptions::default()
        .with_min_iou_diff(0.0)
        .with_net_clicks(NetClicks::First(1))
        .with_max_time(Some(max_time));
    Options::default().with_refine(refine)
}

#[test]
fn time_can_be_limited() {
    let mut session = session(limited(Duration::ZERO));
    session.click(on(45.0, 60.0)).unwrap();
    session.click(off(10.0, 10.0)).unwrap();
    let refine = &session.report().unwrap().refine;
    assert_eq!(refine.losses.len(), 1);
    assert_eq!(refine.ending, Some(Ending::Time));
    // No duration is too long.
    let mut session = support::session(limited(Duration::MAX));
    session.click(on(45.0, 60.0)).unwrap();
    session.click(off(10.0, 10.0)).unwrap();
    assert_ne!(session.report().unwrap().refine.ending, Some(Ending::Time));
}

#[test]
fn a_first_click_that_is_repeated_reports_both_answers() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/predictions/photos");
    let photo = image::open(format!("{folder}/000000303818.webp")).unwrap().into_rgb8();
    let zoom = fbrs::ZoomIn::default().with_skip_clicks(0).with_target_size(128);
    let options = options(Mode::NoBrs).with_view(fbrs::View::ZoomIn(zoom)).with_max_size(Some(320));
    let mut session = segmenter().session(photo, options).unwrap();
    let mut events = Vec::new();
    let started = Instant::now();
    session
        .click_with(on(234.0, 56.0), &mut Watch::new().seen_by(&mut names(&mut events)))
        .unwrap();
    let elapsed = started.elapsed();
    assert_eq!(events.iter().filter(|event| *event == "plain").count(), 2);
    let report = session.report().unwrap();
    assert!(report.region.is_some());
    // The network's time is the network's, of both answers: what is left is resizing.
    assert!(report.transforms < report.refine.total(), "{report:?}");
    assert!(report.total <= elapsed);
}

#[test]
fn parts_of_a_prediction_are_the_prediction() {
    let mut session = session(eventful(Mode::FBrsB));
    session.click(on(45.0, 60.0)).unwrap();
    let prediction = session.click(off(5.0, 5.0)).unwrap();
    let whole = prediction.probabilities();
    let region = Region::new(20..=70, 30..=100).unwrap();
    let part = prediction.probabilities_in(region);
    for (index, value) in part.iter().enumerate() {
        let (row, col) = (20 + index / 71, 30 + index % 71);
        assert_eq!(*value, whole[row * 120 + col]);
    }
    let mask = prediction.mask_in(region, 0.5).unwrap();
    assert!(mask.as_raw().iter().zip(&part).all(|(pixel, p)| (*pixel == 255) == (*p > 0.5)));
    let above: Vec<bool> = whole.iter().map(|p| *p > 0.5).collect();
    let expected = Region::bounding_box(&above, prediction.size());
    assert_eq!(prediction.bounding_box(0.5).unwrap(), expected);
    assert_eq!(prediction.crops().count(), 1);
    let position = fbrs::Position::at_xy(60.0, 45.0);
    assert_eq!(prediction.probability_at(position), Some(whole[45 * 120 + 60]));
    assert_eq!(prediction.probability_at(fbrs::Position::at_xy(120.0, 45.0)), None);
}

#[test]
fn options_and_reports_are_files_too() {
    let mut session = session(limited(Duration::from_millis(1500)));
    session.click(on(45.0, 60.0)).unwrap();
    let options = session.options();
    let text = serde_json::to_string(options).unwrap();
    assert_eq!(&serde_json::from_str::<Options>(&text).unwrap(), options);
    assert!(text.contains(r#""max_time":1.5"#) && text.contains(r#""mode":"f-BRS-B""#), "{text}");
    assert_eq!(serde_json::from_str::<Options>("{}").unwrap(), Options::default());
    assert!(serde_json::from_str::<Options>(r#"{"flipp": true}"#).is_err());
    let text = serde_json::to_string(session.report().unwrap()).unwrap();
    let report: fbrs::ClickReport = serde_json::from_str(&text).unwrap();
    assert_eq!(report.crop, session.report().unwrap().crop);
    let click: fbrs::Click<fbrs::ImageSpace> =
        serde_json::from_str(r#"{"x": 3, "y": 4.5, "positive": false}"#).unwrap();
    assert_eq!(click, off(4.5, 3.0));
    let region = r#"{"left": 5, "top": 2, "right": 4, "bottom": 9}"#;
    assert!(serde_json::from_str::<Region>(region).is_err());
    let device: fbrs::DeviceChoice = serde_json::from_str(r#""cuda:1""#).unwrap();
    assert_eq!(device, fbrs::DeviceChoice::Cuda(1));
}
