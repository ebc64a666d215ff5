//! Annotations that somebody made to do harm, and torn ones: refused at once, in words, in little
//! memory. The files of `tests/bad` were written by `tools/write_bad_data.py`.
#![cfg(feature = "annotations")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fbrs_clicks::Size;
use fbrs_data::annotations::labels::LabelMask;
use fbrs_data::annotations::{coco, labelme, mat, yolo};
use fbrs_data::pictures::Limits;
use fbrs_data::sets::{CocoOptions, DataName, Layout, OpenedData, open_all};
use flate2::Compression;
use flate2::write::ZlibEncoder;

fn bad(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/bad").join(name)
}

/// Every file of the folder is refused with the words that go with it; `cuts` says whether no cut
/// of it may be sound.
fn refused(folder: &str, cuts: bool, read: impl Fn(&str, &[u8]) -> Result<(), String>) {
    let folder = bad(folder);
    let expected = fs::read(folder.join("expected.json")).unwrap();
    let expected: BTreeMap<String, Vec<String>> = serde_json::from_slice(&expected).unwrap();
    let there = fs::read_dir(&folder).unwrap().count();
    assert_eq!(there, expected.len() + 1, "files without words");
    for (name, words) in expected {
        let bytes = fs::read(folder.join(&name)).unwrap();
        let started = Instant::now();
        let error = read(&name, &bytes).expect_err(&name);
        assert!(started.elapsed() < Duration::from_secs(1), "{name}");
        for word in words {
            assert!(error.contains(&word), "{name}: no \"{word}\" in \"{error}\"");
        }
        assert!(!error.contains(char::is_control), "{name}: {error:?}");
        for length in 0..bytes.len().min(3000) {
            let cut = read(&name, &bytes[..length]);
            assert!(cut.is_err() || !cuts, "{name} cut to {length} bytes");
        }
    }
}

#[test]
fn bad_matlab_files_are_refused_whole_and_cut() {
    refused("mat", true, |_, bytes| mat::read(bytes).map(drop).map_err(|error| error.to_string()));
}

#[test]
fn bad_masks_are_refused_whole_and_cut() {
    refused("masks", true, |name, bytes| {
        let mask = LabelMask::read_bytes(bytes, name, &Limits::default());
        mask.and_then(|mask| mask.objects()).map(drop).map_err(|error| error.to_string())
    });
}

/// Opens a file of instances as a data set.
fn open_coco(path: &Path) -> Result<OpenedData, String> {
    let data = DataName { layout: Layout::Coco, path: path.to_owned() };
    let opened = open_all(&[data], &CocoOptions::default());
    opened.map(|mut opened| opened.remove(0)).map_err(|error| error.to_string())
}

#[test]
fn bad_coco_files_are_refused_whole_and_cut() {
    let folder = tempfile::tempdir().unwrap();
    refused("coco", true, |name, bytes| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let error = open_coco(&path).map(drop);
        assert!(error.as_ref().is_err_and(|error| error.contains(name)), "{error:?}");
        error
    });
}

/// Reads a sheet and fills its shapes, as who imports it does.
fn fill_sheet(bytes: &[u8]) -> Result<(), String> {
    let sheet = labelme::read(bytes).map_err(|error| error.to_string())?;
    if let Some(fault) = sheet.faults.first() {
        return Err(fault.to_string());
    }
    let fill = |shape: &labelme::Shape| shape.form.spans(PHOTO).map(drop);
    sheet.shapes.iter().try_for_each(fill).map_err(|error| error.to_string())
}

const PHOTO: Size = Size { height: 480, width: 640 };

#[test]
fn bad_sheets_of_labelme_are_refused_whole_and_cut() {
    refused("labelme", true, |_, bytes| fill_sheet(bytes));
}

#[test]
fn bad_labels_of_yolo_are_refused() {
    // The lines before a cut may well be sound.
    refused("yolo", false, |_, bytes| {
        let lines = yolo::read(&String::from_utf8_lossy(bytes)).map_err(|e| e.to_string())?;
        lines.iter().try_for_each(|line| line.spans(PHOTO).map(drop)).map_err(|e| e.to_string())
    });
}

/// The most memory that this process ever had, in bytes, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

fn at_once<T>(what: &str, limit: Duration, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let done = work();
    assert!(started.elapsed() < limit, "{what}: {:?}", started.elapsed());
    done
}

/// One chunk of a PNG; nobody looks at the sums of chunks that come after the header's.
fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut sum = flate2::Crc::new();
    sum.update(name);
    sum.update(data);
    let length = (data.len() as u32).to_be_bytes();
    [&length[..], name, data, &sum.sum().to_be_bytes()].concat()
}

