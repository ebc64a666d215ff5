//! Pictures: sound ones are read however odd they are, others are refused in people's words.
#![cfg(feature = "pictures")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fbrs_data::pictures::{self, Limits, Picture, PictureError};
use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat};

fn tests(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests").join(name)
}

fn read(path: &Path) -> Result<Picture, PictureError> {
    pictures::read(path, &Limits::default())
}

fn read_bytes(bytes: &[u8]) -> Result<Picture, PictureError> {
    pictures::read_bytes(bytes, "picture", &Limits::default())
}

fn odd(name: &str) -> Picture {
    read(&tests("golden/pictures").join(name)).unwrap()
}

/// The README's photo: 640×428 pixels, 37 kB.
fn photo() -> Vec<u8> {
    fs::read(tests("golden/photos/000000000030.jpg")).unwrap()
}

#[track_caller]
fn is_damaged(bytes: &[u8], what: &str) {
    match read_bytes(bytes) {
        Err(PictureError::Damaged { .. }) => {}
        other => panic!("{what}: {other:?}"),
    }
}

/// Words of decoders, which tell nobody anything.
const JARGON: [&str; 9] =
    ["format error", "Unknown(", "ecoder", "marker", "header", "EOF", "os error", "nvalid", "`"];

#[test]
fn bad_pictures_are_refused_at_once_in_words_of_people() {
    let folder = tests("bad/pictures");
    let expected = fs::read(folder.join("expected.json")).unwrap();
    let expected: BTreeMap<String, Vec<String>> = serde_json::from_slice(&expected).unwrap();
    assert!(expected.len() > 50);
    for (name, words) in expected {
        let started = Instant::now();
        let error = read(&folder.join(&name)).expect_err(&name).to_string();
        assert!(started.elapsed() < Duration::from_secs(1), "{name}");
        assert!(error.contains(&name), "{name}: {error}");
        for word in words {
            assert!(error.contains(&word), "{name}: no \"{word}\" in \"{error}\"");
        }
        for word in JARGON {
            assert!(!error.contains(word), "{name}: \"{error}\"");
        }
        // The same from memory, and no cut of it makes it good.
        let bytes = fs::read(folder.join(&name)).unwrap();
        for length in 0..=bytes.len() {
            assert!(read_bytes(&bytes[..length]).is_err(), "{name}, {length} bytes");
        }
    }
}

#[test]
fn odd_pictures_are_read_and_no_cut_of_them_shows_anything_else() {
    let mut count = 0;
    for entry in fs::read_dir(tests("golden/pictures")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "md") {
            continue;
        }
        let whole = read(&path).unwrap().image;
        let bytes = fs::read(&path).unwrap();
        for length in 0..bytes.len() {
            if let Ok(cut) = read_bytes(&bytes[..length]) {
                assert!(cut.image == whole, "{}, {length} bytes", path.display());
            }
        }
        count += 1;
    }
    assert!(count > 15);
}

#[test]
fn a_jpeg_of_which_a_part_is_missing_is_refused() {
    let photo = photo();
    for percent in [10, 30, 50, 90, 99] {
        let cut = &photo[..photo.len() * percent / 100];
        is_damaged(cut, &format!("{percent} %"));
        let zeros = vec![0; photo.len() - cut.len()];
        is_damaged(&[cut, &zeros].concat(), &format!("zeros behind {percent} %"));
        is_damaged(&[cut, &[0xff, 0xd9]].concat(), &format!("an end behind {percent} %"));
    }
    for size in [512, 4096] {
        let middle = photo.len() / 2;
        let mut overwritten = photo.clone();
        overwritten[middle..middle + size].fill(b'x');
        is_damaged(&overwritten, &format!("{size} bytes overwritten"));
        let lost = [&photo[..middle], &photo[middle + size..]].concat();
        is_damaged(&lost, &format!("{size} bytes lost"));
    }
}

#[test]
fn a_jpeg_without_its_end_or_with_more_behind_it_is_sound() {
    let sound = odd("no_end.jpg").image;
    for name in ["more_behind.jpg", "filled_up.jpg"] {
        assert!(odd(name).image == sound, "{name}");
    }
    assert!(odd("progressive.jpg").image == odd("progressive_no_end.jpg").image);
}

#[test]
fn whatever_is_written_into_a_jpeg_nothing_panics() {
    let mut state = 1_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize
    };
    for name in ["no_end.jpg", "progressive.jpg", "own_progression.jpg", "restarts.jpg"] {
        let bytes = fs::read(tests("golden/pictures").join(name)).unwrap();
        for _ in 0..400 {
            let mut changed = bytes.clone();
            for _ in 0..=random() % 4 {
                let place = random() % changed.len();
                changed[place] = random() as u8;
            }
            let limits = Limits::default().with_area(1_000_000);
            let _ = pictures::read_bytes(&changed, name, &limits);
        }
    }
}

