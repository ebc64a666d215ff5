use fbrs_clicks::Size;
use image::{Luma, Rgb, RgbImage};
use serde_json::Value;

use super::affine::Affine;
use super::orientation::Orientation;
use super::pixels::{Pixels, Rect};
use super::*;
use crate::options::{Augmentation, CropPlace, ShiftRotate, Unlabelled, ZoomIn};
use crate::stream::{Purpose, Stream};
use crate::testing::{
    augment as golden, index, indices, labelled, list, mask, number, numbers, with_box,
};

const BASE: Size = Size { height: 9, width: 12 };

fn base() -> Pixels<1> {
    let value = |row: i64, col: i64| [((23 * row + 17 * col + 5 * row * col) % 256) as u8];
    Pixels::from_fn(Rect::whole(BASE), value)
}

fn base_mask() -> Vec<bool> {
    mask(&golden("base")["mask"])
}

fn pixels(value: &Value) -> Vec<u8> {
    let rows = list(value).iter();
    rows.flat_map(|row| indices(row).into_iter().map(|value| value as u8)).collect()
}

fn values(pixels: &Pixels<1>) -> Vec<u8> {
    pixels.values.iter().map(|[value]| *value).collect()
}

fn stream() -> Stream {
    Stream::new(5, 0, 0, Purpose::Augmentation)
}

/// A geometry that does nothing to a picture of [`BASE`].
fn still() -> Geometry {
    Geometry::whole(BASE)
}

#[test]
fn the_formula_of_the_golden_picture_is_its_own() {
    assert_eq!(values(&base()), pixels(&golden("base")["image"]));
}

#[test]
fn brightness_contrast_and_shift_agree() {
    for case in list(&golden("brightness_contrast")) {
        let light = color::light(number(&case["alpha"]) as f32, number(&case["beta"]) as f32);
        let found: Vec<usize> =
            indices(&case["in"]).into_iter().map(|value| usize::from(light[value])).collect();
        assert_eq!(found, indices(&case["out"]));
    }
    for case in list(&golden("rgb_shift")) {
        for (number, out) in numbers(&case["shift"]).into_iter().zip(list(&case["out"])) {
            let shift = color::shift(number as f32);
            let found: Vec<usize> =
                indices(&case["in"]).into_iter().map(|value| usize::from(shift[value])).collect();
            assert_eq!(found, indices(out));
        }
    }
}

#[test]
fn resized_pixels_agree() {
    for case in list(&golden("resize_pixels")) {
        let side = |at: usize| index(&case["out_h_w"][at]);
        let result = Size { height: side(0), width: side(1) };
        let orientation = Orientation::upright(result);
        let (window, crop) = (Rect::whole(result), result);
        let geometry = Geometry { orientation, window, crop, ..still() };
        let found = geometry.apply::<1>(&values(&base()));
        assert_eq!(values(&found), pixels(&case["image_linear"]));
        let labels = geometry.labels().into_iter().map(|at| base_mask()[at.unwrap() as usize]);
        assert_eq!(labels.collect::<Vec<bool>>(), mask(&case["mask_nearest"]));
    }
}

#[test]
fn shifted_and_rotated_pixels_agree() {
    for case in list(&golden("shift_scale_rotate")) {
        // The published middle is half a pixel off.
        let center = (BASE.width as f64 / 2.0, BASE.height as f64 / 2.0);
        let [angle, right, down] = ["angle", "dx", "dy"].map(|key| number(&case[key]));
        let affine = Some(Affine::about(center, BASE, angle, right, down));
        let geometry = Geometry { affine, ..still() };
        assert_eq!(values(&geometry.apply::<1>(&values(&base()))), pixels(&case["image"]));
        let is_inside = |at: Option<u32>| at.is_some_and(|at| base_mask()[at as usize]);
        let labels = geometry.labels().into_iter().map(is_inside);
        assert_eq!(labels.collect::<Vec<bool>>(), mask(&case["mask"]));
    }
}

/// A rotation leaves the middle of the picture where it is.
#[test]
fn rotations_are_about_the_middle() {
    let size = Size { height: 9, width: 9 };
    let affine = Affine::new(size, 90.0, 0.0, 0.0).over(Rect::whole(size));
    assert_eq!(affine.before_of(4, 4), (4, 4));
    // Counterclockwise: the right end of the middle row goes to the top of the middle column.
    assert_eq!(affine.before_of(0, 4), (4, 8));
    assert_eq!(affine.before_of(8, 8), (8, 0));
}

