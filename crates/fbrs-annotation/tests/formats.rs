//! What is marked goes out to other programs' formats and comes back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use fbrs_annotation::export::{Format, Kind, Report, Settings, export};
use fbrs_annotation::import::{self, import, record};
use fbrs_annotation::{
    Annotation, Error, Folder, Mask, Object, PhotoPath, PhotoState, Project, file,
};
use fbrs_clicks::{Region, Size};
use fbrs_data::annotations::labels::LabelMask;
use fbrs_data::pictures::Limits;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageEncoder, ImageReader, Rgb, RgbImage};
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

/// EXIF data with nothing but an orientation.
fn exif(orientation: u8) -> Vec<u8> {
    let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    exif
}

fn seen() -> RgbImage {
    let color = |x: u32, y: u32| Rgb([x as u8 * 5, y as u8 * 6, if x > y { 200 } else { 20 }]);
    RgbImage::from_fn(SIZE.width as u32, SIZE.height as u32, color)
}

/// A profile of no colors in particular, of RGB.
fn profile() -> Vec<u8> {
    let mut profile = vec![0; 200];
    profile[16..20].copy_from_slice(b"RGB ");
    profile
}

/// What is seen as [`seen`], stored as a camera does that was turned.
fn stored(path: &Path, orientation: u8) {
    let turned = Orientation::from_exif(orientation).unwrap();
    // The way back of a quarter turn is the other quarter turn.
    let back = match turned {
        Orientation::Rotate90 => Orientation::Rotate270,
        Orientation::Rotate270 => Orientation::Rotate90,
        other => other,
    };
    let mut image = DynamicImage::from(seen());
    image.apply_orientation(back);
    let file = fs::File::create(path).unwrap();
    fn write(mut encoder: impl ImageEncoder, orientation: u8, image: &DynamicImage) {
        encoder.set_exif_metadata(exif(orientation)).unwrap();
        encoder.set_icc_profile(profile()).unwrap();
        image.write_with_encoder(encoder).unwrap();
    }
    match path.extension().unwrap().to_str().unwrap() {
        "png" => write(PngEncoder::new(file), orientation, &image),
        _ => write(JpegEncoder::new_with_quality(file, 98), orientation, &image),
    }
}

fn with_photos(formats: impl IntoIterator<Item = Format>) -> Settings {
    Settings { photos: true, ..Settings::new(formats) }
}

#[test]
fn photos_are_copied_as_they_are_or_turned() {
    let mut made = Made::new();
    fs::create_dir(made.folder.root().join("s")).unwrap();
    for orientation in 1..=8 {
        for ending in ["png", "JPG"] {
            let name = format!("s/{ending}{orientation}.{ending}");
            stored(&made.folder.root().join(&name), orientation);
            made.document(&name, vec![(Some("cat"), ring())], PhotoState::InProgress);
        }
    }
    let report = made.export(&with_photos([Format::Coco, Format::Ids]), "x");
    assert_eq!((report.copies, report.turned, report.files), (16, 14, 33));
    assert_eq!(
        (&report.altered[..], &report.skipped[..], &report.remarks[..]),
        (&[][..], &[][..], &[][..])
    );
    let without = made.export(&Settings::new([Format::Ids]), "y");
    assert_eq!(without.altered.iter().filter(|entry| entry.kind == Kind::Turned).count(), 14);
    let ids = image::open(made.path("x/ids/s/png1.png")).unwrap();
    for orientation in 1..=8 {
        for ending in ["png", "JPG"] {
            let name = format!("s/{ending}{orientation}.{ending}");
            let path = made.path("x/images").join(&name);
            let bytes = fs::read(&path).unwrap();
            let kept = bytes == fs::read(made.folder.root().join(&name)).unwrap();
            assert_eq!(kept, orientation == 1, "{name}");
            let reader = ImageReader::open(&path).unwrap().with_guessed_format().unwrap();
            let mut decoder = reader.into_decoder().unwrap();
            assert_eq!(decoder.orientation().unwrap(), Orientation::NoTransforms, "{name}");
            assert_eq!(decoder.icc_profile().unwrap(), Some(profile()), "{name}");
            let image = DynamicImage::from_decoder(decoder).unwrap().into_rgb8();
            assert_eq!(image.dimensions(), (50, 40));
            let seen = seen();
            let far = image.pixels().zip(seen.pixels()).map(|(a, b)| {
                let far = a.0.iter().zip(b.0).map(|(a, b)| u64::from(a.abs_diff(b)));
                far.sum::<u64>()
            });
            let far = far.sum::<u64>() as f64 / 6000.0;
            assert!(far < if ending == "png" { 1e-9 } else { 4.0 }, "{name} {far}");
            // The masks are of the photo as it is seen.
            let own = image::open(made.path(&format!("x/ids/s/{ending}{orientation}.png")));
            assert!(own.unwrap() == ids, "{name}");
        }
    }
    made.export(&with_photos([Format::Coco, Format::Ids]), "again");
    assert_eq!(files(&made.path("x")), files(&made.path("again")));
}