/// Every file here is small and asks for much. In one test: the memory is the process's.
#[test]
fn a_small_file_takes_little_time_and_memory() {
    let second = Duration::from_secs(5); // A second of a machine that does nothing else.
    // Zeros: 200 kB that would be 256 MB, in one element and in many.
    let mut header = b"MATLAB 5.0 MAT-file".to_vec();
    header.resize(124, b' ');
    header.extend(b"\0\x01IM");
    for (elements, megabytes) in [(1, 256), (300, 4)] {
        let mut deflate = ZlibEncoder::new(Vec::new(), Compression::best());
        for _ in 0..megabytes {
            deflate.write_all(&vec![0; 1 << 20]).unwrap();
        }
        let packed = deflate.finish().unwrap();
        let mut bomb = header.clone();
        for _ in 0..elements {
            bomb.extend(15u32.to_le_bytes());
            bomb.extend((packed.len() as u32).to_le_bytes());
            bomb.extend(&packed);
        }
        let error = at_once("mat", second, || mat::read(&bomb)).unwrap_err();
        assert!(elements > 1 || error.to_string().contains("64 MiB"), "{error}");
    }

    // 400 million pixels in 400 kB.
    let head = [20_000u32.to_be_bytes(), 20_000u32.to_be_bytes()].concat();
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::best());
    for _ in 0..20_000 {
        deflate.write_all(&[0; 20_001]).unwrap();
    }
    let packed = deflate.finish().unwrap();
    for color in [0, 3] {
        let head = chunk(b"IHDR", &[&head[..], &[8, color, 0, 0, 0]].concat());
        let parts = [
            b"\x89PNG\r\n\x1a\n".to_vec(),
            head,
            chunk(b"PLTE", &[0, 0, 0, 9, 9, 9]),
            chunk(b"IDAT", &packed),
            chunk(b"IEND", &[]),
        ];
        let bomb = parts.concat();
        assert!(bomb.len() < 500_000);
        let read = || LabelMask::read_bytes(&bomb, "mask.png", &Limits::default());
        let error = at_once("mask", second, read).unwrap_err();
        assert!(error.to_string().contains("20000"), "{error}");
    }

    // Annotations that are none, and one that never ends.
    let coco = |annotations: &str, times: usize| {
        let images = r#"{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": ["#;
        [images, &annotations.repeat(times), "0]}"].concat()
    };
    let limit = Duration::from_secs(20);
    for (text, words) in
        [(coco("{},", 2_000_000), "more than 100000"), (coco("0,", 5_000_000), "4000000")]
    {
        let error = at_once("coco", limit, || coco::read(text.as_bytes())).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    for inner in ["[0,0,0,0,0,0],", "[],", "0,", "[[[[0]]]],", "{\"size\":[9,9],\"counts\":[81]},"]
    {
        let shape = inner.repeat(10_000_000 / inner.len());
        let text =
            coco(&format!("{{\"id\": 1, \"image_id\": 1, \"segmentation\": [{shape}0]}},"), 1);
        let read = at_once("coco", limit, || coco::read(text.as_bytes())).unwrap();
        assert_eq!((read.annotations.len(), read.faults.len()), (0, 2), "{inner}");
    }

    // A photo of 100 MB inside a sheet, shapes without end, a corner without end.
    let sheet = |rest: &str| format!("{{\"shapes\": [{rest}]}}");
    let inside = io::repeat(b'A').take(100 << 20);
    let whole = b"{\"imageData\": \"".chain(inside).chain(&b"\", \"shapes\": []}"[..]);
    assert!(at_once("sheet", limit, || labelme::read(whole)).is_ok());
    for (text, words) in [
        (sheet(&("{},".repeat(2_000_000) + "0")), "2000001 shapes"),
        (sheet(&format!("{{\"points\": [{}0]}}", "[1,2],".repeat(2_000_000))), ""),
        (sheet(&format!("{{\"points\": [[{}0]]}}", "1,".repeat(5_000_000))), ""),
    ] {
        let error = at_once("sheet", limit, || fill_sheet(text.as_bytes())).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    let line = "0 ".to_owned() + &"0.5 ".repeat(4_000_001);
    for (text, words) in [(line, "4000000 numbers"), ("0 0 0 1 0 1 1\n".repeat(100_001), "lines")] {
        let error = at_once("labels", limit, || yolo::read(&text)).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    if let Some(peak) = peak_memory() {
        println!("peak memory: {} MB", peak >> 20);
        assert!(peak < 250 << 20, "{} MB", peak >> 20);
    }
}
