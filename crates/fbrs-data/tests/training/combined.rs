//! COCO and LVIS combined: as it is written, and as it was published.

use std::sync::atomic::{AtomicUsize, Ordering};

use fbrs_data::training::{SetOptions, Split, combine};
use image::{Rgb, RgbImage};

use crate::support::{
    Draws, HEIGHT, Made, WIDTH, ignored, left, pixels, problem, read, right, shape, shapes,
};

/// Values for a pickle of protocol 2.
enum Data<'a> {
    Nothing,
    Whole(i32),
    Text(&'a str),
    Bytes(Vec<u8>),
    List(Vec<Data<'a>>),
    Dictionary(Vec<(Data<'a>, Data<'a>)>),
}

impl Data<'_> {
    fn write(&self, to: &mut Vec<u8>) {
        let long = |to: &mut Vec<u8>, step: u8, bytes: &[u8]| {
            to.push(step);
            to.extend((bytes.len() as u32).to_le_bytes());
            to.extend(bytes);
        };
        match self {
            Self::Nothing => to.push(b'N'),
            Self::Whole(number) => {
                to.push(b'J');
                to.extend(number.to_le_bytes());
            }
            Self::Text(text) => long(to, b'X', text.as_bytes()),
            Self::Bytes(bytes) => long(to, b'B', bytes),
            Self::List(items) => {
                to.extend(b"](");
                items.iter().for_each(|item| item.write(to));
                to.push(b'e');
            }
            Self::Dictionary(pairs) => {
                to.extend(b"}(");
                for (key, value) in pairs {
                    key.write(to);
                    value.write(to);
                }
                to.push(b'u');
            }
        }
    }

    fn pickle(&self) -> Vec<u8> {
        let mut bytes = b"\x80\x02".to_vec();
        self.write(&mut bytes);
        bytes.push(b'.');
        bytes
    }
}

fn text(name: &str, value: Data<'static>) -> (Data<'static>, Data<'static>) {
    (Data::Text(name.to_owned().leak()), value)
}

fn png(made: &Made, value: impl Fn(u32, u32) -> u8) -> Vec<u8> {
    made.gray("layer.png", value);
    std::fs::read(made.path("layer.png")).unwrap()
}

fn published(parent: Data<'static>) -> Made {
    let made = Made::new();
    made.photo("train/images/0007.jpg");
    let list = Data::List;
    let node = Data::Dictionary(vec![
        text("children", list(vec![])),
        text("parent", parent),
        text("node_level", Data::Whole(1)),
    ]);
    let hierarchy = Data::Dictionary(vec![(Data::Whole(0), Data::Nothing), (Data::Whole(1), node)]);
    let photo = Data::Dictionary(vec![
        text("num_instance_masks", Data::Whole(2)),
        text("hierarchy", hierarchy),
    ]);
    made.file("train/hannotation.pickle", Data::Dictionary(vec![text("0007", photo)]).pickle());
    let layer = png(&made, |x, y| match () {
        () if right(x, y) => 9,
        () if left(x, y) => 1,
        () => 0,
    });
    let other = png(&made, |x, y| u8::from(left(x, y) && y < 20));
    let place = |layer, value| list(vec![Data::Whole(layer), Data::Whole(value)]);
    let masks = list(vec![
        list(vec![Data::Bytes(layer), Data::Bytes(other)]),
        list(vec![place(0, 1), place(1, 1), place(0, 9)]),
    ]);
    made.file("train/masks/0007.pickle", masks.pickle());
    made
}

#[test]
fn the_published_pickles_are_read() {
    let made = published(Data::Whole(0));
    let set = made.open("");
    assert_eq!((set.len(), set.name(0)), (1, "0007.jpg".to_owned()));
    let found = read(&*set, 0);
    assert_eq!(found.objects.len(), 2);
    assert_eq!(
        (found.objects[0].children.as_slice(), found.objects[1].parent),
        (&[1][..], Some(0))
    );
    assert_eq!(pixels(&found, 0), shape(left));
    assert_eq!(pixels(&found, 1), shape(|x, y| left(x, y) && y < 20));
    let options = SetOptions { stuff: 0.3, ..SetOptions::default() };
    let set = made.open_with("coco-lvis:", &options).unwrap();
    let found = set.read(0, &mut Draws::always(0)).unwrap();
    assert_eq!(pixels(&found, 2), shape(right));
    assert_eq!(set.read(0, &mut Draws::always(u64::MAX)).unwrap().objects.len(), 2);
}

#[test]
fn a_hierarchy_without_sense_is_refused() {
    for parent in [1, 2, 99, -1] {
        let made = published(Data::Whole(parent));
        match made.open_with("coco-lvis:", &SetOptions::default()) {
            Ok(set) => assert!(problem(&*set, 0).contains("part of"), "{parent}"),
            Err(error) => assert!(parent < 0 && error.contains("0007"), "{error}"),
        }
    }
}