#[test]
fn what_names_photos_names_their_copies_and_comes_back() {
    let mut made = made();
    made.photo("b.bmp", vec![(Some("cat"), ring())]);
    made.photo("b.png", vec![(Some("cat"), parts())]);
    made.photo("c.gif", vec![(Some("dog"), pixel())]);
    // A JPEG that hardly any program takes for one.
    made.photo("d.jpg", vec![]);
    fs::rename(made.folder.root().join("d.jpg"), made.folder.root().join("d.jfif")).unwrap();
    made.document("d.jfif", vec![(Some("dog"), pixel())], PhotoState::InProgress);
    let report = made.export(&with_photos([Format::Coco, Format::Labelme, Format::Yolo]), "x");
    assert_eq!((report.photos, report.copies, report.turned), (6, 6, 0));
    assert!(report.altered.iter().all(|entry| entry.kind != Kind::Name), "{report:?}");
    let found = files(&made.path("x"));
    let copies: Vec<_> = found.keys().filter(|name| name.starts_with("images/")).collect();
    let expected = ["a.png", "b.bmp.bmp", "b.png.png", "c.png", "d.jpg", "Ünï/写真 1.png"];
    assert_eq!(copies, expected.map(|name| format!("images/{name}")).iter().collect::<Vec<_>>());
    for (copy, photo) in [("a.png", "a.png"), ("b.bmp.bmp", "b.bmp"), ("d.jpg", "d.jfif")] {
        let original = fs::read(made.folder.root().join(photo)).unwrap();
        assert_eq!(found[&format!("images/{copy}")], original, "{copy}");
    }
    let coco: serde_json::Value = serde_json::from_slice(&found["instances.json"]).unwrap();
    let mut named: Vec<String> = Vec::new();
    for image in coco["images"].as_array().unwrap() {
        named.push(image["file_name"].as_str().unwrap().to_owned());
    }
    named.sort();
    assert_eq!(named.iter().collect::<Vec<_>>(), copies);
    for (sheet, image) in [
        ("a.json", "images/a.png"),
        ("b.png.json", "images/b.png.png"),
        ("Ünï/写真 1.json", "../images/Ünï/写真 1.png"),
    ] {
        let sheet: serde_json::Value = serde_json::from_slice(&found[sheet]).unwrap();
        assert_eq!(sheet["imagePath"], image);
    }
    // As training programs find labels.
    let lists = [&found["train.txt"][..], &found["val.txt"]].concat();
    let mut listed = 0;
    for photo in String::from_utf8(lists).unwrap().lines() {
        let photo = photo.strip_prefix("./").unwrap();
        assert!(found.contains_key(photo), "{photo}");
        let (stem, _) = photo.rsplit_once('.').unwrap();
        let labels = format!("{}.txt", stem.replacen("images/", "labels/", 1));
        assert!(found.contains_key(&labels), "{labels}");
        listed += 1;
    }
    assert_eq!(listed, 6);
    let expected = objects(&made.folder, &made.project);
    for format in [Format::Coco, Format::Labelme] {
        let settings = import::Settings { format: Some(format), turn: false };
        let (folder, project, report) = made.import(&made.path("x"), settings);
        assert_eq!(report.skipped, [], "{format}");
        assert_eq!(objects(&folder, &project), expected, "{format}");
    }
}

#[test]
fn photos_that_cannot_be_copied_are_told_and_none_is_written_over() {
    let mut made = made();
    made.photo("gone.png", vec![(Some("cat"), ring())]);
    made.photo("small.png", vec![(Some("cat"), ring())]);
    fs::remove_file(made.folder.root().join("gone.png")).unwrap();
    RgbImage::new(7, 8).save(made.folder.root().join("small.png")).unwrap();
    stored(&made.folder.root().join("torn.jpg"), 6);
    made.document("torn.jpg", vec![(Some("cat"), ring())], PhotoState::InProgress);
    let torn = fs::read(made.folder.root().join("torn.jpg")).unwrap();
    fs::write(made.folder.root().join("torn.jpg"), &torn[..torn.len() / 2]).unwrap();
    let report = made.export(&with_photos([Format::Coco]), "x");
    let told: Vec<_> = report.skipped.iter().map(|e| (e.photo.as_str(), e.kind)).collect();
    assert_eq!(told, [("small.png", Kind::Size), ("torn.jpg", Kind::Unreadable)]);
    assert!(report.is_incomplete());
    // What is marked is written all the same.
    assert_eq!((report.photos, report.copies, report.objects), (4, 2, 6));
    let text = fs::read_to_string(made.path("x/instances.json")).unwrap();
    assert!(text.contains("\"images/a.png\"") && text.contains("\"torn.jpg\""), "{text}");
    let names = files(&made.path("x"));
    assert_eq!(names.len(), 3, "{:?}", names.keys());
    let refusal = |folder: &Folder, to: PathBuf| {
        let settings = with_photos([Format::Yolo]);
        export(folder, &made.project, &settings, &to, |_, _| true).unwrap_err().to_string()
    };
    let error = refusal(&made.folder, made.folder.root().join("out"));
    assert!(error.contains("taken for photos"), "{error}");
    fs::rename(made.folder.root(), made.path("images")).unwrap();
    let folder = Folder::new(made.path("images"), Some(made.path("work")));
    let before = files(&made.path("images"));
    let error = refusal(&folder, made.place.path().to_owned());
    assert!(error.contains("leave the photos out"), "{error}");
    assert_eq!(files(&made.path("images")), before);
    assert!(!made.path("labels").exists());
}

