//! Rings through the centers of a mask's border pixels, as labelme and YOLO have them.
//!
//! Filled together with the pixels that they pass ([`with_border`](super::spans::with_border)), the
//! rings of the parts give back exactly the mask. A hole belongs to its part's ring: the way to it
//! and back runs through object pixels along a row, so that it changes nothing. Ways between parts
//! run through the background and are filled as well: one ring for several parts adds them.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::ops::Range;

use fbrs_clicks::Size;

use super::contours::{Ring, contours};

/// Pixels (x, y) that a ring goes through, the last joined to the first by a straight line.
pub type Path = Vec<(u32, u32)>;

/// Border pixels of parts that are compared each with each; of more, some are left out.
const MOST_COMPARED: usize = 20_000;
/// Comparisons, whatever the number of parts: a second of work.
const MOST_COMPARISONS: usize = 1_000_000_000;

/// The outline of a mask.
#[derive(Debug)]
pub struct Outline {
    chains: Chains,
    /// Of each part, the pixels of its ring and of those around its holes.
    parts: Vec<Vec<usize>>,
    holes: usize,
}

/// Rings as chains of pixels that can be cut and joined.
#[derive(Debug, Default)]
struct Chains {
    pixels: Vec<(u32, u32)>,
    /// Which pixel follows on each.
    next: Vec<usize>,
}

impl Outline {
    /// The outline of a row-major mask, true where the object is: a ring for each part of pixels
    /// that are joined by their edges.
    ///
    /// `None` where there are not `height · width` pixels, or a side is longer than 2^31.
    pub fn new(mask: &[bool], size: Size) -> Option<Self> {
        let rings = contours(mask, size)?;
        let mut chains = Chains::default();
        // Pixels with background on their left: row, column, and which pixel of the chains.
        let mut left_ends: Vec<(u32, u32, usize)> = Vec::new();
        let walked: Vec<_> =
            rings.iter().map(|ring| (ring.is_hole, chains.add(ring, &mut left_ends))).collect();
        left_ends.sort_unstable();
        // On the left of every hole lies another ring, and none lies on its own left.
        let mut left_of = Vec::with_capacity(walked.len());
        for (is_hole, ring) in &walked {
            left_of.push(match (is_hole, ring.before_hole) {
                (true, Some(at)) => {
                    let (x, y) = *chains.pixels.get(at)?;
                    let after = left_ends.partition_point(|(row, col, _)| (*row, *col) <= (y, x));
                    let (_, _, end) = *left_ends.get(after.checked_sub(1)?)?;
                    chains.join(end, at)?;
                    let after = walked.partition_point(|(_, ring)| ring.pixels.start <= end);
                    Some(after.checked_sub(1)?)
                }
                _ => None,
            });
        }
        // A part has the pixels of its own ring first, then those of its holes.
        let mut parts: Vec<Vec<usize>> = Vec::new();
        let mut part_of = vec![None; walked.len()];
        for ((is_hole, ring), part) in walked.iter().zip(&mut part_of) {
            if !is_hole {
                *part = Some(parts.len());
                parts.push(ring.pixels.clone().collect());
            }
        }
        let mut holes = 0usize;
        for (index, (_, ring)) in walked.iter().enumerate().filter(|(_, (is_hole, _))| *is_hole) {
            let (mut outer, mut trail) = (index, Vec::new());
            while let (Some(None), Some(Some(left))) = (part_of.get(outer), left_of.get(outer)) {
                trail.push(outer);
                outer = *left;
            }
            let part = part_of.get(outer).copied().flatten()?;
            for ring in trail {
                *part_of.get_mut(ring)? = Some(part);
            }
            parts.get_mut(part)?.extend(ring.pixels.clone());
            holes = holes.saturating_add(1);
        }
        Some(Self { chains, parts, holes })
    }

    /// How many parts the mask has.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// How many holes it has.
    pub fn holes(&self) -> usize {
        self.holes
    }

    /// A ring for each part. All have three pixels at least; small ones have some twice.
    pub fn paths(&self) -> Vec<Path> {
        let starts = self.parts.iter().filter_map(|pixels| pixels.first());
        starts.map(|start| self.chains.path(*start)).collect()
    }

