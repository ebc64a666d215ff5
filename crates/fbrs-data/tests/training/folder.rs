//! People's own data: every way to write a mask.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

use crate::support::{
    HEIGHT, Made, WIDTH, ignored, left, low, pixels, problem, read, right, shape, shapes,
};

fn with(make: impl Fn(&Made)) -> Made {
    let made = Made::new();
    made.photo("images/a.jpg");
    make(&made);
    made
}

/// What is read of one photo and its masks.
fn labelled(make: impl Fn(&Made)) -> fbrs_data::training::LabelledPhoto {
    read(&*with(make).open("folder:"), 0)
}

fn refused(make: impl Fn(&Made)) -> String {
    problem(&*with(make).open("folder:"), 0)
}

#[test]
fn one_number_is_one_object_whatever_it_is() {
    for value in [1, 7, 127, 129, 255] {
        let found = labelled(|made| {
            made.gray("masks/a.png", |x, y| if left(x, y) || right(x, y) { value } else { 0 });
        });
        let both = shape(|x, y| left(x, y) || right(x, y));
        assert_eq!(shapes(&found), [both], "{value}");
        assert_eq!(found.photo.dimensions(), (WIDTH, HEIGHT));
    }
}

#[test]
fn every_number_of_a_map_is_an_object() {
    let number = |x, y| match () {
        () if left(x, y) => 3,
        () if right(x, y) => 300,
        () => 0,
    };
    // 16 bits, palette indices, colors.
    let found = labelled(|made| {
        made.labels("masks/a.png", false, number);
    });
    assert_eq!(shapes(&found), [shape(right), shape(left)]);
    let found = labelled(|made| {
        made.labels("masks/a.png", true, |x, y| number(x, y).min(20));
    });
    assert_eq!(shapes(&found), [shape(right), shape(left)]);
    let found = labelled(|made| {
        let color = |x, y| match number(x, y) {
            0 => [0, 0, 0],
            3 => [200, 10, 0],
            _ => [0, 10, 200],
        };
        let mask = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| Rgb(color(x, y)));
        mask.save(made.path("masks/a.png")).unwrap();
    });
    assert_eq!(shapes(&found), [shape(right), shape(left)]);
    assert!(found.ignored.is_empty());
}

#[test]
fn the_void_of_a_palette_is_ignored() {
    let found = labelled(|made| {
        made.labels("masks/a.png", true, |x, y| match () {
            () if left(x, y) => 1,
            () if right(x, y) => 255,
            () => 0,
        });
    });
    assert_eq!(shapes(&found), [shape(left)]);
    assert_eq!(ignored(&found), shape(right));
}

#[test]
fn gray_between_is_ignored() {
    let found = labelled(|made| {
        made.gray("masks/a.png", |x, y| match () {
            () if left(x, y) => 255,
            () if right(x, y) => 128,
            () => 0,
        });
    });
    assert_eq!(shapes(&found), [shape(left)]);
    assert_eq!(ignored(&found), shape(right));
    // In a map of numbers it is a number.
    let found = labelled(|made| {
        made.gray("masks/a.png", |x, y| match () {
            () if left(x, y) => 128,
            () if right(x, y) => 2,
            () => 0,
        });
    });
    assert_eq!(found.objects.len(), 2);
}

#[test]
fn alpha_of_more_than_half_is_the_object() {
    let alpha = |x, y| match () {
        () if left(x, y) => 200,
        () if right(x, y) => 127,
        () => 0,
    };
    // White, black, and a photo cut out.
    let colors: [fn(u32, u32) -> [u8; 3]; 3] =
        [|_, _| [255; 3], |_, _| [0; 3], |x, y| [x as u8, (x * y) as u8, y as u8]];
    for color in colors {
        let found = labelled(|made| {
            let mask = RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| {
                let [red, green, blue] = color(x, y);
                Rgba([red, green, blue, alpha(x, y)])
            });
            mask.save(made.path("masks/a.png")).unwrap();
        });
        assert_eq!(shapes(&found), [shape(left)]);
    }
    // Colors of several objects on nothing.
    let found = labelled(|made| {
        let mask = RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| match () {
            () if left(x, y) => Rgba([250, 0, 0, 255]),
            () if right(x, y) => Rgba([0, 250, 0, 255]),
            () => Rgba([9, 9, 9, 0]),
        });
        mask.save(made.path("masks/a.png")).unwrap();
    });
    assert_eq!(shapes(&found), [shape(right), shape(left)]);
}

