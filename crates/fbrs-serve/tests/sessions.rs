//! Sessions over HTTP are the library's, to the pixel.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fbrs::{Click, Size};
use fbrs_data::annotations::rle::Rle;
use fbrs_serve::Access;
use serde_json::{Value, json};
use support::{PHOTO, config, png, segmenter, small, start};

/// The clicks of the README's picture.
const CLICKS: [(f64, f64, bool); 6] = [
    (320.0, 240.0, true),
    (330.0, 120.0, true),
    (425.0, 120.0, true),
    (325.0, 335.0, true),
    (225.0, 345.0, false),
    (440.0, 335.0, false),
];

/// What the library makes of clicks on a photo.
fn expected(photo: image::RgbImage, clicks: &[(f64, f64, bool)]) -> image::GrayImage {
    let segmenter = segmenter();
    let mut session = segmenter.session(photo, segmenter.options()).unwrap();
    for (x, y, positive) in clicks {
        let click = if *positive { Click::positive_at(*x, *y) } else { Click::negative_at(*x, *y) };
        session.click(click).unwrap();
    }
    session.prediction().unwrap().mask(0.5).unwrap()
}

#[test]
fn sessions_and_lists_answer_as_the_library_does() {
    let server = start(config());
    let file = std::fs::read(PHOTO).unwrap();
    let photo = image::load_from_memory(&file).unwrap().into_rgb8();
    let image = server.upload(&file);
    let session = server.session(&image, json!({}));
    let mut last = Value::Null;
    for click in CLICKS {
        last = server.click(&session, click).ok();
    }
    assert_eq!(
        (&last["clicks"], &last["width"], &last["height"]),
        (&json!(6), &json!(640), &json!(428))
    );
    let mask = expected(photo, &CLICKS);
    assert!(server.mask(&session) == mask);
    let area = mask.pixels().filter(|pixel| pixel.0[0] > 0).count();
    assert_eq!(last["area"], area);

    let clicks: Vec<_> = CLICKS
        .iter()
        .map(|(x, y, positive)| json!({"x": x, "y": y, "positive": positive}))
        .collect();
    let whole = json!({ "image": BASE64_STANDARD.encode(&file), "clicks": clicks });
    let answer = server.post_json("/v1/segment", &whole);
    assert_eq!(answer.header("x-fbrs-cache"), "miss");
    let picture = BASE64_STANDARD.decode(answer.ok()["mask"].as_str().unwrap()).unwrap();
    assert!(image::load_from_memory(&picture).unwrap().into_luma8() == mask);
    // The same as a form, which is known by now.
    let mut form = Vec::new();
    let clicks = Value::from(clicks).to_string();
    for (name, bytes) in [("image", &file[..]), ("clicks", clicks.as_bytes())] {
        let head = format!("--cut\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n");
        form.extend(head.as_bytes());
        form.extend(bytes);
        form.extend(b"\r\n");
    }
    form.extend(b"--cut--\r\n");
    let kind = [("content-type", "multipart/form-data; boundary=cut")];
    let answer = server.call("POST", "/v1/segment?format=none", &kind, &form);
    assert_eq!(answer.header("x-fbrs-cache"), "extend");
    assert_eq!(answer.ok()["area"], area);
}