    /// One ring for all parts, joined there and back between their nearest pixels; `None` where
    /// there is no part.
    pub fn joined(mut self) -> Option<Path> {
        let parts = std::mem::take(&mut self.parts);
        let start = *parts.first()?.first()?;
        for (from, to) in bridges(&self.chains, &parts) {
            self.chains.join(from, to)?;
        }
        Some(self.chains.path(start))
    }
}

/// What a ring's way is.
struct Walked {
    /// Which pixels of the chains.
    pixels: Range<usize>,
    /// One with the leftmost pixel of the hole on its right, if there is any on any's right.
    before_hole: Option<usize>,
}

impl Chains {
    /// Adds the pixels inside a ring's edges, one after the other.
    fn add(&mut self, ring: &Ring, left_ends: &mut Vec<(u32, u32, usize)>) -> Walked {
        let start = self.pixels.len();
        let mut before_hole = None;
        let mut leftmost = u32::MAX;
        let ends = ring.corners.iter().zip(ring.corners.iter().cycle().skip(1));
        for (&(x, y), &(u, v)) in ends {
            // Pixels lie on the right of the way; rows and columns begin at the smaller number.
            let steps = x.abs_diff(u).max(y.abs_diff(v));
            for step in 0..steps {
                let (forth, back) = (step, step.saturating_add(1));
                let pixel = if u > x {
                    (x.saturating_add(forth), y)
                } else if u < x {
                    (x.saturating_sub(back), y.saturating_sub(1))
                } else if v > y {
                    (x.saturating_sub(1), y.saturating_add(forth))
                } else {
                    (x, y.saturating_sub(back))
                };
                if self.pixels.get(start..).and_then(<[_]>::last) != Some(&pixel) {
                    self.next.push(self.pixels.len().saturating_add(1));
                    self.pixels.push(pixel);
                }
                let at = self.pixels.len().saturating_sub(1);
                if v < y {
                    left_ends.push((pixel.1, pixel.0, at));
                } else if v > y && pixel.0 < leftmost {
                    (leftmost, before_hole) = (pixel.0, Some(at));
                }
            }
        }
        let pixels = start..self.pixels.len();
        if let Some(last) = self.next.last_mut().filter(|_| !pixels.is_empty()) {
            *last = start;
        }
        Walked { pixels, before_hole }
    }

    /// Makes one ring of two, by a way from `a` to `b` and back.
    fn join(&mut self, a: usize, b: usize) -> Option<()> {
        let (after_a, after_b) = (*self.next.get(a)?, *self.next.get(b)?);
        let (again_b, again_a) = (self.pixels.len(), self.pixels.len().saturating_add(1));
        self.pixels.extend([*self.pixels.get(b)?, *self.pixels.get(a)?]);
        self.next.extend([after_b, after_a]);
        *self.next.get_mut(a)? = again_b;
        *self.next.get_mut(b)? = again_a;
        Some(())
    }

    /// The ring that a pixel is of, without those that lie on a straight way between others.
    fn path(&self, start: usize) -> Path {
        let mut path = Path::new();
        let mut at = start;
        // No ring has more pixels than there are.
        for _ in 0..self.pixels.len() {
            let Some(pixel) = self.pixels.get(at) else { break };
            match path.as_slice() {
                [.., before] if before == pixel => {}
                [.., first, between] if is_between(*first, *between, *pixel) => {
                    path.pop();
                    path.push(*pixel);
                }
                _ => path.push(*pixel),
            }
            at = self.next.get(at).copied().unwrap_or(start);
            if at == start {
                break;
            }
        }
        if path.len() > 1 && path.first() == path.last() {
            path.pop();
        }
        while let [_, ..] = path.as_slice()
            && path.len() < 3
        {
            path.extend(path.last().copied());
        }
        path
    }
}

/// Whether a pixel lies on the way from one to another, and the way goes along a row, a column or
/// a diagonal: there, every program passes the same pixels.
fn is_between(first: (u32, u32), between: (u32, u32), last: (u32, u32)) -> bool {
    direction(first, between).is_some_and(|way| direction(between, last) == Some(way))
}

/// The direction of a way along a row, a column or a diagonal.
fn direction(from: (u32, u32), to: (u32, u32)) -> Option<(i64, i64)> {
    let dx = i64::from(to.0).saturating_sub(from.0.into());
    let dy = i64::from(to.1).saturating_sub(from.1.into());
    let is_straight = dx == 0 || dy == 0 || dx.saturating_abs() == dy.saturating_abs();
    is_straight.then_some((dx.signum(), dy.signum()))
}

