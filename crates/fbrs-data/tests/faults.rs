//! Data sets as people have them: what is odd is read or named, and never counted wrongly.
#![cfg(feature = "annotations")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::PathBuf;

use fbrs_data::annotations::labels;
use fbrs_data::annotations::{Label, mat};
use fbrs_data::sets::{CocoOptions, DataName, Layout, OpenedData, Sample, open_all};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};

const WIDTH: u32 = 160;
const HEIGHT: u32 = 107;

/// A data set that is being made.
struct Made(tempfile::TempDir);

impl Made {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        fs::write(self.path(name), bytes).unwrap();
        self
    }

    fn photo(&self, name: &str) -> &Self {
        photo().save(self.path(name)).unwrap();
        self
    }

    /// A mask of one box, or of none where it is empty.
    fn mask(&self, name: &str, value: u8) -> &Self {
        gray(|x, y| if in_box(x, y) { value } else { 0 }).save(self.path(name)).unwrap();
        self
    }

    fn open_as(&self, layout: Layout, name: &str) -> Result<OpenedData, String> {
        let data = DataName { layout, path: self.0.path().join(name) };
        let opened = open_all(&[data], &CocoOptions::default());
        opened.map(|mut opened| opened.remove(0)).map_err(|error| error.to_string())
    }

    fn folder(&self) -> OpenedData {
        self.open_as(Layout::Folder, "").unwrap()
    }

    fn coco(&self, json: &str) -> Result<OpenedData, String> {
        self.file("ann.json", json);
        self.open_as(Layout::Coco, "ann.json")
    }
}

fn photo() -> RgbImage {
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| Rgb([(x / 2) as u8, (y * 2) as u8, 90]))
}

fn gray(value: impl Fn(u32, u32) -> u8) -> GrayImage {
    GrayImage::from_fn(WIDTH, HEIGHT, |x, y| Luma([value(x, y)]))
}

fn in_box(x: u32, y: u32) -> bool {
    (40..110).contains(&x) && (20..80).contains(&y)
}

/// How each object fares: pixels of the object, or the problem.
fn outcomes(data: &OpenedData) -> Vec<(String, Result<usize, String>)> {
    let outcome = |number| match data.set.read(number) {
        Ok(sample) => Ok(pixels(&sample)),
        Err(problem) => Err(problem.to_string()),
    };
    data.objects.iter().enumerate().map(|(n, key)| (key.to_string(), outcome(n))).collect()
}

fn pixels(sample: &Sample) -> usize {
    sample.truth.labels().iter().filter(|label| **label == Label::Object).count()
}

const BOX: usize = 70 * 60;

#[track_caller]
fn is_problem(outcome: &(String, Result<usize, String>), words: &[&str]) {
    let problem = outcome.1.as_ref().unwrap_err();
    for word in words {
        assert!(problem.contains(word), "{}: no \"{word}\" in \"{problem}\"", outcome.0);
    }
}

// --- Folders ------------------------------------------------------------------------------------

#[test]
fn names_with_dots_are_paired_by_their_full_names() {
    let made = Made::new();
    for name in ["frame.0001", "frame.0002", "frame.0003", "cat_jpg.rf.aaaa", "cat_jpg.rf.bbbb"] {
        made.photo(&format!("images/{name}.jpg")).mask(&format!("masks/{name}.png"), 255);
    }
    let data = made.folder();
    let outcomes = outcomes(&data);
    assert_eq!(outcomes.len(), 5);
    for (name, outcome) in &outcomes {
        assert_eq!(outcome, &Ok(BOX), "{name}");
    }
    assert_eq!(outcomes[2].0, "frame.0001.jpg");
}

