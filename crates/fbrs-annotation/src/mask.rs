//! Masks as runs along the rows: small in memory, exact, and quick to draw, change and test.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use fbrs_clicks::{ImageSpace, Position, Region, Size};
use fbrs_data::annotations::FormatError;
use fbrs_data::annotations::rle::Rle;
use fbrs_data::pictures::Limits;
use image::{GrayImage, Luma};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::columns;

/// A run of columns of a row: from the first to before the end.
pub type Run = [u32; 2];

/// Which pixels of a photo are object. Cloning is cheap and shares it.
///
/// In files it is COCO's `{"size": [height, width], "counts": "…"}`: runs down the columns, packed.
#[derive(Clone, PartialEq, Eq)]
pub struct Mask {
    size: Size,
    rows: Arc<Rows>,
}

/// The runs of each row, in order and apart from each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Rows {
    /// The first row that has any.
    top: usize,
    /// Where each row's runs begin, and where the last one's end; empty where there are no runs.
    offsets: Vec<usize>,
    runs: Vec<Run>,
    /// The first column of any run, and the end of the last.
    across: Run,
}

impl Mask {
    /// A mask without any pixel.
    pub fn empty(size: Size) -> Self {
        Self { size, rows: Arc::default() }
    }

    /// A mask made row by row: `of_row` gives each row's runs in order of their first column. Runs that
    /// touch are joined, and what lies outside the photo is left out.
    pub fn from_rows(
        size: Size,
        rows: Range<usize>,
        mut of_row: impl FnMut(usize, &mut Vec<Run>),
    ) -> Self {
        let width = u32::try_from(size.width).unwrap_or(u32::MAX);
        let (mut made, mut given) = (Rows::default(), Vec::new());
        for row in rows.start..rows.end.min(size.height) {
            given.clear();
            of_row(row, &mut given);
            let begin = made.runs.len();
            for [first, end] in given.iter().map(|[first, end]| [*first, (*end).min(width)]) {
                let is_first = made.runs.len() == begin;
                match made.runs.last_mut() {
                    _ if first >= end => {}
                    Some(last) if !is_first && first <= last[1] => last[1] = last[1].max(end),
                    _ => made.runs.push([first, end]),
                }
            }
            if made.offsets.is_empty() {
                made.top = row;
            }
            // Rows before the first run are not kept.
            if !made.runs.is_empty() {
                made.offsets.push(begin);
            }
        }
        while made.offsets.last().is_some_and(|begin| *begin == made.runs.len()) {
            made.offsets.pop();
        }
        match made.offsets.is_empty() {
            true => Self::empty(size),
            false => {
                made.offsets.push(made.runs.len());
                let left = made.runs.iter().map(|[first, _]| *first).min().unwrap_or(0);
                let right = made.runs.iter().map(|[_, end]| *end).max().unwrap_or(0);
                made.across = [left, right];
                Self { size, rows: Arc::new(made) }
            }
        }
    }

    /// The pixels above 127 of a gray picture.
    pub fn from_gray(gray: &GrayImage) -> Self {
        let size = Size { height: gray.height() as usize, width: gray.width() as usize };
        Self::empty(size).with_gray(Region::whole(size), gray)
    }

    /// A mask of this size whose only pixels are those above 127 of a gray picture that lies at a
    /// region of it.
    pub fn from_gray_in(size: Size, region: Region, gray: &GrayImage) -> Self {
        Self::empty(size).with_gray(region, gray)
    }

    fn with_gray(self, region: Region, gray: &GrayImage) -> Self {
        let left = region.left() as u32;
        let values = gray.as_raw();
        let width = gray.width() as usize;
        Self::from_rows(self.size, region.rows(), |row, runs| {
            let begin = (row - region.top()) * width;
            let line = values.get(begin..begin + width).unwrap_or_default();
            runs_of(line.iter().map(|value| *value > 127), left, runs);
        })
    }

    /// From a value for each pixel, row-major; `None` where there are not `height · width`.
    pub fn from_bools(size: Size, object: &[bool]) -> Option<Self> {
        (size.height.checked_mul(size.width)? == object.len()).then(|| {
            Self::from_rows(size, 0..size.height, |row, runs| {
                let begin = row * size.width;
                let line = object.get(begin..begin + size.width).unwrap_or_default();
                runs_of(line.iter().copied(), 0, runs);
            })
        })
    }

    /// From COCO's runs.
    pub fn from_rle(rle: &Rle) -> Self {
        columns::mask(rle)
    }

    /// COCO's runs; `None` for more than 2^32 pixels.
    pub fn to_rle(&self) -> Option<Rle> {
        columns::runs(self)
    }

    /// A value for each pixel of a region, row-major.
    pub fn bools_in(&self, region: Region) -> Vec<bool> {
        let Size { height, width } = region.size();
        let mut values = vec![false; height * width];
        for (line, row) in values.chunks_mut(width.max(1)).zip(region.rows()) {
            self.fill_line(row, region.left() as u32, line, true);
        }
        values
    }

