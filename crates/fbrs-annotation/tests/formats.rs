//! What is marked goes out to other programs' formats and comes back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use fbrs_annotation::export::{Format, Kind, Report, Settings, export};
use fbrs_annotation::import::{self, import, record};
use fbrs_annotation::{
    Annotation, Error, Folder, Mask, Object, PhotoPath, PhotoState, Project, file,
};
use fbrs_clicks::Size;
use image::{Rgb, RgbImage};
use tempfile::TempDir;

const SIZE: Size = Size { height: 40, width: 50 };

/// A folder of photos, one for documents beside it, and one for exports.
struct Made {
    place: TempDir,
    folder: Folder,
    project: Project,
}

impl Made {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new(place.path().join("photos"), Some(place.path().join("work")));
        fs::create_dir(folder.root()).unwrap();
        fs::create_dir(folder.documents()).unwrap();
        Self { place, folder, project: Project::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// A photo with objects: classes and masks.
    fn photo(&mut self, name: &str, objects: Vec<(Option<&str>, Mask)>) -> &mut Self {
        let path = self.folder.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let color = |x: u32, y: u32| Rgb([x as u8 * 3, y as u8 * 3, 77]);
        RgbImage::from_fn(SIZE.width as u32, SIZE.height as u32, color).save(&path).unwrap();
        self.document(name, objects, PhotoState::InProgress)
    }

    fn document(
        &mut self,
        name: &str,
        objects: Vec<(Option<&str>, Mask)>,
        state: PhotoState,
    ) -> &mut Self {
        let photo = PhotoPath::new(name);
        let mut annotation = Annotation::new(record(&self.folder.photo(&photo)).unwrap());
        annotation.change("draw", |document| {
            document.state = state;
            for (class, mask) in objects {
                let class = class.map(|class| self.project.id_of(class));
                document.put(Object::drawn(mask, class));
            }
        });
        let path = self.folder.document(&photo);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        file::write(&annotation, &path).unwrap();
        self
    }

    fn export(&self, settings: &Settings, to: &str) -> Report {
        export(&self.folder, &self.project, settings, &self.path(to), |_, _| true).unwrap()
    }

    fn export_as(&self, format: Format, to: &str) -> Report {
        self.export(&Settings::new([format]), to)
    }

    /// Takes the files into documents of their own, with a project of their own.
    fn import(&self, from: &Path, settings: import::Settings) -> (Folder, Project, Report) {
        let work = tempfile::tempdir_in(self.place.path()).unwrap().keep();
        let folder = self.folder.clone().with_output(work);
        let mut project = Project::default();
        let report = import(&folder, &mut project, from, settings, |_, _| true).unwrap();
        (folder, project, report)
    }
}

/// Every object of a folder: photo, class and mask.
fn objects(folder: &Folder, project: &Project) -> Vec<(String, Option<String>, Mask)> {
    let mut found = Vec::new();
    for photo in folder.photos().unwrap() {
        let Ok(annotation) = file::read(&folder.document(&photo)) else { continue };
        for object in &annotation.document().objects {
            let class = object.class.map(|id| project.class(id).unwrap().name.clone());
            found.push((photo.as_str().to_owned(), class, object.mask.clone()));
        }
    }
    found
}

fn mask(is_object: impl Fn(usize, usize) -> bool) -> Mask {
    let pixels: Vec<_> = (0..SIZE.area()).map(|at| is_object(at % 50, at / 50)).collect();
    Mask::from_bools(SIZE, &pixels).unwrap()
}

fn ring() -> Mask {
    mask(|x, y| (5..20).contains(&x) && (5..15).contains(&y) && !((8..12).contains(&x) && y == 9))
}

fn parts() -> Mask {
    mask(|x, y| (30..33).contains(&x) && (20..22).contains(&y) || x > 44 && y > 36)
}

fn pixel() -> Mask {
    mask(|x, y| (x, y) == (49, 0))
}

/// Photos with objects that do not overlap; no hole and no parts that touch.
fn made() -> Made {
    let mut made = Made::new();
    made.photo("a.png", vec![(Some("cat"), ring()), (Some("the dog/2"), parts()), (None, pixel())]);
    made.photo("Ünï/写真 1.png", vec![(Some("the dog/2"), ring())]);
    made.photo("untouched.png", vec![]);
    made
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(inner).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(folder).unwrap().display().to_string();
                    found.insert(name, fs::read(path).unwrap());
                }
            }
        }
    }
    found
}