#[test]
fn a_mask_that_may_be_of_two_photos_is_a_problem_of_both() {
    let made = Made::new();
    made.photo("images/a.jpg").photo("images/a.png").mask("masks/a.png", 255);
    made.photo("images/b.1.jpg").photo("images/b.2.jpg").mask("masks/b.png", 255);
    // One photo, one mask: nothing to mistake.
    made.photo("images/c.rf.1234.jpg").mask("masks/c.png", 255);
    made.photo("images/d.jpg").mask("masks/d.jpg.png", 255);
    let outcomes = outcomes(&made.folder());
    for outcome in &outcomes[..4] {
        is_problem(outcome, &["may be of", &outcome.0]);
    }
    assert_eq!(outcomes[4], ("c.rf.1234.jpg".to_owned(), Ok(BOX)));
    assert_eq!(outcomes[5], ("d.jpg".to_owned(), Ok(BOX)));
}

#[test]
fn masks_of_another_frame_are_not_taken_for_a_photo_without_one() {
    let made = Made::new();
    made.photo("images/frame.0001.jpg").mask("masks/frame.0009.png", 255);
    let outcomes = outcomes(&made.folder());
    is_problem(&outcomes[0], &["it has no mask"]);
    is_problem(&outcomes[1], &["this mask has no photo"]);
}

#[test]
fn names_of_objects_are_unique() {
    let made = Made::new();
    made.photo("images/a.jpg").mask("masks/a_1.png", 255).mask("masks/a_01.png", 255);
    made.photo("images/b.jpg").mask("masks/b_2.png", 255);
    let labels = gray(|x, y| if in_box(x, y) { 1 } else { u8::from(y > 90) * 2 });
    labels.save(made.path("masks/b.png")).unwrap();
    made.photo("images/c.jpg").mask("masks/c.png", 255).mask("masks/c.bmp", 255);
    let data = made.folder();
    let mut names: Vec<_> = data.objects.clone();
    names.dedup();
    assert_eq!(names, data.objects);
    let outcomes = outcomes(&data);
    is_problem(&outcomes[0], &["several masks", "a_01.png", "a_1.png"]);
    assert_eq!(outcomes[1], ("b.jpg object 1".to_owned(), Ok(BOX)));
    is_problem(&outcomes[2], &["several masks", "b.png", "b_2.png"]);
    is_problem(&outcomes[3], &["several masks", "c.bmp", "c.png"]);
    assert_eq!(outcomes.len(), 4);
}

#[test]
fn a_mask_with_soft_edges_is_one_problem_and_not_an_object_for_each_gray() {
    let made = Made::new();
    made.photo("images/a.jpg").photo("images/b.jpg").photo("images/c.jpg");
    let soft = |x: u32, y: u32| {
        let far = (f64::from(x) - 75.0).hypot(f64::from(y) - 50.0);
        ((30.5 - far).clamp(0.0, 1.0) * 255.0) as u8
    };
    gray(soft).save(made.path("masks/a.png")).unwrap();
    gray(soft).save(made.path("masks/b_1.png")).unwrap();
    photo().save(made.path("masks/c.png")).unwrap();
    let outcomes = outcomes(&made.folder());
    assert_eq!(outcomes.len(), 3);
    is_problem(&outcomes[0], &["a.png", "soft", "threshold"]);
    is_problem(&outcomes[1], &["b_1.png", "soft"]);
    is_problem(&outcomes[2], &["c.png"]);
}

#[test]
fn a_mask_in_alpha_is_the_object_and_not_the_whole_photo() {
    for color in [0, 255] {
        let made = Made::new();
        let mask = RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| {
            Rgba([color, color, color, if in_box(x, y) { 255 } else { 0 }])
        });
        for (layout, photos, masks) in [
            (Layout::Folder, "images", "masks"),
            (Layout::Davis, "img", "gt"),
            (Layout::GrabCut, "data_GT", "boundary_GT"),
        ] {
            made.photo(&format!("{photos}/a.jpg"));
            mask.save(made.path(&format!("{masks}/a.png"))).unwrap();
            let data = made.open_as(layout, "").unwrap();
            assert_eq!(outcomes(&data), [("a.jpg".to_owned(), Ok(BOX))], "{layout:?}");
        }
    }
}

