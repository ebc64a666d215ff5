//! What annotation tools send, and what they read of the answers.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fbrs::Click;
use fbrs_serve::{Cvat, CvatReply, LabelStudio};
use image::GrayImage;
use serde_json::{Value, json};
use support::{Answer, Running, config, png, segmenter, small, start};

/// What the library makes of clicks, at pixels, on the small photo.
fn expected(clicks: &[(f64, f64, bool)]) -> GrayImage {
    let segmenter = segmenter();
    let mut session = segmenter.session(small(), segmenter.options()).unwrap();
    for (x, y, positive) in clicks {
        let click = if *positive { Click::positive_at(*x, *y) } else { Click::negative_at(*x, *y) };
        session.click(click).unwrap();
    }
    session.prediction().unwrap().mask(0.5).unwrap()
}

fn with_cvat(reply: CvatReply) -> Running {
    let mut config = config();
    config.cvat = Some(Cvat { listen: SocketAddr::from(([127, 0, 0, 1], 0)), reply });
    start(config)
}

fn cvat(server: &Running, positive: &[[f64; 2]], negative: &[[f64; 2]]) -> Answer {
    let body = json!({
        "image": BASE64_STANDARD.encode(png(small())),
        "pos_points": positive, "neg_points": negative, "obj_bbox": null,
    });
    let url = format!("http://{}/api/function_invocations", server.cvat.unwrap());
    let headers = [("content-type", "application/json"), ("x-nuclio-function-name", "fbrs")];
    server.call_at(&url, "POST", &headers, body.to_string().as_bytes())
}

/// A mask out of CVAT's run lengths and box.
fn decoded(answer: &Value) -> GrayImage {
    let shape = &answer["shapes"][0];
    assert_eq!(shape["type"], "mask");
    let points: Vec<u32> =
        shape["points"].as_array().unwrap().iter().map(|p| p.as_u64().unwrap() as u32).collect();
    let (runs, sides) = points.split_at(points.len() - 4);
    let [left, top, right, bottom] = sides.try_into().unwrap();
    let width = right - left + 1;
    let values = (0..).zip(runs).flat_map(|(index, run)| {
        std::iter::repeat_n(if index % 2 == 1 { 255 } else { 0 }, *run as usize)
    });
    let mut mask = GrayImage::new(96, 64);
    let mut count = 0;
    for (at, value) in (0..).zip(values) {
        mask.put_pixel(left + at % width, top + at / width, image::Luma([value]));
        count += 1;
    }
    assert_eq!(count, width * (bottom - top + 1));
    mask
}

#[test]
fn cvat_is_answered_click_by_click() {
    let server = with_cvat(CvatReply::Shapes);
    let answer = cvat(&server, &[[50.7, 35.2]], &[]);
    assert_eq!(answer.header("x-fbrs-cache"), "miss");
    assert!(decoded(&answer.ok()) == expected(&[(50.0, 35.0, true)]));
    // A negative click, then a positive one: the order of clicking is kept.
    let answer = cvat(&server, &[[50.7, 35.2]], &[[5.0, 5.0]]);
    assert_eq!(answer.header("x-fbrs-cache"), "extend");
    let answer = cvat(&server, &[[50.7, 35.2], [32.0, 22.9]], &[[5.0, 5.0]]);
    assert_eq!(answer.header("x-fbrs-cache"), "extend");
    let in_order = [(50.0, 35.0, true), (5.0, 5.0, false), (32.0, 22.0, true)];
    assert!(decoded(&answer.ok()) == expected(&in_order));
    let answer = cvat(&server, &[[50.7, 35.2]], &[[5.0, 5.0]]);
    assert_eq!(answer.header("x-fbrs-cache"), "undo");
    assert!(decoded(&answer.ok()) == expected(&in_order[..2]));
    // A point outside counts as the nearest pixel.
    let answer = cvat(&server, &[[96.0, 64.0]], &[]);
    assert_eq!(answer.header("x-fbrs-cache"), "miss");
    assert!(decoded(&answer.ok()) == expected(&[(95.0, 63.0, true)]));
    cvat(&server, &[], &[]).problem(422, "invalid");
}

