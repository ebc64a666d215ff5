//! What an annotation says of its mask: polygons or runs.

use fbrs_clicks::Size;
use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use crate::annotations::FormatError;
use crate::annotations::contours::contours;
use crate::annotations::json::{FromJson, Json, Loose};
use crate::annotations::rle::Rle;
use crate::annotations::spans::{self, Budget, Span};

/// Numbers that one annotation may have; real ones have some thousands.
const MOST_NUMBERS: usize = 4_000_000;

/// An object's shape.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// Polygons, each filled by the even-odd rule; what is in any of them is object.
    Polygons(Polygons),
    /// Runs down the columns.
    Runs(Runs),
}

/// Polygons: corners (x, y), in pixels, with the photo's top-left corner as (0, 0).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Polygons {
    numbers: Vec<f32>,
    /// Where in `numbers` each polygon ends.
    ends: Vec<u32>,
}

/// Runs, as the file has them.
#[derive(Debug, Clone, PartialEq)]
pub struct Runs {
    /// Height and width of the mask.
    pub size: Size,
    /// Their lengths.
    pub counts: Counts,
}

/// Lengths of runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Counts {
    /// As numbers.
    Numbers(Vec<u32>),
    /// Packed into a text.
    Packed(String),
}

impl Polygons {
    /// Adds a polygon: x, y, x, y, …; those of fewer than three corners have no area and are left
    /// out.
    ///
    /// # Errors
    /// [`FormatError::Damaged`] for an odd count of numbers and for what is no finite number,
    /// [`FormatError::TooLarge`] for more than 4 million numbers.
    pub fn push(&mut self, polygon: &[f64]) -> Result<(), FormatError> {
        if !polygon.len().is_multiple_of(2) {
            let reason = format!("a polygon has an odd count of numbers, {}", polygon.len());
            return Err(FormatError::Damaged(reason));
        }
        // As they are kept: what is finite as it is read may be too far away for that.
        if polygon.iter().any(|at| !(*at as f32).is_finite()) {
            return Err(FormatError::damaged("a polygon has a corner that is no number"));
        }
        let end = self.numbers.len().saturating_add(polygon.len());
        if end > MOST_NUMBERS {
            return Err(spans::too_many());
        }
        if polygon.len() >= 6 {
            self.numbers.extend(polygon.iter().map(|at| *at as f32));
            self.ends.push(end as u32);
        }
        Ok(())
    }

    /// The polygons: x, y, x, y, …
    pub fn iter(&self) -> impl Iterator<Item = &[f32]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let bounds = starts.zip(&self.ends);
        bounds.filter_map(|(start, end)| self.numbers.get(start as usize..*end as usize))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The pixels of a photo of `size` whose centers are inside any of them, row by row.
    ///
    /// # Errors
    /// [`FormatError`] where none has an area, and where their corners are too many to be filled in
    /// reasonable time.
    pub fn spans(&self, size: Size) -> Result<Vec<Span>, FormatError> {
        if self.is_empty() {
            return Err(FormatError::damaged("none of its polygons has an area"));
        }
        let mut left = Budget::for_photo(size);
        let mut spans = Vec::new();
        for polygon in self.iter() {
            spans::by_centers(polygon, size, &mut left, &mut spans)?;
        }
        Ok(spans::joined(spans))
    }
}

/// Twice the area is summed over the corners (the shoelace formula).
fn area_of(polygon: &[f32]) -> f64 {
    let (corners, _) = polygon.as_chunks::<2>();
    let next = corners.iter().cycle().skip(1);
    let doubled = |([x, y], [u, v]): (&[f32; 2], &[f32; 2])| {
        f64::from(*x) * f64::from(*v) - f64::from(*u) * f64::from(*y)
    };
    corners.iter().zip(next).map(doubled).sum::<f64>().abs() / 2.0
}

impl Runs {
    /// The runs, checked.
    ///
    /// # Errors
    /// As [`Rle::new`] and [`Rle::unpack`].
    pub fn rle(&self) -> Result<Rle, FormatError> {
        match &self.counts {
            Counts::Numbers(runs) => Rle::new(self.size, runs.clone()),
            Counts::Packed(text) => Rle::unpack(text, self.size),
        }
    }
}

impl Shape {
    /// The shape of a row-major mask: polygons along its pixels' edges, or packed runs where it has
    /// holes, which polygons cannot say. `None` where there are not `height · width` pixels, or a
    /// side is longer than 2^31 or the area than 2^32.
    pub fn from_mask(mask: &[bool], size: Size) -> Option<Self> {
        if let Some(polygons) = Self::polygons_of(mask, size, (0, 0)) {
            return Some(polygons);
        }
        let counts = Counts::Packed(Rle::encode(mask, size)?.pack());
        Some(Self::Runs(Runs { size, counts }))
    }

