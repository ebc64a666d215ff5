//! Published layouts.

use fbrs_data::annotations::mat::{self, Instances};
use fbrs_data::training::{Kind, SetOptions, Split, Useless};
use image::{Rgb, RgbImage};

use crate::support::{
    Draws, HEIGHT, Made, WIDTH, ignored, left, low, pixels, problem, read, right, shape, shapes,
};

fn background() -> SetOptions {
    SetOptions { useless: Useless::Background, ..SetOptions::default() }
}

fn with_stuff(stuff: f64) -> SetOptions {
    SetOptions { stuff, ..SetOptions::default() }
}

/// A frame of lines, which fills little of its box.
fn border(x: u32, y: u32) -> bool {
    x == 63 || y == 47
}

fn sbd() -> Made {
    let made = Made::new();
    made.photo("img/2008_000002.jpg").photo("img/2008_000008.jpg").photo("img/2008_000015.jpg");
    let numbers = |x, y| match () {
        () if border(x, y) => 2,
        () if left(x, y) => 1,
        () if right(x, y) => 5,
        () => 0,
    };
    let all = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| numbers(x, y)));
    let instances =
        Instances { rows: HEIGHT as usize, cols: WIDTH as usize, numbers: all.collect() };
    let mut bytes = Vec::new();
    mat::write(&instances, &mut bytes).unwrap();
    for name in ["2008_000002", "2008_000008", "2008_000015"] {
        made.file(&format!("inst/{name}.mat"), &bytes);
    }
    made.file("train.txt", "2008_000008\n2008_000002\n").file("val.txt", "2008_000015\n");
    made
}

#[test]
fn sbd_has_two_lists_and_masks_that_are_all_border() {
    let made = sbd();
    let set = made.open("");
    assert_eq!((set.len(), set.name(0)), (2, "2008_000008.jpg".to_owned()));
    let found = read(&*set, 0);
    assert_eq!(shapes(&found), [shape(right), shape(left)]);
    assert_eq!(ignored(&found), shape(border));
    let found = read(&*made.open_with("sbd:", &background()).unwrap(), 0);
    assert_eq!((found.objects.len(), found.ignored.len()), (2, 0));
    assert!(found.layers[0].pixels().all(|pixel| pixel.0[0] != 2));
    let options = SetOptions { split: Split::Val, ..SetOptions::default() };
    let set = made.open_with("sbd:", &options).unwrap();
    assert_eq!((set.len(), set.name(0)), (1, "2008_000015.jpg".to_owned()));
}

fn polygon(name: &str) -> &'static str {
    match name {
        "left" => "[[4, 6, 24, 6, 24, 40, 4, 40]]",
        "right" => "[[36, 10, 60, 10, 60, 34, 36, 34]]",
        _ => "[[10, 30, 50, 30, 50, 44, 10, 44]]",
    }
}

fn instances(annotations: &str) -> String {
    format!(
        r#"{{"images": [{{"id": 7, "file_name": "a.jpg", "height": 48, "width": 64}},
        {{"id": 8, "file_name": "b.jpg", "height": 48, "width": 64}}],
        "annotations": [{annotations}], "categories": []}}"#
    )
}

#[test]
fn coco_has_polygons_runs_and_crowds() {
    let made = Made::new();
    made.photo("a.jpg").photo("b.jpg");
    // Down the columns: 48 rows each; the first ten columns are a crowd.
    let annotations = format!(
        r#"{{"id": 1, "image_id": 7, "segmentation": {}, "iscrowd": 0}},
        {{"id": 2, "image_id": 7, "segmentation": {}, "iscrowd": 0}},
        {{"id": 3, "image_id": 7, "segmentation": {{"size": [48, 64], "counts": [0, 480, 2592]}},
        "iscrowd": 1}},
        {{"id": 4, "image_id": 7, "segmentation": [[1, 1, 2, 2]], "iscrowd": 0}}"#,
        polygon("left"),
        polygon("low")
    );
    made.file("instances.json", instances(&annotations));
    let set = made.open("instances.json");
    assert_eq!((set.len(), set.name(0)), (1, "a.jpg".to_owned()));
    assert!(set.remarks().join(" ").contains("1 photo without an object"));
    let found = read(&*set, 0);
    assert_eq!(shapes(&found), [shape(low), shape(left)]);
    assert_eq!(found.layers.len(), 2);
    assert_eq!(ignored(&found), shape(|x, y| x < 10 && !left(x, y) && !low(x, y)));
    let found = read(&*made.open_with("coco:instances.json", &background()).unwrap(), 0);
    assert!(found.ignored.is_empty());
}

#[test]
fn a_photo_with_an_annotation_that_cannot_be_read_is_no_photo_without_it() {
    let made = Made::new();
    made.photo("a.jpg").photo("b.jpg");
    let annotations = format!(
        r#"{{"id": 1, "image_id": 7, "segmentation": {}}},
        {{"id": 2, "image_id": 7, "segmentation": [[1, 2, 3]]}},
        {{"id": 3, "image_id": 8, "bbox": [1, 2, 3, 4]}}"#,
        polygon("left"),
    );
    made.file("instances.json", instances(&annotations));
    let set = made.open("instances.json");
    assert!(problem(&*set, 0).contains("annotation 2"));
    assert!(problem(&*set, 1).contains("annotation 3: it has no mask"));
}