/// The shortest ways that join all parts, each to one of those before: a pixel of either. Where
/// there are too many to compare, each part is joined to the one before it.
fn bridges(chains: &Chains, parts: &[Vec<usize>]) -> Vec<(usize, usize)> {
    let total: usize = parts.iter().map(Vec::len).sum();
    let every = total.div_ceil(MOST_COMPARED).max(1);
    let kept = |pixels: &Vec<usize>| pixels.len().div_ceil(every);
    let compared: usize = parts.iter().map(kept).sum();
    if parts.len().saturating_add(compared).saturating_mul(compared) > MOST_COMPARISONS {
        let firsts: Vec<_> = parts.iter().filter_map(|pixels| pixels.first().copied()).collect();
        let (pairs, after) = (firsts.iter(), firsts.iter().skip(1));
        return pairs.copied().zip(after.copied()).collect();
    }
    // The pixels of parts that are not joined yet, and the nearest one of those that are.
    let mut waiting: Vec<(usize, Vec<Nearest>)> = Vec::new();
    for (part, pixels) in parts.iter().enumerate().skip(1) {
        let far = |at: &usize| Nearest { at: *at, other: *at, squared: u64::MAX };
        waiting.push((part, pixels.iter().step_by(every).map(far).collect()));
    }
    let place = |at: usize| chains.pixels.get(at).copied().unwrap_or_default();
    let mut found = Vec::new();
    let mut newest = 0;
    while !waiting.is_empty() {
        let added = parts.get(newest).into_iter().flatten().step_by(every);
        let added: Vec<_> = added.map(|at| (*at, place(*at))).collect();
        let mut next: Option<(usize, Nearest)> = None;
        for (index, (_, pixels)) in waiting.iter_mut().enumerate() {
            for one in pixels {
                one.come_near(place(one.at), &added);
                if next.is_none_or(|(_, next)| one.squared < next.squared) {
                    next = Some((index, *one));
                }
            }
        }
        let Some((index, nearest)) = next else { break };
        found.push((nearest.other, nearest.at));
        newest = waiting.remove(index).0;
    }
    found
}

/// A pixel that waits, and how near those that are joined have come.
#[derive(Clone, Copy)]
struct Nearest {
    at: usize,
    other: usize,
    squared: u64,
}

