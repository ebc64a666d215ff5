//! `fbrs segment` on good input.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;

use common::{SIZE, Work, golden_text};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, GenericImageView, ImageDecoder};

/// The README's photo, a vase of flowers.
#[test]
fn the_main_job() {
    let work = Work::new();
    let photo = golden_text("photos/000000000030.jpg");
    let clicks =
        "--pos 320,240 --pos 330,120 --pos 425,120 --pos 325,335 --neg 225,345 --neg 440,335";
    let clicks: Vec<_> = clicks.split(' ').collect();
    let arguments = [&["segment", &photo], &clicks[..], &["-o", "mask.png"]].concat();
    let ended = work.run(&arguments);
    assert_eq!((ended.code, ended.err.as_str(), ended.out.as_str()), (Some(0), "", ""));
    let mask = work.gray("mask.png");
    assert_eq!(mask.dimensions(), (640, 428));
    assert!(mask.pixels().all(|pixel| [0, 255].contains(&pixel.0[0])));
    let is_object = |x: u32, y: u32| mask.get_pixel(x, y).0[0] == 255;
    for (x, y) in
        [(325, 315), (425, 125), (245, 115), (330, 70), (300, 200), (360, 240), (325, 345)]
    {
        assert!(is_object(x, y), "{x},{y} lies on the vase or the flowers");
    }
    for (x, y) in [(10, 10), (320, 20), (160, 120), (500, 120), (250, 260), (410, 260), (320, 400)]
    {
        assert!(!is_object(x, y), "{x},{y} lies beside them");
    }
    // 17.6 % of the photo by hand.
    let share = mask.pixels().filter(|pixel| pixel.0[0] == 255).count() as f64 / (640.0 * 428.0);
    assert!((0.16..0.195).contains(&share), "{share}");
}

#[test]
fn all_outputs_in_the_photos_size() {
    let work = Work::new();
    let clicks = ["--pos", "65,45", "--neg", "10,10"];
    let outputs = [
        "-o",
        "mask.png",
        "--overlay",
        "look.jpg",
        "--probabilities",
        "p.tiff",
        "--trace",
        "t.json",
    ];
    let before = work.files();
    work.segment(&[&clicks[..], &outputs].concat());
    let mask = work.gray("mask.png");
    let probabilities = work.gray("p.tiff");
    assert_eq!(mask.dimensions(), SIZE);
    assert_eq!(probabilities.dimensions(), SIZE);
    assert_eq!(work.image("look.jpg").dimensions(), SIZE);
    for (mask, probability) in mask.pixels().zip(probabilities.pixels()) {
        // 255 · 0.5 lies between 127 and 128.
        assert_eq!(mask.0[0] == 255, probability.0[0] >= 128);
    }
    assert_eq!(work.files().len(), before.len() + 4, "nothing but the outputs is left");

    for name in ["mask.tif", "mask.pgm", "MASK.PNG"] {
        work.segment(&[&clicks[..], &["-o", name]].concat());
        assert_eq!(work.gray(name), mask, "{name}");
    }
    for name in ["look.png", "look.webp", "look.bmp", "look.ppm"] {
        work.segment(&[&clicks[..], &["--overlay", name]].concat());
        assert_eq!(work.image(name).dimensions(), SIZE);
    }
}

#[test]
fn clicks_act_in_the_order_given() {
    let work = Work::new();
    let clicks = ["--neg", "10,10", "--pos", "65,45", "--neg", "110,80", "--pos=80.5, 60"];
    let json = work.segment(&[&clicks[..], &["--json"]].concat()).json();
    let seen: Vec<_> = json["clicks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|click| {
            (
                click["x"].as_f64().unwrap(),
                click["y"].as_f64().unwrap(),
                click["positive"].as_bool().unwrap(),
            )
        })
        .collect();
    let expected =
        [(10.0, 10.0, false), (65.0, 45.0, true), (110.0, 80.0, false), (80.5, 60.0, true)];
    assert_eq!(seen, expected);
}

#[test]
fn clicks_from_a_file_or_standard_input_are_the_same_clicks() {
    let work = Work::new();
    let list = r#"[{"x": 65, "y": 45, "positive": true}, {"x": 10.5, "y": 10, "positive": false}]"#;
    fs::write(work.path("clicks.json"), list).unwrap();
    work.segment(&["--pos", "65,45", "--neg", "10.5,10", "--probabilities", "a.png"]);
    work.segment(&["--clicks", "clicks.json", "--probabilities", "b.png"]);
    let fixed = ["segment", "photo.png", "--device", "cpu", "--mode", "no-brs"];
    let arguments = [&fixed[..], &["--clicks", "-", "--probabilities", "c.png"]].concat();
    let ended = work.run_with_input(&arguments, list);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    assert_eq!(work.gray("a.png"), work.gray("b.png"));
    assert_eq!(work.gray("a.png"), work.gray("c.png"));
    // Editors on Windows put a byte order mark before it.
    fs::write(work.path("marked.json"), format!("\u{feff}{list}")).unwrap();
    work.segment(&["--clicks", "marked.json", "--probabilities", "d.png"]);
    assert_eq!(work.gray("a.png"), work.gray("d.png"));
}