    /// Sets those of a line of pixels, which begins at column `left` of a row, that are object.
    pub fn fill_line<T: Copy>(&self, row: usize, left: u32, line: &mut [T], value: T) {
        let right = left.saturating_add(line.len() as u32);
        for [first, end] in self.row(row) {
            let (first, end) = ((*first).max(left), (*end).min(right));
            if first < end
                && let Some(part) = line.get_mut((first - left) as usize..(end - left) as usize)
            {
                part.fill(value);
            }
        }
    }

    /// 255 where the object is, 0 elsewhere; of the photo's size.
    pub fn to_gray(&self) -> GrayImage {
        let mut gray =
            GrayImage::from_pixel(self.size.width as u32, self.size.height as u32, Luma([0]));
        let width = self.size.width.max(1);
        for (row, line) in gray.chunks_mut(width).enumerate() {
            self.fill_line(row, 0, line, 255);
        }
        gray
    }

    /// The photo's height and width.
    pub fn size(&self) -> Size {
        self.size
    }

    /// A row's runs, in order and apart from each other.
    pub fn row(&self, row: usize) -> &[Run] {
        let rows = &*self.rows;
        let Some(index) = row.checked_sub(rows.top) else { return &[] };
        match (rows.offsets.get(index), rows.offsets.get(index + 1)) {
            (Some(begin), Some(end)) => rows.runs.get(*begin..*end).unwrap_or_default(),
            _ => &[],
        }
    }

    /// The rows between the first and the last that have any pixel, both included.
    pub fn rows(&self) -> Range<usize> {
        let count = self.rows.offsets.len().saturating_sub(1);
        self.rows.top..self.rows.top + count
    }

    /// Whether a position's pixel is object.
    pub fn holds(&self, position: Position<ImageSpace>) -> bool {
        position.is_inside(self.size) && {
            let col = position.col as u32;
            let runs = self.row(position.row as usize);
            let after = runs.partition_point(|[first, _]| *first <= col);
            after.checked_sub(1).and_then(|at| runs.get(at)).is_some_and(|[_, end]| col < *end)
        }
    }

    /// Number of object pixels.
    pub fn area(&self) -> u64 {
        self.rows.runs.iter().map(|[first, end]| u64::from(end - first)).sum()
    }

    /// Whether there is no object pixel.
    pub fn is_empty(&self) -> bool {
        self.rows.runs.is_empty()
    }

    /// The smallest region that holds every object pixel; `None` where there is none.
    pub fn bounds(&self) -> Option<Region> {
        let [left, right] = self.rows.across.map(|col| col as usize);
        let right = right.checked_sub(1)?;
        let rows = self.rows();
        Region::new(rows.start..=rows.end.checked_sub(1)?, left..=right)
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.combined(other, |a, b| a || b)
    }

    /// What is in this one and not in the other.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        self.combined(other, |a, b| a && !b)
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.combined(other, |a, b| a && b)
    }

    /// Number of pixels that are in both.
    pub fn overlap(&self, other: &Self) -> u64 {
        self.intersection(other).area()
    }

    /// `keep` does not keep what is in neither.
    fn combined(&self, other: &Self, keep: impl Fn(bool, bool) -> bool) -> Self {
        let (mine, theirs) = (self.rows(), other.rows());
        let rows = match (self.is_empty(), other.is_empty()) {
            (true, true) => return Self::empty(self.size),
            (true, false) => theirs,
            (false, true) => mine,
            (false, false) => mine.start.min(theirs.start)..mine.end.max(theirs.end),
        };
        Self::from_rows(self.size, rows, |row, runs| {
            combine(self.row(row), other.row(row), &keep, runs);
        })
    }

    /// Bytes that it takes in memory.
    pub fn bytes(&self) -> usize {
        self.rows.runs.len() * size_of::<Run>() + self.rows.offsets.len() * size_of::<usize>()
    }
}

/// The runs of a line of pixels that begins at column `left`.
fn runs_of(line: impl Iterator<Item = bool>, left: u32, runs: &mut Vec<Run>) {
    let mut open: Option<u32> = None;
    let mut col = left;
    for is_object in line {
        match (is_object, open) {
            (true, None) => open = Some(col),
            (false, Some(first)) => {
                runs.push([first, col]);
                open = None;
            }
            _ => {}
        }
        col += 1;
    }
    runs.extend(open.map(|first| [first, col]));
}

