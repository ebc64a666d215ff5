//! Rings with fewer corners, within a tolerance; and what that costs.

use super::{Format, Item, Job, Kind, Report};
use crate::mask::Mask;

/// A closed ring without the corners that lie within `tolerance` pixels of the way without them
/// (Douglas and Peucker). At least three are left, or all where there are fewer.
pub(super) fn simplified<T: Copy>(
    ring: &[(T, T)],
    tolerance: f64,
    place: impl Fn(T) -> f64,
) -> Vec<(T, T)> {
    let at = |index: usize| {
        let (x, y) = ring
            .get(index % ring.len().max(1))
            .copied()
            .map_or((0.0, 0.0), |(x, y)| (place(x), place(y)));
        (x, y)
    };
    if tolerance <= 0.0 || ring.len() <= 3 {
        return ring.to_vec();
    }
    // A closed ring is two ways between corners that are far from each other.
    let far = |from: usize| {
        let (x, y) = at(from);
        let squared = |index: &usize| {
            let (u, v) = at(*index);
            (x - u) * (x - u) + (y - v) * (y - v)
        };
        (0..ring.len()).max_by(|a, b| squared(a).total_cmp(&squared(b))).unwrap_or(0)
    };
    let first = far(0);
    let second = far(first);
    let (first, second) = (first.min(second), first.max(second));
    let mut kept = vec![false; ring.len()];
    let mut keep = |index: usize| {
        if let Some(kept) = kept.get_mut(index % ring.len()) {
            *kept = true;
        }
    };
    keep(first);
    keep(second);
    let mut ways = vec![(first, second), (second, first + ring.len())];
    let mut farthest: (f64, usize) = (0.0, first);
    while let Some((from, to)) = ways.pop() {
        let (start, end) = (at(from), at(to));
        let distances = (from + 1..to).map(|index| (distance(at(index), start, end), index));
        let Some(most) = distances.max_by(|a, b| a.0.total_cmp(&b.0)) else { continue };
        if most.0 > tolerance {
            keep(most.1);
            ways.extend([(from, most.1), (most.1, to)]);
        } else if most.0 > farthest.0 {
            farthest = most;
        }
    }
    // Two corners have no area.
    if kept.iter().filter(|kept| **kept).count() < 3
        && let Some(kept) = kept.get_mut(farthest.1 % ring.len())
    {
        *kept = true;
    }
    let mut left: Vec<_> =
        ring.iter().zip(kept).filter(|(_, kept)| *kept).map(|(corner, _)| *corner).collect();
    while left.len() < 3
        && let Some(last) = left.last().copied()
    {
        left.push(last);
    }
    left
}

/// How far a place is from the line between two others.
fn distance((x, y): (f64, f64), (a, b): (f64, f64), (c, d): (f64, f64)) -> f64 {
    let (dx, dy) = (c - a, d - b);
    let along = ((x - a) * dx + (y - b) * dy) / (dx * dx + dy * dy).max(f64::MIN_POSITIVE);
    let along = along.clamp(0.0, 1.0);
    (a + along * dx - x).hypot(b + along * dy - y)
}

/// Tells how much of an object's mask is left, as intersection over union, where it is not all.
pub(super) fn tell_loss(
    format: Format,
    job: &Job<'_>,
    item: &Item<'_>,
    written: &Mask,
    report: &mut Report,
) {
    let mask = &item.object.mask;
    let both = mask.overlap(written);
    let either = (mask.area() + written.area()).saturating_sub(both);
    if both < either {
        let iou = both as f64 / either as f64;
        let text = format!("within the tolerance its outline has an IoU of {iou:.4} with the mask");
        let id = Some(item.object.id);
        report.alter(Some(format), job.photo, id, Kind::Tolerance, text);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(ring: &[(u32, u32)], tolerance: f64) -> Vec<(u32, u32)> {
        simplified(ring, tolerance, f64::from)
    }

    #[test]
    fn corners_within_the_tolerance_go() {
        let ring = [(0, 0), (5, 1), (10, 0), (10, 10), (5, 9), (0, 10)];
        assert_eq!(of(&ring, 0.0), ring);
        assert_eq!(of(&ring, 0.9), ring);
        assert_eq!(of(&ring, 1.0), [(0, 0), (10, 0), (10, 10), (0, 10)]);
        assert_eq!(of(&ring, 1000.0).len(), 3);
        assert_eq!(of(&[(4, 4); 5], 1.0).len(), 3);
        assert_eq!(of(&[], 1.0), []);
    }

    proptest! {
        #[test]
        fn no_corner_is_farther_than_the_tolerance(
            ring in prop::collection::vec((0u32..50, 0u32..50), 4..40),
            tolerance in 0.1..20.0f64,
        ) {
            let left = of(&ring, tolerance);
            prop_assert!(left.len() >= 3);
            let float = |(x, y): (u32, u32)| (f64::from(x), f64::from(y));
            for corner in &ring {
                let sides = left.iter().zip(left.iter().cycle().skip(1));
                let far = sides.map(|(a, b)| distance(float(*corner), float(*a), float(*b)));
                prop_assert!(far.fold(f64::INFINITY, f64::min) <= tolerance + 1e-9);
            }
        }
    }
}
