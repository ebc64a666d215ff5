//! A mask's rings, put together to parts with their holes.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Range;

use fbrs::Size;
use fbrs_data::annotations::contours::{Ring, contours};
use numpy::ndarray::Array2;

use crate::failure::Failure;

/// A connected part of a mask: x and y of each corner of its rings.
pub(crate) struct Part {
    pub(crate) outer: Array2<i32>,
    pub(crate) holes: Vec<Array2<i32>>,
}

/// The parts of a row-major mask, in the order of their uppermost, leftmost pixels.
pub(crate) fn of(mask: &[bool], size: Size) -> Result<Vec<Part>, Failure> {
    let too_large = || Failure::image("the mask has too many pixels for polygons");
    let rings = contours(mask, size).ok_or_else(too_large)?;
    let runs = Runs::of(mask, size.width);
    let mut parts: BTreeMap<Option<usize>, Part> = BTreeMap::new();
    // Parts are known by their first runs, so they come out in order.
    let (outer, holes): (Vec<_>, Vec<_>) = rings.iter().partition(|ring| !ring.is_hole);
    for ring in outer {
        let part = beside(ring).and_then(|pixel| runs.part_at(pixel));
        parts.insert(part, Part { outer: corners(ring)?, holes: Vec::new() });
    }
    for ring in holes {
        let part = beside(ring).and_then(|pixel| runs.part_at(pixel));
        if let Some(part) = parts.get_mut(&part) {
            part.holes.push(corners(ring)?);
        }
    }
    Ok(parts.into_values().collect())
}

fn corners(ring: &Ring) -> Result<Array2<i32>, Failure> {
    // Sides are shorter than 2^31: `contours` has looked.
    let numbers = ring.corners.iter().flat_map(|(x, y)| [*x as i32, *y as i32]).collect();
    let corners = Array2::from_shape_vec((ring.corners.len(), 2), numbers);
    corners.map_err(|error| Failure::fault(&error.to_string()))
}

/// A pixel of the object beside the ring: on the right hand of its first edge.
fn beside(ring: &Ring) -> Option<(usize, usize)> {
    let (from, to) = (ring.corners.first()?, ring.corners.get(1)?);
    let (x, y) = (from.0 as usize, from.1 as usize);
    match (to.0.cmp(&from.0), to.1.cmp(&from.1)) {
        (Ordering::Greater, _) => Some((x, y)),
        (Ordering::Less, _) => Some((x.checked_sub(1)?, y.checked_sub(1)?)),
        (_, Ordering::Greater) => Some((x.checked_sub(1)?, y)),
        _ => Some((x, y.checked_sub(1)?)),
    }
}

/// A row's pixels of the object without a gap.
struct Run {
    first: usize,
    /// Behind the last one.
    end: usize,
    /// An earlier run of the same part, or itself.
    towards: usize,
}

/// Runs of a mask, those of a part joined: parts hang together by edges of pixels.
struct Runs {
    runs: Vec<Run>,
    /// Where each row's runs begin, and where the last one's end.
    rows: Vec<usize>,
}

impl Runs {
    fn of(mask: &[bool], width: usize) -> Self {
        let mut all = Self { runs: Vec::new(), rows: vec![0] };
        let mut above = 0..0;
        for row in mask.chunks(width.max(1)) {
            let begin = all.runs.len();
            let mut first = 0;
            for same in row.chunk_by(|a, b| a == b) {
                let end = first + same.len();
                if same.first() == Some(&true) {
                    all.runs.push(Run { first, end, towards: all.runs.len() });
                }
                first = end;
            }
            let here = begin..all.runs.len();
            all.join(above, here.clone());
            all.rows.push(here.end);
            above = here;
        }
        // Earlier runs lead to the first one of their part already.
        for at in 0..all.runs.len() {
            let first = all.towards(all.towards(at));
            all.lead(at, first);
        }
        all
    }

    /// Joins the runs of two rows that touch.
    fn join(&mut self, above: Range<usize>, here: Range<usize>) {
        let (mut up, mut down) = (above.start, here.start);
        while up < above.end && down < here.end {
            let (Some(upper), Some(lower)) = (self.runs.get(up), self.runs.get(down)) else {
                return;
            };
            let touches = upper.first < lower.end && lower.first < upper.end;
            let upper_ends_first = upper.end < lower.end;
            if touches {
                let (one, other) = (self.first_of_part(up), self.first_of_part(down));
                self.lead(one.max(other), one.min(other));
            }
            if upper_ends_first { up += 1 } else { down += 1 }
        }
    }

    fn first_of_part(&mut self, run: usize) -> usize {
        let mut at = run;
        while self.towards(at) != at {
            // The way is halved for the next time.
            let next = self.towards(self.towards(at));
            self.lead(at, next);
            at = next;
        }
        at
    }

    fn towards(&self, run: usize) -> usize {
        self.runs.get(run).map_or(run, |run| run.towards)
    }

    fn lead(&mut self, run: usize, towards: usize) {
        if let Some(run) = self.runs.get_mut(run) {
            run.towards = towards;
        }
    }

    /// The first run of a pixel's part, which tells it from others; `None` where it is no object.
    fn part_at(&self, (x, y): (usize, usize)) -> Option<usize> {
        let (begin, end) = (*self.rows.get(y)?, *self.rows.get(y + 1)?);
        let row = self.runs.get(begin..end)?;
        let at = row.partition_point(|run| run.end <= x);
        row.get(at).filter(|run| run.first <= x).map(|run| run.towards)
    }
}
