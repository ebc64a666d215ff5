//! What is drawn, looked at pixel by pixel.
#![allow(clippy::unwrap_used)]

use fbrs_clicks::{Click, ImageSpace};
use fbrs_draw::{MaskColors, SizesDiffer, colors};
use image::{GrayImage, Luma, Rgb, RgbImage};

const GRAY: Rgb<u8> = Rgb([120, 120, 120]);

fn mask(width: u32, height: u32, inside: impl Fn(u32, u32) -> bool) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| Luma([255 * u8::from(inside(x, y))]))
}

fn drawn(side: u32, inside: impl Fn(u32, u32) -> bool, clicks: &[Click<ImageSpace>]) -> RgbImage {
    let mut photo = RgbImage::from_pixel(side, side, GRAY);
    fbrs_draw::overlay(&mut photo, &mask(side, side, inside), clicks).unwrap();
    photo
}

fn is_near(pixel: &Rgb<u8>, color: [u8; 3]) -> bool {
    pixel.0.iter().zip(color).all(|(value, expected)| value.abs_diff(expected) <= 2)
}

#[test]
fn object_is_tinted_and_background_darkened() {
    let overlay = drawn(64, |x, _| x < 32, &[]);
    assert!(overlay.get_pixel(10, 30).0[2] > 160);
    assert!(is_near(overlay.get_pixel(55, 30), [84, 84, 84]));
    let untouched = drawn(64, |_, _| false, &[]);
    assert!(untouched.pixels().all(|pixel| *pixel == GRAY));
}

#[test]
fn the_edge_is_a_line_with_a_white_rim_at_every_size() {
    for side in [640, 1280, 3000, 6000] {
        let middle = side / 2;
        let overlay = drawn(side, |x, _| x < middle, &[]);
        let unit = f64::from(side) / 640.0;
        let at = |units: f64| *overlay.get_pixel((f64::from(middle) + units * unit) as u32, middle);
        // The line runs along the outermost pixels of the object.
        assert!(is_near(&at(-0.5 / unit), colors::PREDICTED_EDGE), "{side}: {:?}", at(-0.5));
        assert!(at(-1.8).0.iter().all(|value| *value > 130), "{side}: {:?}", at(-1.8));
        assert!(is_near(&at(8.0), [84, 84, 84]), "{side}: {:?}", at(8.0));
        assert!(at(-8.0).0[2] > 160, "{side}: {:?}", at(-8.0));
    }
}

/// On a photo of this side marks have a radius of 18 pixels.
const LARGE: u32 = 1280;

#[test]
fn clicks_differ_in_color_and_in_shape() {
    let clicks = [Click::positive_at(300.0, 600.0), Click::negative_at(800.0, 600.0)];
    let overlay = drawn(LARGE, |_, _| false, &clicks);
    // Between rim and sign: a green disc, and the white inside of a red ring.
    assert!(is_near(overlay.get_pixel(305, 605), colors::POSITIVE));
    assert!(is_near(overlay.get_pixel(805, 605), colors::WHITE));
    for (x, at_positive, at_negative) in [
        (0, colors::WHITE, colors::NEGATIVE),
        (12, colors::POSITIVE, colors::NEGATIVE),
        (16, colors::WHITE, colors::WHITE),
        (26, GRAY.0, GRAY.0),
    ] {
        assert!(is_near(overlay.get_pixel(300 + x, 600), at_positive), "{x}");
        assert!(is_near(overlay.get_pixel(800 + x, 600), at_negative), "{x}");
    }
    assert!(is_near(overlay.get_pixel(300, 605), colors::WHITE), "a plus");
    assert!(is_near(overlay.get_pixel(800, 605), colors::WHITE), "no plus");
}

#[test]
fn the_last_click_is_on_top() {
    let (green, red) = (Click::positive_at(100.0, 100.0), Click::negative_at(100.0, 100.0));
    let at_rim = |clicks: &[_]| *drawn(LARGE, |_, _| false, clicks).get_pixel(112, 100);
    assert!(is_near(&at_rim(&[green, red]), colors::NEGATIVE));
    assert!(is_near(&at_rim(&[red, green]), colors::POSITIVE));
}

#[test]
fn any_size_any_mask_and_any_click_can_be_drawn() {
    for side in [1, 2, 3, 7, 50, 129] {
        let corner = [Click::positive_at(0.0, 0.0)];
        let odd = [-1e9, -0.5, 1e9, f64::NAN, f64::INFINITY];
        let odd: Vec<_> = odd.map(|x| Click::negative_at(x, 1.0)).to_vec();
        drawn(side, |_, _| true, &corner);
        drawn(side, |x, y| (x + y) % 2 == 0, &corner);
        drawn(side, |x, y| x == 1 && y == 1, &odd);
    }
    for (width, height) in [(1, 300), (300, 1), (2, 9000), (9000, 3), (0, 0), (0, 5)] {
        let mut photo = RgbImage::from_pixel(width, height, GRAY);
        let mask = mask(width, height, |x, y| x + y > 1);
        let clicks: [Click<ImageSpace>; 1] = [Click::positive_at(1.0, 1.0)];
        fbrs_draw::overlay(&mut photo, &mask, &clicks).unwrap();
    }
}

#[test]
fn a_mask_of_another_size_is_refused_and_nothing_is_drawn() {
    let mut photo = RgbImage::from_pixel(20, 10, GRAY);
    let mask = mask(10, 20, |_, _| true);
    let expected = Err(SizesDiffer { photo: (20, 10), mask: (10, 20) });
    let clicks: [Click<ImageSpace>; 1] = [Click::positive_at(5.0, 5.0)];
    assert_eq!(fbrs_draw::overlay(&mut photo, &mask, &clicks), expected);
    assert_eq!(fbrs_draw::mask(&mut photo, &mask, MaskColors::TRUE), expected);
    assert_eq!(fbrs_draw::ignored(&mut photo, &mask), expected);
    assert!(photo.pixels().all(|pixel| *pixel == GRAY));
}

#[test]
fn what_is_ignored_turns_gray_and_nothing_else_does() {
    let mut photo = RgbImage::from_pixel(20, 10, Rgb([250, 20, 20]));
    fbrs_draw::ignored(&mut photo, &mask(20, 10, |x, _| x < 10)).unwrap();
    assert_eq!(photo.get_pixel(15, 5).0, [250, 20, 20]);
    let [red, green, _] = photo.get_pixel(5, 5).0;
    assert!(red < 180 && green > 80, "{red} {green}");
}
