//! A look at all files before anything is trained.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fbrs_clicks::Size;
use flate2::Crc;
use rayon::prelude::*;

use super::TrainingSet;
use super::chosen::Chosen;
use super::draw::Small;
use super::photo::{LabelledPhoto, Region};
use crate::sets::Problem;
use crate::text::printable;

/// Readings of a photo without an object before it counts as one: sets draw what they show.
const TRIES: u64 = 8;
/// Names and problems that a text spells out.
const SPELLED_OUT: usize = 20;

/// What a set holds, by reading all of it once.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Checked {
    /// Indices of the photos with an object to learn.
    pub usable: Vec<usize>,
    /// Photos without one.
    pub left_out: Vec<String>,
    /// Photos that cannot be read, or whose masks cannot be used, with the reason.
    pub problems: Vec<(String, Problem)>,
    /// How many photos have how many objects.
    pub objects: BTreeMap<usize, usize>,
    /// Photos with a region that is ignored.
    pub with_ignored: usize,
    /// The smallest and the largest photo, by area.
    pub sizes: Option<(Size, Size)>,
    /// Changes where a photo or a label does.
    pub checksum: u64,
    /// What the set says of itself: what is not used, what is left out.
    pub remarks: Vec<String>,
}

/// What one photo holds.
enum Outcome {
    Usable { objects: usize, is_any_ignored: bool, size: Size, checksum: u64 },
    Without,
    Wrong(Problem),
}

/// Reads every photo of a set on all processors. Objects with fewer than `least_area` pixels do not
/// count. `on_progress` is told how many photos are done, from any thread.
pub fn check(
    set: &dyn TrainingSet,
    least_area: usize,
    on_progress: &(dyn Fn(usize) + Sync),
) -> Checked {
    let done = AtomicUsize::new(0);
    let look = |index: usize| {
        let outcome = look(set, index, least_area.max(1));
        on_progress(done.fetch_add(1, Ordering::Relaxed).saturating_add(1));
        outcome
    };
    let outcomes: Vec<Outcome> = (0..set.len()).into_par_iter().map(look).collect();
    let mut checked = Checked { remarks: set.remarks(), ..Checked::default() };
    for (index, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Outcome::Usable { objects, is_any_ignored, size, checksum } => {
                checked.usable.push(index);
                let count = checked.objects.entry(objects).or_default();
                *count = count.saturating_add(1);
                checked.with_ignored =
                    checked.with_ignored.saturating_add(usize::from(is_any_ignored));
                let (smallest, largest) = checked.sizes.unwrap_or((size, size));
                let smaller = if size.area() < smallest.area() { size } else { smallest };
                let larger = if size.area() > largest.area() { size } else { largest };
                checked.sizes = Some((smaller, larger));
                // In their order.
                let before = checked.checksum.rotate_left(5) ^ checksum;
                checked.checksum = before.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            }
            Outcome::Without => checked.left_out.push(set.name(index)),
            Outcome::Wrong(problem) => checked.problems.push((set.name(index), problem)),
        }
    }
    checked
}

fn look(set: &dyn TrainingSet, index: usize, least_area: usize) -> Outcome {
    for attempt in 0..TRIES {
        let mut draw = Small((index as u64).wrapping_mul(TRIES).wrapping_add(attempt));
        let labelled = match set.read(index, &mut draw) {
            Ok(labelled) => labelled,
            Err(problem) => return Outcome::Wrong(problem),
        };
        let areas = areas(&labelled);
        let area = |region: &Region| areas.get(region).copied().unwrap_or(0);
        let objects = labelled.objects.iter().map(|object| area(&object.region));
        let objects = objects.filter(|area| *area >= least_area).count();
        if objects > 0 {
            let (width, height) = labelled.photo.dimensions();
            return Outcome::Usable {
                objects,
                is_any_ignored: labelled.ignored.iter().any(|region| area(region) > 0),
                size: Size { height: height as usize, width: width as usize },
                checksum: checksum(&labelled),
            };
        }
    }
    Outcome::Without
}

