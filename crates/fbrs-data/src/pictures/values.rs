//! Values whose scale is not the format's.

use image::DynamicImage;

use super::PictureError;

/// Largest value of 12 bits: what cameras and microscopes store in 16 bits without scaling.
const TWELVE_BITS: u16 = 4095;
/// A fractional value may be beyond 0 or 1 by as much as is lost in 8 bits.
const ROUNDING: f32 = 0.5 / 255.0;

/// Refuses fractional values beyond 0 to 1, of which no format tells the scale; remarks on 16-bit
/// values that are all small.
pub(super) fn check(image: &DynamicImage, name: &str) -> Result<Vec<String>, PictureError> {
    let mut remarks = Vec::new();
    match image {
        DynamicImage::ImageRgb32F(image) => check_fractions(image.as_raw(), name, &mut remarks)?,
        DynamicImage::ImageRgba32F(image) => check_fractions(image.as_raw(), name, &mut remarks)?,
        DynamicImage::ImageLuma16(image) => look_at_words(image.as_raw(), name, &mut remarks),
        DynamicImage::ImageRgb16(image) => look_at_words(image.as_raw(), name, &mut remarks),
        _ => {}
    }
    Ok(remarks)
}

fn check_fractions(
    values: &[f32],
    name: &str,
    remarks: &mut Vec<String>,
) -> Result<(), PictureError> {
    // Comparisons with NaN are false, so that it changes neither end.
    let (low, high) =
        values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| {
            (if *value < low { *value } else { low }, if *value > high { *value } else { high })
        });
    if low < -ROUNDING || high > 1.0 + ROUNDING {
        return Err(PictureError::Unsupported {
            file: name.to_owned(),
            kind: format!("a picture of fractional values from {low} to {high}"),
            advice: "expected values from 0 to 1: scale them, or save it as PNG or JPEG",
            source: None,
        });
    }
    if values.iter().any(|value| value.is_nan()) {
        remarks.push(format!("{name}: some values are no numbers (NaN) and are taken as 0"));
    }
    Ok(())
}

fn look_at_words(values: &[u16], name: &str, remarks: &mut Vec<String>) {
    let most = values.iter().copied().max().unwrap_or(0);
    if (1..=TWELVE_BITS).contains(&most) {
        remarks.push(format!(
            "{name}: of 16 bits per value it uses the values up to {most} alone, so it is seen \
             nearly black; scale its values up if that is not meant"
        ));
    }
}