#[test]
fn the_border_of_voc_masks_counts_nowhere() {
    let made = Made::new();
    made.photo("images/a.jpg");
    let number = |x: u32, y: u32| match (in_box(x, y), in_box(x + 5, y), in_box(x, y + 5)) {
        (true, ..) => 15,
        (false, false, false) => 0,
        _ => 255,
    };
    let numbers: Vec<u16> =
        (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| number(x, y))).collect();
    let size = fbrs_data::annotations::Truth::new(
        fbrs_clicks::Size { height: HEIGHT as usize, width: WIDTH as usize },
        vec![Label::Background; numbers.len()],
    );
    let mut mask = Vec::new();
    labels::write(&numbers, size.unwrap().size(), true, &mut mask).unwrap();
    made.file("masks/a.png", mask);
    let data = made.folder();
    assert_eq!(outcomes(&data), [("a.jpg".to_owned(), Ok(BOX))]);
    let labels = data.set.read(0).unwrap();
    assert!(labels.truth.labels().contains(&Label::Ignore));
}

#[test]
fn what_was_passed_over_is_told() {
    let made = Made::new();
    made.file("images/a.heic", "ftypheic").mask("masks/a.png", 255);
    made.photo("images/b.jpg").file("masks/b.svg", "<svg/>");
    made.photo("images/sub/c.jpg").file("images/Thumbs.db", "x").file("images/.DS_Store", "x");
    let data = made.folder();
    assert_eq!(data.remarks.len(), 2, "{:?}", data.remarks);
    assert!(data.remarks[0].contains("1 file and 1 folder were not looked at: a.heic, sub"));
    assert!(data.remarks[1].contains("b.svg"), "{:?}", data.remarks);
    let outcomes = outcomes(&data);
    is_problem(&outcomes[0], &["its photo a.heic is of a kind that is not read"]);
    is_problem(&outcomes[1], &["its mask b.svg is of a kind that is not read"]);

    let nested = Made::new();
    nested.photo("images/sub/a.jpg").mask("masks/sub/a.png", 255);
    let error = nested.open_as(Layout::Folder, "").unwrap_err();
    assert!(error.contains("no objects") && error.contains("1 folder was not looked at: sub"));
}

#[test]
fn a_folder_of_another_layout_is_refused_with_what_was_expected() {
    let made = Made::new();
    made.photo("JPEGImages/480p/a.jpg").mask("Annotations/480p/a.png", 255);
    let error = made.open_as(Layout::Davis, "").unwrap_err();
    for word in ["img and gt", "Annotations", "JPEGImages"] {
        assert!(error.contains(word), "{error}");
    }
    let error = made.open_as(Layout::Davis, "JPEGImages/480p/a.jpg").unwrap_err();
    assert!(error.contains("expected a folder"), "{error}");
}

#[test]
fn a_truncated_jpeg_is_a_problem_and_no_object() {
    let made = Made::new();
    made.photo("images/a.jpg").mask("masks/a.png", 255);
    let whole = fs::read(made.path("images/a.jpg")).unwrap();
    for share in [0.3, 0.5, 0.9, 0.99] {
        made.file("images/a.jpg", &whole[..(whole.len() as f64 * share) as usize]);
        is_problem(&outcomes(&made.folder())[0], &["a.jpg", "damaged"]);
    }
}