#[test]
fn every_form_holds_the_same_mask() {
    let server = start(config());
    let image = server.upload(&png(small()));
    let session = server.session(&image, json!({}));
    let forms = |session: &str| {
        let size = Size { height: 64, width: 96 };
        let mask: Vec<bool> =
            server.mask(session).as_raw().iter().map(|pixel| *pixel > 0).collect();
        let rle = server.get(&format!("{session}/mask?format=rle")).ok();
        let counts = rle["mask"]["counts"].as_str().unwrap();
        assert_eq!(Rle::unpack(counts, size).unwrap().decode(), mask);
        let polygons = server.get(&format!("{session}/mask?format=polygons")).ok();
        let rings = |value: &Value| {
            let corner =
                |corner: &Value| (corner[0].as_f64().unwrap(), corner[1].as_f64().unwrap());
            value.as_array().unwrap().iter().map(corner).collect::<Vec<_>>()
        };
        let mut all = Vec::new();
        for part in polygons["mask"].as_array().unwrap() {
            all.push(rings(&part["outer"]));
            all.extend(part["holes"].as_array().unwrap().iter().map(rings));
        }
        let mut filled = vec![false; size.area()];
        fill(&all, size, &mut filled);
        assert_eq!(filled, mask);
        let area = mask.iter().filter(|pixel| **pixel).count();
        assert_eq!((&rle["area"], &polygons["area"]), (&json!(area), &json!(area)));
        (area, polygons["mask"].as_array().unwrap().len())
    };
    assert_eq!(forms(&session), (0, 0));
    server.click(&session, (50.0, 35.0, true)).ok();
    assert!(forms(&session).0 > 100);
    // A mask with two parts, one of which has a hole and a part within the hole.
    let ring = image::GrayImage::from_fn(96, 64, |x, y| {
        let from = |cx: i32, cy: i32| (x as i32 - cx).abs().max((y as i32 - cy).abs());
        let inside = matches!(from(30, 30), 0..=3 | 10..=20) || from(80, 20) <= 4;
        image::Luma([if inside { 255 } else { 0 }])
    });
    let session = server.session(&image, json!({}));
    let started =
        server.call("PUT", &format!("{session}/start-mask?format=none"), &[], &png(ring.clone()));
    let expected = ring.pixels().filter(|pixel| pixel.0[0] > 0).count();
    assert_eq!(started.ok()["area"], expected);
    assert_eq!(forms(&session), (expected, 3));
}

/// Fills rings by the even-odd rule, pixel by pixel.
fn fill(rings: &[Vec<(f64, f64)>], size: Size, mask: &mut [bool]) {
    for (at, pixel) in mask.iter_mut().enumerate() {
        let (x, y) = ((at % size.width) as f64 + 0.5, (at / size.width) as f64 + 0.5);
        for ring in rings {
            for (a, b) in ring.iter().zip(ring.iter().cycle().skip(1)) {
                if a.0 == b.0 && a.0 > x && a.1.min(b.1) < y && y < a.1.max(b.1) {
                    *pixel = !*pixel;
                }
            }
        }
    }
}

#[test]
fn changes_are_taken_back_and_made_again() {
    let server = start(config());
    let image = server.upload(&png(small()));
    let session = server.session(&image, json!({}));
    let do_it = |what: &str| server.post(&format!("{session}/{what}?format=none")).ok();
    let finish = || server.post(&format!("{session}/finish")).ok();
    let state = || server.get(&session).ok();
    // Nothing to take back, nothing to finish.
    assert_eq!(do_it("undo")["clicks"], 0);
    server.post(&format!("{session}/finish")).problem(409, "conflict");
    let first = server.click(&session, (50.0, 35.0, true)).ok();
    let second = server.click(&session, (5.0, 5.0, false)).ok();
    assert_eq!(do_it("undo")["area"], first["area"]);
    let again = do_it("redo");
    assert_eq!((&again["area"], &again["clicks"]), (&second["area"], &json!(2)));
    assert_eq!(state()["can_redo"], false);
    assert_eq!(finish()["object"], 1);
    assert_eq!((&state()["finished"], state()["clicks"].as_array().unwrap().len()), (&json!(1), 0));
    server.click(&session, (5.0, 5.0, true)).ok();
    assert_eq!(do_it("reset")["clicks"], 0);
    assert_eq!(do_it("undo")["clicks"], 1);
    let second = server.mask(&session);
    assert_eq!(finish()["object"], 2);
    let labels = server.get(&format!("{session}/labels"));
    let labels = image::load_from_memory(&labels.body).unwrap().into_luma16();
    assert!(labels.pixels().any(|label| label.0[0] == 1));
    for (label, pixel) in labels.pixels().zip(second.pixels()) {
        assert_eq!(label.0[0] == 2, pixel.0[0] > 0);
    }
    assert_eq!(server.call("DELETE", &session, &[], b"").status, 204);
    server.get(&session).problem(404, "unknown_session");
    server.click(&session, (5.0, 5.0, true)).problem(404, "unknown_session");
}