#[test]
fn every_format_comes_back() {
    let made = made();
    let expected = objects(&made.folder, &made.project);
    for format in Format::ALL {
        for variant in [false, true] {
            let mut settings = Settings::new([format]);
            (settings.always_rle, settings.polygons, settings.palette) =
                (variant, variant, variant);
            let to = format!("{format}-{variant}");
            let report = made.export(&settings, &to);
            assert_eq!((report.photos, report.objects), (2, 4), "{format} {report:?}");
            assert_eq!(report.skipped, [], "{format}");
            if format == Format::Cutouts {
                continue;
            }
            let (folder, project, report) = made.import(&made.path(&to), Default::default());
            assert_eq!(report.skipped, [], "{format}");
            assert_eq!((report.photos, report.objects), (2, 4), "{format} {report:?}");
            let mut found = objects(&folder, &project);
            let mut expected = expected.clone();
            if format == Format::Ids {
                // They tell no class.
                expected.iter_mut().for_each(|(_, class, _)| *class = None);
            }
            if format == Format::Yolo {
                // Ways between parts are filled as well.
                for (found, expected) in found.iter_mut().zip(&expected) {
                    assert!(expected.2.without(&found.2).is_empty());
                    found.2 = found.2.intersection(&expected.2);
                }
            }
            assert_eq!(found, expected, "{format}");
            if format != Format::Ids && format != Format::Labelme {
                let ids = |project: &Project| {
                    project.classes.iter().map(|c| (c.id, c.name.clone())).collect::<Vec<_>>()
                };
                assert_eq!(ids(&project), ids(&made.project), "{format}");
            }
        }
    }
}

