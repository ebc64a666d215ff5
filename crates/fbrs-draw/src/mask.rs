use image::{GrayImage, RgbImage};

use crate::{MaskColors, SizesDiffer, bands, colors, outline, unit};

/// Share of the tint in the object's color.
const TINT_SHARE: f32 = 0.38;
/// What is left of the background's brightness.
const BACKGROUND: f32 = 0.7;
/// Share of gray where nothing counts.
const IGNORED_SHARE: f32 = 0.7;

/// Tints the object, darkens the background, and draws a line along the edge between them. An empty
/// mask changes nothing.
///
/// In the mask, every value but 0 is object.
///
/// # Errors
/// Where mask and photo differ in size; the photo is then as it was.
pub fn mask(photo: &mut RgbImage, mask: &GrayImage, colors: MaskColors) -> Result<(), SizesDiffer> {
    check(photo, mask)?;
    if mask.as_raw().iter().all(|value| *value == 0) {
        return Ok(());
    }
    let inside = Mixture::of(colors.inside, TINT_SHARE);
    let outside = Mixture::of(colors::BLACK, 1.0 - BACKGROUND);
    recolor(photo, mask, &inside, Some(&outside));
    bands::paint(photo, &outline::outline(mask, unit(photo), colors.edge));
    Ok(())
}

/// Grays what counts neither as object nor as background: every value of the mask but 0.
///
/// # Errors
/// Where mask and photo differ in size; the photo is then as it was.
pub fn ignored(photo: &mut RgbImage, mask: &GrayImage) -> Result<(), SizesDiffer> {
    check(photo, mask)?;
    recolor(photo, mask, &Mixture::of(colors::IGNORED, IGNORED_SHARE), None);
    Ok(())
}

fn check(photo: &RgbImage, mask: &GrayImage) -> Result<(), SizesDiffer> {
    match photo.dimensions() == mask.dimensions() {
        true => Ok(()),
        false => Err(SizesDiffer { photo: photo.dimensions(), mask: mask.dimensions() }),
    }
}

/// What becomes of each value of red, green and blue.
struct Mixture([[u8; 256]; 3]);

impl Mixture {
    /// With this share of a color.
    fn of(color: [u8; 3], share: f32) -> Self {
        Self(color.map(|color| {
            std::array::from_fn(|value| {
                let value = value as f32;
                (value + share * (f32::from(color) - value)).round() as u8
            })
        }))
    }

    #[inline]
    fn apply(&self, pixel: &mut [u8; 3]) {
        for (value, becomes) in pixel.iter_mut().zip(&self.0) {
            *value = becomes[usize::from(*value)];
        }
    }
}

fn recolor(photo: &mut RgbImage, mask: &GrayImage, inside: &Mixture, outside: Option<&Mixture>) {
    let pixels = photo.as_flat_samples_mut().samples.as_chunks_mut::<3>().0;
    for (pixel, value) in pixels.iter_mut().zip(mask.as_raw()) {
        if *value > 0 {
            inside.apply(pixel);
        } else if let Some(outside) = outside {
            outside.apply(pixel);
        }
    }
}
