//! Bad input: one clear sentence, the right exit code, and no file left.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::time::{Duration, Instant};

use common::{Work, golden_text};
use image::RgbImage;

const USAGE: i32 = 2;
const INPUT: i32 = 3;
const WEIGHTS: i32 = 4;
const DEVICE: i32 = 5;
const OUTPUT: i32 = 6;

const CLICK: [&str; 4] = ["--pos", "65,45", "--device", "cpu"];

fn segment(work: &Work, photo: &str, arguments: &[&str], code: i32, words: &[&str]) {
    work.refuses(&[&["segment", photo], arguments].concat(), code, words);
}

#[test]
fn photos_that_are_none() {
    let work = Work::new();
    fs::write(work.path("text.png"), "this is no picture, whatever its name").unwrap();
    fs::write(work.path("empty.png"), "").unwrap();
    fs::create_dir(work.path("folder")).unwrap();
    RgbImage::new(1, 1).save(work.path("one.png")).unwrap();
    RgbImage::new(50, 1).save(work.path("line.png")).unwrap();
    let photo = fs::read(work.path("photo.png")).unwrap();
    fs::write(work.path("cut.png"), &photo[..photo.len() / 2]).unwrap();
    let arguments = [&CLICK[..], &["-o", "mask.png"]].concat();
    for (photo, words) in [
        ("missing.jpg", ["missing.jpg", "no such file"]),
        ("text.png", ["text.png", "not an image"]),
        ("empty.png", ["empty.png", "not an image"]),
        ("folder", ["folder", "is a folder"]),
        ("one.png", ["1×1", "at least 2"]),
        ("line.png", ["50×1", "at least 2"]),
        ("cut.png", ["cut.png", "damaged"]),
    ] {
        segment(&work, photo, &arguments, INPUT, &words);
    }
}

#[test]
fn names_that_are_nearly_right() {
    let work = Work::new();
    work.refuses(
        &["eval", "--dta", "x"],
        USAGE,
        &["'--dta' found; a similar argument exists: '--data'"],
    );
    work.refuses(&["segmnt"], USAGE, &["'segmnt'; a similar subcommand exists: 'segment'"]);
}

/// Other servers' word for it is understood.
#[test]
fn places_where_nothing_can_listen() {
    let work = Work::new();
    for option in ["--listen", "--port"] {
        for place in ["localhost:8765", "99999"] {
            work.refuses(&["serve", option, place], USAGE, &[place, "a port, such as 8765"]);
        }
    }
}

/// A picture of a few bytes that claims to be huge is refused by its header.
#[test]
fn huge_photos() {
    let work = Work::new();
    for (name, width, height) in
        [("bomb.png", 30_000, 30_000), ("long.png", 20_000, 10), ("area.png", 16_000, 16_000)]
    {
        fs::write(work.path(name), png_header(width, height)).unwrap();
        let started = Instant::now();
        let size = format!("{width}×{height}");
        let arguments = [&CLICK[..], &["-o", "mask.png"]].concat();
        segment(&work, name, &arguments, INPUT, &[name, &size, "16384", "120"]);
        assert!(started.elapsed() < Duration::from_secs(2), "{name}");
    }
}

/// The beginning of an RGB PNG of that size.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let data = [b"IDAT".as_slice(), &[0x78, 0x9c, 0xed, 0xc1, 1, 1, 0, 0]].concat();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for chunk in [header, data] {
        png.extend((chunk.len() as u32 - 4).to_be_bytes());
        png.extend(&chunk);
        png.extend(crc32(&chunk).to_be_bytes());
    }
    png
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
        })
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[test]
fn clicks_that_cannot_be() {
    let work = Work::new();
    for (clicks, words) in [
        (&["--pos", "120,45"][..], &["click 1", "120,45", "120×90", "0 to 119"][..]),
        (&["--pos", "65,45", "--neg", "5,90"], &["click 2", "5,90"]),
        (&["--pos", "-1,5"], &["-1,5", "outside"]),
        (&["--pos=-0.5,5"], &["-0.5,5", "outside"]),
        (&["--neg", "5,5"], &["at least one click on the object", "--pos X,Y"]),
        (&[], &["--pos X,Y"]),
        (&["--pos", "10x20"], &["10x20", "did you mean 10,20?"]),
        (&["--pos", "10"], &["expected X,Y"]),
        (&["--pos", "NaN,3"], &["finite"]),
        (&["--pos", "10,5,20,5"], &["10.5,20"]),
    ] {
        segment(&work, "photo.png", &[clicks, &["-o", "mask.png"]].concat(), USAGE, words);
    }
}

