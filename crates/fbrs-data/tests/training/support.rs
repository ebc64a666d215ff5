use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use fbrs_data::annotations::labels;
use fbrs_data::training::{LabelledPhoto, SetOptions, TrainingName, TrainingSet};
use image::{GrayImage, Luma, Rgb, RgbImage};

pub(crate) const WIDTH: u32 = 64;
pub(crate) const HEIGHT: u32 = 48;

/// A stream of numbers: the same one again and again, or one after the other.
pub(crate) struct Draws {
    pub(crate) next: u64,
    pub(crate) step: u64,
}

impl Draws {
    pub(crate) fn always(next: u64) -> Self {
        Self { next, step: 0 }
    }
}

impl rand::TryRng for Draws {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|number| (number >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.next = self.next.wrapping_add(self.step);
        Ok(self.next)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill(0);
        Ok(())
    }
}

/// A data set that is being made.
pub(crate) struct Made(tempfile::TempDir);

impl Made {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        fs::write(self.path(name), bytes).unwrap();
        self
    }

    pub(crate) fn photo(&self, name: &str) -> &Self {
        let photo = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| Rgb([x as u8, y as u8, 90]));
        photo.save(self.path(name)).unwrap();
        self
    }

    pub(crate) fn gray(&self, name: &str, value: impl Fn(u32, u32) -> u8) -> &Self {
        let gray = GrayImage::from_fn(WIDTH, HEIGHT, |x, y| Luma([value(x, y)]));
        gray.save(self.path(name)).unwrap();
        self
    }

    /// A mask of numbers, as palette indices where it is asked for.
    pub(crate) fn labels(
        &self,
        name: &str,
        in_colors: bool,
        value: impl Fn(u32, u32) -> u16,
    ) -> &Self {
        let size = fbrs_clicks::Size { height: HEIGHT as usize, width: WIDTH as usize };
        let numbers: Vec<u16> = (0..HEIGHT)
            .flat_map(|y| (0..WIDTH).map(move |x| (x, y)))
            .map(|(x, y)| value(x, y))
            .collect();
        let mut bytes = Vec::new();
        labels::write(&numbers, size, in_colors, &mut bytes).unwrap();
        self.file(name, bytes)
    }

    pub(crate) fn open_with(
        &self,
        name: &str,
        options: &SetOptions,
    ) -> Result<Arc<dyn TrainingSet>, String> {
        let (kind, path) = name.split_once(':').unwrap_or(("", name));
        let path = self.0.path().join(path);
        let kind = if kind.is_empty() { String::new() } else { format!("{kind}:") };
        let name: TrainingName = format!("{kind}{}", path.display()).parse().unwrap();
        name.open(options).map_err(|error| error.to_string())
    }

    pub(crate) fn open(&self, name: &str) -> Arc<dyn TrainingSet> {
        self.open_with(name, &SetOptions::default()).unwrap()
    }
}

/// The first two of three boxes that do not touch, and the last one, which lies over both.
pub(crate) fn left(x: u32, y: u32) -> bool {
    (4..24).contains(&x) && (6..40).contains(&y)
}

pub(crate) fn right(x: u32, y: u32) -> bool {
    (36..60).contains(&x) && (10..34).contains(&y)
}

pub(crate) fn low(x: u32, y: u32) -> bool {
    (10..50).contains(&x) && (30..44).contains(&y)
}

pub(crate) fn read(set: &dyn TrainingSet, index: usize) -> LabelledPhoto {
    set.read(index, &mut Draws::always(u64::MAX)).unwrap()
}

pub(crate) fn problem(set: &dyn TrainingSet, index: usize) -> String {
    set.read(index, &mut Draws::always(0)).unwrap_err().to_string()
}

/// The pixels of an object, of all but the ignored ones.
pub(crate) fn pixels(labelled: &LabelledPhoto, object: usize) -> BTreeSet<(u32, u32)> {
    let region = labelled.objects[object].region;
    pixels_of(labelled, region)
}

pub(crate) fn pixels_of(
    labelled: &LabelledPhoto,
    region: fbrs_data::training::Region,
) -> BTreeSet<(u32, u32)> {
    let layer = &labelled.layers[region.layer];
    let own = layer.enumerate_pixels().filter(|(_, _, pixel)| pixel.0[0] == region.value);
    own.map(|(x, y, _)| (x, y)).collect()
}

pub(crate) fn ignored(labelled: &LabelledPhoto) -> BTreeSet<(u32, u32)> {
    labelled.ignored.iter().flat_map(|region| pixels_of(labelled, *region)).collect()
}

pub(crate) fn shape(is_in: impl Fn(u32, u32) -> bool) -> BTreeSet<(u32, u32)> {
    let all = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
    all.filter(|(x, y)| is_in(*x, *y)).collect()
}

/// The objects in the order of their sizes.
pub(crate) fn shapes(labelled: &LabelledPhoto) -> Vec<BTreeSet<(u32, u32)>> {
    let mut shapes: Vec<_> = (0..labelled.objects.len()).map(|it| pixels(labelled, it)).collect();
    shapes.sort_by_key(BTreeSet::len);
    shapes
}