fn lvis(images: &str) -> Made {
    let made = Made::new();
    let annotations = ["left", "right", "low"]
        .map(|name| format!(r#"{{"id": 1, "image_id": 7, "segmentation": {}}}"#, polygon(name)));
    made.file(
        "train/lvis_train.json",
        format!(r#"{{"images": [{images}], "annotations": [{}]}}"#, annotations.join(", ")),
    );
    made
}

/// As `fillPoly` fills: the border is inside.
fn wide(is_in: fn(u32, u32) -> bool) -> impl Fn(u32, u32) -> bool {
    move |x, y| {
        let near = |x: u32, y: u32| is_in(x, y) || (x > 0 && is_in(x - 1, y));
        near(x, y) || (y > 0 && near(x, y - 1))
    }
}

#[test]
fn lvis_paints_annotations_over_one_another_in_random_order() {
    let made = lvis(r#"{"id": 7, "file_name": "COCO_train_0007.jpg"}, {"id": 9}"#);
    made.photo("train/images/0007.jpg");
    let set = made.open("");
    assert_eq!(set.len(), 1);
    let mut orders = std::collections::BTreeSet::new();
    for next in 0..40u64 {
        let mut draws = Draws { next: next << 57, step: 0x9e37_79b9_7f4a_7c15 };
        let found = set.read(0, &mut draws).unwrap();
        let (left, right, low) = (shape(wide(left)), shape(wide(right)), shape(wide(low)));
        assert_eq!(found.objects.len(), 3);
        // What is painted last is whole, and nothing is lost.
        let all: std::collections::BTreeSet<_> =
            (0..3).flat_map(|object| pixels(&found, object)).collect();
        assert_eq!(all, &(&left | &right) | &low);
        let whole: Vec<bool> = [&left, &right, &low]
            .map(|shape| (0..3).any(|object| pixels(&found, object) == *shape))
            .into();
        orders.insert(whole);
    }
    assert!(orders.len() > 1, "{orders:?}");
}

#[test]
fn lvis_of_version_1_says_where_the_photo_is() {
    let made = lvis(
        r#"{"id": 7, "coco_url": "http://images.cocodataset.org/val2017/0007.jpg", "height": 48,
        "width": 64}"#,
    );
    made.photo("val/images/0007.jpg");
    let set = made.open("lvis:");
    assert_eq!(set.name(0), "val2017/0007.jpg");
    assert_eq!(read(&*set, 0).objects.len(), 3);
}

fn panoptic() -> Made {
    let made = Made::new();
    made.photo("train2017/0007.jpg").file(
        "annotations/panoptic_train2017.json",
        r#"{"annotations": [{"file_name": "0007.png", "segments_info": [
            {"id": 70000, "category_id": 1, "iscrowd": 0}, {"id": 16777215, "category_id": 1, "iscrowd": 1},
            {"id": 513, "category_id": 2, "iscrowd": 0}]}],
            "categories": [{"id": 1, "isthing": 1}, {"id": 2, "isthing": 0}]}"#,
    );
    let number = |x, y| match () {
        () if left(x, y) => 70_000u32,
        () if right(x, y) => 513,
        () if y < 3 => 16_777_215,
        () => 0,
    };
    let mask = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let [red, green, blue, _] = number(x, y).to_le_bytes();
        Rgb([red, green, blue])
    });
    mask.save(made.path("annotations/panoptic_train2017/0007.png")).unwrap();
    made
}

#[test]
fn panoptic_has_things_crowds_and_sometimes_stuff() {
    let made = panoptic();
    let found = read(&*made.open(""), 0);
    assert_eq!(shapes(&found), [shape(left)]);
    assert_eq!(ignored(&found), shape(|_, y| y < 3));
    // Numbers of 24 bits are made small.
    assert_eq!(found.layers[0].pixels().map(|pixel| pixel.0[0]).max(), Some(2));
    let set = made.open_with("coco-panoptic:", &with_stuff(0.3)).unwrap();
    let draw = |share: f64| (share * 2f64.powi(64)) as u64;
    let objects = |share| set.read(0, &mut Draws::always(draw(share))).unwrap().objects.len();
    assert_eq!((objects(0.299), objects(0.301)), (2, 1));
    let found = read(&*made.open_with("coco-panoptic:", &background()).unwrap(), 0);
    assert!(found.ignored.is_empty() && found.layers[0].get_pixel(60, 1).0 == [0]);
}