#[test]
fn cvat_finds_the_function_and_no_other() {
    let server = with_cvat(CvatReply::Mask);
    let at = |path: &str| format!("http://{}{path}", server.cvat.unwrap());
    let get = |path: &str| server.call_at(&at(path), "GET", &[], b"");
    let all = get("/api/functions").ok();
    let one = get("/api/functions/fbrs").ok();
    assert_eq!(all["fbrs"], one);
    let annotations = &one["metadata"]["annotations"];
    assert_eq!(
        (&annotations["type"], &annotations["version"]),
        (&json!("interactor"), &json!("2"))
    );
    // Any text there, "false" too, counts as yes.
    assert!(annotations.get("startswith_box").is_none());
    get("/api/functions/sam").problem(404, "unknown_model");
    let headers = [("content-type", "application/json"), ("x-nuclio-function-name", "sam")];
    let body = br#"{"image": "", "pos_points": [[1, 1]]}"#;
    let other = server.call_at(&at("/api/function_invocations"), "POST", &headers, body);
    other.problem(404, "unknown_model");
    let page = [("content-type", "application/json"), ("origin", "http://evil.example")];
    server.call_at(&at("/"), "POST", &page, body).problem(403, "forbidden");
    // Without its photo.
    let headers = [("content-type", "application/json")];
    let detail = server.call_at(&at("/"), "POST", &headers, b"{}").problem(422, "invalid");
    assert!(detail.contains("image"), "{detail}");
    let mask = cvat(&server, &[[50.0, 35.0]], &[]).ok();
    let rows: Vec<Vec<u8>> = serde_json::from_value(mask["mask"].clone()).unwrap();
    let pixels: Vec<u8> = rows.concat().iter().map(|pixel| pixel * 255).collect();
    assert_eq!((rows.len(), rows[0].len()), (64, 96));
    assert!(pixels == *expected(&[(50.0, 35.0, true)]).as_raw());
}

const LABELING: &str = r#"<View><Image name="img" value="$image"/>
    <BrushLabels name="brush" toName="img"><Label value="cat"/></BrushLabels>
    <KeyPointLabels name="clicks" toName="img"><Label value="cat"/></KeyPointLabels></View>"#;

/// A server of pictures that counts its requests.
fn pictures(file: Vec<u8>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = count.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
                request.push(byte[0]);
            }
            counted.fetch_add(1, Ordering::SeqCst);
            let request = String::from_utf8(request).unwrap();
            let is_let_in = request.to_ascii_lowercase().contains("authorization: token key");
            let head = match request.split(' ').nth(1).unwrap() {
                "/data/moved.png" => "302 Found\r\nlocation: /data/photo.png",
                "/data/away.png" => "302 Found\r\nlocation: http://evil.example/photo.png",
                "/data/photo.png" if is_let_in => "200 OK",
                "/data/photo.png" => "401 Unauthorized",
                _ => "404 Not Found",
            };
            let body = if head == "200 OK" { &file[..] } else { b"" };
            let length = body.len();
            let head =
                format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
            // The client may have seen enough.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        }
    });
    (address, count)
}

fn predict(server: &Running, labeling: &str, image: &str, clicks: &[(f64, f64, bool)]) -> Answer {
    let marks: Vec<_> = clicks
        .iter()
        .map(|(x, y, positive)| {
            json!({
                "type": "keypointlabels", "from_name": "clicks", "to_name": "img",
                "original_width": 96, "original_height": 64, "is_positive": positive,
                // The middle of the pixel, in percent.
                "value": { "x": (x + 0.5) / 0.96, "y": (y + 0.5) / 0.64, "width": 0.3,
                    "keypointlabels": ["cat"] },
            })
        })
        .collect();
    let body = json!({
        "tasks": [{ "id": 7, "data": { "image": image } }],
        "label_config": labeling, "project": "1.2",
        "params": { "context": { "result": marks } },
    });
    server.post_json("/label-studio/predict", &body)
}

fn with_label_studio(key: Option<&str>) -> (Running, Arc<AtomicUsize>) {
    let (address, count) = pictures(png(small()));
    let mut config = config();
    let (url, key) = (format!("http://{address}"), key.map(str::to_owned));
    config.label_studio = Some(LabelStudio { url, key });
    (start(config), count)
}