/// Pixels of each value.
fn areas(labelled: &LabelledPhoto) -> BTreeMap<Region, usize> {
    let mut areas = BTreeMap::new();
    for (layer, map) in labelled.layers.iter().enumerate() {
        for run in map.as_raw().chunk_by(|a, b| a == b) {
            if let Some(value) = run.first().filter(|value| **value > 0) {
                let area: &mut usize = areas.entry(Region { layer, value: *value }).or_default();
                *area = area.saturating_add(run.len());
            }
        }
    }
    areas
}

/// Of the photo in the lower half, of its labels in the upper one.
fn checksum(labelled: &LabelledPhoto) -> u64 {
    let (mut photo, mut labels) = (Crc::new(), Crc::new());
    photo.update(labelled.photo.as_raw());
    for layer in &labelled.layers {
        let bytes: Vec<u8> = layer.as_raw().iter().flat_map(|value| value.to_le_bytes()).collect();
        labels.update(&bytes);
    }
    (u64::from(labels.sum()) << 32) | u64::from(photo.sum())
}

impl Checked {
    /// The photos that can be learned from.
    ///
    /// # Errors
    /// [`Problem`] where a file cannot be used, with what to do, and where no photo has an object.
    pub fn choose(&self, set: Arc<dyn TrainingSet>) -> Result<Chosen, Problem> {
        if !self.problems.is_empty() {
            let first = self.problems.iter().take(SPELLED_OUT);
            let lines: String =
                first.map(|(name, problem)| format!("; {name}: {problem}")).collect();
            let more = match self.problems.len().saturating_sub(SPELLED_OUT) {
                0 => String::new(),
                more => format!("; and {more} more"),
            };
            let count = self.problems.len();
            return Err(Problem::new(format!(
                "{count} of its photos cannot be used: mend them or take them out{lines}{more}"
            )));
        }
        if self.usable.is_empty() {
            return Err(Problem::new("no photo in it has an object that is large enough"));
        }
        Ok(Chosen::new(set, self.usable.clone()))
    }
}

/// What was understood, one thing a line.
impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let photos = self.usable.len();
        let objects = self.objects.iter().map(|(objects, photos)| objects.saturating_mul(*photos));
        let objects = objects.fold(0, usize::saturating_add);
        write!(f, "{photos} photos with {objects} objects")?;
        if let Some((most, _)) = self.objects.last_key_value()
            && let Some((least, _)) = self.objects.first_key_value()
        {
            let mean = objects as f64 / photos.max(1) as f64;
            match least == most {
                true => write!(f, ", {most} on each")?,
                false => write!(f, ", {least} to {most} on one, {mean:.1} in the mean")?,
            }
        }
        match self.sizes {
            Some((smallest, largest)) if smallest == largest => {
                write!(f, "\nall photos have {smallest} pixels")?;
            }
            Some((smallest, largest)) => write!(f, "\nphotos have {smallest} to {largest} pixels")?,
            None => {}
        }
        if self.with_ignored > 0 {
            write!(f, "\n{} photos have regions that are ignored", self.with_ignored)?;
        }
        if !self.left_out.is_empty() {
            let names = self.left_out.iter().take(SPELLED_OUT).map(|name| printable(name));
            let names = names.collect::<Vec<_>>().join(", ");
            let count = self.left_out.len();
            write!(
                f,
                "\n{count} photos have no object that is large enough and are left out: {names}"
            )?;
            match count.saturating_sub(SPELLED_OUT) {
                0 => {}
                more => write!(f, " and {more} more")?,
            }
        }
        self.remarks.iter().try_for_each(|remark| write!(f, "\n{remark}"))?;
        for (name, problem) in self.problems.iter().take(SPELLED_OUT) {
            write!(f, "\n{name}: {problem}")?;
        }
        match self.problems.len().saturating_sub(SPELLED_OUT) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more that cannot be used"),
        }
    }
}