/// What an export has for each object: category of COCO, class of YOLO, and value in the picture of
/// classes, where the object is.
fn exported_ids(made: &Made, to: &str) -> Vec<[u64; 3]> {
    made.export(&Settings::new([Format::Coco, Format::Yolo, Format::Classes]), to);
    let found = files(&made.path(to));
    let coco: serde_json::Value = serde_json::from_slice(&found["instances.json"]).unwrap();
    let mut ids: Vec<[u64; 3]> = Vec::new();
    for annotation in coco["annotations"].as_array().unwrap() {
        ids.push([annotation["category_id"].as_u64().unwrap(), 0, 0]);
    }
    let photos = ["a", "b"];
    let labels = photos.map(|stem| String::from_utf8(found[&format!("labels/{stem}.txt")].clone()));
    let labels = labels.map(Result::unwrap);
    let lines = labels.iter().flat_map(|labels| labels.lines());
    for (id, line) in ids.iter_mut().zip(lines) {
        id[1] = line.split_once(' ').unwrap().0.parse().unwrap();
    }
    let mut rest = ids.iter_mut();
    for stem in photos {
        let path = made.folder.document(&PhotoPath::new(format!("{stem}.png")));
        let numbers =
            LabelMask::read(&made.path(to).join(format!("classes/{stem}.png")), &Limits::default());
        let numbers: Vec<_> = numbers.unwrap().numbers().collect();
        for object in &file::read(&path).unwrap().document().objects {
            let pixels = object.mask.bools_in(Region::whole(SIZE));
            let values: BTreeSet<_> = numbers
                .iter()
                .zip(pixels)
                .filter(|(_, is)| *is)
                .map(|(number, _)| *number)
                .collect();
            assert_eq!(values.len(), 1, "objects do not overlap");
            rest.next().unwrap()[2] = u64::from(*values.first().unwrap());
        }
    }
    // A list of names for YOLO names each id at its place.
    let names = String::from_utf8(found["classes.txt"].clone()).unwrap();
    for class in &made.project.classes {
        assert_eq!(names.lines().nth(class.id as usize - 1), Some(class.name.as_str()));
    }
    ids
}

#[test]
fn exported_ids_change_where_classes_are_merged_and_nowhere_else() {
    let mut made = Made::new();
    let square = |at: usize| mask(move |x, y| (at..at + 4).contains(&x) && (3..9).contains(&y));
    let classes = ["cat", "dog", "bird", "fish", "cat"];
    let objects = classes.iter().zip([0, 10, 20, 30, 40]).map(|(c, at)| (Some(*c), square(at)));
    made.photo("a.png", objects.collect());
    made.photo("b.png", vec![(Some("dog"), square(3)), (Some("fish"), square(30))]);
    let of = |ids: &[u64]| ids.iter().map(|id| [*id, id - 1, *id]).collect::<Vec<_>>();
    let before = of(&[1, 2, 3, 4, 1, 2, 4]);
    assert_eq!(exported_ids(&made, "before"), before);

    assert!(made.project.rename(2, "hound"));
    assert!(!made.project.rename(3, "cat"), "two classes of one name are merged or refused");
    assert_eq!(exported_ids(&made, "renamed"), before);
    made.project.classes.reverse();
    made.project.set_key(4, Some('1'));
    assert_eq!(exported_ids(&made, "reordered"), before);
    // A class that is removed keeps its place, whether or not objects are of it.
    made.project.class_mut(1).unwrap().removed = true;
    assert_eq!(exported_ids(&made, "removed"), before);
    assert_eq!(made.project.id_of("new"), 5);
    assert_eq!(exported_ids(&made, "added"), before);

    // As the window merges: the objects get the other class, and the first one is out of use.
    for name in ["a.png", "b.png"] {
        let path = made.folder.document(&PhotoPath::new(name));
        let mut annotation = file::read(&path).unwrap();
        annotation.change("class", |document| {
            let ids: Vec<_> = document.objects.iter().map(|object| object.id).collect();
            for id in ids {
                document.alter(id, |object| {
                    object.class = object.class.map(|class| if class == 2 { 3 } else { class });
                });
            }
        });
        file::write(&annotation, &path).unwrap();
    }
    made.project.class_mut(2).unwrap().removed = true;
    let merged = of(&[1, 3, 3, 4, 1, 3, 4]);
    assert_eq!(exported_ids(&made, "merged"), merged);
    // And through the project's file.
    let path = made.path("fbrs-project.json");
    made.project.write(&path).unwrap();
    made.project = Project::read(&path).unwrap();
    assert_eq!(exported_ids(&made, "reopened"), merged);
}