#[test]
fn label_studio_is_answered_with_a_brush_or_polygons() {
    let (server, count) = with_label_studio(Some("key"));
    assert_eq!(server.get("/label-studio/health").ok()["status"], "UP");
    let setup = server.post_json("/label-studio/setup", &json!({ "project": "1" })).ok();
    assert!(setup["model_version"].as_str().unwrap().starts_with("fbrs"));
    let clicks = [(50.0, 35.0, true), (5.0, 5.0, false)];
    let answer = predict(&server, LABELING, "/data/moved.png", &clicks[..1]).ok();
    assert!(answer["results"][0]["score"].as_f64().unwrap() > 0.5);
    let answer = predict(&server, LABELING, "/data/moved.png", &clicks).ok();
    assert_eq!(count.load(Ordering::SeqCst), 2, "the picture was fetched once");
    let region = &answer["results"][0]["result"][0];
    assert_eq!(region["type"], "brushlabels");
    assert_eq!((&region["from_name"], &region["to_name"]), (&json!("brush"), &json!("img")));
    assert_eq!(region["value"]["brushlabels"], json!(["cat"]));
    assert_eq!((&region["original_width"], &region["original_height"]), (&json!(96), &json!(64)));
    // The first 32 bits are the number of bytes.
    let rle = region["value"]["rle"].as_array().unwrap();
    let head = rle.iter().take(4).fold(0, |sum, byte| sum << 8 | byte.as_u64().unwrap());
    assert_eq!(head, 4 * 96 * 64);
    let polygons = LABELING.replace("BrushLabels", "PolygonLabels");
    let answer = predict(&server, &polygons, "/data/moved.png", &clicks).ok();
    let region = &answer["results"][0]["result"][0];
    assert_eq!(region["type"], "polygonlabels");
    let points = region["value"]["points"].as_array().unwrap();
    let inside = |value: &Value| (0.0..=100.0).contains(&value.as_f64().unwrap());
    assert!(points.len() >= 4 && points.iter().all(|p| inside(&p[0]) && inside(&p[1])));
    // Without a click there is nothing to say.
    let nothing = predict(&server, LABELING, "/data/photo.png", &[]).ok();
    assert_eq!(nothing, json!({ "results": [] }));
}

#[test]
fn pictures_of_other_places_are_not_fetched() {
    let (server, count) = with_label_studio(None);
    let click = [(50.0, 35.0, true)];
    let detail = predict(&server, LABELING, "/data/photo.png", &click).problem(422, "invalid");
    assert!(detail.contains("401") && detail.contains("--label-studio-key-file"), "{detail}");
    let detail = predict(&server, LABELING, "/data/lost.png", &click).problem(422, "invalid");
    assert!(detail.contains("/data/lost.png") && detail.contains("404"), "{detail}");
    let before = count.load(Ordering::SeqCst);
    for address in ["http://evil.example/photo.png", "/data/away.png", "s3://bucket/photo.png"] {
        let detail = predict(&server, LABELING, address, &click).problem(422, "invalid");
        assert!(detail.contains("alone"), "{detail}");
    }
    // Only the answer that led away was asked for.
    assert_eq!(count.load(Ordering::SeqCst), before + 1);
    let no_brush = LABELING.replace("BrushLabels", "Choices");
    let detail = predict(&server, &no_brush, "/data/photo.png", &click).problem(422, "invalid");
    assert!(detail.contains("BrushLabels"), "{detail}");
    let server = start(config());
    let detail = predict(&server, LABELING, "/data/photo.png", &click).problem(422, "invalid");
    assert!(detail.contains("--label-studio-url"), "{detail}");
    let data = format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png(small())));
    assert_eq!(predict(&server, LABELING, &data, &click).status, 200);
}

#[test]
fn x_anylabeling_is_answered_with_polygons() {
    let server = start(config());
    let models = server.get("/xany/v1/models").ok();
    assert_eq!(models["data"]["fbrs"]["batch_processing_mode"], "default");
    let predict = |model: &str, marks: Value| {
        let image = format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png(small())));
        let body = json!({ "model": model, "image": image, "params": { "marks": marks } });
        server.post_json("/xany/v1/predict", &body)
    };
    let marks = json!([
        { "type": "point", "data": [50.5, 35.5], "label": 1 },
        { "type": "point", "data": [5.5, 5.5], "label": 0 },
    ]);
    let answer = predict("fbrs", marks.clone()).ok();
    let mask = expected(&[(50.0, 35.0, true), (5.0, 5.0, false)]);
    let (mut both, mut either) = (0, 0);
    for (x, y, pixel) in mask.enumerate_pixels() {
        let (px, py) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
        let is_in = answer["data"]["shapes"].as_array().unwrap().iter().any(|shape| {
            let points = shape["points"].as_array().unwrap();
            let ends = points.iter().zip(points.iter().cycle().skip(1));
            let at = |p: &Value| (p[0].as_f64().unwrap(), p[1].as_f64().unwrap());
            let crossed = ends.map(|(a, b)| (at(a), at(b))).filter(|(a, b)| {
                (a.1 > py) != (b.1 > py) && px < (b.0 - a.0) * (py - a.1) / (b.1 - a.1) + a.0
            });
            crossed.count() % 2 == 1
        });
        let is_object = pixel.0[0] > 0;
        both += u32::from(is_in && is_object);
        either += u32::from(is_in || is_object);
    }
    assert!(f64::from(both) / f64::from(either) >= 0.98, "{both} of {either}: {answer}");
    predict("sam", marks).problem(404, "unknown_model");
    predict("fbrs", json!([{ "type": "rectangle", "data": [1, 2, 3, 4] }])).problem(422, "invalid");
    assert_eq!(predict("fbrs", json!([])).ok()["data"]["shapes"], json!([]));
}