#[test]
fn bigtiff_is_read() {
    let picture = odd("big_tiff.tif");
    assert_eq!((picture.image.width(), picture.image.height()), (8, 6));
    let (big, small) = (picture.into_rgb8(), odd("fractions.tif").into_rgb8());
    for (big, small) in big.iter().zip(small.iter()) {
        assert!(big.abs_diff(*small) <= 1, "{big} {small}");
    }
}

#[test]
fn sixteen_bits_of_which_twelve_are_used_get_a_remark() {
    let picture = odd("twelve_in_sixteen.png");
    assert!(picture.remarks[0].contains("twelve_in_sixteen.png"), "{:?}", picture.remarks);
    assert!(picture.remarks[0].contains("nearly black"), "{:?}", picture.remarks);
    assert!(odd("small.png").remarks.is_empty());
}

#[test]
fn a_picture_is_turned_as_its_exif_data_say() {
    let photo = photo();
    // Behind the start marker: APP1 with one entry, orientation (0x0112) 6, a quarter turn.
    let exif =
        b"\xff\xe1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let turned = read_bytes(&[&photo[..2], exif, &photo[2..]].concat()).unwrap();
    assert_eq!(turned.orientation, Orientation::Rotate90);
    assert_eq!((turned.stored.width, turned.stored.height), (640, 428));
    assert_eq!((turned.size().width, turned.size().height), (428, 640));
    let upright = read_bytes(&photo).unwrap();
    assert_eq!(upright.orientation, Orientation::NoTransforms);
    assert!(turned.image == upright.image.rotate90());
}

#[test]
fn limits_are_those_that_are_given() {
    let photo = photo();
    for limits in [
        Limits::default().with_longest_side(639),
        Limits::default().with_area(640 * 428 - 1),
        Limits::default().with_decoder_memory(640 * 428 * 3 - 1),
    ] {
        let error = pictures::read_bytes(&photo, "photo", &limits).unwrap_err();
        assert!(matches!(error, PictureError::TooLarge { .. }), "{error}");
    }
    let exact = Limits::default().with_longest_side(640).with_area(640 * 428);
    assert!(pictures::read_bytes(&photo, "photo", &exact).is_ok());
}

#[test]
fn names_are_made_safe_to_print() {
    let error = pictures::read_bytes(b"", "a\u{1b}[2J", &Limits::default()).unwrap_err();
    assert!(!error.to_string().contains('\u{1b}'), "{error}");
}

#[test]
fn what_is_no_file_is_told_from_a_missing_one() {
    let folder = tests("bad");
    let error = read(&folder).unwrap_err().to_string();
    assert!(error.contains("is a folder"), "{error}");
    let error = read(&folder.join("missing.jpg")).unwrap_err().to_string();
    assert!(error.contains("missing.jpg: there is no such file"), "{error}");
}

/// Nobody writes into the pipe: opening it would wait for ever.
#[cfg(unix)]
#[test]
fn a_pipe_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.jpg");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let error = read(&pipe).unwrap_err().to_string();
    assert!(error.contains("a pipe or a device"), "{error}");
}

#[test]
fn every_color_a_picture_may_have_is_read() {
    let photo = read_bytes(&photo()).unwrap().image.thumbnail(20, 20);
    for (image, format) in [
        (DynamicImage::from(photo.to_luma8()), image::ImageFormat::Png),
        (photo.to_luma_alpha8().into(), image::ImageFormat::Png),
        (photo.to_luma16().into(), image::ImageFormat::Png),
        (photo.to_rgba16().into(), image::ImageFormat::Tiff),
        (photo.to_rgba8().into(), image::ImageFormat::Gif),
        (photo.to_rgb8().into(), image::ImageFormat::WebP),
        (photo.to_rgb8().into(), image::ImageFormat::Pnm),
        (photo.to_rgb8().into(), image::ImageFormat::Bmp),
    ] {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        let seen = read_bytes(bytes.get_ref()).unwrap();
        assert_eq!((seen.image.width(), seen.image.height()), (photo.width(), photo.height()));
        assert!(seen.remarks.is_empty(), "{:?}", seen.remarks);
    }
}

#[test]
fn headers_tell_what_pictures_are() {
    let limits = Limits::default();
    for folder in ["golden/pictures", "golden/photos", "bad/pictures"] {
        for entry in fs::read_dir(tests(folder)).unwrap() {
            let path = entry.unwrap().path();
            match (pictures::header(&path, &limits), read(&path)) {
                (Ok(header), Ok(picture)) => {
                    assert_eq!((header.stored, header.size()), (picture.stored, picture.size()));
                    assert_eq!(header.orientation, picture.orientation, "{path:?}");
                }
                // What is damaged behind its header.
                (_, Err(_)) => {}
                (Err(error), Ok(_)) => panic!("{path:?}: {error}"),
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("turned.png");
    let exif =
        b"\xff\xe1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0\0\0\0\0";
    let photo = photo();
    fs::write(&path, [&photo[..2], exif, &photo[2..]].concat()).unwrap();
    let header = pictures::header(&path, &limits).unwrap();
    assert_eq!((header.format, header.orientation), (ImageFormat::Jpeg, Orientation::Rotate270));
    assert_eq!((header.size().width, header.size().height), (428, 640));
}