#[cfg(unix)]
#[test]
fn nothing_outside_of_the_folder_is_read() {
    use std::os::unix::fs::symlink;
    let outside = Made::new();
    outside.photo("secret.jpg").mask("masks/a.png", 255);
    let made = Made::new();
    made.photo("images/b.jpg").mask("masks/a.png", 255);
    symlink(outside.path("secret.jpg"), made.path("images/a.jpg")).unwrap();
    symlink(outside.path("masks/a.png"), made.path("masks/b.png")).unwrap();
    // A link that stays inside is as good as a file.
    symlink("b.jpg", made.path("images/c.jpg")).unwrap();
    symlink("a.png", made.path("masks/c.png")).unwrap();
    let outcomes = outcomes(&made.folder());
    is_problem(&outcomes[0], &["a.jpg leads out of the data set's folder"]);
    is_problem(&outcomes[1], &["b.png leads out of the data set's folder"]);
    assert_eq!(outcomes[2].1, Ok(BOX));

    let linked = Made::new();
    linked.photo("images/a.jpg");
    symlink(outside.path("masks"), linked.path("masks")).unwrap();
    let error = linked.open_as(Layout::Folder, "").unwrap_err();
    assert!(error.contains("leads out"), "{error}");
}

#[test]
fn masks_of_0_and_1_are_told_from_those_of_grabcut() {
    let made = Made::new();
    made.photo("data_GT/a.jpg").mask("boundary_GT/a.png", 1);
    let data = made.open_as(Layout::GrabCut, "").unwrap();
    is_problem(&outcomes(&data)[0], &["empty", "0, 1", "255"]);
}

// --- SBD ----------------------------------------------------------------------------------------

fn sbd(list: &str, photo: &str) -> Made {
    let made = Made::new();
    made.photo(&format!("img/{photo}")).file("val.txt", list);
    let numbers = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| u16::from(in_box(x, y))));
    let (rows, cols) = (HEIGHT as usize, WIDTH as usize);
    let mut file = Vec::new();
    mat::write(&mat::Instances { rows, cols, numbers: numbers.collect() }, &mut file).unwrap();
    made.file("inst/x1.mat", file);
    made
}

#[test]
fn lists_of_sbd_may_have_a_byte_order_mark_endings_and_names_twice() {
    for (list, photo) in [
        ("\u{feff}x1\n", "x1.jpg"),
        ("x1.jpg\r\n", "x1.jpg"),
        ("x1.mat\n", "x1.JPG"),
        ("x1\nx1\n", "x1.jpg"),
    ] {
        let made = sbd(list, photo);
        let data = made.open_as(Layout::Sbd, "").unwrap();
        assert_eq!(data.remarks.len(), usize::from(list.starts_with("x1\nx1")));
        assert_eq!(data.objects.len(), 1, "{list:?}");
        assert_eq!(data.objects[0].to_string(), format!("{photo} object 1"));
        assert_eq!(pixels(&data.set.read(0).unwrap()), BOX, "{list:?}");
    }
}

#[test]
fn what_sbd_lacks_is_named() {
    let made = sbd("x1\nx2\n", "other.jpg");
    let data = made.open_as(Layout::Sbd, "").unwrap();
    let outcomes = outcomes(&data);
    is_problem(&outcomes[0], &["img/x1.jpg"]);
    is_problem(&outcomes[1], &["inst/x2.mat"]);
    for name in ["../x1", "/etc/x1", "a\\b"] {
        made.file("val.txt", name);
        assert!(made.open_as(Layout::Sbd, "").unwrap_err().contains("names without folders"));
    }
}

// --- COCO ---------------------------------------------------------------------------------------

const GOOD: &str =
    r#"{"id": 1, "image_id": 1, "segmentation": [[40, 20, 110, 20, 110, 80, 40, 80]]}"#;

fn instances(images: &str, annotations: &str) -> String {
    format!("{{\"images\": [{images}], \"annotations\": [{annotations}]}}")
}

fn with_photo() -> Made {
    let made = Made::new();
    made.photo("images/a.jpg");
    made
}

const IMAGE: &str = r#"{"id": 1, "file_name": "a.jpg", "width": 160, "height": 107}"#;

