//! Label masks as layers: what each value means, and values from 1 on in the place of any numbers.

use std::collections::BTreeMap;

use image::RgbImage;

use super::layers::fits;
use super::photo::{LabelMap, LabelledPhoto, Object, Region};
use crate::annotations::labels::LabelMask;
use crate::sets::Problem;

/// What a number of a mask means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Background,
    Ignored,
    /// The object of this number.
    Object(u32),
}

/// A mask that was understood.
#[derive(Debug)]
pub(super) struct Meant {
    layer: LabelMap,
    /// Objects are the values from 1 to this.
    objects: u16,
    /// The value of what is ignored.
    ignored: Option<u16>,
}

/// A mask by the meaning of its values, all of which are in `values` but for 0.
pub(super) fn of_numbers(
    mask: &LabelMask,
    values: &[u32],
    meaning: impl Fn(u32) -> Meaning,
) -> Result<Meant, Problem> {
    let unknown = || Problem::new("the mask cannot be understood");
    let mut objects: BTreeMap<u32, u16> = BTreeMap::new();
    for value in values {
        if let Meaning::Object(number) = meaning(*value) {
            objects.insert(number, 0);
        }
    }
    let count = u16::try_from(objects.len()).map_err(|_| unknown())?;
    objects.values_mut().zip(1..).for_each(|(value, new)| *value = new);
    let above = count.checked_add(1).ok_or_else(unknown)?;
    let mut is_any_ignored = false;
    // Of equal pixels in a row there are many.
    let mut last = (0, 0);
    let value = |number: u32| {
        if number != last.0 {
            let value = match meaning(number) {
                Meaning::Background => 0,
                Meaning::Ignored => {
                    is_any_ignored = true;
                    above
                }
                Meaning::Object(number) => objects.get(&number).copied().unwrap_or(0),
            };
            last = (number, value);
        }
        last.1
    };
    let size = mask.size();
    let values = mask.numbers().map(value).collect();
    let layer = LabelMap::from_raw(size.width as u32, size.height as u32, values);
    let layer = layer.ok_or_else(unknown)?;
    Ok(Meant { layer, objects: count, ignored: is_any_ignored.then_some(above) })
}

/// A mask of one object, row-major.
pub(super) fn of_object(mask: &[bool], (width, height): (u32, u32)) -> Result<Meant, Problem> {
    let values = mask.iter().map(|pixel| u16::from(*pixel)).collect();
    let layer = LabelMap::from_raw(width, height, values);
    let layer = layer.ok_or_else(|| Problem::new("the mask cannot be understood"))?;
    Ok(Meant { layer, objects: 1, ignored: None })
}

impl Meant {
    /// The photo with this mask alone.
    pub(super) fn labelled(self, photo: RgbImage) -> Result<LabelledPhoto, Problem> {
        let mut stack = Stack::default();
        stack.push(self)?;
        stack.labelled(photo)
    }
}

/// Masks of one photo. Those that share no pixel share a layer.
#[derive(Debug, Default)]
pub(super) struct Stack {
    layers: Vec<(LabelMap, u16)>,
    objects: Vec<Object>,
    ignored: Vec<Region>,
}

impl Stack {
    pub(super) fn push(&mut self, meant: Meant) -> Result<(), Problem> {
        let Meant { layer: new, objects, ignored } = meant;
        if let Some((first, _)) = self.layers.first()
            && first.dimensions() != new.dimensions()
        {
            let ((width, height), (other_width, other_height)) =
                (first.dimensions(), new.dimensions());
            return Err(Problem::new(format!(
                "its masks have different sizes, {width}×{height} and {other_width}×{other_height}"
            )));
        }
        let taken = objects.saturating_add(u16::from(ignored.is_some()));
        let is_free = |(layer, last): &(LabelMap, u16)| {
            let mut pairs = layer.as_raw().iter().zip(new.as_raw());
            last.checked_add(taken).is_some() && pairs.all(|(old, new)| *old == 0 || *new == 0)
        };
        let (index, before) = match self.layers.iter().position(is_free) {
            Some(index) => (index, self.layers.get(index).map_or(0, |(_, last)| *last)),
            None => (self.layers.len(), 0),
        };
        fits(index.saturating_add(1), new.as_raw().len())?;
        match self.layers.get_mut(index) {
            None => self.layers.push((new, taken)),
            Some((layer, last)) => {
                for (old, new) in layer.as_mut().iter_mut().zip(new.as_raw()) {
                    if *new > 0 {
                        *old = before.saturating_add(*new);
                    }
                }
                *last = before.saturating_add(taken);
            }
        }
        let region = |value: u16| Region { layer: index, value: before.saturating_add(value) };
        self.objects.extend((1..=objects).map(|value| Object::alone(region(value))));
        self.ignored.extend(ignored.map(region));
        Ok(())
    }

    pub(super) fn labelled(self, photo: RgbImage) -> Result<LabelledPhoto, Problem> {
        let Self { layers, objects, ignored } = self;
        let layers = layers.into_iter().map(|(layer, _)| layer).collect();
        LabelledPhoto { photo, layers, objects, ignored }.checked()
    }
}