fn lvis_and_coco() -> (Made, Made) {
    let (lvis, coco) = (Made::new(), Made::new());
    lvis.photo("train/images/0007.jpg");
    // Left; a part of it; nearly the same as left; too small.
    let polygons = [
        "[[4, 6, 23, 6, 23, 39, 4, 39]]",
        "[[6, 8, 20, 8, 20, 18, 6, 18]]",
        "[[4, 6, 23, 6, 23, 38, 4, 38]]",
        "[[1, 44, 3, 44, 3, 46, 1, 46]]",
    ];
    let annotations =
        polygons.map(|polygon| format!(r#"{{"id": 1, "image_id": 7, "segmentation": {polygon}}}"#));
    lvis.file(
        "train/lvis_train.json",
        format!(
            r#"{{"images": [{{"id": 7, "coco_url": "http://x/train2017/0007.jpg", "height": 48,
            "width": 64}}], "annotations": [{}]}}"#,
            annotations.join(", ")
        ),
    );
    // Left again, right, stuff below, a crowd.
    let number = |x: u32, y: u32| match () {
        () if left(x, y) => 1,
        () if right(x, y) => 2,
        () if y >= 36 => 3,
        () if y < 2 => 4,
        () => 0,
    };
    let mask = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| Rgb([number(x, y), 0, 0]));
    mask.save(coco.path("annotations/panoptic_train2017/0007.png")).unwrap();
    coco.file(
        "annotations/panoptic_train2017.json",
        r#"{"annotations": [{"file_name": "0007.png", "segments_info": [
            {"id": 1, "category_id": 1, "iscrowd": 0}, {"id": 2, "category_id": 1, "iscrowd": 0},
            {"id": 3, "category_id": 2, "iscrowd": 0}, {"id": 4, "category_id": 1, "iscrowd": 1}]},
            {"file_name": "0008.png", "segments_info": []}],
            "categories": [{"id": 1, "isthing": 1}, {"id": 2, "isthing": 0}]}"#,
    );
    (lvis, coco)
}

#[test]
fn what_is_combined_is_read() {
    let (lvis, coco) = lvis_and_coco();
    let done = AtomicUsize::new(0);
    let progress = |count: usize, of: usize| {
        assert_eq!(of, 1);
        done.store(count, Ordering::Relaxed);
    };
    let found = combine(&lvis.path(""), &coco.path(""), Split::Train, &progress).unwrap();
    assert_eq!(done.load(Ordering::Relaxed), 1);
    assert_eq!((found.photos, found.objects, found.parts, found.stuff), (1, 3, 1, 1));
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    let set = lvis.open("");
    let labelled = read(&*set, 0);
    // Of the doubles the later is kept, COCO's left not at all; its part is a part of it.
    let last = shape(|x, y| left(x, y) && y < 39);
    let part = shape(|x, y| (6..=20).contains(&x) && (8..=18).contains(&y));
    assert_eq!(shapes(&labelled), [part.clone(), shape(right), last.clone()]);
    let place = |shape| (0..3).position(|object| pixels(&labelled, object) == shape).unwrap();
    let (part, whole) = (place(part), place(last.clone()));
    assert_eq!(labelled.objects[part].parent, Some(whole));
    assert_eq!(labelled.objects[whole].children, [part]);
    let small = shape(|x, y| (1..=3).contains(&x) && (44..=46).contains(&y));
    assert_eq!(ignored(&labelled), &small | &shape(|_, y| y < 2));
    let options = SetOptions { stuff: 1.0, ..SetOptions::default() };
    let labelled = read(&*lvis.open_with("coco-lvis:", &options).unwrap(), 0);
    let stuff = shape(|x, y| y >= 36 && !left(x, y) && !right(x, y));
    let stuff_found = pixels(&labelled, 3);
    assert!(stuff_found.is_subset(&(&stuff | &shape(left))), "{}", stuff_found.len());
    assert!(stuff_found.is_disjoint(&last));
}

#[test]
fn photos_that_do_not_fit_are_told_and_left_out() {
    let (lvis, coco) = lvis_and_coco();
    let mask = RgbImage::new(9, 9);
    mask.save(coco.path("annotations/panoptic_train2017/0007.png")).unwrap();
    let found = combine(&lvis.path(""), &coco.path(""), Split::Train, &|_, _| {}).unwrap();
    assert_eq!(found.photos, 0);
    assert!(found.problems[0].1.to_string().contains("9×9"), "{:?}", found.problems);
    // A set without photos is none.
    assert!(lvis.open_with("coco-lvis:", &SetOptions::default()).is_err());
}
