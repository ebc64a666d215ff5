use image::{ImageBuffer, Luma, RgbImage};

use crate::sets::Problem;

/// A map of numbers, one for each pixel of a photo.
pub type LabelMap = ImageBuffer<Luma<u16>, Vec<u16>>;

/// One photo and what is labelled in it.
///
/// Pixels whose value is that of no object and of no ignored region of their layer are background.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledPhoto {
    /// The photo as seen: any EXIF orientation applied.
    pub photo: RgbImage,
    /// Label maps of the photo's size; several where objects overlap or nest.
    pub layers: Vec<LabelMap>,
    /// What may be learned.
    pub objects: Vec<Object>,
    /// What takes no part in any loss or metric.
    pub ignored: Vec<Region>,
}

/// The pixels of one value in one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region {
    /// Index into [`LabelledPhoto::layers`].
    pub layer: usize,
    /// The value, above 0.
    pub value: u16,
}

/// One object, and its place among those that it is part of; numbers are indices into
/// [`LabelledPhoto::objects`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Where it is.
    pub region: Region,
    /// The object that it is part of.
    pub parent: Option<usize>,
    /// The objects that are part of it.
    pub children: Vec<usize>,
}

impl Object {
    /// An object that is part of nothing and has no parts.
    pub fn alone(region: Region) -> Self {
        Self { region, parent: None, children: Vec::new() }
    }
}

impl LabelledPhoto {
    /// Checks what everybody may rely on: layers have the photo's size, regions are of layers that
    /// there are and of values above 0, and none is listed twice; parents and children name each
    /// other, and nobody is their own ancestor.
    ///
    /// # Errors
    /// [`Problem`], with what is wrong.
    pub fn checked(self) -> Result<Self, Problem> {
        let size = self.photo.dimensions();
        for layer in &self.layers {
            if layer.dimensions() != size {
                let ((width, height), (found_width, found_height)) = (size, layer.dimensions());
                return Err(Problem::new(format!(
                    "the mask has {found_width}×{found_height} pixels, the photo {width}×{height}"
                )));
            }
        }
        let objects = self.objects.iter().map(|object| object.region);
        let mut regions: Vec<Region> = objects.chain(self.ignored.iter().copied()).collect();
        regions.sort_unstable();
        let is_known = |region: &Region| region.layer < self.layers.len() && region.value > 0;
        if !regions.iter().all(is_known)
            || regions.windows(2).any(|pair| matches!(pair, [a, b] if a == b))
        {
            return Err(Problem::new("its list of objects does not fit its masks"));
        }
        for (index, object) in self.objects.iter().enumerate() {
            let names_it = |child: &usize| {
                self.objects.get(*child).is_some_and(|child| child.parent == Some(index))
            };
            let is_listed = object.parent.is_none_or(|parent| {
                self.objects.get(parent).is_some_and(|parent| parent.children.contains(&index))
            });
            if !object.children.iter().all(names_it) || !is_listed || !self.has_root(index) {
                return Err(Problem::new("which of its objects is part of which makes no sense"));
            }
        }
        Ok(self)
    }

    /// Whether the way up from an object ends.
    fn has_root(&self, index: usize) -> bool {
        let mut at = Some(index);
        for _ in 0..=self.objects.len() {
            match at {
                None => return true,
                Some(index) => at = self.objects.get(index).and_then(|object| object.parent),
            }
        }
        false
    }
}
