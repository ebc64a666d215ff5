//! The look at all files.

use std::sync::Mutex;

use fbrs_data::training::{Checked, TrainingSet, check};

use crate::support::{Made, left, low, right};

fn made() -> Made {
    let made = Made::new();
    for name in ["a", "b", "c"] {
        made.photo(&format!("images/{name}.jpg"));
        made.gray(&format!("masks/{name}_1.png"), |x, y| 255 * u8::from(left(x, y)));
    }
    made.gray("masks/b_2.png", |x, y| 255 * u8::from(right(x, y)));
    made.gray("masks/b_3.png", |x, y| 255 * u8::from(low(x, y)));
    // One of nine pixels.
    made.gray("masks/c_1.png", |x, y| 255 * u8::from(x < 3 && y < 3));
    made
}

fn checked(made: &Made, least_area: usize) -> Checked {
    check(&*made.open(""), least_area, &|_| {})
}

#[test]
fn what_was_understood_is_told() {
    let made = made();
    let seen = Mutex::new(Vec::new());
    let found = check(&*made.open(""), 10, &|count| seen.lock().unwrap().push(count));
    let mut seen = seen.into_inner().unwrap();
    seen.sort_unstable();
    assert_eq!(seen, [1, 2, 3]);
    assert_eq!(found.usable, [0, 1]);
    assert_eq!(found.left_out, ["c.jpg"]);
    let text = found.to_string();
    assert_eq!(
        text,
        "2 photos with 4 objects, 1 to 3 on one, 2.0 in the mean\nall photos have 64×48 pixels\n\
         1 photos have no object that is large enough and are left out: c.jpg"
    );
    let set = made.open("");
    let chosen = found.choose(set.clone()).unwrap();
    assert_eq!((chosen.len(), chosen.name(1)), (2, "b.jpg".to_owned()));
    assert_eq!(checked(&made, 0).usable, [0, 1, 2]);
    let none = checked(&made, 1_000_000).choose(set).unwrap_err().to_string();
    assert!(none.contains("no photo"), "{none}");
}

#[test]
fn files_that_cannot_be_used_are_all_named_with_what_to_do() {
    let made = made();
    made.gray("masks/a_1.png", |_, _| 0).file("images/c.jpg", b"no photo");
    let found = checked(&made, 0);
    assert_eq!(found.usable, [1]);
    let text = found.to_string();
    let error = found.choose(made.open("")).unwrap_err().to_string();
    for words in ["a.jpg: the mask a_1.png is empty", "c.jpg: "] {
        assert!(text.contains(words) && error.contains(words), "{text}\n{error}");
    }
    assert!(error.starts_with("2 of its photos"), "{error}");
}

#[test]
fn the_checksum_is_of_photos_and_labels() {
    let made = made();
    let before = checked(&made, 0).checksum;
    assert_eq!(before, checked(&made, 0).checksum);
    made.gray("masks/c_1.png", |x, y| 255 * u8::from(x < 4 && y < 3));
    let labels = checked(&made, 0).checksum;
    let photo = image::RgbImage::from_pixel(64, 48, image::Rgb([1, 2, 3]));
    photo.save(made.path("images/a.jpg")).unwrap();
    let photos = checked(&made, 0).checksum;
    assert!(before != labels && labels != photos && before != photos);
}

#[test]
fn a_set_of_no_photos_has_nothing() {
    #[derive(Debug)]
    struct Nothing;
    impl TrainingSet for Nothing {
        fn len(&self) -> usize {
            0
        }
        fn name(&self, _: usize) -> String {
            String::new()
        }
        fn read(
            &self,
            _: usize,
            _: &mut dyn rand::Rng,
        ) -> Result<fbrs_data::training::LabelledPhoto, fbrs_data::sets::Problem> {
            Err(fbrs_data::sets::Problem::new("none"))
        }
    }
    assert_eq!(check(&Nothing, 0, &|_| {}), Checked::default());
    assert_eq!(Checked::default().to_string(), "0 photos with 0 objects");
}