/// Goes along two rows at once, from one end of a run to the next.
fn combine(a: &[Run], b: &[Run], keep: impl Fn(bool, bool) -> bool, runs: &mut Vec<Run>) {
    let (mut at_a, mut at_b) = (0, 0);
    let mut from = 0u32;
    loop {
        let next = |runs: &[Run], at: usize| {
            let [first, end] = runs.get(at).copied()?;
            Some(if from < first { (false, first) } else { (true, end) })
        };
        let (here_a, here_b) = (next(a, at_a), next(b, at_b));
        let until = match (here_a, here_b) {
            (None, None) => break,
            (Some((_, a)), Some((_, b))) => a.min(b),
            (Some((_, end)), None) | (None, Some((_, end))) => end,
        };
        let inside = |here: Option<(bool, u32)>| here.is_some_and(|(inside, _)| inside);
        if keep(inside(here_a), inside(here_b)) {
            runs.push([from, until]);
        }
        if here_a == Some((true, until)) {
            at_a += 1;
        }
        if here_b == Some((true, until)) {
            at_b += 1;
        }
        from = until;
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mask({} of {} pixels)", self.area(), self.size)
    }
}

/// As files have it.
#[derive(Serialize, Deserialize)]
struct Packed {
    size: [usize; 2],
    counts: String,
}

/// The runs that a mask in a file has; no larger than any photo that is read.
pub(crate) fn unpack([height, width]: [usize; 2], counts: &str) -> Result<Rle, FormatError> {
    let (size, limits) = (Size { height, width }, Limits::default());
    let area = height.saturating_mul(width) as u64;
    if height.max(width) as u64 > u64::from(limits.longest_side) || area > limits.area {
        let reason = format!("a mask of {size} pixels, which no photo has");
        return Err(FormatError::Damaged(reason));
    }
    Rle::unpack(counts, size)
}

impl Serialize for Mask {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let too_large = || serde::ser::Error::custom("a mask of more than 2^32 pixels");
        let rle = self.to_rle().ok_or_else(too_large)?;
        let size = [self.size.height, self.size.width];
        Packed { size, counts: rle.pack() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Mask {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Packed { size, counts } = Packed::deserialize(deserializer)?;
        let rle = unpack(size, &counts).map_err(serde::de::Error::custom)?;
        Ok(Self::from_rle(&rle))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn masks() -> impl Strategy<Value = (Size, Vec<bool>, Vec<bool>)> {
        (1usize..12, 1usize..15).prop_flat_map(|(height, width)| {
            let pixels = || prop::collection::vec(any::<bool>(), height * width);
            (Just(Size { height, width }), pixels(), pixels())
        })
    }

    proptest! {
        #[test]
        fn masks_are_what_they_were_made_of((size, a, b) in masks()) {
            let (x, y) = (Mask::from_bools(size, &a).unwrap(), Mask::from_bools(size, &b).unwrap());
            let whole = Region::whole(size);
            prop_assert_eq!(&x.bools_in(whole), &a);
            prop_assert_eq!(x.area(), a.iter().filter(|value| **value).count() as u64);
            prop_assert_eq!(x.bounds(), Region::bounding_box(&a, size));
            let rle = Rle::encode(&a, size).unwrap();
            prop_assert_eq!(x.to_rle().unwrap().decode(), rle.decode());
            prop_assert_eq!(x.to_rle().unwrap(), rle);
            prop_assert_eq!(&Mask::from_gray(&x.to_gray()), &x);
            let text = serde_json::to_string(&x).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Mask>(&text).unwrap(), &x);
            for (at, value) in a.iter().enumerate() {
                let (row, col) = (at / size.width, at % size.width);
                prop_assert_eq!(x.holds(Position::from_row_col(row as f64, col as f64)), *value);
            }
            let both = |keep: fn(bool, bool) -> bool| {
                a.iter().zip(&b).map(|(a, b)| keep(*a, *b)).collect::<Vec<_>>()
            };
            prop_assert_eq!(x.union(&y).bools_in(whole), both(|a, b| a || b));
            prop_assert_eq!(x.without(&y).bools_in(whole), both(|a, b| a && !b));
            prop_assert_eq!(x.intersection(&y).bools_in(whole), both(|a, b| a && b));
            // Equal masks are equal, whichever way they came about.
            prop_assert_eq!(x.without(&y).union(&x.intersection(&y)), x.clone());
        }
    }

    #[test]
    fn a_part_of_a_photo_lies_where_it_belongs() {
        let size = Size { height: 10, width: 20 };
        let gray = GrayImage::from_pixel(3, 2, Luma([255]));
        let region = Region::new(4..=5, 7..=9).unwrap();
        let mask = Mask::from_gray_in(size, region, &gray);
        assert_eq!((mask.bounds(), mask.area()), (Some(region), 6));
        assert_eq!(mask.row(4), [[7, 10]]);
        assert!(mask.row(3).is_empty() && mask.row(6).is_empty());
    }

    #[test]
    fn damaged_masks_are_refused() {
        for text in [
            r#"{"size": [2, 2], "counts": "~"}"#,
            r#"{"size": [2, 2], "counts": "1"}"#,
            r#"{"size": [4000000000, 4000000000], "counts": "1"}"#,
            r#"{"size": [2], "counts": "04"}"#,
        ] {
            assert!(serde_json::from_str::<Mask>(text).is_err(), "{text}");
        }
    }
}
