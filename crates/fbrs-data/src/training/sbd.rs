use std::collections::BTreeMap;
use std::path::Path;

use fbrs_clicks::Size;
use rand::Rng;

use super::TrainingSet;
use super::options::{SetOptions, Useless};
use super::photo::{LabelMap, LabelledPhoto, Object, Region};
use crate::error::Result;
use crate::sets::Problem;
use crate::sets::sbd::Listed;
use crate::text::printable;

/// An object that fills less of its box is a mask that is all border.
const LEAST_OF_ITS_BOX: f64 = 0.08;

/// SBD: photos in `img`, instances in `inst`, names in `train.txt` or `val.txt`. Every instance is
/// an object, but for those that are all border.
#[derive(Debug)]
pub(super) struct Sbd {
    listed: Listed,
    useless: Useless,
}

impl Sbd {
    pub(super) fn open(path: &Path, options: &SetOptions) -> Result<Self> {
        let listed = Listed::open(path, &format!("{}.txt", options.split.name()))?;
        Ok(Self { listed, useless: options.useless })
    }
}

impl TrainingSet for Sbd {
    fn len(&self) -> usize {
        self.listed.entries.len()
    }

    fn name(&self, index: usize) -> String {
        let entry = self.listed.entries.get(index);
        entry.map(|entry| printable(&entry.image())).unwrap_or_default()
    }

    fn read(&self, index: usize, _: &mut dyn Rng) -> Result<LabelledPhoto, Problem> {
        let entry = self.listed.entries.get(index).ok_or_else(Problem::no_such_object)?;
        let instances = self.listed.instances(entry)?;
        let size = Size { height: instances.rows, width: instances.cols };
        let mut numbers = instances.numbers;
        let (mut objects, mut ignored) = (Vec::new(), Vec::new());
        for (value, is_border) in extents(&numbers, size)
            .into_iter()
            .map(|(value, extent)| (value, extent.share_of_box() < LEAST_OF_ITS_BOX))
        {
            let region = Region { layer: 0, value };
            match (is_border, self.useless) {
                (false, _) => objects.push(Object::alone(region)),
                (true, Useless::Ignored) => ignored.push(region),
                (true, Useless::Background) => {
                    numbers.iter_mut().filter(|number| **number == value).for_each(|it| *it = 0);
                }
            }
        }
        let layer = LabelMap::from_raw(size.width as u32, size.height as u32, numbers);
        let layer = layer.ok_or_else(|| Problem::new("the mask cannot be understood"))?;
        let photo = self.listed.photo(entry)?;
        LabelledPhoto { photo, layers: vec![layer], objects, ignored }.checked()
    }

    fn remarks(&self) -> Vec<String> {
        self.listed.remarks.clone()
    }
}

/// How many pixels a number has, and the box around them.
#[derive(Debug, Clone, Copy)]
struct Extent {
    area: usize,
    top: usize,
    bottom: usize,
    left: usize,
    right: usize,
}

impl Extent {
    fn share_of_box(&self) -> f64 {
        let side = |from: usize, to: usize| to.saturating_sub(from).saturating_add(1) as f64;
        self.area as f64 / (side(self.top, self.bottom) * side(self.left, self.right))
    }
}

/// The extents of all numbers above 0.
fn extents(numbers: &[u16], size: Size) -> BTreeMap<u16, Extent> {
    let mut found: BTreeMap<u16, Extent> = BTreeMap::new();
    for (row, line) in numbers.chunks_exact(size.width.max(1)).enumerate() {
        for (col, number) in line.iter().enumerate().filter(|(_, number)| **number > 0) {
            let new = Extent { area: 0, top: row, bottom: row, left: col, right: col };
            let extent = found.entry(*number).or_insert(new);
            extent.area = extent.area.saturating_add(1);
            extent.bottom = row;
            extent.left = extent.left.min(col);
            extent.right = extent.right.max(col);
        }
    }
    found
}