#[test]
fn voc_is_told_apart_by_palette_indices() {
    let made = Made::new();
    made.photo("JPEGImages/a.jpg").file("ImageSets/Segmentation/train.txt", "a\n");
    // In gray these four would be two.
    made.labels("SegmentationObject/a.png", true, |x, y| match () {
        () if border(x, y) => 255,
        () if left(x, y) => 1 + 15 * u16::from(y >= 20),
        () if right(x, y) => 3 + 15 * u16::from(y >= 20),
        () => 0,
    });
    let found = read(&*made.open(""), 0);
    assert_eq!(found.objects.len(), 4);
    assert_eq!(ignored(&found), shape(border));
    assert_eq!(pixels(&found, 0), shape(|x, y| left(x, y) && y < 20));
}

#[test]
fn ade20k_tells_stuff_by_its_number() {
    let made = Made::new();
    let folder = "images/training/a/abbey";
    made.photo(&format!("{folder}/ADE_train_1.jpg"));
    // Blue is spread; the second instance is stuff.
    let blue = |x, y| match () {
        () if left(x, y) => 100,
        () if right(x, y) => 200,
        () if low(x, y) => 255,
        () => 0,
    };
    let mask = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| Rgb([10, 3, blue(x, y)]));
    mask.save(made.path(&format!("{folder}/ADE_train_1_seg.png"))).unwrap();
    made.file(
        &format!("{folder}/ADE_train_1_atr.txt"),
        "001 # 0 # 0 # person, individual # person # \"\"\n002 # 0 # 0 # sky # sky # \"\"\n\
         003 # 0 # 1 # car # car # \"\"\n001 # 1 # 0 # door # door # \"\"\n",
    );
    let set = made.open("");
    let found = read(&*set, 0);
    assert_eq!(
        shapes(&found),
        [shape(|x, y| low(x, y) && !left(x, y) && !right(x, y)), shape(left)]
    );
    let found = made.open_with("ade20k:", &with_stuff(1.0)).unwrap();
    assert_eq!(read(&*found, 0).objects.len(), 3);
    // The parts are drawn as often as the whole; there the first is stuff.
    let parts = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| Rgb([0, 0, u8::from(right(x, y))]));
    parts.save(made.path(&format!("{folder}/ADE_train_1_parts_1.png"))).unwrap();
    let set = made.open("ade20k:");
    assert_eq!(set.read(0, &mut Draws::always(0)).unwrap().objects.len(), 2);
    assert_eq!(set.read(0, &mut Draws::always(u64::MAX)).unwrap().objects.len(), 0);
}

#[test]
fn openimages_draws_one_mask_and_brings_sizes_together() {
    let made = Made::new();
    made.photo("train/images/ab.jpg").file(
        "train/train-annotations-object-segmentation.csv",
        "MaskPath,ImageID,LabelName\nab_1.png,ab,/m/1\nab_2.png,ab,/m/2\ngone.png,ab,/m/3\n",
    );
    made.gray("train/masks/ab_1.png", |x, y| if left(x, y) { 255 } else { 0 });
    let half = image::GrayImage::from_fn(WIDTH / 2, HEIGHT * 2, |x, y| {
        image::Luma([if right(x * 2, y / 2) { 255 } else { 0 }])
    });
    half.save(made.path("train/masks/ab_2.png")).unwrap();
    let set = made.open("");
    assert!(set.remarks()[0].contains("1 rows"), "{:?}", set.remarks());
    let found = set.read(0, &mut Draws::always(0)).unwrap();
    assert_eq!(shapes(&found), [shape(left)]);
    let found = set.read(0, &mut Draws::always(u64::MAX)).unwrap();
    assert_eq!(found.photo.dimensions(), (WIDTH / 2, HEIGHT));
    assert_eq!(pixels(&found, 0).len(), shape(right).len() / 2);
}

#[test]
fn sets_for_evaluation_are_sets_to_learn_from() {
    let made = Made::new();
    made.photo("data_GT/a.jpg").gray("boundary_GT/a.png", |x, y| match () {
        () if left(x, y) => 255,
        () if right(x, y) => 128,
        () => 64,
    });
    let found = read(&*made.open(""), 0);
    assert_eq!(shapes(&found), [shape(left)]);
    assert_eq!(ignored(&found), shape(right));
    let made = Made::new();
    made.photo("img/a.jpg").gray("gt/a.png", |x, y| u8::from(low(x, y)));
    assert_eq!(shapes(&read(&*made.open(""), 0)), [shape(low)]);
    let made = Made::new();
    made.photo("images/a.jpg").gray("masks/a.png", |x, y| 255 * u8::from(low(x, y)));
    assert_eq!(shapes(&read(&*made.open("berkeley:"), 0)), [shape(low)]);
}

#[test]
fn kinds_are_recognized_by_the_names_in_a_folder() {
    for (made, kind) in
        [(sbd(), Kind::Sbd), (panoptic(), Kind::CocoPanoptic), (lvis("{}"), Kind::Lvis)]
    {
        assert_eq!(Kind::recognize(&made.path("")).unwrap(), kind);
    }
    let made = Made::new();
    made.file("readme", "");
    let error = Kind::recognize(&made.path("")).unwrap_err().to_string();
    assert!(error.contains("readme") && error.contains("images and masks"), "{error}");
}