    /// The polygons along the pixels' edges of a row-major mask that lies at a corner (x, y) of its
    /// photo, one for each part; `None` where runs say it better: where it has holes, or more
    /// corners than an object has, and where it is empty.
    pub fn polygons_of(mask: &[bool], size: Size, corner: (u32, u32)) -> Option<Self> {
        let rings = contours(mask, size)?;
        let corners: usize = rings.iter().map(|ring| ring.corners.len()).sum();
        if rings.is_empty()
            || rings.iter().any(|ring| ring.is_hole)
            || corners > (size.area() / 16).saturating_add(2048)
        {
            return None;
        }
        let (left, top) = (f64::from(corner.0), f64::from(corner.1));
        let mut polygons = Polygons::default();
        for ring in rings {
            let place = |(x, y): &(u32, u32)| [left + f64::from(*x), top + f64::from(*y)];
            polygons.push(&ring.corners.iter().flat_map(place).collect::<Vec<_>>()).ok()?;
        }
        Some(Self::Polygons(polygons))
    }

    /// The smallest box that holds it: x, y, width and height; `None` where it is empty or its runs
    /// are damaged.
    pub fn bounds(&self) -> Option<[f64; 4]> {
        let [left, top, right, bottom] = match self {
            Self::Polygons(polygons) => {
                let places = polygons.iter().flat_map(|polygon| polygon.as_chunks::<2>().0);
                let boxes = places.map(|[x, y]| [*x, *y, *x, *y].map(f64::from));
                boxes
                    .reduce(|[a, b, c, d], [e, f, g, h]| [a.min(e), b.min(f), c.max(g), d.max(h)])?
            }
            Self::Runs(runs) => runs.rle().ok()?.bounds()?.map(|at| at as f64),
        };
        Some([left, top, right - left, bottom - top])
    }

    /// Area in pixels: of polygons what they enclose, overlaps counted twice.
    ///
    /// # Errors
    /// As [`Runs::rle`].
    pub fn area(&self) -> Result<f64, FormatError> {
        match self {
            Self::Polygons(polygons) => Ok(polygons.iter().map(area_of).sum()),
            Self::Runs(runs) => Ok(runs.rle()?.area() as f64),
        }
    }

    /// The mask in a photo of `size`, row-major: true where a pixel's center is inside.
    ///
    /// # Errors
    /// [`FormatError`] where runs are of another size or do not fill it, where no polygon has an
    /// area, and where their corners are too many to be filled in reasonable time.
    pub fn mask(&self, size: Size) -> Result<Vec<bool>, FormatError> {
        match self {
            Self::Polygons(polygons) => Ok(spans::mask(&polygons.spans(size)?, size)),
            Self::Runs(runs) if runs.size == size => Ok(runs.rle()?.decode()),
            Self::Runs(runs) => {
                let reason = format!("it has {} pixels, expected {size}", runs.size);
                Err(FormatError::Damaged(reason))
            }
        }
    }
}

/// `segmentation` as it stands in a file.
#[derive(Debug)]
pub(super) enum Segmentation {
    Missing,
    Shape(Shape),
    Wrong(String),
}

impl FromJson for Segmentation {
    fn value(value: Loose) -> Self {
        match value {
            Loose::Nothing => Self::Missing,
            other => Self::Wrong(format!("its segmentation is {other}, expected polygons or runs")),
        }
    }

    fn list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        Ok(match Element::list(list)? {
            Element::List(list) => list.segmentation(),
            _ => Self::Missing,
        })
    }

    fn object<'de, A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        Ok(match Element::object(object)? {
            Element::Runs(runs) => runs.into(),
            _ => Self::Missing,
        })
    }
}

/// One value of a segmentation.
enum Element {
    Value(Loose),
    List(List),
    Runs(Result<Runs, String>),
}

/// A list: of numbers (a polygon, or runs), of polygons, of runs.
#[derive(Default)]
struct List {
    numbers: Vec<f64>,
    polygons: Polygons,
    inner: usize,
    runs: Option<Result<Runs, String>>,
    wrong: Option<String>,
}

impl List {
    fn take(&mut self, element: Element) {
        if self.wrong.is_some() {
            return;
        }
        let taken = match element {
            Element::Value(value) => match value {
                Loose::Integer(number) => self.number(number as f64),
                Loose::Number(number) => self.number(number),
                other => Err(format!("a polygon has a corner that is {other}, not a number")),
            },
            Element::List(list) => {
                self.inner = self.inner.saturating_add(1);
                list.into_polygon(&mut self.polygons)
            }
            Element::Runs(runs) => match self.runs.replace(runs) {
                None => Ok(()),
                Some(_) => Err("it has several sets of runs, expected one".to_owned()),
            },
        };
        if let Err(reason) = taken {
            // Nothing of a shape that is wrong is kept.
            *self = Self { wrong: Some(reason), ..Self::default() };
        }
    }

