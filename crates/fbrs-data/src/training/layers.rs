//! Masks of objects put into as few layers as hold them.

use image::RgbImage;

use super::photo::{LabelMap, LabelledPhoto, Object, Region};
use crate::sets::Problem;

/// Objects of one layer; the value above is that of what is ignored.
const MOST_OF_A_LAYER: u16 = u16::MAX - 1;
/// The value of what is ignored, in the first layer.
const IGNORED: u16 = u16::MAX;
/// Pixels that all layers of one photo may have together.
const MOST_PIXELS: usize = 1 << 28;

/// Whether so many layers of so many pixels may be kept.
pub(super) fn fits(count: usize, area: usize) -> Result<(), Problem> {
    if count > 1 && count.saturating_mul(area) > MOST_PIXELS {
        return Err(Problem::new(format!(
            "its objects lie over one another in {count} layers, which takes too much memory: make \
             the photo smaller"
        )));
    }
    Ok(())
}

/// Masks of one photo, row-major, as they come.
pub(super) struct Layers {
    width: u32,
    height: u32,
    layers: Vec<Layer>,
    objects: Vec<Object>,
    /// Empty where nothing is ignored.
    ignored: Vec<bool>,
}

struct Layer {
    values: Vec<u16>,
    last: u16,
}

impl Layers {
    /// For a photo of this size.
    pub(super) fn new((width, height): (u32, u32)) -> Self {
        Self { width, height, layers: Vec::new(), objects: Vec::new(), ignored: Vec::new() }
    }

    fn area(&self) -> usize {
        (self.width as usize).saturating_mul(self.height as usize)
    }

    fn check(&self, mask: &[bool]) -> Result<(), Problem> {
        match mask.len() == self.area() {
            true => Ok(()),
            false => Err(Problem::new("a mask has another size than the photo")),
        }
    }

    /// Adds an object: to the first layer in which it covers no other. Its index, or none where the
    /// mask is empty.
    pub(super) fn object(&mut self, mask: &[bool]) -> Result<Option<usize>, Problem> {
        self.check(mask)?;
        // Nothing before the first pixel and behind the last one has to be looked at again.
        let Some(first) = mask.iter().position(|pixel| *pixel) else { return Ok(None) };
        let end = mask.iter().rposition(|pixel| *pixel).unwrap_or(first).saturating_add(1);
        let mask = mask.get(first..end).unwrap_or_default();
        let is_free = |layer: &Layer| {
            let values = layer.values.get(first..end).unwrap_or_default();
            layer.last < MOST_OF_A_LAYER
                && values.iter().zip(mask).all(|(value, pixel)| *value == 0 || !pixel)
        };
        let found = self.layers.iter().position(is_free);
        let index = match found {
            Some(index) => index,
            None => self.add_layer()?,
        };
        let Some(layer) = self.layers.get_mut(index) else { return Ok(None) };
        layer.last = layer.last.saturating_add(1);
        let values = layer.values.get_mut(first..end).unwrap_or_default();
        for (value, pixel) in values.iter_mut().zip(mask) {
            if *pixel {
                *value = layer.last;
            }
        }
        self.objects.push(Object::alone(Region { layer: index, value: layer.last }));
        Ok(Some(self.objects.len().saturating_sub(1)))
    }

    fn add_layer(&mut self) -> Result<usize, Problem> {
        let count = self.layers.len();
        fits(count.saturating_add(1), self.area())?;
        self.layers.push(Layer { values: vec![0; self.area()], last: 0 });
        Ok(count)
    }

    /// Adds what takes no part: those of its pixels that are in no object, whatever comes first.
    pub(super) fn ignore(&mut self, mask: &[bool]) -> Result<(), Problem> {
        self.check(mask)?;
        self.ignored.resize(mask.len(), false);
        for (ignored, pixel) in self.ignored.iter_mut().zip(mask) {
            *ignored |= pixel;
        }
        Ok(())
    }

    /// The labelled photo.
    pub(super) fn labelled(mut self, photo: RgbImage) -> Result<LabelledPhoto, Problem> {
        if self.layers.is_empty() {
            self.add_layer()?;
        }
        for layer in &self.layers {
            for (ignored, value) in self.ignored.iter_mut().zip(&layer.values) {
                *ignored &= *value == 0;
            }
        }
        let mut is_any = false;
        if let Some(first) = self.layers.first_mut() {
            for (value, ignored) in first.values.iter_mut().zip(&self.ignored) {
                if *ignored {
                    (*value, is_any) = (IGNORED, true);
                }
            }
        }
        let (width, height) = (self.width, self.height);
        let layers = self.layers.into_iter();
        let layers = layers.filter_map(|layer| LabelMap::from_raw(width, height, layer.values));
        let region = Region { layer: 0, value: IGNORED };
        let ignored = if is_any { vec![region] } else { Vec::new() };
        let objects = self.objects;
        LabelledPhoto { photo, layers: layers.collect(), objects, ignored }.checked()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn mask(text: &str) -> Vec<bool> {
        text.chars().map(|letter| letter == '#').collect()
    }

    #[test]
    fn what_overlaps_gets_a_layer_of_its_own() {
        let mut layers = Layers::new((6, 1));
        for text in ["##....", "..##..", ".##...", "....#.", "......"] {
            layers.object(&mask(text)).unwrap();
        }
        layers.ignore(&mask("...###")).unwrap();
        let labelled = layers.labelled(RgbImage::new(6, 1)).unwrap();
        let values: Vec<_> = labelled.layers.iter().map(|layer| layer.as_raw().clone()).collect();
        assert_eq!(values, [[1, 1, 2, 2, 3, u16::MAX], [0, 1, 1, 0, 0, 0]]);
        let regions: Vec<_> = labelled.objects.iter().map(|object| object.region).collect();
        let region = |layer, value| Region { layer, value };
        assert_eq!(regions, [region(0, 1), region(0, 2), region(1, 1), region(0, 3)]);
        assert_eq!(labelled.ignored, [region(0, u16::MAX)]);
    }

    #[test]
    fn what_is_ignored_takes_no_pixel_from_an_object() {
        let mut layers = Layers::new((3, 1));
        layers.ignore(&mask("##.")).unwrap();
        layers.object(&mask("##.")).unwrap();
        let labelled = layers.labelled(RgbImage::new(3, 1)).unwrap();
        assert!(labelled.ignored.is_empty());
        assert!(Layers::new((3, 2)).object(&mask("###")).is_err());
        let labelled = Layers::new((3, 1)).labelled(RgbImage::new(3, 1)).unwrap();
        assert_eq!((labelled.layers.len(), labelled.objects.len()), (1, 0));
    }
}