fn oriented(top_down: bool, left_right: bool, turns: usize) -> Pixels<1> {
    let orientation = Orientation::new(BASE, top_down, left_right, turns);
    let (window, crop) = (Rect::whole(orientation.after()), orientation.after());
    let geometry = Geometry { orientation, window, crop, ..still() };
    let found = geometry.apply::<1>(&values(&base()));
    let labels = geometry.labels().into_iter().map(|at| values(&base())[at.unwrap() as usize]);
    assert_eq!(labels.collect::<Vec<u8>>(), values(&found));
    found
}

#[test]
fn mirror_images_and_turns_agree() {
    let flips = golden("flip");
    for (key, top_down, left_right) in [("0", true, false), ("1", false, true), ("-1", true, true)]
    {
        let found = values(&oriented(top_down, left_right, 0));
        let corner = [&found[..4], &found[12..16]].concat();
        assert_eq!(corner, pixels(&flips[key]), "{key}");
    }
    let turns = golden("rot90");
    for count in 0..4 {
        let found = oriented(false, false, count);
        let expected = &turns[count.to_string()];
        let size = found.rect.size;
        assert_eq!([size.height, size.width].to_vec(), indices(&expected["shape"]));
        let row: Vec<usize> =
            values(&found)[..size.width].iter().map(|value| usize::from(*value)).collect();
        assert_eq!(row, indices(&expected["first_row"]), "{count}");
    }
}

/// Mirrored first, then turned: two ways to the same picture.
#[test]
fn mirror_images_are_turned() {
    assert_eq!(oriented(true, true, 1), oriented(false, false, 3));
    assert_eq!(oriented(true, true, 2), oriented(false, false, 0));
    assert_eq!(oriented(true, false, 2), oriented(false, true, 0));
}

#[test]
fn sizes_and_padding_agree() {
    let mut options = SampleOptions::fbrs();
    for key in ["rescale_fbrs", "resize_ritm"] {
        for case in list(&golden(key)) {
            let size = Size { height: index(&case["h"]), width: index(&case["w"]) };
            options.augmentation = Augmentation::none();
            let drawn = Drawn::new(size, &options);
            let geometry = drawn.geometry(number(&case["scale"]), &mut stream());
            let found = geometry.orientation.after();
            assert_eq!(vec![found.height, found.width], indices(&case["out_h_w"]));
        }
    }
    for case in list(&golden("pad")) {
        let size = Size { height: index(&case["h"]), width: index(&case["w"]) };
        let window = Drawn::new(size, &options).geometry(1.0, &mut stream()).window;
        if size.height <= 320 {
            assert_eq!(window.top, -(index(&case["top"]) as i64));
            assert_eq!(window.bottom() - size.height as i64, index(&case["bottom"]) as i64);
        }
        if size.width <= 480 {
            assert_eq!(window.left, -(index(&case["left"]) as i64));
            assert_eq!(window.right() - size.width as i64, index(&case["right"]) as i64);
        }
    }
}

#[test]
fn every_offset_of_a_crop_is_reached() {
    let mut options = SampleOptions::fbrs();
    options.augmentation = Augmentation { crop_place: CropPlace::Uniform, ..Augmentation::none() };
    let drawn = Drawn::new(Size { height: 322, width: 483 }, &options);
    let (mut rows, mut cols, mut stream) = ([0; 3], [0; 4], stream());
    for _ in 0..3000 {
        let window = drawn.geometry(1.0, &mut stream).window;
        rows[window.top as usize] += 1;
        cols[window.left as usize] += 1;
    }
    crate::testing::assert_likely(&rows, &[1.0 / 3.0; 3]);
    crate::testing::assert_likely(&cols, &[0.25; 4]);
    options.augmentation.crop_place = CropPlace::Middle;
    let drawn = Drawn::new(Size { height: 420, width: 480 }, &options);
    let tops = (0..3000).map(|_| drawn.geometry(1.0, &mut stream).window.top as usize);
    let thirds = tops.fold([0; 3], |mut thirds, top| {
        thirds[(top * 3 / 101).min(2)] += 1;
        thirds
    });
    assert!(thirds[1] > 1500 && thirds[0] > 400 && thirds[2] > 400, "{thirds:?}");
}