    fn number(&mut self, number: f64) -> Result<(), String> {
        if self.numbers.len() == MOST_NUMBERS {
            return Err(spans::too_many().to_string());
        }
        self.numbers.push(number);
        Ok(())
    }

    fn into_polygon(self, polygons: &mut Polygons) -> Result<(), String> {
        match self.wrong {
            Some(reason) => Err(reason),
            None if self.inner > 0 => {
                Err("a polygon is a list of lists, expected x, y, x, y, … in one list".to_owned())
            }
            None if self.runs.is_some() => Err("it has runs where a polygon should be".to_owned()),
            None => polygons.push(&self.numbers).map_err(|error| error.to_string()),
        }
    }

    fn segmentation(mut self) -> Segmentation {
        if let Some(reason) = self.wrong {
            return Segmentation::Wrong(reason);
        }
        match (self.runs, self.inner, self.numbers.is_empty()) {
            (Some(runs), 0, true) => runs.into(),
            (None, _, true) => {
                self.polygons.numbers.shrink_to_fit();
                self.polygons.ends.shrink_to_fit();
                Segmentation::Shape(Shape::Polygons(self.polygons))
            }
            (None, 0, false) => Segmentation::Wrong(
                "its polygon is not inside a list: expected [[x, y, x, y, …]]".to_owned(),
            ),
            _ => Segmentation::Wrong("it mixes polygons with other things".to_owned()),
        }
    }
}

impl From<Result<Runs, String>> for Segmentation {
    fn from(runs: Result<Runs, String>) -> Self {
        match runs {
            Ok(runs) => Self::Shape(Shape::Runs(runs)),
            Err(reason) => Self::Wrong(reason),
        }
    }
}

impl FromJson for Element {
    fn value(value: Loose) -> Self {
        Self::Value(value)
    }

    fn list<'de, A: SeqAccess<'de>>(mut elements: A) -> Result<Self, A::Error> {
        let mut list = List::default();
        while list.wrong.is_none() {
            match elements.next_element::<Json<Self>>()? {
                Some(Json(element)) => list.take(element),
                None => return Ok(Self::List(list)),
            }
        }
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::List(list))
    }

    fn object<'de, A: MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
        let (mut size, mut counts) = (None, None);
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "size" => size = Some(entries.next_value::<Json<Self>>()?.0),
                "counts" => counts = Some(entries.next_value::<Json<Self>>()?.0),
                _ => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Self::Runs(runs(size, counts)))
    }
}