impl Nearest {
    fn come_near(&mut self, (x, y): (u32, u32), added: &[(usize, (u32, u32))]) {
        for (other, (u, v)) in added {
            let (dx, dy) = (u64::from(x.abs_diff(*u)), u64::from(y.abs_diff(*v)));
            let squared = dx.saturating_mul(dx).saturating_add(dy.saturating_mul(dy));
            if squared < self.squared {
                (self.other, self.squared) = (*other, squared);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::annotations::spans::{self, with_border};

    fn filled(path: &Path, size: Size) -> Vec<bool> {
        let ring: Vec<_> = path.iter().map(|(x, y)| (i64::from(*x), i64::from(*y))).collect();
        spans::mask(&with_border(&ring, size).unwrap(), size)
    }

    /// Whether all pixels touch each other, by edges or corners.
    fn touch(mask: &[bool], size: Size) -> bool {
        let mut left: std::collections::BTreeSet<_> = (0..mask.len())
            .filter(|at| mask[*at])
            .map(|at| (at / size.width, at % size.width))
            .collect();
        let mut next: Vec<_> = left.pop_first().into_iter().collect();
        while let Some((row, col)) = next.pop() {
            for at in (0..9).map(|n| ((row + n / 3).wrapping_sub(1), (col + n % 3).wrapping_sub(1)))
            {
                next.extend(left.take(&at));
            }
        }
        left.is_empty()
    }

    fn mask(rows: &[&str]) -> (Vec<bool>, Size) {
        let size = Size { height: rows.len(), width: rows[0].len() };
        (rows.concat().chars().map(|letter| letter == '#').collect(), size)
    }

    proptest! {
        #[test]
        fn filling_the_parts_gives_back_the_mask(
            height in 1usize..20,
            width in 1usize..20,
            seed in prop::collection::vec(0u8..10, 400),
            dense in 0u8..10,
        ) {
            let size = Size { height, width };
            let mask: Vec<bool> = seed[..size.area()].iter().map(|value| *value < dense).collect();
            let outline = Outline::new(&mask, size).unwrap();
            let mut all = vec![false; size.area()];
            for path in outline.paths() {
                prop_assert!(path.len() >= 3);
                prop_assert!(path.iter().all(|(x, y)| mask[*y as usize * width + *x as usize]));
                for (pixel, inside) in all.iter_mut().zip(filled(&path, size)) {
                    *pixel |= inside;
                }
            }
            prop_assert_eq!(&all, &mask);
            let parts = outline.parts();
            match outline.joined() {
                None => prop_assert_eq!(parts, 0),
                Some(path) => {
                    let joined = filled(&path, size);
                    // Bridges add pixels and take none away.
                    prop_assert!(mask.iter().zip(&joined).all(|(mask, joined)| *joined || !mask));
                    prop_assert!(!touch(&mask, size) || joined == mask, "{parts}");
                }
            }
        }
    }

    #[test]
    fn holes_in_holes_belong_to_their_parts() {
        let rows = [
            "#######", "#.....#", "#.###.#", "#.#.#.#", "#.###.#", "#.....#", "#######", ".......",
            "##.....",
        ];
        let (mask, size) = mask(&rows);
        let outline = Outline::new(&mask, size).unwrap();
        assert_eq!((outline.parts(), outline.holes()), (3, 2));
        let paths = outline.paths();
        assert_eq!(paths[2], [(1, 8), (0, 8), (0, 8)]);
        let filled: Vec<_> = paths.iter().map(|path| filled(path, size)).collect();
        let count = |mask: &Vec<bool>| mask.iter().filter(|pixel| **pixel).count();
        assert_eq!(filled.iter().map(count).collect::<Vec<_>>(), [24, 8, 2]);
    }

    #[test]
    fn parts_that_touch_at_a_corner_are_joined_without_a_pixel_more() {
        let (mask, size) = mask(&["##...", "##...", "..##.", "..##.", "....#"]);
        let outline = Outline::new(&mask, size).unwrap();
        assert_eq!(outline.parts(), 3);
        assert_eq!(filled(&outline.joined().unwrap(), size), mask);
    }

    #[test]
    fn a_box_has_four_pixels_and_one_pixel_has_itself_thrice() {
        let (mask, size) = mask(&["####", "####", "####"]);
        let path = Outline::new(&mask, size).unwrap().joined().unwrap();
        assert_eq!(path, [(3, 0), (3, 2), (0, 2), (0, 0)]);
        let path = Outline::new(&[true], Size { height: 1, width: 1 }).unwrap().joined();
        assert_eq!(path, Some(vec![(0, 0); 3]));
        assert!(
            Outline::new(&[false; 4], Size { height: 2, width: 2 }).unwrap().joined().is_none()
        );
        assert!(Outline::new(&[false; 3], Size { height: 2, width: 2 }).is_none());
    }

    #[test]
    fn millions_of_holes_are_joined_in_reasonable_time() {
        let size = Size { height: 1000, width: 4000 };
        let is_hole = |at: usize| (at / 4000) % 2 == 1 && at % 2 == 1;
        let mask: Vec<bool> = (0..size.area()).map(|at| !is_hole(at)).collect();
        let started = std::time::Instant::now();
        let outline = Outline::new(&mask, size).unwrap();
        assert_eq!((outline.parts(), outline.holes()), (1, 997_501));
        let joined = outline.joined().unwrap();
        assert!(joined.len() > 997_501);
        assert!(started.elapsed() < std::time::Duration::from_secs(20));
    }

    #[test]
    fn thousands_of_parts_are_joined_in_reasonable_time() {
        let size = Size { height: 400, width: 400 };
        let mask: Vec<bool> =
            (0..size.area()).map(|at| (at / 400) % 2 == 0 && at % 2 == 0).collect();
        let started = std::time::Instant::now();
        let outline = Outline::new(&mask, size).unwrap();
        assert_eq!(outline.parts(), 40_000);
        let joined = filled(&outline.joined().unwrap(), size);
        assert!(mask.iter().zip(&joined).all(|(mask, joined)| *joined || !mask));
        assert!(started.elapsed() < std::time::Duration::from_secs(20));
    }
}
