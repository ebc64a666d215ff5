//! Sets that somebody made to do harm, or that are damaged: refused in words, at once.

use std::time::{Duration, Instant};

use fbrs_data::training::SetOptions;

use crate::support::{Draws, Made, left, problem};

fn at_once<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let done = work();
    let took = started.elapsed();
    assert!(took < Duration::from_secs(20), "{what} took {took:?}");
    done
}

#[test]
#[cfg(unix)]
fn nothing_outside_of_the_folder_is_read() {
    use std::os::unix::fs::symlink;

    let outside = Made::new();
    outside.photo("secret.jpg").gray("secret.png", |x, y| u8::from(left(x, y)));
    let made = Made::new();
    made.photo("images/a.jpg").photo("images/c.jpg");
    made.gray("masks/b.png", |x, y| u8::from(left(x, y)));
    made.gray("masks/c.png", |x, y| u8::from(left(x, y)));
    symlink(outside.path("secret.png"), made.path("masks/a.png")).unwrap();
    symlink(outside.path("secret.jpg"), made.path("images/b.jpg")).unwrap();
    let set = made.open("folder:");
    for index in [0, 1] {
        let problem = problem(&*set, index);
        assert!(problem.contains("leads out of"), "{problem}");
    }
    assert!(set.read(2, &mut Draws::always(0)).is_ok());
}

#[test]
fn names_that_lead_out_are_refused() {
    let made = Made::new();
    made.file("ImageSets/Segmentation/train.txt", "../a\n").photo("JPEGImages/a.jpg");
    made.gray("SegmentationObject/a.png", |_, _| 1);
    let error = made.open_with("voc:", &SetOptions::default()).unwrap_err();
    assert!(error.contains("../a"), "{error}");
    let made = Made::new();
    made.file(
        "train/combined.json",
        r#"{"format": "fbrs combined masks", "version": 1, "photos": [
            {"photo": "../a.jpg", "layers": [], "objects": []},
            {"photo": "a.jpg", "layers": ["/etc/passwd"], "objects": []}]}"#,
    );
    let set = made.open("coco-lvis:");
    for index in [0, 1] {
        assert!(problem(&*set, index).contains("a path out of it"));
    }
    let made = Made::new();
    made.file(
        "annotations/panoptic_train2017.json",
        r#"{"annotations": [{"file_name": "../../a.png", "segments_info": []}], "categories": []}"#,
    );
    assert!(problem(&*made.open(""), 0).contains("a path out of it"));
}

#[test]
fn numbers_beyond_all_bounds_are_refused() {
    let combined = |objects: &str| {
        format!(
            r#"{{"format": "fbrs combined masks", "version": 1, "photos": [
            {{"photo": "a.jpg", "layers": ["a.png"], "objects": [{objects}]}}]}}"#
        )
    };
    for (objects, words) in [
        (r#"{"layer": 99999999999, "value": 1}"#, "not as it should be"),
        (r#"{"layer": 0, "value": 1e300}"#, "not as it should be"),
        (r#"{"layer": 0, "value": -1}"#, "not as it should be"),
        (r#"{"layer": 4000000000, "value": 1}"#, "does not fit"),
        (r#"{"layer": 0, "value": 0}"#, "does not fit"),
        (r#"{"layer": 0, "value": 1}, {"layer": 0, "value": 1}"#, "does not fit"),
        (r#"{"layer": 0, "value": 1, "parent": 4000000000}"#, "part of"),
        (r#"{"layer": 0, "value": 1, "parent": 0}"#, "part of"),
    ] {
        let made = Made::new();
        made.photo("a.jpg").gray("a.png", |x, y| u8::from(left(x, y)));
        made.file("train/combined.json", combined(objects));
        let found = match made.open_with("coco-lvis:", &SetOptions::default()) {
            Ok(set) => problem(&*set, 0),
            Err(error) => error,
        };
        assert!(found.contains(words), "{objects}: {found}");
    }
}

#[test]
fn damaged_and_endless_files_are_refused_at_once() {
    let deep = format!("{{\"annotations\": {}", "[".repeat(1_000_000));
    let lists = [vec![b']'; 2_000_000], b".".to_vec()].concat();
    for (name, bytes, kind) in [
        ("train/combined.json", deep.as_bytes(), "coco-lvis:"),
        ("train/combined.json", b"{}", "coco-lvis:"),
        ("train/combined.json", b"", "coco-lvis:"),
        ("train/hannotation.pickle", &lists[..], "coco-lvis:"),
        ("train/hannotation.pickle", b"\x80\x04}\x94.", "coco-lvis:"),
        ("train/hannotation.pickle", b"cos\nsystem\n.", "coco-lvis:"),
        ("train/lvis_train.json", deep.as_bytes(), "lvis:"),
        ("train/lvis_train.json", b"<html>", "lvis:"),
        ("annotations/panoptic_train2017.json", deep.as_bytes(), "coco-panoptic:"),
        ("annotations/panoptic_train2017.json", b"{\"annotations\": [], \"categories\": []}", ""),
    ] {
        let made = Made::new();
        made.file(name, bytes);
        let error = at_once(name, || made.open_with(kind, &SetOptions::default()).unwrap_err());
        assert!(error.contains("data set"), "{name}: {error}");
    }
    assert!(Made::new().open_with("ade20k:", &SetOptions::default()).is_err());
    assert!(Made::new().open_with("openimages:", &SetOptions::default()).is_err());
    assert!(Made::new().open_with("gone", &SetOptions::default()).is_err());
    let never = SetOptions { stuff: f64::NAN, ..SetOptions::default() };
    assert!(Made::new().open_with("folder:", &never).unwrap_err().contains("probability"));
}

#[test]
fn thousands_of_objects_over_one_another_take_bounded_memory() {
    let made = Made::new();
    let photo = image::RgbImage::new(4000, 3000);
    photo.save(made.path("a.jpg")).unwrap();
    let annotation = r#"{"id": 1, "image_id": 1, "segmentation": [[0, 0, 9, 0, 9, 9, 0, 9]]}"#;
    let annotations = vec![annotation; 3000].join(", ");
    made.file(
        "x.json",
        format!(
            r#"{{"images": [{{"id": 1, "file_name": "a.jpg"}}], "annotations": [{annotations}]}}"#
        ),
    );
    let set = made.open("x.json");
    let problem = at_once("objects", || problem(&*set, 0));
    assert!(problem.contains("over one another"), "{problem}");
}

#[test]
fn escape_sequences_in_names_are_never_shown() {
    let made = Made::new();
    made.file(
        "annotations/panoptic_train2017.json",
        r#"{"annotations": [{"file_name": "\u001b[2Jx.png", "segments_info": []}], "categories": []}"#,
    );
    let set = made.open("");
    for shown in [set.name(0), problem(&*set, 0)] {
        assert!(!shown.contains('\u{1b}') && shown.contains("u{1b}"), "{shown}");
    }
}