#[test]
fn json_describes_mask_clicks_device_and_weights() {
    let work = Work::new();
    let clicks = ["--pos", "65,45", "--pos", "50,30"];
    let ended =
        work.run(&[&["segment", "photo.png", "--json", "-o", "m.png"], &clicks[..]].concat());
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let json = ended.json();
    assert_eq!((json["width"].as_u64(), json["height"].as_u64()), (Some(120), Some(90)));
    assert_eq!(json["mode"], "f-BRS-B");
    assert!(json["device"]["device"].is_string());
    assert_eq!(json["weights"]["asked"], "default");
    assert_eq!(json["weights"]["architecture"], "lite0_dh64");
    assert_eq!(json["outputs"]["mask"], "m.png");
    assert!(json["outputs"]["overlay"].is_null());

    let mask = work.gray("m.png");
    let inside = |x: u64, y: u64| mask.get_pixel(x as u32, y as u32).0[0] == 255;
    let area = mask.pixels().filter(|pixel| pixel.0[0] == 255).count() as u64;
    assert_eq!(json["mask"]["area"].as_u64(), Some(area));
    if area > 0 {
        let side = |name: &str| json["mask"]["box"][name].as_u64().unwrap();
        assert!((0..90).any(|y| inside(side("left"), y)));
        assert!((0..90).any(|y| inside(side("right"), y)));
        assert!((0..120).any(|x| inside(x, side("top"))));
        assert!((0..120).any(|x| inside(x, side("bottom"))));
    }
    let clicks = json["clicks"].as_array().unwrap();
    assert_eq!(clicks[0]["evaluations"], 0);
    assert!(clicks[0]["loss"].is_null());
    assert!(clicks[1]["evaluations"].as_u64().unwrap() > 0);
    assert!(clicks[1]["loss"].is_f64());
    assert!(clicks[1]["seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn trace_tells_what_each_click_did() {
    let work = Work::new();
    let clicks = ["--pos", "65,45", "--neg", "5,5", "--pos", "45,60"];
    let options = [
        "--device",
        "cpu",
        "--mode",
        "f-brs-c",
        "--max-evaluations",
        "3",
        "--min-iou-diff",
        "0",
        "--net-clicks",
        "1",
        "--no-zoom-in",
        "--regularization",
        "0.01",
        "--optimize-after",
        "0",
        "--reference-discs",
        "--max-time",
        "60000",
        "--trace",
        "trace.json",
        "-o",
        "m.png",
    ];
    let ended = work.run(&[&["segment", "photo.png"], &clicks[..], &options].concat());
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let text = fs::read_to_string(work.path("trace.json")).unwrap();
    let trace: serde_json::Value = serde_json::from_str(&text).unwrap();
    let trace = trace.as_array().unwrap();
    assert_eq!(trace.len(), 3);
    for click in trace {
        let losses = click["losses"].as_array().unwrap();
        assert!(!losses.is_empty());
        assert_eq!(click["evaluations"].as_u64(), Some(losses.len() as u64));
        assert_eq!(
            (click["crop"]["width"].as_u64(), click["crop"]["height"].as_u64()),
            (Some(120), Some(90))
        );
        assert!(click["region"].is_null());
        for part in
            ["transforms", "backbone", "head_forward", "head_backward", "objective", "optimizer"]
        {
            assert!(click["seconds_per_part"][part].as_f64().unwrap() >= 0.0, "{part}");
        }
    }
    assert_eq!(trace[2]["cached_features"], true);
}

#[test]
fn views_are_options() {
    let work = Work::new();
    let crop = |options: &[&str]| {
        let clicks = ["--pos", "65,45", "--pos", "70,50", "--json"];
        let json = work.segment(&[&clicks[..], options].concat()).json();
        let crop = &json["clicks"][1]["crop"];
        (crop["width"].as_u64().unwrap(), crop["height"].as_u64().unwrap())
    };
    assert_eq!(crop(&["--no-zoom-in"]), (120, 90));
    assert_eq!(crop(&["--no-zoom-in", "--max-size", "60", "--no-flip"]), (60, 45));
    assert_eq!(crop(&["--tiles", "64"]), (64, 64));
    let zoomed = crop(&["--zoom-in-size", "160", "--max-size", "none"]);
    assert!([(160, 120), (120, 90)].contains(&zoomed), "{zoomed:?}");
}

/// The photo is what a viewer shows: clicks and mask lie in the turned picture.
#[test]
fn exif_orientation_is_applied() {
    let work = Work::new();
    let mut jpeg = Vec::new();
    let photo = DynamicImage::from(Work::photo());
    JpegEncoder::new_with_quality(&mut jpeg, 95).encode_image(&photo).unwrap();
    // Behind the start marker: APP1 with one entry, orientation (0x0112) 6, a quarter turn.
    let mut exif =
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    let mut turned = jpeg[..2].to_vec();
    turned.extend([0xff, 0xe1]);
    turned.extend((exif.len() as u16 + 2).to_be_bytes());
    turned.append(&mut exif);
    turned.extend(&jpeg[2..]);
    fs::write(work.path("turned.jpg"), turned).unwrap();
    let mut decoder =
        image::ImageReader::open(work.path("turned.jpg")).unwrap().into_decoder().unwrap();
    assert_eq!(decoder.orientation().unwrap().to_exif(), 6, "the test's own tag is read");

    let seen = image::load_from_memory(&jpeg).unwrap().rotate90();
    seen.save(work.path("seen.png")).unwrap();
    let click = ["--pos", "45,110", "--device", "cpu", "--mode", "NoBRS"];
    for (photo, answer) in [("turned.jpg", "a.png"), ("seen.png", "b.png")] {
        let ended =
            work.run(&[&["segment", photo, "--probabilities", answer], &click[..]].concat());
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    }
    assert_eq!(work.gray("a.png").dimensions(), (90, 120));
    assert_eq!(work.gray("a.png"), work.gray("b.png"));
}

#[test]
fn every_kind_of_image_is_read() {
    let work = Work::new();
    let photo = DynamicImage::from(Work::photo());
    photo.to_luma8().save(work.path("gray.png")).unwrap();
    photo.to_luma_alpha8().save(work.path("gray_alpha.png")).unwrap();
    photo.to_luma16().save(work.path("gray16.png")).unwrap();
    photo.to_rgba8().save(work.path("alpha.png")).unwrap();
    photo.to_rgba16().save(work.path("alpha16.tiff")).unwrap();
    photo.to_rgb16().save(work.path("rgb16.png")).unwrap();
    photo.to_rgba8().save(work.path("palette.gif")).unwrap();
    photo.to_rgb8().save(work.path("photo.webp")).unwrap();
    photo.to_rgb8().save(work.path("photo.ppm")).unwrap();
    // The content tells the format, whatever the name says.
    fs::copy(work.path("photo.png"), work.path("named.jpg")).unwrap();
    for name in [
        "gray.png",
        "gray_alpha.png",
        "gray16.png",
        "alpha.png",
        "alpha16.tiff",
        "rgb16.png",
        "palette.gif",
        "photo.webp",
        "photo.ppm",
        "named.jpg",
    ] {
        let mask = format!("{name}.mask.png");
        let ended = work.run(&["segment", name, "--pos", "65,45", "--mode", "NoBRS", "-o", &mask]);
        assert_eq!(ended.code, Some(0), "{name}: {ended:?}");
        assert_eq!(work.gray(&mask).dimensions(), SIZE, "{name}");
    }
    let big_tiff = golden_text("pictures/big_tiff.tif");
    let ended = work.run(&["segment", &big_tiff, "--pos", "4,3", "--mode", "NoBRS", "-o", "m.png"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for name in ["photos/cmyk.jpg", "photos/palette.png"] {
        let arguments = ["segment", &golden_text(name), "--pos", "24,16", "--mode", "NoBRS"];
        let ended = work.run(&[&arguments[..], &["-o", "m.png"]].concat());
        assert_eq!(ended.code, Some(0), "{name}: {ended:?}");
        assert_eq!(work.gray("m.png").dimensions(), (48, 32), "{name}");
    }
}

#[test]
fn an_older_output_is_replaced() {
    let work = Work::new();
    fs::write(work.path("mask.png"), "an older file").unwrap();
    work.segment(&["--pos", "65,45", "-o", "mask.png"]);
    assert_eq!(work.gray("mask.png").dimensions(), SIZE);
}

#[cfg(unix)]
#[test]
fn behind_a_link_the_file_is_replaced_and_not_the_link() {
    let work = Work::new();
    fs::create_dir(work.path("elsewhere")).unwrap();
    fs::write(work.path("elsewhere/real.png"), "an older file").unwrap();
    std::os::unix::fs::symlink("elsewhere/real.png", work.path("mask.png")).unwrap();
    work.segment(&["--pos", "65,45", "-o", "mask.png"]);
    assert!(work.path("mask.png").is_symlink());
    assert_eq!(work.gray("elsewhere/real.png").dimensions(), SIZE);
    std::os::unix::fs::symlink("elsewhere/new.png", work.path("dangling.png")).unwrap();
    work.segment(&["--pos", "65,45", "-o", "dangling.png"]);
    assert!(work.path("dangling.png").is_symlink());
    assert_eq!(work.gray("elsewhere/new.png").dimensions(), SIZE);
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_no_unicode_is_told_with_other_letters() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let work = Work::new();
    let name = OsStr::from_bytes(b"caf\xe9.png");
    fs::copy(work.path("photo.png"), work.path(".").join(name)).unwrap();
    let mut command = work.command(&["segment", "--pos", "65,45", "--mode", "NoBRS", "--json"]);
    let ended: common::Ended = command.arg(name).args(["-o", "m.png"]).output().unwrap().into();
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    assert_eq!(ended.json()["photo"], "caf\u{fffd}.png");
}

#[test]
fn a_photo_that_is_seen_nearly_black_gets_a_remark() {
    let work = Work::new();
    let photo = golden_text("pictures/twelve_in_sixteen.png");
    let ended = work.run(&["segment", &photo, "--pos", "20,20", "--mode", "NoBRS", "-o", "m.png"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.err.contains("seen nearly black"), "{ended:?}");
}

#[test]
fn remarks_are_made_on_request_alone() {
    let work = Work::new();
    let arguments =
        ["segment", "photo.png", "--pos", "65,45", "--mode", "NoBRS", "-o", "m.png", "--verbose"];
    let ended = work.run(&arguments);
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), ""));
    assert!(ended.err.contains("device auto took "), "{ended:?}");
    assert!(ended.err.contains("wrote m.png"), "{ended:?}");
}

/// A mask to start from is part of the object, and negative clicks take from it.
#[test]
fn a_mask_to_start_from() {
    let work = Work::new();
    work.segment(&["--pos", "65,45", "-o", "first.png"]);
    let first = work.gray("first.png");
    let start = ["--start-mask", "first.png"];
    let clicks = ["--pos", "65,45", "--neg", "50,35"];
    work.segment(&[&start[..], &clicks, &["-o", "less.png"]].concat());
    let less = work.gray("less.png");
    assert_ne!(less, first);
    assert_eq!(less.dimensions(), first.dimensions());
    // Where the network does not see the mask, it has to be told of the object as well.
    let negative = work.run(&[
        "segment",
        "photo.png",
        "--start-mask",
        "first.png",
        "--neg",
        "50,35",
        "-o",
        "o.png",
    ]);
    assert_eq!(negative.code, Some(2), "{}", negative.err);
    // Of another size, unreadable, missing; and an output that would replace it.
    let photo = golden_text("photos/000000000030.jpg");
    for (mask, words, code) in [
        (photo.as_str(), "expected a mask of the photo's size", 3),
        ("nothing.png", "nothing.png", 3),
    ] {
        let ended = work.run(&[
            "segment",
            "photo.png",
            "--start-mask",
            mask,
            "--pos",
            "65,45",
            "-o",
            "other.png",
        ]);
        assert_eq!(ended.code, Some(code), "{}", ended.err);
        assert!(ended.err.contains(words), "{}", ended.err);
    }
    let ended = work.run(&[
        "segment",
        "photo.png",
        "--start-mask",
        "first.png",
        "--pos",
        "65,45",
        "-o",
        "first.png",
    ]);
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    let no_clicks = work.run(&["segment", "photo.png", "--start-mask", "first.png", "-o", "o.png"]);
    assert_eq!(no_clicks.code, Some(2), "{}", no_clicks.err);
}

/// A preset brings all of its program's options, and others change them.
#[test]
fn presets_bring_their_threshold() {
    let work = Work::new();
    let threshold = |more: &[&str]| {
        let arguments = ["segment", "photo.png", "--pos", "65,45", "--mode", "NoBRS", "--json"];
        let ended = work.run(&[&arguments[..], more].concat());
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        let json: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
        (json["threshold"].as_f64().unwrap() * 100.0).round()
    };
    assert_eq!(threshold(&[]), 50.0);
    assert_eq!(threshold(&["--preset", "fixed96"]), 49.0);
    assert_eq!(threshold(&["--preset", "ritm-demo"]), 50.0);
    assert_eq!(threshold(&["--preset", "cvpr", "--threshold", "0.7"]), 70.0);
}
