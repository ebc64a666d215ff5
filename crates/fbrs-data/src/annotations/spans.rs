//! Polygons filled: the pixels inside, as spans of the photo's rows.
//!
//! Two rules are in use. COCO's polygons run along pixels' edges and hold the pixels whose centers
//! are inside. Labelme's and YOLO's run through the centers of the pixels at the border, and hold
//! those as well.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use fbrs_clicks::Size;

use super::FormatError;

/// Pixels of a row beside each other: the row, the first column, the column behind the last.
pub type Span = (u32, u32, u32);

/// Places where polygons cross the rows of a photo, at the least that is allowed.
const MOST_CROSSINGS: f64 = 4e6;
/// Coordinates beyond it are taken for this; no photo has a side as long.
const FARTHEST: i64 = 1 << 24;

/// How much work a shape may still make.
#[derive(Debug, Clone, Copy)]
pub(in crate::annotations) struct Budget(f64);

impl Budget {
    /// What follows the pixels' edges crosses rows less often than this allows.
    pub(in crate::annotations) fn for_photo(size: Size) -> Self {
        Self(MOST_CROSSINGS.max(size.height as f64 * size.width as f64 / 4.0))
    }

    fn spend(&mut self, work: f64) -> Result<(), FormatError> {
        self.0 -= work;
        match self.0 < 0.0 {
            true => Err(too_many()),
            false => Ok(()),
        }
    }
}

pub(in crate::annotations) fn too_many() -> FormatError {
    FormatError::TooLarge("its polygons have more corners than any sound ones".to_owned())
}

/// The spans in order, those that touch or overlap joined.
pub(crate) fn joined(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    spans.dedup_by(|next, before| {
        let joins = next.0 == before.0 && next.1 <= before.2;
        if joins {
            before.2 = before.2.max(next.2);
        }
        joins
    });
    spans
}

/// The mask that spans inside a photo of `size` make, row-major.
pub(crate) fn mask(spans: &[Span], size: Size) -> Vec<bool> {
    let mut mask = vec![false; size.area()];
    for (row, from, end) in spans {
        let start = (*row as usize).saturating_mul(size.width);
        let (from, end) = (*from as usize, *end as usize);
        let span = start.saturating_add(from)..start.saturating_add(end.min(size.width));
        if let Some(pixels) = mask.get_mut(span) {
            pixels.fill(true);
        }
    }
    mask
}

/// Adds the pixels whose centers are inside a polygon (x, y, x, y, …, with the photo's top-left
/// corner as 0, 0) by the even-odd rule.
pub(in crate::annotations) fn by_centers(
    polygon: &[f32],
    size: Size,
    left: &mut Budget,
    spans: &mut Vec<Span>,
) -> Result<(), FormatError> {
    let mut crossings = crossings(polygon, size, left)?;
    crossings.sort_unstable();
    let (pairs, _) = crossings.as_chunks::<2>();
    let inside = pairs.iter().filter(|[from, to]| from.1 < to.1);
    spans.extend(inside.map(|[from, to]| (from.0, from.1, to.1)));
    Ok(())
}

/// Where a polygon crosses the center lines of rows: the row, and the first column whose center is
/// to the right. In each row there is an even number of them.
fn crossings(
    polygon: &[f32],
    size: Size,
    left: &mut Budget,
) -> Result<Vec<(u32, u32)>, FormatError> {
    let (corners, _) = polygon.as_chunks::<2>();
    let next = corners.iter().cycle().skip(1);
    let rows = size.height as f64;
    // Center lines lie between whole numbers: the first one at or below y, within the photo.
    let line = |y: f64| (y - 0.5).ceil().clamp(0.0, rows);
    let mut found = Vec::new();
    for ([x, y], [u, v]) in corners.iter().zip(next) {
        let [x, y, u, v] = [*x, *y, *u, *v].map(f64::from);
        let ((x, y), (u, v)) = if y < v { ((x, y), (u, v)) } else { ((u, v), (x, y)) };
        let (first, end) = (line(y), line(v));
        left.spend(end - first)?;
        let slope = (u - x) / (v - y);
        for row in first as u32..end as u32 {
            let at = x + (f64::from(row) + 0.5 - y) * slope;
            let col = (at - 0.5).ceil().clamp(0.0, size.width as f64);
            found.push((row, col as u32));
        }
    }
    Ok(found)
}

/// The pixels inside a ring through pixels' centers by the even-odd rule, and those that the ring
/// itself passes: what Pillow's `polygon` and OpenCV's `fillPoly` fill. Pixels are (x, y); the last
/// is joined to the first.
///
/// # Errors
/// [`FormatError::TooLarge`] where its corners are too many to be filled in reasonable time.
pub fn with_border(ring: &[(i64, i64)], size: Size) -> Result<Vec<Span>, FormatError> {
    let mut left = Budget::for_photo(size);
    let mut spans = Vec::new();
    let mut crossings: Vec<(u32, f64)> = Vec::new();
    let near = |(x, y): (i64, i64)| (x.clamp(-FARTHEST, FARTHEST), y.clamp(-FARTHEST, FARTHEST));
    for (from, to) in ring.iter().zip(ring.iter().cycle().skip(1)) {
        let edge = Edge::new(near(*from), near(*to));
        edge.crossings(size, &mut left, &mut crossings)?;
        edge.pixels(size, &mut left, &mut spans)?;
    }
    crossings.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let (pairs, _) = crossings.as_chunks::<2>();
    let width = size.width as f64;
    spans.extend(pairs.iter().filter_map(|[(row, from), (_, to)]| {
        let from = from.ceil().clamp(0.0, width) as u32;
        let end = (to.floor() + 1.0).clamp(0.0, width) as u32;
        (from < end).then_some((*row, from, end))
    }));
    Ok(joined(spans))
}

