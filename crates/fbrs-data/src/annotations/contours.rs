//! Polygons along the edges of a mask's pixels.
//!
//! Corners are whole numbers, (x, y) with the photo's top-left corner as (0, 0): pixel (row, col)
//! is the square from (col, row) to (col + 1, row + 1). Filling the rings by the even-odd rule
//! gives back exactly the mask.

use fbrs_clicks::Size;

/// A closed ring of corners, the last joined to the first; every corner is a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring {
    /// (x, y) of each corner.
    pub corners: Vec<(u32, u32)>,
    /// Whether it is around a hole: outside of the ring is object.
    pub is_hole: bool,
}

/// The rings of a row-major mask, true where the object is: one around each part, and one around
/// each hole in a part. Pixels that touch at a corner alone are of different parts.
///
/// `None` where there are not `height · width` pixels, or a side is longer than 2^31.
pub fn contours(mask: &[bool], size: Size) -> Option<Vec<Ring>> {
    let (height, width) = (i32::try_from(size.height).ok()?, i32::try_from(size.width).ok()?);
    if size.height.checked_mul(size.width)? != mask.len() {
        return None;
    }
    let pixels = Pixels { mask, height, width };
    // Upper edges that a ring has passed: each ring has one.
    let mut passed = vec![false; mask.len()];
    let mut rings = Vec::new();
    for (index, value) in mask.iter().enumerate() {
        let (row, col) = (index / size.width.max(1), index % size.width.max(1));
        let start = (col as i32, row as i32);
        let is_upper_edge = *value && !pixels.holds(start.0, start.1 - 1);
        if is_upper_edge && passed.get(index) == Some(&false) {
            rings.push(pixels.follow(start, &mut passed));
        }
    }
    Some(rings)
}

/// A mask with (x, y) of its pixels.
struct Pixels<'a> {
    mask: &'a [bool],
    height: i32,
    width: i32,
}

impl Pixels<'_> {
    fn index(&self, x: i32, y: i32) -> Option<usize> {
        let inside = (0..self.width).contains(&x) && (0..self.height).contains(&y);
        inside.then(|| y as usize * self.width as usize + x as usize)
    }

    fn holds(&self, x: i32, y: i32) -> bool {
        self.index(x, y).and_then(|index| self.mask.get(index)) == Some(&true)
    }

    /// Follows the ring that goes right along the upper edge of the pixel at `start`, the object on
    /// its right hand.
    fn follow(&self, start: (i32, i32), passed: &mut [bool]) -> Ring {
        let (mut x, mut y) = start;
        let (mut dx, mut dy) = (1, 0);
        let mut corners = Vec::new();
        // Twice the area, positive around the object.
        let mut doubled = 0i64;
        loop {
            if let (1, Some(passed)) = (dx, self.index(x, y).and_then(|at| passed.get_mut(at))) {
                *passed = true;
            }
            doubled += i64::from(x) * i64::from(dy) - i64::from(y) * i64::from(dx);
            (x, y) = (x + dx, y + dy);
            // The two pixels ahead, on the right hand and on the left.
            let right = (x + (dx - dy - 1) / 2, y + (dx + dy - 1) / 2);
            let left = (x + (dx + dy - 1) / 2, y + (dy - dx - 1) / 2);
            let turned = if !self.holds(right.0, right.1) {
                (-dy, dx)
            } else if self.holds(left.0, left.1) {
                (dy, -dx)
            } else {
                (dx, dy)
            };
            if turned != (dx, dy) {
                corners.push((x as u32, y as u32));
                (dx, dy) = turned;
            }
            if ((x, y), (dx, dy)) == (start, (1, 0)) {
                return Ring { corners, is_hole: doubled < 0 };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn mask(rows: &[&str]) -> (Vec<bool>, Size) {
        let size = Size { height: rows.len(), width: rows[0].len() };
        (rows.concat().chars().map(|letter| letter == '#').collect(), size)
    }

    #[test]
    fn a_box_has_four_corners() {
        let (mask, size) = mask(&["....", ".##.", ".##.", "...."]);
        let rings = contours(&mask, size).unwrap();
        let mut corners = rings[0].corners.clone();
        corners.sort_unstable();
        assert_eq!(corners, [(1, 1), (1, 3), (3, 1), (3, 3)]);
        assert!(rings.len() == 1 && !rings[0].is_hole);
    }

    #[test]
    fn holes_and_parts_that_touch_at_a_corner_are_told_apart() {
        let (ring, size) = mask(&["###", "#.#", "###"]);
        let rings = contours(&ring, size).unwrap();
        assert_eq!(rings.iter().map(|ring| ring.is_hole).collect::<Vec<_>>(), [false, true]);
        let (corner, size) = mask(&["#.", ".#"]);
        let rings = contours(&corner, size).unwrap();
        assert_eq!(rings.iter().map(|ring| ring.is_hole).collect::<Vec<_>>(), [false, false]);
        // The hole touches the outside at a corner: parts are joined by edges, holes by corners.
        let (open, size) = mask(&["##.", "#.#", "###"]);
        assert_eq!(contours(&open, size).unwrap().len(), 1);
    }

    #[test]
    fn nothing_and_everything_have_their_rings() {
        let size = Size { height: 2, width: 3 };
        assert_eq!(contours(&[false; 6], size).unwrap().len(), 0);
        assert_eq!(contours(&[true; 6], size).unwrap()[0].corners.len(), 4);
        assert_eq!(contours(&[true; 5], size), None);
        assert_eq!(contours(&[], Size { height: 0, width: 0 }).unwrap().len(), 0);
    }
}
