//! Shapes drawn by hand, as masks.

use fbrs_clicks::{ImageSpace, Position, Size};

use crate::mask::{Mask, Run};

/// A position in the photo.
type Place = Position<ImageSpace>;

/// A polygon, filled by the even-odd rule: pixels whose centers are inside. Fewer than three corners
/// are no pixels.
pub fn polygon(size: Size, corners: &[Place]) -> Mask {
    let finite = corners.iter().all(|c| c.row.is_finite() && c.col.is_finite());
    if corners.len() < 3 || !finite {
        return Mask::empty(size);
    }
    let (top, bottom) = extent(corners.iter().map(|corner| corner.row));
    let mut crossings: Vec<f64> = Vec::new();
    Mask::from_rows(size, rows(top, bottom, size), |row, runs| {
        let y = row as f64;
        crossings.clear();
        let ends = corners.iter().zip(corners.iter().cycle().skip(1));
        for (a, b) in ends {
            // Half open, so that a corner on the row counts once.
            if (a.row <= y) != (b.row <= y) {
                crossings.push(a.col + (y - a.row) / (b.row - a.row) * (b.col - a.col));
            }
        }
        crossings.sort_by(f64::total_cmp);
        runs.extend(crossings.chunks_exact(2).filter_map(|pair| run(pair, size)));
    })
}

/// A stroke of a round brush: all pixels whose centers are within `radius` of the path.
pub fn stroke(size: Size, path: &[Place], radius: f64) -> Mask {
    let finite = path.iter().all(|place| place.row.is_finite() && place.col.is_finite());
    if path.is_empty() || !finite || !(radius.is_finite() && radius >= 0.0) {
        return Mask::empty(size);
    }
    let (top, bottom) = extent(path.iter().map(|place| place.row));
    // A path of one place is a disc.
    let pieces: Vec<(Place, Place)> = match path {
        [only] => vec![(*only, *only)],
        path => path.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?))).collect(),
    };
    Mask::from_rows(size, rows(top - radius, bottom + radius, size), |row, runs| {
        let y = row as f64;
        let near = pieces
            .iter()
            .filter(|(a, b)| (a.row.min(b.row) - radius..=a.row.max(b.row) + radius).contains(&y));
        runs.extend(near.filter_map(|(a, b)| {
            let (first, last) = within(*a, *b, radius, y)?;
            run(&[first, last], size)
        }));
        runs.sort_unstable();
    })
}

/// The columns of a row within `radius` of the line from `a` to `b`.
fn within(a: Place, b: Place, radius: f64, y: f64) -> Option<(f64, f64)> {
    let disc = |center: Place| {
        let across = radius * radius - (y - center.row) * (y - center.row);
        (across >= 0.0).then(|| (center.col - across.sqrt(), center.col + across.sqrt()))
    };
    // Between the discs at both ends lies a rectangle, convex as they are.
    let (dx, dy) = (b.col - a.col, b.row - a.row);
    let length = dx.hypot(dy);
    let band = || {
        if length == 0.0 {
            return None;
        }
        let (nx, ny) = (-dy / length * radius, dx / length * radius);
        let corners = [
            (a.col + nx, a.row + ny),
            (b.col + nx, b.row + ny),
            (b.col - nx, b.row - ny),
            (a.col - nx, a.row - ny),
        ];
        let mut found: Option<(f64, f64)> = None;
        for (from, to) in corners.iter().zip(corners.iter().cycle().skip(1)) {
            if (from.1 <= y) == (to.1 <= y) {
                continue;
            }
            let x = from.0 + (y - from.1) / (to.1 - from.1) * (to.0 - from.0);
            found = Some(found.map_or((x, x), |(first, last)| (first.min(x), last.max(x))));
        }
        found
    };
    [disc(a), disc(b), band()].into_iter().flatten().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
}

/// The rows of the photo whose centers lie in an extent.
fn rows(top: f64, bottom: f64, size: Size) -> std::ops::Range<usize> {
    let last = size.height as f64 - 1.0;
    if bottom < 0.0 || top > last {
        return 0..0;
    }
    top.max(0.0).ceil() as usize..bottom.min(last).floor() as usize + 1
}

/// The pixels whose centers lie between two columns.
fn run(ends: &[f64], size: Size) -> Option<Run> {
    let [first, last] = ends else { return None };
    let edge = size.width as f64;
    if *last < 0.0 || *first >= edge {
        return None;
    }
    let (first, end) = (first.max(0.0).ceil(), last.min(edge - 1.0).floor() + 1.0);
    (first < end).then_some([first as u32, end as u32])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use fbrs_clicks::Region;
    use proptest::prelude::*;

    use super::*;

    const SIZE: Size = Size { height: 30, width: 40 };

    fn at((row, col): (f64, f64)) -> Place {
        Place::from_row_col(row, col)
    }

    #[test]
    fn a_box_holds_its_centers() {
        let corners = [(4.5, 2.5), (4.5, 9.5), (7.5, 9.5), (7.5, 2.5)].map(at);
        let mask = polygon(SIZE, &corners);
        assert_eq!(mask.bounds(), Region::new(5..=7, 3..=9));
        assert_eq!(mask.area(), 21);
        assert!(polygon(SIZE, &corners[..2]).is_empty());
        assert!(polygon(SIZE, &[at((f64::NAN, 1.0)), at((2.0, 2.0)), at((1.0, 3.0))]).is_empty());
    }

    proptest! {
        #[test]
        fn strokes_are_what_is_near_the_path(
            path in prop::collection::vec((-5.0..35.0f64, -5.0..45.0f64), 1..6),
            radius in 0.0..9.0f64,
        ) {
            let path: Vec<_> = path.into_iter().map(at).collect();
            let mask = stroke(SIZE, &path, radius);
            for pixel in 0..SIZE.area() {
                let (row, col) = ((pixel / SIZE.width) as f64, (pixel % SIZE.width) as f64);
                let to = |a: Place, b: Place| {
                    let (dx, dy) = (b.col - a.col, b.row - a.row);
                    let along = (col - a.col) * dx + (row - a.row) * dy;
                    let t = (along / (dx * dx + dy * dy).max(1e-300)).clamp(0.0, 1.0);
                    (a.col + t * dx - col).hypot(a.row + t * dy - row)
                };
                let last = *path.last().unwrap();
                let pairs = path.windows(2).map(|pair| to(pair[0], pair[1]));
                let nearest = pairs.chain([to(last, last)]).fold(f64::INFINITY, f64::min);
                if (nearest - radius).abs() > 1e-9 {
                    prop_assert_eq!(mask.holds(at((row, col))), nearest < radius);
                }
            }
        }

        #[test]
        fn polygons_are_filled_by_the_even_odd_rule(
            corners in prop::collection::vec((-5.0..35.0f64, -5.0..45.0f64), 3..9),
        ) {
            let corners: Vec<_> = corners.into_iter().map(at).collect();
            let mask = polygon(SIZE, &corners);
            for pixel in 0..SIZE.area() {
                let (row, col) = ((pixel / SIZE.width) as f64, (pixel % SIZE.width) as f64);
                let mut inside = false;
                for (index, b) in corners.iter().enumerate() {
                    let a = corners[(index + corners.len() - 1) % corners.len()];
                    if (a.row <= row) != (b.row <= row)
                        && col > a.col + (row - a.row) / (b.row - a.row) * (b.col - a.col)
                    {
                        inside = !inside;
                    }
                }
                prop_assert_eq!(mask.holds(at((row, col))), inside);
            }
        }
    }
}