#[test]
fn the_same_documents_give_the_same_bytes_and_nothing_else_is_touched() {
    let made = made();
    let settings = Settings::new(Format::ALL);
    made.export(&settings, "one");
    fs::create_dir(made.path("two")).unwrap();
    fs::write(made.path("two/instances.json"), "old").unwrap();
    fs::write(made.path("two/notes.txt"), "mine").unwrap();
    let report = made.export(&settings, "two");
    let (one, mut two) = (files(&made.path("one")), files(&made.path("two")));
    assert_eq!(two.remove("notes.txt").unwrap(), b"mine");
    assert_eq!(one, two);
    assert_eq!(report.files, one.len());
    let names: Vec<_> = one.keys().map(String::as_str).collect();
    let expected = [
        "a.json",
        "classes.txt",
        "classes/a.png",
        "classes/Ünï/写真 1.png",
        "cutouts/a_1_cat.png",
        "cutouts/a_2_the_dog_2.png",
        "cutouts/a_3_object.png",
        "cutouts/Ünï/写真 1_1_the_dog_2.png",
        "data.yaml",
        "ids/a.png",
        "ids/Ünï/写真 1.png",
        "instances.json",
        "labels/a.txt",
        "labels/Ünï/写真 1.txt",
        "objects/a_1_cat.png",
        "objects/a_2_the_dog_2.png",
        "objects/a_3_object.png",
        "objects/Ünï/写真 1_1_the_dog_2.png",
        "train.txt",
        "val.txt",
        "Ünï/写真 1.json",
    ];
    assert_eq!(names, expected);
    assert_eq!(one["classes.txt"], b"cat\nthe dog/2\nobject\n");
    let sheet = String::from_utf8(one["Ünï/写真 1.json"].clone()).unwrap();
    assert!(sheet.contains(r#""imagePath":"../../photos/Ünï/写真 1.png","imageData":null"#));
    let yaml = String::from_utf8(one["data.yaml"].clone()).unwrap();
    assert!(yaml.contains("names:\n  0: \"cat\"\n  1: \"the dog/2\"\n  2: \"object\"\n"), "{yaml}");
    let lists = [&one["train.txt"][..], &one["val.txt"]].concat();
    assert_eq!(String::from_utf8(lists).unwrap().lines().count(), 2);
}

#[test]
fn reports_tell_what_a_format_cannot_hold() {
    let mut made = Made::new();
    let over = mask(|x, y| (10..40).contains(&x) && (7..20).contains(&y));
    let whole = mask(|x, y| x < 30 && y < 20);
    let objects = vec![
        (Some("cat"), ring()),
        (None, parts()),
        (Some("dog"), over),
        (Some("dog"), Mask::empty(SIZE)),
    ];
    made.photo("a.png", objects).photo("b.png", vec![(None, ring()), (None, whole)]);
    let told = |report: &Report| {
        let entries = report.altered.iter().chain(&report.skipped);
        entries.map(|e| (e.photo.clone(), e.object, e.kind)).collect::<Vec<_>>()
    };
    let entry = |photo: &str, id, kind| (photo.to_owned(), Some(id), kind);
    let empty = entry("a.png", 4, Kind::Empty);
    let polygons = Settings { polygons: true, ..Settings::new([Format::Labelme]) };
    let mut outlines = vec![
        entry("a.png", 1, Kind::Holes),
        entry("a.png", 2, Kind::Parts),
        entry("a.png", 2, Kind::NoClass),
        entry("b.png", 1, Kind::Holes),
        entry("b.png", 1, Kind::NoClass),
        entry("b.png", 2, Kind::NoClass),
        empty.clone(),
    ];
    assert_eq!(told(&made.export(&polygons, "x")), outlines);
    let report = made.export_as(Format::Yolo, "x");
    assert_eq!(told(&report), outlines);
    let parts = &report.altered[1].to_string();
    assert!(parts.starts_with("yolo: a.png, object 2: it has 2 parts"), "{parts}");
    outlines.retain(|(.., kind)| [Kind::NoClass, Kind::Empty].contains(kind));
    assert_eq!(told(&made.export_as(Format::Coco, "x")), outlines);
    assert_eq!(told(&made.export_as(Format::Labelme, "x")), outlines);
    let report = made.export_as(Format::Ids, "x");
    let overlaps =
        [entry("a.png", 1, Kind::Overlap), entry("b.png", 1, Kind::Overlap), empty.clone()];
    assert_eq!(told(&report), overlaps);
    assert!(report.altered[1].text.contains("as a whole"), "{report:?}");
}

#[test]
fn equal_stems_keep_their_endings_and_come_back() {
    let mut made = Made::new();
    made.photo("a.png", vec![(Some("cat"), ring())]).photo("a.bmp", vec![(Some("cat"), pixel())]);
    let expected = objects(&made.folder, &made.project);
    for format in [Format::Labelme, Format::Yolo, Format::Ids, Format::Classes, Format::Objects] {
        let report = made.export_as(format, format.name());
        let odd = report.altered.iter().filter(|entry| entry.kind == Kind::Name).count();
        assert_eq!(odd, if format == Format::Yolo { 2 } else { 0 });
        let (folder, project, report) = made.import(&made.path(format.name()), Default::default());
        assert_eq!(report.skipped, []);
        let masks = |objects: Vec<(String, Option<String>, Mask)>| {
            objects.into_iter().map(|(photo, _, mask)| (photo, mask)).collect::<Vec<_>>()
        };
        assert_eq!(masks(objects(&folder, &project)), masks(expected.clone()), "{format}");
    }
    assert!(made.path("labels/a.png.txt").exists() || made.path("yolo/labels/a.png.txt").exists());
}

#[test]
fn photos_that_are_done_and_empty_are_told_of() {
    let mut made = Made::new();
    made.photo("a.png", vec![]).document("a.png", vec![], PhotoState::Done);
    made.export(&Settings::new(Format::ALL), "x");
    let found = files(&made.path("x"));
    assert_eq!(found["labels/a.txt"], b"");
    assert!(String::from_utf8_lossy(&found["a.json"]).contains(r#""shapes":[]"#));
    let coco: serde_json::Value = serde_json::from_slice(&found["instances.json"]).unwrap();
    assert_eq!(coco["images"][0]["file_name"], "a.png");
    assert!(found.contains_key("ids/a.png") && found.contains_key("classes/a.png"));
}

#[test]
fn coco_is_as_its_readers_expect() {
    let made = made();
    made.export_as(Format::Coco, "x");
    let text = fs::read(made.path("x/instances.json")).unwrap();
    let coco: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(coco["licenses"], serde_json::json!([]));
    assert!(coco["info"].is_object());
    let categories = serde_json::json!([
        {"id": 1, "name": "cat", "supercategory": ""},
        {"id": 2, "name": "the dog/2", "supercategory": ""},
        {"id": 3, "name": "object", "supercategory": ""},
    ]);
    assert_eq!(coco["categories"], categories);
    let image =
        serde_json::json!({"id": 2, "file_name": "Ünï/写真 1.png", "width": 50, "height": 40});
    assert_eq!(coco["images"][1], image);
    let first = &coco["annotations"][0];
    assert_eq!(first["bbox"], serde_json::json!([5, 5, 15, 10]));
    assert_eq!((&first["area"], &first["iscrowd"]), (&146.into(), &0.into()));
    assert!(first["segmentation"]["counts"].is_string());
    let second = &coco["annotations"][1];
    let polygons = second["segmentation"].as_array().unwrap();
    assert_eq!(polygons.len(), 2);
    assert!(polygons[0].as_array().unwrap().iter().all(serde_json::Value::is_u64));
    assert_eq!(second["bbox"], serde_json::json!([30, 20, 20, 20]));
}

#[test]
fn a_tolerance_takes_corners_away_and_tells_the_loss() {
    let mut made = Made::new();
    let disc = mask(|x, y| (x as f64 - 25.0).hypot(y as f64 - 20.0) < 15.0);
    made.photo("a.png", vec![(Some("cat"), disc.clone())]);
    for format in [Format::Coco, Format::Labelme, Format::Yolo] {
        let exact = Settings { polygons: true, ..Settings::new([format]) };
        let rough = Settings { tolerance: 1.5, ..exact.clone() };
        assert_eq!(made.export(&exact, "exact").altered, [], "{format}");
        let report = made.export(&rough, "rough");
        let [entry] = report.altered.as_slice() else { panic!("{report:?}") };
        assert!(entry.kind == Kind::Tolerance && entry.text.contains("IoU of 0.9"), "{entry}");
        let settings = import::Settings { format: Some(format), turn: false };
        let (folder, project, _) = made.import(&made.path("rough"), settings);
        let found = &objects(&folder, &project)[0].2;
        let iou = found.overlap(&disc) as f64 / found.union(&disc).area() as f64;
        assert!(entry.text.contains(&format!("{iou:.4}")), "{entry} {iou}");
    }
    let size = |name: &str| fs::metadata(made.path(name)).unwrap().len();
    assert!(size("rough/labels/a.txt") * 2 < size("exact/labels/a.txt"));
}

#[test]
fn cutouts_are_the_photo_where_the_object_is() {
    let mut made = Made::new();
    made.photo("a.png", vec![(Some("cat"), pixel()), (None, ring())]);
    let settings = Settings { margin: 2, ..Settings::new([Format::Cutouts]) };
    made.export(&settings, "x");
    let cut = image::open(made.path("x/cutouts/a_1_cat.png")).unwrap().into_rgba8();
    assert_eq!(cut.dimensions(), (3, 3));
    assert_eq!(cut.get_pixel(2, 0).0, [147, 0, 77, 255]);
    assert_eq!(cut.get_pixel(1, 1).0, [0; 4]);
    let cut = image::open(made.path("x/cutouts/a_2_object.png")).unwrap().into_rgba8();
    assert_eq!(cut.dimensions(), (19, 14));
    let objects = cut.pixels().filter(|pixel| pixel.0[3] == 255).count();
    assert_eq!(objects as u64, ring().area());
    assert!(cut.pixels().all(|pixel| pixel.0[3] == 255 || pixel.0 == [0; 4]));
}

#[test]
fn pictures_do_not_come_among_the_photos_and_no_photo_is_written_over() {
    let mut made = Made::new();
    made.photo("a.png", vec![(Some("cat"), ring())]).photo("labels/a.png", vec![]);
    let to = |to: PathBuf, format| {
        export(&made.folder, &made.project, &Settings::new([format]), &to, |_, _| true)
    };
    let error = to(made.folder.root().join("out"), Format::Ids).unwrap_err().to_string();
    assert!(error.contains("taken for photos"), "{error}");
    to(made.folder.root().to_owned(), Format::Labelme).unwrap();
    assert!(made.folder.root().join("a.json").exists());
    let mut empty = Made::new();
    empty.photo("a.png", vec![]);
    let (folder, project) = (&empty.folder, &empty.project);
    let nothing = Settings::new([Format::Coco]);
    let nothing = export(folder, project, &nothing, &empty.path("x"), |_, _| true).unwrap_err();
    assert!(nothing.to_string().contains("nothing to export"), "{nothing}");
    assert!(!empty.path("x").exists());
    let stopped = export(
        &made.folder,
        &made.project,
        &Settings::new([Format::Coco]),
        &made.path("x"),
        |done, _| done == 0,
    );
    assert!(matches!(stopped, Err(Error::Stopped)));
    assert!(!made.path("x/instances.json").exists());
}

#[test]
fn documents_that_cannot_be_read_are_told_and_the_rest_is_written() {
    let mut made = made();
    made.photo("b.png", vec![]);
    fs::write(made.folder.document(&PhotoPath::new("b.png")), "{").unwrap();
    let report = made.export_as(Format::Coco, "x");
    assert_eq!((report.photos, report.skipped.len()), (2, 1));
    assert_eq!(report.skipped[0].kind, Kind::Unreadable);
}

#[test]
fn what_only_the_journal_knows_is_exported() {
    let mut made = Made::new();
    made.photo("a.png", vec![]);
    let photo = PhotoPath::new("a.png");
    let path = made.folder.document(&photo);
    fs::remove_file(&path).unwrap();
    let record = record(&made.folder.photo(&photo)).unwrap();
    let mut opened = fbrs_annotation::Keeper::open(&path, &record).unwrap();
    let line = opened.annotation.change("draw", |document| {
        document.put(Object::drawn(ring(), None));
    });
    opened.keeper.append(&line.unwrap()).unwrap();
    // Still open, as in a window.
    let before = files(made.folder.documents());
    let report = made.export_as(Format::Coco, "x");
    assert_eq!(report.objects, 1);
    assert_eq!(files(made.folder.documents()), before);
}

#[test]
fn importing_twice_changes_nothing() {
    let made = made();
    made.export_as(Format::Coco, "x");
    let (folder, mut project, _) = made.import(&made.path("x"), Default::default());
    let before = files(folder.documents());
    let from = made.path("x/instances.json");
    let report = import(&folder, &mut project, &from, Default::default(), |_, _| true).unwrap();
    assert_eq!(report.objects, 0);
    assert!(report.skipped.iter().all(|entry| entry.kind == Kind::Known), "{report:?}");
    assert_eq!(report.skipped.len(), 4);
    assert_eq!(files(folder.documents()), before);
}

#[test]
fn masks_of_another_size_are_refused_and_those_of_the_stored_photo_turned() {
    let mut made = Made::new();
    made.photo("a.png", vec![]).photo("b.png", vec![]);
    // As if its file said so.
    let photo = PhotoPath::new("b.png");
    let path = made.folder.document(&photo);
    let mut turned = record(&made.folder.photo(&photo)).unwrap();
    (turned.width, turned.height, turned.orientation) = (40, 50, 6);
    file::write(&Annotation::new(turned), &path).unwrap();
    fs::create_dir(made.path("x")).unwrap();
    let box_of = |name: &str, width: u32, height: u32| {
        serde_json::json!({"imagePath": name, "imageWidth": width, "imageHeight": height,
            "shapes": [{"label": "cat", "points": [[0, 0], [9, 4]], "shape_type": "rectangle"}]})
    };
    let write = |name: &str, sheet: serde_json::Value| {
        fs::write(made.path("x").join(name), sheet.to_string()).unwrap();
    };
    write("a.json", box_of("a.png", 51, 40));
    write("b.json", box_of("b.png", 50, 40));
    write("c.json", box_of("c.png", 50, 40));
    write("d.json", serde_json::json!({"no": "sheet"}));
    let mut project = Project::default();
    let settings = import::Settings { format: Some(Format::Labelme), turn: false };
    let mut take = |settings| {
        import(&made.folder, &mut project, &made.path("x"), settings, |_, _| true).unwrap()
    };
    let report = take(settings);
    let kinds: Vec<_> = report.skipped.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [Kind::Size, Kind::Turned, Kind::Photo, Kind::Unreadable]);
    for (entry, words) in report.skipped.iter().zip([
        ["51×40", "50×40"],
        ["50×40", "40×50"],
        ["no photo", "c.png"],
        ["d.json", "\"shapes\""],
    ]) {
        let entry = entry.to_string();
        assert!(words.iter().all(|word| entry.contains(word)), "{entry}");
    }
    assert_eq!(report.objects, 0);
    let report = take(import::Settings { turn: true, ..settings });
    assert_eq!(report.objects, 1, "{report:?}");
    let document = file::read(&path).unwrap().document().clone();
    let bounds = document.objects[0].mask.bounds().unwrap();
    // Columns 0 to 9 of rows 0 to 4 of the stored photo, turned to the right.
    assert_eq!((bounds.rows(), bounds.cols()), (0..10, 35..40));
}

#[test]
fn what_to_import_is_said_where_it_is_not_clear() {
    let made = made();
    made.export(&Settings::new([Format::Coco, Format::Ids]), "x");
    let refusal = |from: &str, settings| {
        let mut project = Project::default();
        let from = made.path(from);
        import(&made.folder, &mut project, &from, settings, |_, _| true).unwrap_err().to_string()
    };
    let any = import::Settings::default();
    assert!(refusal("x", any).contains("coco, ids"));
    assert!(refusal("none", any).contains("none"));
    fs::create_dir(made.path("empty")).unwrap();
    assert!(refusal("empty", any).contains("nothing that is read"));
    let cutouts = import::Settings { format: Some(Format::Cutouts), ..any };
    assert!(refusal("x", cutouts).contains("do not say where"));
    fs::write(made.path("x/a.doc"), "").unwrap();
    assert!(refusal("x/a.doc", any).contains("expected a JSON"));
}

#[test]
fn bad_files_are_told_and_none_is_half_read() {
    let bad = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/bad");
    let mut made = Made::new();
    for stem in ["a", "b"] {
        made.photo(&format!("{stem}.png"), vec![]);
    }
    let before = files(made.folder.documents());
    let mut project = Project::default();
    for (folder, format) in [
        ("coco", Format::Coco),
        ("labelme", Format::Labelme),
        ("yolo", Format::Yolo),
        ("masks", Format::Ids),
        ("masks", Format::Objects),
    ] {
        for entry in fs::read_dir(bad.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("expected.json") {
                continue;
            }
            let settings = import::Settings { format: Some(format), turn: false };
            let from = |from: &Path, project: &mut Project| {
                import(&made.folder, project, from, settings, |_, _| true)
            };
            match from(&path, &mut project) {
                Ok(report) => {
                    assert_eq!(report.objects, 0, "{path:?}");
                    let is_empty = path.ends_with("empty_lists.json");
                    assert!(is_empty || !report.skipped.is_empty(), "{path:?}");
                    let all: String = report.lines().collect();
                    assert!(!all.contains(char::is_control), "{all:?}");
                }
                Err(error) => {
                    let name = path.file_name().unwrap().to_str().unwrap();
                    assert!(error.to_string().contains(name), "{error}");
                }
            }
        }
    }
    assert_eq!(files(made.folder.documents()), before);
}