fn runs(size: Option<Element>, counts: Option<Element>) -> Result<Runs, String> {
    let whole = |number: f64, most: f64| {
        ((0.0..=most).contains(&number) && number.fract() == 0.0).then_some(number)
    };
    let size = match size {
        Some(Element::List(list)) => match list.numbers.as_slice() {
            [height, width] => whole(*height, 65_536.0).zip(whole(*width, 65_536.0)),
            _ => None,
        },
        _ => None,
    };
    let (height, width) = size.ok_or("its runs have no size: expected [height, width]")?;
    let size = Size { height: height as usize, width: width as usize };
    let counts = match counts {
        Some(Element::Value(Loose::Text(text))) => Counts::Packed(text),
        Some(Element::List(list)) => {
            if let Some(reason) = list.wrong {
                return Err(reason.replace("a polygon has a corner", "its runs have a length"));
            }
            let run = |number: &f64| whole(*number, f64::from(u32::MAX)).map(|run| run as u32);
            let numbers: Option<Vec<_>> = list.numbers.iter().map(run).collect();
            Counts::Numbers(numbers.ok_or("its runs have a length that is no whole number")?)
        }
        _ => return Err("its runs have no counts".to_owned()),
    };
    Ok(Runs { size, counts })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn corners_beyond_all_photos_are_refused() {
        let mut polygons = Polygons::default();
        for far in [3.1e69, f64::INFINITY, f64::NAN] {
            assert!(polygons.push(&[far, 10.0, 58.0, 10.0, 58.0, 20.0]).is_err());
        }
        assert_eq!(polygons, Polygons::default());
    }

    proptest! {
        #[test]
        fn filling_the_contours_gives_back_the_mask(
            height in 1usize..24,
            width in 1usize..24,
            seed in prop::collection::vec(any::<bool>(), 576),
        ) {
            let size = Size { height, width };
            let mask = &seed[..size.area()];
            let rings = contours(mask, size).unwrap();
            // All rings as one polygon: joined by a way there and back, which crosses twice.
            let mut polygon = Vec::new();
            for ring in &rings {
                polygon.extend([0.0f32; 2]);
                polygon.extend(ring.corners.iter().flat_map(|(x, y)| [*x as f32, *y as f32]));
                let (x, y) = ring.corners[0];
                polygon.extend([x as f32, y as f32]);
            }
            polygon.extend([0.0; 2]);
            let ends = vec![polygon.len() as u32];
            let polygons = Polygons { numbers: polygon, ends };
            prop_assert_eq!(&Shape::Polygons(polygons).mask(size).unwrap(), mask);
            prop_assert_eq!(&Shape::from_mask(mask, size).unwrap().mask(size).unwrap(), mask);
        }
    }

    fn read(text: &str) -> Segmentation {
        serde_json::from_str::<Json<Segmentation>>(text).unwrap().0
    }

    const SIZE: Size = Size { height: 6, width: 8 };

    fn area(text: &str) -> Option<usize> {
        let Segmentation::Shape(shape) = read(text) else { return None };
        shape.mask(SIZE).ok().map(|mask| mask.into_iter().filter(|pixel| *pixel).count())
    }

    #[test]
    fn shapes_are_filled_where_centers_are_inside() {
        assert_eq!(area("[[1, 1, 4, 1, 4, 3, 1, 3]]"), Some(6));
        assert_eq!(area("[[1.4, 1.4, 3.6, 1.4, 3.6, 2.6, 1.4, 2.6]]"), Some(6));
        assert_eq!(area("[[1.6, 1.6, 3.4, 1.6, 3.4, 2.4, 1.6, 2.4]]"), Some(0));
        // Overlaps are not taken away; what crosses itself is.
        assert_eq!(area("[[0, 0, 4, 0, 4, 4, 0, 4], [2, 2, 6, 2, 6, 6, 2, 6]]"), Some(28));
        assert_eq!(area("[[-9e9, -9e9, 9e9, -9e9, 9e9, 9e9, -9e9, 9e9]]"), Some(48));
        assert_eq!(area("{\"size\": [6.0, 8], \"counts\": [1, 4, 43]}"), Some(4));
        assert_eq!(area("[{\"size\": [6, 8], \"counts\": [1, 4, 43]}]"), Some(4));
    }

    #[test]
    fn polygons_without_area_are_left_out() {
        assert_eq!(area("[[1, 1, 4, 1, 4, 3, 1, 3], [5, 5, 6, 6], [], [2, 2]]"), Some(6));
        assert_eq!(area("[[5, 5, 6, 6]]"), None);
    }

    #[test]
    fn what_is_no_shape_is_said_in_words() {
        for (text, words) in [
            ("[1, 1, 4, 1, 4, 3]", "not inside a list"),
            ("[[[1, 1], [4, 1], [4, 3]]]", "list of lists"),
            ("[[1, 1, 4, 1, 4, 3, 7]]", "odd count of numbers, 7"),
            ("[[1, 1, 4, null, 4, 3]]", "a corner that is nothing"),
            ("[[1, 1, 4, \"\u{1b}\", 4, 3]]", "a corner that is \"\\u{1b}\""),
            ("17", "its segmentation is 17"),
            ("{}", "no size"),
            ("{\"size\": [6, 8]}", "no counts"),
            ("{\"size\": [6, 8, 9], \"counts\": \"1\"}", "no size"),
            ("{\"size\": [6, 8], \"counts\": [1, -4]}", "no whole number"),
            (
                "[{\"size\": [6, 8], \"counts\": [48]}, {\"size\": [6, 8], \"counts\": [48]}]",
                "several",
            ),
        ] {
            let Segmentation::Wrong(reason) = read(&text.replace('\u{1b}', "\\u001b")) else {
                panic!("{text}")
            };
            assert!(reason.contains(words), "{text}: {reason}");
        }
        assert!(matches!(read("null"), Segmentation::Missing));
    }

    #[test]
    fn a_polygon_that_crosses_every_row_a_million_times_is_refused_at_once() {
        let mut polygons = Polygons::default();
        let zigzag: Vec<f64> =
            (0..1_000_000u32).flat_map(|i| [f64::from(i % 997), f64::from(i % 2) * 1e9]).collect();
        polygons.push(&zigzag).unwrap();
        let size = Size { height: 4000, width: 4000 };
        assert!(Shape::Polygons(polygons).mask(size).is_err());
        let mut polygons = Polygons::default();
        assert!(polygons.push(&vec![0.0; MOST_NUMBERS + 2]).is_err());
    }
}
