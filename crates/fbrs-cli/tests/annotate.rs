//! `fbrs annotate export` and `import`, through the whole program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;

use common::{SIZE, Work};
use fbrs::{Position, Size};
use fbrs_annotation::import::record;
use fbrs_annotation::{
    Annotation, Folder, Mask, Object, PhotoPath, PhotoState, Project, file, shape,
};

/// The photo in a folder `p`, with a disc and a ring marked in it.
fn marked() -> Work {
    let work = Work::new();
    fs::create_dir(work.path("p")).unwrap();
    fs::rename(work.path("photo.png"), work.path("p/cat.png")).unwrap();
    let folder = Folder::new(work.path("p"), None);
    let photo = PhotoPath::new("cat.png");
    let mut project = Project::default();
    let mut annotation = Annotation::new(record(&folder.photo(&photo)).unwrap());
    annotation.change("draw", |document| {
        document.put(Object::drawn(disc(30.0, 20.0), Some(project.id_of("cat"))));
        let ring = disc(70.0, 25.0).without(&disc(70.0, 8.0));
        document.put(Object::drawn(ring, Some(project.id_of("\u{1b}[2Jdog"))));
        document.state = PhotoState::Done;
    });
    project.write(&folder.project()).unwrap();
    file::write(&annotation, &folder.document(&photo)).unwrap();
    work
}

fn disc(x: f64, radius: f64) -> Mask {
    let size = Size { height: SIZE.1 as usize, width: SIZE.0 as usize };
    shape::stroke(size, &[Position::at_xy(x, 40.0)], radius)
}

fn masks(work: &Work, documents: &str) -> Vec<Mask> {
    let path = work.path(documents).join("cat.png.fbrs.json");
    let annotation = file::read(&path).unwrap();
    annotation.document().objects.iter().map(|object| object.mask.clone()).collect()
}

#[test]
fn what_is_exported_is_imported() {
    let work = marked();
    for format in ["coco", "labelme", "yolo", "objects"] {
        let ended = work.run(&["annotate", "export", "p", "--format", format, "-o", format]);
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
        assert!(ended.out.contains("2 objects of 1 photo"), "{ended:?}");
        let documents = format!("{format}-documents");
        let import = ["annotate", "import", "p", "--documents", &documents, "--from", format];
        let ended = work.run(&import);
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
        assert!(ended.out.contains("took 2 objects into 1 photo; new classes: cat, "), "{ended:?}");
        assert!(!ended.out.contains('\u{1b}'));
        assert_eq!(masks(&work, &documents), masks(&work, "p"), "{format}");
    }
}

#[test]
fn several_formats_and_a_report_in_json() {
    let work = marked();
    let ended = work.run(&[
        "annotate",
        "export",
        "p",
        "--format",
        "ids,classes,cutouts",
        "--format",
        "labelme",
        "--labelme",
        "polygon",
        "--palette",
        "-o",
        "out/deep",
        "--json",
        "--quiet",
    ]);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
    let report = ended.json();
    assert_eq!((&report["photos"], &report["objects"]), (&1.into(), &8.into()));
    let kinds = |list: &str| {
        let entries = report[list].as_array().unwrap().iter();
        entries.map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        (kinds("altered"), kinds("skipped")),
        (vec!["holes".to_owned(), "overlap".to_owned(), "overlap".to_owned()], vec![])
    );
    assert_eq!(report["altered"][0]["photo"], "cat.png");
    assert_eq!(report["altered"][0]["object"], 2);
    for name in
        ["ids/cat.png", "classes/cat.png", "cutouts/cat_1_cat.png", "cat.json", "classes.txt"]
    {
        assert!(work.path("out/deep").join(name).is_file(), "{name}");
    }
}

#[test]
fn what_cannot_be_done_is_refused() {
    let work = marked();
    fs::write(work.path("bad.json"), "{\"images\": [").unwrap();
    fs::create_dir(work.path("none")).unwrap();
    let export = |rest: &[&'static str]| [&["annotate", "export"], rest].concat();
    work.refuses(&export(&["p", "--format", "voc", "-o", "x"]), 2, &["\"voc\"", "coco, labelme"]);
    work.refuses(&export(&["p", "-o", "x"]), 2, &["--format"]);
    work.refuses(&export(&["p", "--format", "coco"]), 2, &["--output"]);
    work.refuses(&export(&["p", "--format", "ids", "-o", "p/out"]), 2, &["taken for photos"]);
    work.refuses(&export(&["none", "--format", "coco", "-o", "x"]), 2, &["nothing to export"]);
    work.refuses(&export(&["gone", "--format", "coco", "-o", "x"]), 3, &["gone"]);
    work.refuses(&export(&["p", "--format", "coco", "-o", "bad.json"]), 6, &["bad.json"]);
    let import = |rest: &[&'static str]| [&["annotate", "import", "p"], rest].concat();
    work.refuses(&import(&["--from", "gone.json"]), 3, &["gone.json"]);
    work.refuses(&import(&["--from", "bad.json"]), 3, &["bad.json", "too early"]);
    work.refuses(&import(&["--from", "none"]), 2, &["nothing that is read"]);
    work.refuses(&import(&["--from", "p", "--format", "cutouts"]), 2, &["where"]);
}

#[test]
fn what_is_left_out_is_told_and_has_its_exit_code() {
    let work = marked();
    let ended = work.run(&["annotate", "export", "p", "--format", "labelme", "-o", "out"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let sheet = fs::read_to_string(work.path("out/cat.json")).unwrap();
    let other = sheet.replace("\"imageWidth\":120", "\"imageWidth\":121");
    fs::write(work.path("out/cat.json"), &other).unwrap();
    fs::write(work.path("out/dog.json"), sheet.replace("cat.png", "dog.png")).unwrap();
    let before = work.files();
    let ended = work.run(&["annotate", "import", "p", "--from", "out"]);
    assert_eq!(ended.code, Some(7), "{ended:?}");
    for words in ["121×90", "120×90", "dog.png: no photo has this name", "took 0 objects"] {
        assert!(ended.out.contains(words), "{words}: {ended:?}");
    }
    assert!(ended.err.contains("left out"), "{ended:?}");
    assert_eq!(work.files(), before);
    let again = work.run(&["annotate", "import", "p", "--from", "out", "--json"]);
    assert_eq!(again.json()["skipped"][0]["kind"], "size");
}

#[test]
fn photos_are_written_beside_what_is_marked() {
    let work = marked();
    let export = ["annotate", "export", "p", "--format", "yolo,labelme", "--photos", "-o", "out"];
    let ended = work.run(&export);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
    assert!(ended.out.contains("7 files (1 photo) in out"), "{ended:?}");
    let read = |name: &str| fs::read(work.path(name)).unwrap();
    assert_eq!(read("out/images/cat.png"), read("p/cat.png"));
    assert!(String::from_utf8_lossy(&read("out/cat.json")).contains("\"images/cat.png\""));
    let ended = work.run(&["annotate", "import", "p", "--from", "out", "--format", "labelme"]);
    assert!(ended.out.contains("took 0 objects"), "{ended:?}");
    let into = ["annotate", "export", "p", "--format", "coco", "--photos", "-o", "p/out"];
    work.refuses(&into, 2, &["taken for photos"]);
}