#[test]
fn a_click_that_is_sent_twice_is_answered_once() {
    let server = start(config());
    let session = server.session(&server.upload(&png(small())), json!({}));
    let click = json!({ "x": 50, "y": 35, "positive": true, "expected_clicks": 0 });
    let place = format!("{session}/clicks");
    assert_eq!(server.post_json(&place, &click).status, 200);
    let detail = server.post_json(&place, &click).problem(409, "conflict");
    assert!(detail.contains("has 1 clicks"), "{detail}");
    assert_eq!(server.get(&session).ok()["clicks"].as_array().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_is_told() {
    let server = start(config());
    let image = server.upload(&png(small()));
    let session = server.session(&image, json!({}));
    let clicks = format!("{session}/clicks");
    let detail = server.click(&session, (96.0, 5.0, true)).problem(422, "invalid");
    assert!(detail.contains("x 96"), "{detail}");
    let detail = server.post_json(&clicks, &json!({ "x": 1 })).problem(422, "invalid");
    assert!(detail.contains('y'), "{detail}");
    let kind = [("content-type", "application/json")];
    server.call("POST", &clicks, &kind, b"{").problem(400, "bad_request");
    server.call("POST", &clicks, &[], b"{}").problem(415, "unsupported_media_type");
    server.call("PATCH", &session, &[], b"").problem(405, "method_not_allowed");
    server.get("/nothing").problem(404, "not_found");
    server.get(&format!("{session}/mask?format=gif")).problem(422, "invalid");
    server.get(&format!("{session}/mask?treshold=0.4")).problem(422, "invalid");
    server.get(&format!("{session}/mask?threshold=1.5")).problem(422, "invalid");
    let new = |body: Value| server.post_json("/v1/sessions", &body);
    let unknown = format!("sha256:{}", "0".repeat(64));
    new(json!({ "image": unknown })).problem(404, "unknown_image");
    new(json!({ "image": "photo.jpg" })).problem(422, "invalid");
    let options = |options: Value| new(json!({ "image": image, "options": options }));
    let detail = options(json!({ "flipp": true })).problem(422, "invalid");
    assert!(detail.contains("flipp"), "{detail}");
    let detail = options(json!({ "refine": { "mode": "g-BRS" } })).problem(422, "invalid");
    assert!(detail.contains("g-BRS"), "{detail}");
    options(json!({ "refine": { "treshold": 0.4 } })).problem(422, "invalid");
    options(json!({ "refine": [] })).problem(422, "invalid");
    options(json!({ "refine": null })).problem(422, "invalid");
    options(json!({ "view": { "tiles": { "size": 1 } } })).problem(422, "invalid");
    // More than the server has itself is only for its own options.
    options(json!({ "view": "whole", "max_size": null })).problem(422, "invalid");
    options(json!({ "max_size": 8192 })).problem(422, "invalid");
    options(json!({ "view": { "zoom_in": { "target_size": 8192 } } })).problem(422, "invalid");
    options(json!({ "view": { "tiles": { "size": 16, "min_overlap": 0.9 } } })).ok();
    assert_eq!(options(json!({ "view": "whole", "max_size": 800 })).status, 201);
    let photo = |bytes: &[u8]| server.call("POST", "/v1/images", &[], bytes);
    photo(b"").problem(422, "invalid");
    photo(&png(small())[..200]).problem(422, "invalid");
    photo(b"<html></html>").problem(422, "invalid");
    let mask = png(image::GrayImage::new(5, 5));
    server.call("PUT", &format!("{session}/start-mask"), &[], &mask).problem(422, "invalid");
    // Whatever was wrong, the session is as it was.
    assert_eq!(server.get(&session).ok()["clicks"], json!([]));
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let mut config = config();
    config.limits.body = 1 << 20;
    config.limits.photo_area = 10_000;
    config.limits.clicks = 2;
    let server = start(config);
    server.call("POST", "/v1/images", &[], &vec![0; (1 << 20) + 1]).problem(413, "too_large");
    // The header alone says 60,000 × 60,000.
    let mut bomb = png(small());
    bomb[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let crc = crc(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&crc.to_be_bytes());
    server.call("POST", "/v1/images", &[], &bomb).problem(413, "too_large");
    let wide = png(image::RgbImage::new(200, 60));
    server.call("POST", "/v1/images", &[], &wide).problem(413, "too_large");
    let session = server.session(&server.upload(&png(small())), json!({}));
    server.click(&session, (50.0, 35.0, true)).ok();
    server.click(&session, (51.0, 35.0, true)).ok();
    server.click(&session, (52.0, 35.0, true)).problem(422, "invalid");
}

/// The checksum of a chunk.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

#[test]
fn sessions_belong_to_their_token() {
    let mut config = config();
    config.access =
        Access { tokens: vec!["mine".to_owned(), "yours".to_owned()], ..Access::default() };
    let mut server = start(config);
    let session = server.session(&server.upload(&png(small())), json!({}));
    assert_eq!(server.get(&session).status, 200);
    server.token = Some("yours".to_owned());
    server.get(&session).problem(404, "unknown_session");
    server.call("DELETE", &session, &[], b"").problem(404, "unknown_session");
    server.token = Some("nobody's".to_owned());
    server.get(&session).problem(401, "unauthorized");
    server.token = None;
    let answer = server.get(&session);
    answer.problem(401, "unauthorized");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    for open in ["/", "/healthz"] {
        assert_eq!(server.get(open).status, 200, "{open}");
    }
    for closed in ["/metrics", "/openapi.json", "/label-studio/health", "/xany/v1/models"] {
        server.get(closed).problem(401, "unauthorized");
    }
    server.call("GET", "/healthz", &[("host", "evil.example")], b"").problem(403, "forbidden");
    let origin = [("origin", "http://evil.example")];
    server.call("GET", "/healthz", &origin, b"").problem(403, "forbidden");
}

#[test]
fn sessions_without_memory_give_way_and_come_back_from_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let clicks = [(50.0, 35.0, true), (5.0, 5.0, false)];
    for stored in [false, true] {
        let mut config = config();
        config.store = stored.then(|| folder.path().to_owned());
        // Only what is idle gives way, and the photo itself does not fit.
        config.limits.memory = 3 << 19;
        let mut server = start(config.clone());
        let image = server.upload(&png(small()));
        let sessions: Vec<_> = (0..8)
            .map(|_| {
                let session = server.session(&image, json!({}));
                clicks.iter().for_each(|click| drop(server.click(&session, *click).ok()));
                session
            })
            .collect();
        let metrics = String::from_utf8(server.get("/metrics").body).unwrap();
        let evictions = metrics.lines().find(|line| line.starts_with("fbrs_evictions_total"));
        assert_ne!(evictions, Some("fbrs_evictions_total 0"), "{metrics}");
        let oldest = server.get(&format!("{}/mask", sessions[0]));
        let mask = expected(small(), &clicks);
        if !stored {
            oldest.problem(410, "gone");
            assert!(server.mask(&sessions[7]) == mask);
            continue;
        }
        assert!(image::load_from_memory(&oldest.body).unwrap().into_luma8() == mask);
        // What was taken back can be done again after the end of the server.
        server.post(&format!("{}/undo", sessions[3])).ok();
        server.stop();
        let server = start(config);
        let state = server.get(&sessions[3]).ok();
        assert_eq!(
            (state["clicks"].as_array().unwrap().len(), &state["can_redo"]),
            (1, &json!(true))
        );
        assert_eq!(server.post(&format!("{}/redo?format=none", sessions[3])).ok()["clicks"], 2);
        assert!(server.mask(&sessions[3]) == mask);
        server.click(&sessions[4], (60.0, 30.0, true)).ok();
        server.call("DELETE", &sessions[5], &[], b"");
        server.get(&sessions[5]).problem(404, "unknown_session");
    }
}

#[test]
fn two_servers_on_one_store_go_on_with_each_others_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config();
    config.store = Some(folder.path().to_owned());
    let (one, two) = (start(config.clone()), start(config));
    let session = one.session(&one.upload(&png(small())), json!({}));
    one.click(&session, (50.0, 35.0, true)).ok();
    assert_eq!(two.click(&session, (5.0, 5.0, false)).ok()["clicks"], 2);
    assert_eq!(one.get(&session).ok()["clicks"].as_array().unwrap().len(), 2);
    assert_eq!(one.post(&format!("{session}/undo?format=none")).ok()["clicks"], 1);
    assert_eq!(two.post(&format!("{session}/redo?format=none")).ok()["clicks"], 2);
    let expected = expected(small(), &[(50.0, 35.0, true), (5.0, 5.0, false)]);
    assert!(one.mask(&session) == expected && two.mask(&session) == expected);
}

#[test]
fn a_click_out_of_time_leaves_its_session_as_it_was() {
    let mut config = config();
    config.limits.request_timeout = Duration::from_millis(60);
    let server = start(config);
    // Answered within 60 ms it can be on no machine: the photo is large for the network.
    let options = json!({ "max_size": 1000, "refine": { "mode": "RGB-BRS", "min_iou_diff": 0.0 } });
    let photo = std::fs::read(PHOTO).unwrap();
    let whole = json!({ "view": "whole" });
    let options = merged(options, whole);
    let session = server.session(&server.upload(&photo), options);
    server.click(&session, (320.0, 240.0, true)).problem(504, "timeout");
    let deadline = Instant::now() + Duration::from_secs(20);
    while running(&server) > 0 {
        assert!(Instant::now() < deadline, "the thread is not free");
    }
    assert_eq!(server.get(&session).ok()["clicks"], json!([]));
}

fn merged(mut one: Value, other: Value) -> Value {
    one.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    one
}

/// Clicks that wait or run.
fn running(server: &support::Running) -> u64 {
    level(server, "fbrs_running ") + level(server, "fbrs_queue ")
}

fn level(server: &support::Running, name: &str) -> u64 {
    let metrics = String::from_utf8(server.get("/metrics").body).unwrap();
    let line = metrics.lines().find(|line| line.starts_with(name)).unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_client_that_goes_away_calls_its_click_off() {
    let server = start(config());
    let options = json!({
        "view": "whole", "max_size": 1000,
        "refine": { "mode": "RGB-BRS", "min_iou_diff": 0.0, "optimize_after": 0 }
    });
    let session = server.session(&server.upload(&std::fs::read(PHOTO).unwrap()), options);
    for accept in ["*/*", "text/event-stream"] {
        let body = json!({ "x": 320, "y": 240, "positive": true }).to_string();
        let mut stream = TcpStream::connect(server.address).unwrap();
        let head = format!(
            "POST {session}/clicks HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             accept: {accept}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while level(&server, "fbrs_running ") == 0 {
            assert!(Instant::now() < deadline, "{accept}: the click did not begin");
        }
        drop(stream);
        while running(&server) > 0 {
            assert!(Instant::now() < deadline, "{accept}: the thread is not free");
        }
        assert_eq!(server.get(&session).ok()["clicks"], json!([]), "{accept}");
    }
    let metrics = String::from_utf8(server.get("/metrics").body).unwrap();
    let cancellations = metrics.lines().find(|line| line.contains("cancellations_total"));
    assert_eq!(cancellations, Some("fbrs_cancellations_total 2"));
}

#[test]
fn a_session_that_is_deleted_ends_its_click_and_stays_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config();
    config.store = Some(folder.path().to_owned());
    let server = start(config);
    let options = json!({
        "view": "whole", "max_size": 1000,
        "refine": { "mode": "RGB-BRS", "min_iou_diff": 0.0, "optimize_after": 0 }
    });
    let session = server.session(&server.upload(&std::fs::read(PHOTO).unwrap()), options);
    std::thread::scope(|scope| {
        let click = scope.spawn(|| server.click(&session, (320.0, 240.0, true)));
        let deadline = Instant::now() + Duration::from_secs(20);
        while level(&server, "fbrs_running ") == 0 {
            assert!(Instant::now() < deadline, "the click did not begin");
        }
        assert_eq!(server.call("DELETE", &session, &[], b"").status, 204);
        assert!(click.join().unwrap().status >= 400);
    });
    server.get(&session).problem(404, "unknown_session");
    assert_eq!(std::fs::read_dir(folder.path().join("sessions")).unwrap().count(), 0);
}

#[test]
fn a_session_is_made_again_over_several_requests_where_one_is_too_short() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config();
    config.store = Some(folder.path().to_owned());
    let mut server = start(config.clone());
    let session = server.session(&server.upload(&std::fs::read(PHOTO).unwrap()), json!({}));
    CLICKS.iter().for_each(|click| drop(server.click(&session, *click).ok()));
    let mask = server.mask(&session);
    server.stop();
    // Each request has time for a click or two.
    config.limits.request_timeout = Duration::from_millis(150);
    let server = start(config);
    let deadline = Instant::now() + Duration::from_secs(60);
    let answer = loop {
        let answer = server.get(&format!("{session}/mask"));
        if answer.status == 200 {
            break answer;
        }
        answer.problem(504, "timeout");
        assert!(Instant::now() < deadline, "it never comes back");
    };
    assert!(image::load_from_memory(&answer.body).unwrap().into_luma8() == mask);
}

