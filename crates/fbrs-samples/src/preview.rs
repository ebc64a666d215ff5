use fbrs_clicks::{Click, CropSpace, Position};
use image::{GenericImage, Rgb, RgbImage};

use crate::sample::TrainingSample;

/// What is ignored, in pictures of targets.
const IGNORED: Rgb<u8> = Rgb(fbrs_draw::colors::TRUE);

/// A picture of a sample: the crop with its clicks (green on the object, red beside it), the target (white is
/// object, orange is ignored) and, where there is one, a prediction (probabilities, row by row), side by side.
pub fn preview(sample: &TrainingSample, prediction: Option<&[f32]>) -> RgbImage {
    let (width, height) = sample.photo.dimensions();
    let mut photo = sample.photo.clone();
    let clicks: Vec<Click<CropSpace>> = sample
        .clicks()
        .map(|(point, sign)| {
            let position = Position::from_row_col(f64::from(point.row), f64::from(point.col));
            Click { position, sign }
        })
        .collect();
    fbrs_draw::clicks(&mut photo, &clicks);
    let parts = [Some(photo), Some(picture(&sample.target, width, height))];
    let predicted = prediction.map(|prediction| picture(prediction, width, height));
    let parts: Vec<RgbImage> = parts.into_iter().chain([predicted]).flatten().collect();
    let mut whole = RgbImage::new(width * parts.len() as u32, height);
    for (place, part) in (0..).zip(&parts) {
        // The parts are of the size that the whole was made for.
        let _ = whole.copy_from(part, place * width, 0);
    }
    whole
}

fn picture(values: &[f32], width: u32, height: u32) -> RgbImage {
    let mut picture = RgbImage::new(width, height);
    for (pixel, value) in picture.pixels_mut().zip(values) {
        *pixel = match *value < 0.0 {
            true => IGNORED,
            false => Rgb([(value.clamp(0.0, 1.0) * 255.0).round() as u8; 3]),
        };
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::TrainingPoint;

    #[test]
    fn a_picture_shows_clicks_target_and_prediction() {
        let photo = RgbImage::from_pixel(60, 40, Rgb([90, 90, 90]));
        let mut target = vec![0.0; 2400];
        target[..60].fill(-1.0);
        target[60..120].fill(1.0);
        let point = |row, col| Some(TrainingPoint { row, col, order: 1 });
        let points = vec![point(20.0, 15.0), None, point(20.0, 45.0), None];
        let sample = TrainingSample { photo, target, points, candidates: 1, chosen: 1, view: None };
        let picture = preview(&sample, None);
        assert_eq!(picture.dimensions(), (120, 40));
        let at = |x, y| picture.get_pixel(x, y).0;
        assert_eq!([at(60, 0), at(60, 1), at(60, 2)], [IGNORED.0, [255; 3], [0; 3]]);
        let is_mostly = |color: usize, center: u32| {
            let pixels = (center - 4..center + 5).flat_map(|x| (16..25).map(move |y| (x, y)));
            let sums = pixels.fold([0u32; 3], |sums, (x, y)| {
                std::array::from_fn(|channel| sums[channel] + u32::from(at(x, y)[channel]))
            });
            (0..3).all(|other| other == color || sums[color] > sums[other])
        };
        assert!(is_mostly(1, 15) && is_mostly(0, 45));
        assert_eq!(at(30, 5), [90; 3]);

        let picture = preview(&sample, Some(&[0.5; 2400]));
        assert_eq!(picture.dimensions(), (180, 40));
        assert_eq!(picture.get_pixel(130, 20).0, [128; 3]);
    }
}