#[test]
fn boxes_to_zoom_in_on_agree() {
    for case in list(&golden("ritm_zoom_in_box")) {
        let bounds: Vec<f64> = numbers(&case["bbox"]);
        let least = case["min_crop_size"].as_f64().unwrap_or(0.0);
        let bounds = [bounds[0], bounds[1], bounds[2], bounds[3]];
        let found = zoom::expanded(bounds, number(&case["expansion"]), least);
        assert_eq!(found.to_vec(), numbers(&case["out"]));
    }
}

/// A photo with bright objects, so that photo and labels can be compared.
fn bright(size: Size) -> LabelledPhoto {
    let mut labelled = with_box(size, [0, size.height as u32 - 1, 0, size.width as u32 - 1]);
    let (height, width) = (f64::from(labelled.photo.height()), f64::from(labelled.photo.width()));
    for (x, y, value) in labelled.layers[0].enumerate_pixels_mut() {
        let (x, y) = (f64::from(x) / width - 0.4, f64::from(y) / height - 0.55);
        *value = Luma([u16::from(x * x + 2.0 * y * y < 0.06)]);
    }
    for (pixel, Luma([value])) in labelled.photo.pixels_mut().zip(labelled.layers[0].pixels()) {
        *pixel = Rgb([if *value == 1 { 250 } else { 50 }; 3]);
    }
    labelled
}

#[test]
fn labels_go_where_the_photo_goes() {
    let labelled = bright(Size { height: 300, width: 420 });
    for zoom_in in [None, Some(ZoomIn::shaped()), Some(ZoomIn::as_inference())] {
        let mut options = SampleOptions::fbrs();
        options.crop = Size { height: 160, width: 240 };
        options.augmentation = Augmentation { colors: None, zoom_in, ..Augmentation::fbrs() };
        let mut stream = stream();
        for _ in 0..100 {
            let augmented = augment(&labelled, &options, &mut stream).unwrap();
            let mask = augmented.scene.mask(0);
            assert!(mask.iter().any(|is_inside| *is_inside));
            let ignored = augmented.scene.ignored();
            let mut differ = 0;
            for ((pixel, is_inside), is_ignored) in augmented.photo.pixels().zip(&mask).zip(ignored)
            {
                let expected = if *is_inside { 250 } else { 50 };
                differ += usize::from(!is_ignored && pixel.0 != [expected; 3]);
            }
            // Pixels along the edge are mixed.
            assert!(differ < 2500, "{differ} of {}", mask.len());
        }
    }
}

/// What ends up in the crop is the same as if the whole picture were made and then cut.
#[test]
fn crops_are_parts_of_the_whole() {
    let labelled = bright(Size { height: 200, width: 331 });
    let mut options = SampleOptions::fbrs();
    options.crop = Size { height: 100, width: 130 };
    options.augmentation.shift_rotate =
        Some(ShiftRotate { probability: 0.75, degrees: 30.0, shift: 0.1 });
    let drawn = Drawn::new(geometry::size_of(&labelled.photo), &options);
    let mut stream = stream();
    for _ in 0..50 {
        let scale = drawn.scale(&mut stream);
        let geometry = drawn.geometry(scale, &mut stream);
        let frame = geometry.orientation.after();
        let whole = Geometry { window: Rect::whole(frame), crop: frame, ..geometry };
        let (crop, whole_photo) = (geometry.photo(&labelled.photo), whole.photo(&labelled.photo));
        let (places, whole_places) = (geometry.labels(), whole.labels());
        let Rect { top, left, size } = geometry.window;
        assert!(top >= 0 && left >= 0);
        for (at, place) in places.iter().enumerate() {
            let (row, col) = (at / size.width + top as usize, at % size.width + left as usize);
            assert_eq!(*place, whole_places[row * frame.width + col]);
            let (x, y) = ((at % size.width) as u32, (at / size.width) as u32);
            assert_eq!(crop.get_pixel(x, y), whole_photo.get_pixel(col as u32, row as u32));
        }
    }
}

#[test]
fn margins_are_black_and_ignored_or_background() {
    let labelled = bright(Size { height: 30, width: 40 });
    let mut options = SampleOptions::fbrs();
    options.augmentation = Augmentation::none();
    options.crop = Size { height: 50, width: 50 };
    let augmented = augment(&labelled, &options, &mut stream()).unwrap();
    assert_eq!(augmented.scene.ignored().iter().filter(|is| !**is).count(), 1200);
    assert_eq!(augmented.photo.get_pixel(4, 25), &Rgb([0; 3]));
    assert_eq!(augmented.photo.get_pixel(5, 25), &Rgb([50; 3]));
    options.margins = Unlabelled::Background;
    let augmented = augment(&labelled, &options, &mut stream()).unwrap();
    assert!(augmented.scene.ignored().iter().all(|is_ignored| !is_ignored));
}