#[test]
fn every_evaluation_is_told() {
    let server = start(config());
    let session = server.session(&server.upload(&std::fs::read(PHOTO).unwrap()), json!({}));
    for (number, (x, y, positive)) in CLICKS.into_iter().enumerate() {
        let click = json!({ "x": x, "y": y, "positive": positive }).to_string();
        let headers = [("content-type", "application/json"), ("accept", "text/event-stream")];
        let place = format!("{session}/clicks?format=none&preview=64");
        let answer = server.call("POST", &place, &headers, click.as_bytes());
        assert_eq!(answer.header("content-type"), "text/event-stream");
        let text = String::from_utf8(answer.body).unwrap();
        let events: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
        let data: Vec<Value> = text
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|data| serde_json::from_str(data).unwrap())
            .collect();
        let result = data.last().unwrap();
        assert_eq!((events.first(), events.last()), (Some(&"queued"), Some(&"result")));
        let told = events.iter().filter(|event| **event == "evaluation").count();
        assert_eq!(result["evaluations"], told);
        assert_eq!((told > 0, &result["clicks"]), (number > 0, &json!(number + 1)));
        if told > 0 {
            let preview = BASE64_STANDARD.decode(data[1]["preview"].as_str().unwrap()).unwrap();
            assert_eq!(image::load_from_memory(&preview).unwrap().width(), 64);
        }
    }
    // A click that cannot be is told as the last event.
    let headers = [("content-type", "application/json"), ("accept", "text/event-stream")];
    let click = br#"{"x": 5000, "y": 0, "positive": true}"#;
    let answer = server.call("POST", &format!("{session}/clicks"), &headers, click);
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.contains("event: error") && text.contains("x 5000"), "{text}");
}

#[test]
fn a_server_that_is_asked_to_end_finishes_what_runs() {
    let mut server = start(config());
    let session = server.session(&server.upload(&std::fs::read(PHOTO).unwrap()), json!({}));
    let mut stream = TcpStream::connect(server.address).unwrap();
    let body = json!({ "x": 320, "y": 240, "positive": true }).to_string();
    let head = format!(
        "POST {session}/clicks?format=none HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // What was sent before the end is answered, whether it waits or runs by then.
    let deadline = Instant::now() + Duration::from_secs(20);
    while running(&server) == 0 && server.get(&session).ok()["clicks"] == json!([]) {
        assert!(Instant::now() < deadline, "the click did not begin");
    }
    server.stop();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("\"clicks\":1"), "{answer}");
    assert!(TcpStream::connect(server.address).is_err());
}