/// A side of a ring, from its upper end down: (x, y) and how far to (dx, dy), dy from 0 on.
struct Edge {
    x: i64,
    y: i64,
    dx: i64,
    dy: i64,
}

impl Edge {
    /// Ends are within [`FARTHEST`].
    fn new(from: (i64, i64), to: (i64, i64)) -> Self {
        let (from, to) = if (from.1, from.0) <= (to.1, to.0) { (from, to) } else { (to, from) };
        let (dx, dy) = (to.0.saturating_sub(from.0), to.1.saturating_sub(from.1));
        Self { x: from.0, y: from.1, dx, dy }
    }

    /// Where it crosses the rows of the photo: those from its upper end to before its lower end.
    fn crossings(
        &self,
        size: Size,
        left: &mut Budget,
        found: &mut Vec<(u32, f64)>,
    ) -> Result<(), FormatError> {
        let rows = self.y.max(0)..self.y.saturating_add(self.dy).min(size.height as i64);
        left.spend(rows.end.saturating_sub(rows.start).max(0) as f64)?;
        found.extend(rows.map(|row| (row as u32, self.x_at(row))));
        Ok(())
    }

    fn x_at(&self, row: i64) -> f64 {
        let down = row.saturating_sub(self.y).saturating_mul(self.dx);
        self.x as f64 + down as f64 / self.dy.max(1) as f64
    }

    /// The pixels that it passes, both ends included: in each row one, or in each column.
    fn pixels(
        &self,
        size: Size,
        left: &mut Budget,
        spans: &mut Vec<Span>,
    ) -> Result<(), FormatError> {
        let (height, width) = (size.height as i64, size.width as i64);
        let (first, last) = (self.x.min(self.end_x()), self.x.max(self.end_x()));
        let cols = first.max(0)..last.saturating_add(1).min(width);
        if self.dy == 0 {
            if (0..height).contains(&self.y) && cols.start < cols.end {
                spans.push((self.y as u32, cols.start as u32, cols.end as u32));
            }
            return Ok(());
        }
        let mut pixel = |x: i64, y: i64| {
            if (0..width).contains(&x) && (0..height).contains(&y) {
                spans.push((y as u32, x as u32, (x as u32).saturating_add(1)));
            }
        };
        if self.dx.saturating_abs() <= self.dy {
            let rows = self.y.max(0)..self.y.saturating_add(self.dy).saturating_add(1).min(height);
            left.spend(rows.end.saturating_sub(rows.start).max(0) as f64)?;
            rows.for_each(|row| pixel(self.x_at(row).round() as i64, row));
        } else {
            left.spend(cols.end.saturating_sub(cols.start).max(0) as f64)?;
            for col in cols {
                let along = col.saturating_sub(self.x).saturating_mul(self.dy);
                let y = self.y as f64 + along as f64 / self.dx as f64;
                pixel(col, y.round() as i64);
            }
        }
        Ok(())
    }

    fn end_x(&self) -> i64 {
        self.x.saturating_add(self.dx)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    const SIZE: Size = Size { height: 12, width: 16 };

    fn area(ring: &[(i64, i64)]) -> u32 {
        with_border(ring, SIZE).unwrap().iter().map(|(_, from, end)| end - from).sum()
    }

    #[test]
    fn the_border_is_inside() {
        assert_eq!(area(&[(2, 3), (5, 3), (5, 7), (2, 7)]), 4 * 5);
        assert_eq!(area(&[(4, 4)]), 1);
        assert_eq!(area(&[(4, 4), (9, 4)]), 6);
        assert_eq!(area(&[(4, 4), (4, 9), (4, 6)]), 6);
        assert_eq!(area(&[(0, 0), (3, 3)]), 4);
        assert_eq!(area(&[]), 0);
    }

    #[test]
    fn what_lies_outside_the_photo_is_left_out() {
        let far = i64::MAX;
        assert_eq!(area(&[(-far, -far), (far, -far), (far, far), (-far, far)]), 12 * 16);
        assert_eq!(area(&[(-9, 2), (40, 2)]), 16);
        assert_eq!(area(&[(30, 30), (40, 30), (40, 40)]), 0);
    }

    #[test]
    fn a_ring_that_crosses_every_row_a_million_times_is_refused() {
        let zigzag: Vec<_> = (0..1_000_000).map(|i| (i % 997, (i % 2) * 1_000_000)).collect();
        assert!(with_border(&zigzag, Size { height: 4000, width: 4000 }).is_err());
    }

    proptest! {
        #[test]
        fn any_ring_gives_spans_inside_the_photo(
            ring in prop::collection::vec((-30i64..40, -30i64..40), 0..12),
        ) {
            let spans = with_border(&ring, SIZE).unwrap();
            let apart = |pair: &[Span]| (pair[0].0, pair[0].2) < (pair[1].0, pair[1].1);
            prop_assert!(spans.windows(2).all(apart), "{spans:?}");
            let inside = |(row, from, end): &Span| *row < 12 && from < end && *end <= 16;
            prop_assert!(spans.iter().all(inside), "{spans:?}");
            for (x, y) in ring {
                let holds = |(row, from, end): &Span| {
                    i64::from(*row) == y && (i64::from(*from)..i64::from(*end)).contains(&x)
                };
                let is_inside = (0..16).contains(&x) && (0..12).contains(&y);
                prop_assert_eq!(spans.iter().any(holds), is_inside);
            }
        }
    }
}