#[test]
fn objects_of_several_files_may_overlap() {
    let found = labelled(|made| {
        made.gray("masks/a_1.png", |x, y| if left(x, y) { 255 } else { 0 });
        made.gray("masks/a_2.png", |x, y| u8::from(low(x, y)));
        made.gray("masks/a_10.png", |x, y| match () {
            () if right(x, y) && !low(x, y) => 255,
            () if y == 0 => 128,
            () => 0,
        });
    });
    let expected = [shape(|x, y| right(x, y) && !low(x, y)), shape(low), shape(left)];
    assert_eq!(shapes(&found), expected);
    // What shares no pixel shares a layer.
    assert_eq!(found.layers.len(), 2);
    assert_eq!(ignored(&found), shape(|_, y| y == 0));
}

#[test]
fn a_map_and_numbered_files_are_taken_together() {
    let found = labelled(|made| {
        made.gray("masks/a.png", |x, y| match () {
            () if left(x, y) => 1,
            () if right(x, y) => 2,
            () => 0,
        });
        made.gray("masks/a_1.png", |x, y| if low(x, y) { 255 } else { 0 });
    });
    assert_eq!(found.objects.len(), 3);
    assert_eq!(pixels(&found, 2), shape(low));
}

#[test]
fn names_decide_which_mask_is_of_which_photo() {
    let made = with(|made| {
        made.photo("images/a_1.png").photo("images/b.mask.jpg").photo("images/alone.jpg");
        made.gray("masks/a.png", |x, y| u8::from(left(x, y)));
        made.gray("masks/a_1.png", |x, y| u8::from(right(x, y)));
        made.gray("masks/b.png", |x, y| u8::from(low(x, y)));
        made.gray("masks/stray.png", |x, y| u8::from(low(x, y)));
        made.file("masks/notes.txt", "x");
    });
    let set = made.open("");
    let names: Vec<_> = (0..set.len()).map(|index| set.name(index)).collect();
    assert_eq!(names, ["a.jpg", "a_1.png", "b.mask.jpg"]);
    assert_eq!(shapes(&read(&*set, 0)), [shape(left)]);
    assert_eq!(shapes(&read(&*set, 1)), [shape(right)]);
    assert_eq!(shapes(&read(&*set, 2)), [shape(low)]);
    let remarks = set.remarks().join("\n");
    for words in ["stray.png", "notes.txt", "alone.jpg"] {
        assert!(remarks.contains(words), "{remarks}");
    }
}

#[test]
fn masks_that_cannot_be_meant_are_refused_by_name() {
    let empty = refused(|made| {
        made.gray("masks/a.png", |_, _| 0);
    });
    assert!(empty.contains("a.png is empty"), "{empty}");
    let gray = refused(|made| {
        made.gray("masks/a.png", |x, y| if left(x, y) { 128 } else { 0 });
    });
    assert!(gray.contains("use 255"), "{gray}");
    let jpeg = refused(|made| {
        made.gray("masks/a.jpg", |x, y| if left(x, y) { 255 } else { 0 });
    });
    assert!(jpeg.contains("JPEG") && jpeg.contains("PNG"), "{jpeg}");
    // A JPEG by its content alone.
    let renamed = refused(|made| {
        made.gray("x.jpg", |x, y| if left(x, y) { 255 } else { 0 });
        std::fs::create_dir_all(made.path("masks/a.png").parent().unwrap()).unwrap();
        std::fs::rename(made.path("x.jpg"), made.path("masks/a.png")).unwrap();
    });
    assert!(renamed.contains("JPEG"), "{renamed}");
    // A PNG made of one.
    let noisy = refused(|made| {
        made.gray("x.jpg", |x, y| if left(x, y) || (x + y) % 9 == 0 { 255 } else { 0 });
        let noisy = image::open(made.path("x.jpg")).unwrap();
        noisy.save(made.path("masks/a.png")).unwrap();
    });
    assert!(noisy.contains("a.png") && noisy.contains("soft"), "{noisy}");
    let small = refused(|made| {
        let mask = DynamicImage::from(image::GrayImage::from_pixel(10, 10, image::Luma([255])));
        mask.save_with_format(made.path("masks/a.png"), ImageFormat::Png).unwrap();
    });
    assert!(small.contains("10×10") && small.contains("64×48"), "{small}");
    let transparent = refused(|made| {
        let mask = RgbaImage::from_fn(WIDTH, HEIGHT, |x, _| Rgba([9, 9, 9, (x % 100) as u8]));
        mask.save(made.path("masks/a.png")).unwrap();
    });
    assert!(transparent.contains("half"), "{transparent}");
}