#[test]
fn files_of_clicks_that_cannot_be() {
    let work = Work::new();
    for (name, text) in [
        ("none.json", "[]"),
        ("negative.json", r#"[{"x": 1, "y": 2, "positive": false}]"#),
        ("key.json", r#"[{"x": 1, "y": 2, "pos": true}]"#),
        ("huge.json", r#"[{"x": 1e999, "y": 2, "positive": true}]"#),
        ("object.json", "{}"),
        ("cut.json", "[{"),
        ("text.json", "10,20"),
    ] {
        fs::write(work.path(name), text).unwrap();
        let code = if ["none.json", "negative.json"].contains(&name) { USAGE } else { INPUT };
        let arguments = ["--clicks", name, "-o", "mask.png"];
        segment(&work, "photo.png", &arguments, code, &[name, "\"positive\": true"]);
    }
    let missing = ["--clicks", "missing.json", "-o", "mask.png"];
    segment(&work, "photo.png", &missing, INPUT, &["missing.json"]);
    let both = ["--clicks", "none.json", "--pos", "1,2", "-o", "mask.png"];
    segment(&work, "photo.png", &both, USAGE, &["--clicks", "cannot be used with"]);
}

#[test]
fn options_out_of_range() {
    let work = Work::new();
    for (options, words) in [
        (["--threshold", "NaN"], ["threshold", "between 0 and 1"]),
        (["--threshold", "0"], ["threshold", "between 0 and 1"]),
        (["--threshold", "-0.5"], ["threshold", "-0.5"]),
        (["--threshold", "1.5"], ["threshold", "1.5"]),
        (["--threshold", "half"], ["--threshold", "half"]),
        (["--mode", "f-BRS-D"], ["f-BRS-D", "f-BRS-B"]),
        (["--device", "gpu"], ["gpu", "cuda:N"]),
        (["--max-size", "3"], ["maximal size", "16 to 8192"]),
        (["--max-size", "big"], ["whole number", "none"]),
        (["--zoom-in-size", "99999"], ["zoom-in", "8192"]),
        (["--tiles", "1"], ["tile size", "1"]),
        (["--min-iou-diff", "2"], ["IoU", "0 to 1"]),
        (["--regularization", "inf"], ["regularization", "inf"]),
        (["--bias-regularization", "-1"], ["biases", "-1"]),
        (["--frobnicate", "1"], ["--frobnicate", "fbrs --help"]),
    ] {
        let arguments = [&options[..], &["--pos", "65,45", "-o", "mask.png"]].concat();
        segment(&work, "photo.png", &arguments, USAGE, &words);
    }
    segment(&work, "photo.png", &["--pos", "65,45"], USAGE, &["--output", "--json"]);
    segment(&work, "photo.png", &["--pos", "65", "45", "--json"], USAGE, &["'45'", "--pos X,Y"]);
    work.refuses(&["segment"], USAGE, &["PHOTO"]);
    work.refuses(&["paint"], USAGE, &["paint"]);
}

#[test]
fn weights_that_cannot_be() {
    let work = Work::new();
    let mismatch = golden_text("../bad/weights/noise.pth");
    for (weights, word) in [
        ("no_such_name", "no_such_name"),
        ("missing.pth", "missing.pth"),
        ("photo.png", "holds no weights"),
        ("resnet34", "; run `fbrs weights fetch resnet34_dh128_sbd`"),
        ("no_such", "`fbrs weights list`"),
        ("resnet50", "several names"),
        (mismatch.as_str(), "noise.pth"),
    ] {
        let arguments = [&CLICK[..], &["--weights", weights, "-o", "mask.png"]].concat();
        segment(&work, "photo.png", &arguments, WEIGHTS, &[word]);
    }
}

#[test]
fn devices_that_are_not_there() {
    let work = Work::new();
    for device in ["wgpu:99", "cuda:99"] {
        let arguments = ["--pos", "65,45", "--device", device, "-o", "mask.png"];
        segment(&work, "photo.png", &arguments, DEVICE, &[device]);
    }
}

#[test]
fn outputs_that_cannot_be() {
    let work = Work::new();
    fs::create_dir(work.path("folder.png")).unwrap();
    for output in ["no/such/folder/mask.png", "folder.png", "photo.png/mask.png"] {
        for option in ["-o", "--overlay", "--probabilities", "--trace"] {
            // An output that can be written is not written either.
            let arguments = [&CLICK[..], &["--json", option, output]].concat();
            segment(&work, "photo.png", &arguments, OUTPUT, &["cannot write", output]);
        }
        let arguments = [&CLICK[..], &["--overlay", "look.png", "-o", output]].concat();
        segment(&work, "photo.png", &arguments, OUTPUT, &["cannot write", output]);
    }
    for (option, output, words) in [
        ("-o", "mask.jpg", ["mask.jpg", "mask.png"]),
        ("-o", "mask", ["mask", ".png"]),
        ("--probabilities", "p.webp", ["p.webp", ".tiff"]),
        ("--overlay", "look.xyz", ["look.xyz", ".jpg"]),
        ("-o", "photo.png", ["photo.png", "is an input"]),
        ("--overlay", "./photo.png", ["photo.png", "is an input"]),
    ] {
        let arguments = [&CLICK[..], &[option, output]].concat();
        segment(&work, "photo.png", &arguments, USAGE, &words);
    }
    let twice = [&CLICK[..], &["-o", "a.png", "--overlay", "./a.png"]].concat();
    segment(&work, "photo.png", &twice, USAGE, &["a.png", "twice"]);
    fs::write(work.path("clicks.json"), r#"[{"x": 1, "y": 2, "positive": true}]"#).unwrap();
    let over = ["--clicks", "clicks.json", "--json", "--trace", "clicks.json"];
    segment(&work, "photo.png", &over, USAGE, &["clicks.json", "is an input"]);
    assert_eq!(work.image("photo.png").to_rgb8(), Work::photo(), "the photo is as it was");
}

#[test]
fn a_stray_argument_is_called_one_and_no_subcommand() {
    let work = Work::new();
    let click = ["--pos", "65,45", "-o", "mask.png"];
    for (arguments, stray) in [
        (&["eval", "--json", "x.json"][..], "x.json"),
        (&["-q", "eval", "run.jsonl"], "run.jsonl"),
        (&[&["segment", "photo.png", "extra.png"], &click[..]].concat(), "extra.png"),
        (&["devices", "foo"], "foo"),
        (&["weights", "list", "foo"], "foo"),
    ] {
        let words = [&format!("'{stray}'"), "stray argument"];
        work.refuses(arguments, USAGE, &words);
        let err = work.run(arguments).err;
        assert!(!err.contains("subcommand"), "{err}");
    }
    // Where a subcommand is expected, and where one was nearly named.
    work.refuses(&["weights", "foo"], USAGE, &["subcommand", "'foo'"]);
    work.refuses(&["eval", "mergee"], USAGE, &["subcommand", "'mergee'", "'merge'"]);
}

#[test]
fn photos_that_are_damaged_or_of_kinds_that_are_not_read() {
    let work = Work::new();
    let arguments = [&CLICK[..], &["-o", "mask.png"]].concat();
    for (name, words) in [
        ("plain_cut_50.jpg", ["is damaged", "get a fresh copy"]),
        ("progressive_overwritten.jpg", ["is damaged", "get a fresh copy"]),
        ("arithmetic.jpg", ["arithmetic coding is not read", "save it as an ordinary JPEG"]),
        ("photo.heic", ["HEIC is not read", "save it as PNG or JPEG"]),
        ("fractions_to_255.tif", ["fractional values", "expected values from 0 to 1"]),
        ("page.jpg", ["is not an image", "a web page"]),
    ] {
        let photo = golden_text(&format!("../bad/pictures/{name}"));
        segment(&work, &photo, &arguments, INPUT, &words);
    }
}

#[test]
fn a_name_cannot_write_to_the_terminal() {
    let work = Work::new();
    let hostile = "\u{1b}[2Jmissing\nfbrs: all is well.png";
    let ended = work.run(&["segment", hostile, "--pos", "1,2", "-o", "mask.png"]);
    ended.is_refusal(INPUT, &["\\u{1b}[2Jmissing"]);
    assert!(!ended.err.contains('\u{1b}'), "{ended:?}");
}

/// Nobody writes into the pipe: opening it would wait for ever.
#[cfg(unix)]
#[test]
fn a_pipe_is_no_photo() {
    let work = Work::new();
    let made = std::process::Command::new("mkfifo").arg(work.path("pipe.png")).status();
    assert!(made.unwrap().success());
    for arguments in [
        &["segment", "pipe.png", "--pos", "1,2", "-o", "mask.png"][..],
        &["segment", "photo.png", "--clicks", "pipe.png", "-o", "mask.png"],
    ] {
        work.run(arguments).is_refusal(INPUT, &["pipe.png", "a pipe or a device"]);
    }
}