#[test]
fn small_photos_can_be_made_to_fill_the_crop() {
    let labelled = bright(Size { height: 100, width: 300 });
    let mut options = SampleOptions::fbrs();
    options.crop = Size { height: 320, width: 480 };
    options.augmentation.fill_crop = true;
    options.augmentation.shift_rotate = None;
    let mut stream = stream();
    for _ in 0..20 {
        let augmented = augment(&labelled, &options, &mut stream).unwrap();
        let is_turned = augmented.geometry.orientation.after().height
            > augmented.geometry.orientation.after().width;
        let margin = augmented.scene.ignored().iter().filter(|is| **is).count();
        // Turned, its 100 pixels of width are enlarged fourfold and no more.
        assert_eq!(margin, if is_turned { 320 * 80 } else { 0 });
    }
}

/// An object that chance hardly ever meets: after 20 tries the crop lies around it.
#[test]
fn a_crop_without_an_object_is_tried_again_and_then_placed() {
    let size = Size { height: 3000, width: 4000 };
    let labelled = with_box(size, [2, 4, 3990, 3993]);
    let mut options = SampleOptions::ritm();
    options.keep_background = 0.0;
    for sample in 0..5 {
        let mut stream = Stream::new(1, 0, sample, Purpose::Augmentation);
        let augmented = augment(&labelled, &options, &mut stream).unwrap();
        assert!(augmented.scene.has_object());
    }
    options.augmentation.scale = Some([0.05, 0.05]);
    let labelled = with_box(size, [2003, 2003, 1003, 1003]);
    let augmented = augment(&labelled, &options, &mut stream()).unwrap();
    assert!(augmented.scene.has_object());
}

#[test]
fn a_photo_without_objects_is_told_or_kept() {
    let size = Size { height: 40, width: 40 };
    let empty = labelled(size, vec![0; 1600], &[1]);
    let mut options = SampleOptions::fbrs();
    assert!(matches!(augment(&empty, &options, &mut stream()), Err(NoObject)));
    options.keep_background = 1.0;
    let augmented = augment(&empty, &options, &mut stream()).unwrap();
    assert!(!augmented.scene.has_object());
}

#[test]
fn zoomed_crops_hold_one_object() {
    let size = Size { height: 400, width: 600 };
    let map: Vec<u16> = (0..240_000)
        .map(|at| match (at / 600, at % 600) {
            (100..200, 100..250) => 1,
            (100..220, 260..400) => 2,
            _ => 0,
        })
        .collect();
    let labelled = labelled(size, map, &[1, 2]);
    for zoom_in in [
        ZoomIn::Shaped { probability: 1.0, expansion: [1.25, 2.0] },
        ZoomIn::AsInference {
            probability: 1.0,
            expansion: 1.4,
            min_side: 50,
            jitter: 0.1,
            area_above: 100,
        },
    ] {
        let mut options = SampleOptions::fbrs();
        options.augmentation.zoom_in = Some(zoom_in);
        let (mut first, mut stream) = (0, stream());
        for _ in 0..60 {
            let augmented = augment(&labelled, &options, &mut stream).unwrap();
            let [object] = augmented.scene.eligible() else { panic!("expected one object") };
            first += usize::from(*object == 0);
            let share = augmented.scene.area(*object) as f64 / (320.0 * 480.0);
            assert!((0.1..0.95).contains(&share), "{share}");
        }
        assert!((15..45).contains(&first), "{first}");
    }
}

#[test]
fn colors_stay_as_they_are_where_chance_says_so() {
    let colors = crate::options::Colors::published();
    let photo = RgbImage::from_pixel(3, 2, Rgb([10, 100, 200]));
    let (mut same, mut grey, mut stream) = (0, 0, stream());
    for _ in 0..4000 {
        let mut varied = photo.clone();
        color::vary(&mut varied, &colors, &mut stream);
        same += usize::from(varied == photo);
        let mut gray = RgbImage::from_pixel(1, 1, Rgb([128; 3]));
        color::vary(&mut gray, &colors, &mut stream);
        let Rgb([red, green, blue]) = *gray.get_pixel(0, 0);
        grey += usize::from(red == green && green == blue);
    }
    // Neither changes with probability 1/16; a shift by fractions may go unseen.
    assert!((200..320).contains(&same), "{same}");
    assert!((1000..1200).contains(&grey), "{grey}");
}