#[test]
fn what_python_takes_is_taken() {
    let made = with_photo();
    for (from, to) in [
        ("\"id\": 1,", "\"id\": 1.0,"),
        ("\"id\": 1,", "\"id\": \"1\","),
        ("\"image_id\": 1,", "\"image_id\": \"1\", \"iscrowd\": false,"),
        ("\"image_id\": 1,", "\"image_id\": 1.0, \"iscrowd\": null,"),
        ("\"image_id\": 1,", "\"image_id\": 1, \"iscrowd\": 0.0,"),
        ("\"image_id\": 1,", "\"image_id\": 1, \"iscrowd\": \"0\","),
        ("\"image_id\": 1,", "\"image_id\": 1, \"area\": NaN,"),
        ("\"image_id\": 1,", "\"image_id\": 1, \"area\": \"4200.5\","),
        ("40, 80]]", "40, 80], [5, 5, 6, 6], [1, 1], []]"),
    ] {
        let annotation = GOOD.replace(from, to);
        assert_ne!(annotation, GOOD);
        let data = made.coco(&instances(IMAGE, &annotation)).unwrap();
        assert_eq!(outcomes(&data), [("a.jpg object 1".to_owned(), Ok(BOX))], "{to}");
    }
    for image in [
        IMAGE.replace("160", "160.0"),
        IMAGE.replace("160", "\"160\""),
        IMAGE.replace("160", "null"),
        IMAGE.replace("1,", "\"1\","),
    ] {
        let data = made.coco(&instances(&image, GOOD)).unwrap();
        assert_eq!(outcomes(&data)[0].1, Ok(BOX), "{image}");
    }
    let data = made.coco(&format!("\u{feff}{}", instances(IMAGE, GOOD))).unwrap();
    assert_eq!(outcomes(&data)[0].1, Ok(BOX));
    let text = IMAGE.replace("\"id\": 1", "\"id\": \"ab\"");
    let data = made.coco(&instances(&text, &GOOD.replace("image_id\": 1", "image_id\": \"ab\"")));
    assert_eq!(outcomes(&data.unwrap())[0].1, Ok(BOX));
}

#[test]
fn one_wrong_annotation_is_one_problem_with_its_number() {
    let made = with_photo();
    for (annotation, words) in [
        (
            r#"{"id": 17, "image_id": 1, "segmentation": [40, 20, 110, 20, 110, 80]}"#,
            "inside a list",
        ),
        (
            r#"{"id": 17, "image_id": 1, "segmentation": [[[4, 2], [9, 2], [9, 8]]]}"#,
            "list of lists",
        ),
        (r#"{"id": 17, "image_id": 1, "segmentation": [[4, 2, 9, null, 9, 8]]}"#, "nothing"),
        (r#"{"id": 17, "image_id": 1, "segmentation": [[4, 2, 9, NaN, 9, 8]]}"#, "corner"),
        (r#"{"id": 17, "image_id": 1, "segmentation": [[4, 2, 9, 2, 9, 8, 7]]}"#, "odd"),
        (r#"{"id": 17, "image_id": 1, "iscrowd": "maybe", "segmentation": []}"#, "iscrowd"),
        (r#"{"id": 17, "image_id": 1, "segmentation": {}}"#, "size"),
        (r#"{"id": 17, "image_id": 2, "segmentation": []}"#, "image 2"),
        (r#"{"id": 17, "segmentation": []}"#, "image_id"),
    ] {
        let data = made.coco(&instances(IMAGE, &format!("{annotation}, {GOOD}"))).unwrap();
        let outcomes = outcomes(&data);
        let good = outcomes.iter().filter(|outcome| outcome.1 == Ok(BOX)).count();
        assert_eq!((outcomes.len(), good), (2, 1), "{annotation}");
        let wrong = outcomes.iter().find(|outcome| outcome.1.is_err()).unwrap();
        is_problem(wrong, &["annotation 17: ", words]);
    }
    for annotation in ["{}", "5", "null", r#"{"id": -1, "image_id": 1}"#, r#"{"id": 1.5}"#] {
        let data = made.coco(&instances(IMAGE, &format!("{GOOD}, {annotation}"))).unwrap();
        let outcomes = outcomes(&data);
        assert_eq!(outcomes[0].1, Ok(BOX));
        is_problem(&outcomes[1], &["annotation number 2 of the list"]);
    }
}

#[test]
fn odd_shapes_of_runs_are_taken() {
    let made = with_photo();
    let runs = r#"{"size": [107.0, 160], "counts": [4280, 60, 12780]}"#;
    for segmentation in [runs.to_owned(), format!("[{runs}]")] {
        let annotation = format!(r#"{{"id": 1, "image_id": 1, "segmentation": {segmentation}}}"#);
        let data = made.coco(&instances(IMAGE, &annotation)).unwrap();
        assert_eq!(outcomes(&data)[0].1, Ok(60));
    }
}

#[test]
fn two_photos_of_one_id_are_refused_with_both_names() {
    let made = with_photo();
    let images = format!("{IMAGE}, {}", IMAGE.replace("a.jpg", "b.jpg"));
    let error = made.coco(&instances(&images, GOOD)).unwrap_err();
    assert!(error.contains("a.jpg") && error.contains("b.jpg"), "{error}");
    // The same entry twice means the same photo.
    assert!(made.coco(&instances(&format!("{IMAGE}, {IMAGE}"), GOOD)).is_ok());
}

#[test]
fn two_annotations_of_one_id_do_not_count_twice() {
    let made = with_photo();
    let data = made.coco(&instances(IMAGE, &format!("{GOOD}, {GOOD}"))).unwrap();
    let outcomes = outcomes(&data);
    assert_eq!(outcomes[0].1, Ok(BOX));
    is_problem(&outcomes[1], &["a.jpg object 1", "id of its own"]);
    assert_ne!(data.objects[0], data.objects[1]);
}

/// A JPEG that is stored on its side.
fn turned_jpeg(orientation: u8) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::from(photo()).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    let jpeg = bytes.into_inner();
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

#[test]
fn masks_of_the_photo_as_stored_are_turned_with_it() {
    for (orientation, row, col) in [(6, 40, 106 - 20), (8, 159 - 40, 20)] {
        let made = Made::new();
        made.file("images/a.jpg", turned_jpeg(orientation));
        let data = made.coco(&instances(IMAGE, GOOD)).unwrap();
        let sample = data.set.read(0).unwrap();
        assert_eq!(sample.photo.dimensions(), (HEIGHT, WIDTH));
        assert_eq!(pixels(&sample), BOX);
        // The top-left corner of the box as stored.
        let at = |row: usize, col: usize| sample.truth.labels()[row * HEIGHT as usize + col];
        assert_eq!(at(row, col), Label::Object, "{orientation}");
        // The same of the photo as seen.
        let seen = IMAGE.replace("160", "x").replace("107", "160").replace('x', "107");
        let annotation = GOOD.replace("110", "90");
        let data = made.coco(&instances(&seen, &annotation)).unwrap();
        let sample = data.set.read(0).unwrap();
        let at = |row: usize, col: usize| sample.truth.labels()[row * HEIGHT as usize + col];
        assert_eq!(
            (at(20, 40), at(19, 40), pixels(&sample)),
            (Label::Object, Label::Background, 3000)
        );
    }
}

#[test]
fn masks_of_a_photo_of_another_size_are_a_problem_with_both_sizes() {
    let made = with_photo();
    let image = IMAGE.replace("160", "320").replace("107", "214");
    let data = made.coco(&instances(&image, GOOD)).unwrap();
    is_problem(&outcomes(&data)[0], &["320×214", "160×107"]);
}

#[test]
fn photos_that_are_missing_are_named_with_where_they_were_looked_for() {
    let made = with_photo();
    let gone = IMAGE.replace("\"id\": 1", "\"id\": 2").replace("a.jpg", "gone.jpg");
    let annotations = format!("{}, {GOOD}", GOOD.replace("image_id\": 1", "image_id\": 2"));
    let data = made.coco(&instances(&format!("{gone}, {IMAGE}"), &annotations)).unwrap();
    let outcomes = outcomes(&data);
    assert_eq!(outcomes[0].1, Ok(BOX));
    is_problem(&outcomes[1], &["gone.jpg", "images"]);

    let error = made.coco(&instances(&gone, GOOD)).unwrap_err();
    assert!(error.contains("gone.jpg") && error.contains("images"), "{error}");
    let other_case = IMAGE.replace("a.jpg", "A.JPG");
    let images = format!("{other_case}, {}", IMAGE.replace("\"id\": 1", "\"id\": 2"));
    let data = made.coco(&instances(&images, GOOD)).unwrap();
    is_problem(&self::outcomes(&data)[0], &["A.JPG", "but a.jpg is"]);
}

#[test]
fn backslashes_divide_folders() {
    let made = Made::new();
    made.photo("images/sub/a.jpg");
    let data = made.coco(&instances(&IMAGE.replace("a.jpg", "sub\\\\a.jpg"), GOOD)).unwrap();
    assert_eq!(outcomes(&data)[0].1, Ok(BOX));
}

#[test]
fn names_of_photos_that_lead_out_of_their_folder_are_problems() {
    let made = with_photo();
    made.photo("secret.jpg");
    let secret = made.path("secret.jpg");
    let absolute = secret.to_str().unwrap();
    for name in
        ["../secret.jpg", absolute, "..\\\\secret.jpg", "sub/../../secret.jpg", "https://x.y/a.jpg"]
    {
        let image = IMAGE.replace("\"id\": 1", "\"id\": 2").replace("a.jpg", name);
        let annotation = GOOD.replace("image_id\": 1", "image_id\": 2");
        let data = made.coco(&instances(&format!("{IMAGE}, {image}"), &annotation)).unwrap();
        is_problem(&outcomes(&data)[0], &["file_name", "expected a name inside"]);
    }
}

#[cfg(unix)]
#[test]
fn photos_of_instances_behind_links_out_of_their_folder_are_problems() {
    let outside = Made::new();
    outside.photo("secret.jpg");
    let made = with_photo();
    std::os::unix::fs::symlink(outside.path("secret.jpg"), made.path("images/b.jpg")).unwrap();
    let data = made.coco(&instances(&IMAGE.replace("a.jpg", "b.jpg"), GOOD)).unwrap();
    is_problem(&outcomes(&data)[0], &["leads out"]);
}

#[test]
fn escape_sequences_in_names_are_never_shown() {
    let made = with_photo();
    let image = IMAGE.replace("\"id\": 1", "\"id\": 2").replace("a.jpg", "\\u001b[2J.jpg");
    let annotation = GOOD.replace("image_id\": 1", "image_id\": 2");
    let data = made.coco(&instances(&format!("{IMAGE}, {image}"), &annotation)).unwrap();
    let (name, problem) = outcomes(&data).remove(0);
    assert!(name.contains("\\u{1b}"), "{name}");
    assert!(!(name + &problem.unwrap_err()).contains(char::is_control));
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_text_stay_different() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let made = Made::new();
    for byte in [0xe8, 0xe9] {
        let name = |ending: &[u8]| [&b"caf"[..], &[byte], ending].concat();
        let of = |folder: &str, name: &[u8]| made.path(folder).join(OsStr::from_bytes(name));
        made.photo("images/x.jpg").mask("masks/x.png", 255);
        fs::rename(made.path("images/x.jpg"), of("images", &name(b".jpg"))).unwrap();
        fs::rename(made.path("masks/x.png"), of("masks", &name(b".png"))).unwrap();
    }
    let names: Vec<_> = made.folder().objects.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["caf\\xe8.jpg", "caf\\xe9.jpg"]);
}
