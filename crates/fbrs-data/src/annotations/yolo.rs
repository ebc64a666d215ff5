//! YOLO's segmentation labels: a line for each object, `class x1 y1 x2 y2 …`, its corners relative
//! to the photo's width and height.
//!
//! A line is one ring through the centers of the object's border pixels, which belong to it: holes
//! and parts are joined to it as [`outlines`](super::outlines) tells. A corner in pixels is its
//! number times the photo's side, without the fraction.
//!
//! Format: <https://docs.ultralytics.com/datasets/segment/>.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::io::{self, Write};

use fbrs_clicks::Size;

use super::FormatError;
use super::spans::{Span, with_border};
use crate::text::printable_within;

/// Lines that a file may have.
const MOST_LINES: usize = 100_000;
/// Numbers that a file may have.
const MOST_NUMBERS: usize = 4_000_000;
/// The largest class that is read.
const MOST_CLASSES: u32 = 1 << 20;
/// What rounding may add to a number that is 0 or 1.
const ROUNDING: f64 = 1e-3;
/// Letters of a word that are shown.
const SHOWN: usize = 24;

/// One object.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its class, from 0 on.
    pub class: u32,
    /// Its corners, (x, y) from 0 to 1.
    pub corners: Vec<(f64, f64)>,
}

/// Reads a file of labels. Empty lines are passed over.
///
/// # Errors
/// [`FormatError::Damaged`], which names the line; [`FormatError::Unsupported`] for boxes;
/// [`FormatError::TooLarge`] for more than 100,000 lines or 4 million numbers.
pub fn read(text: &str) -> Result<Vec<Line>, FormatError> {
    let mut lines = Vec::new();
    let mut numbers = 0usize;
    for (line, place) in text.lines().zip(1u64..) {
        let mut words = line.split_ascii_whitespace();
        let Some(class) = words.next() else { continue };
        if lines.len() == MOST_LINES {
            let reason = format!("it has more than {MOST_LINES} lines");
            return Err(FormatError::TooLarge(reason));
        }
        let class = class_of(class).map_err(|reason| at(place, &reason))?;
        let mut values = Vec::new();
        for word in words {
            numbers = numbers.saturating_add(1);
            if numbers > MOST_NUMBERS {
                let reason = format!("it has more than {MOST_NUMBERS} numbers");
                return Err(FormatError::TooLarge(reason));
            }
            values.push(relative(word).map_err(|reason| at(place, &reason))?);
        }
        let (corners, rest) = values.as_chunks::<2>();
        match (corners.len(), rest.is_empty()) {
            (2, true) => {
                return Err(FormatError::Unsupported(format!(
                    "line {place} is a box (class, middle, width and height): expected a polygon \
                     of at least 3 corners"
                )));
            }
            (3.., true) => {}
            _ => {
                let reason = format!(
                    "it has {} numbers behind its class, expected x y for at least 3 corners",
                    values.len()
                );
                return Err(at(place, &reason));
            }
        }
        lines.push(Line { class, corners: corners.iter().map(|[x, y]| (*x, *y)).collect() });
    }
    Ok(lines)
}

fn at(place: u64, reason: &str) -> FormatError {
    FormatError::Damaged(format!("line {place}: {reason}"))
}

fn class_of(word: &str) -> Result<u32, String> {
    // Some tools write it with a fraction of zero.
    let number = word.strip_suffix(".0").unwrap_or(word).parse();
    number.ok().filter(|class| *class < MOST_CLASSES).ok_or_else(|| {
        let word = printable_within(word, SHOWN);
        format!("its class is \"{word}\", expected a whole number from 0 to {}", MOST_CLASSES - 1)
    })
}

fn relative(word: &str) -> Result<f64, String> {
    let number = word.parse().ok();
    let number = number.filter(|number| (-ROUNDING..=1.0 + ROUNDING).contains(number));
    let number = number.map(|number: f64| number.clamp(0.0, 1.0));
    number.ok_or_else(|| {
        let word = printable_within(word, SHOWN);
        format!("\"{word}\" is no number from 0 to 1, the part of the photo's width or height")
    })
}

/// Writes a file of labels, numbers with six decimals.
///
/// # Errors
/// Whatever `writer` says.
pub fn write(lines: &[Line], mut writer: impl Write) -> io::Result<()> {
    for line in lines {
        write!(writer, "{}", line.class)?;
        for (x, y) in &line.corners {
            write!(writer, " {x:.6} {y:.6}")?;
        }
        writeln!(writer)?;
    }
    Ok(())
}

impl Line {
    /// An object whose ring goes through these pixels (x, y) of a photo of `size`.
    pub fn through(class: u32, pixels: &[(u32, u32)], size: Size) -> Self {
        let of = |at: u32, side: usize| (f64::from(at) + 0.5) / side.max(1) as f64;
        let corner = |(x, y): &(u32, u32)| (of(*x, size.width), of(*y, size.height));
        Self { class, corners: pixels.iter().map(corner).collect() }
    }

    /// The pixels of a photo of `size` that are in it, row by row.
    ///
    /// # Errors
    /// [`FormatError::TooLarge`] where its corners are too many to be filled in reasonable time.
    pub fn spans(&self, size: Size) -> Result<Vec<Span>, FormatError> {
        // What lies on the photo's right or lower edge is of its last pixel.
        let of = |at: f64, side: usize| {
            ((at * side as f64) as i64).clamp(0, (side as i64).saturating_sub(1).max(0))
        };
        let pixel = |(x, y): &(f64, f64)| (of(*x, size.width), of(*y, size.height));
        with_border(&self.corners.iter().map(pixel).collect::<Vec<_>>(), size)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::annotations::outlines::Outline;
    use crate::annotations::spans;

    fn text(lines: &[Line]) -> String {
        let mut text = Vec::new();
        write(lines, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    proptest! {
        #[test]
        fn masks_of_one_part_come_back(
            height in 1usize..24,
            width in 1usize..24,
            seed in prop::collection::vec(any::<bool>(), 576),
            class in 0u32..99,
        ) {
            let size = Size { height, width };
            let mask = &seed[..size.area()];
            // Each part is an object here.
            let paths = Outline::new(mask, size).unwrap().paths();
            let lines: Vec<_> =
                paths.iter().map(|path| Line::through(class, path, size)).collect();
            let read = read(&text(&lines)).unwrap();
            prop_assert_eq!(read.len(), lines.len());
            let mut all = vec![false; size.area()];
            for line in &read {
                prop_assert_eq!(line.class, class);
                let mask = spans::mask(&line.spans(size).unwrap(), size);
                all.iter_mut().zip(mask).for_each(|(pixel, inside)| *pixel |= inside);
            }
            prop_assert_eq!(&all, mask);
        }

        #[test]
        fn any_text_is_lines_or_an_error(text in "[0-9. \\n\\-e]{0,60}") {
            for line in read(&text).unwrap_or_default() {
                let size = Size { height: 7, width: 9 };
                prop_assert!(line.spans(size).unwrap().iter().all(|span| span.0 < 7 && span.2 <= 9));
            }
        }
    }

    #[test]
    fn pixels_come_back_from_the_largest_photos() {
        let size = Size { height: 65_535, width: 65_536 };
        for at in [(0, 0), (65_535, 65_534), (32_767, 1), (12_345, 54_321)] {
            let line = Line::through(0, &[at; 3], size);
            let line = &read(&text(&[line])).unwrap()[0];
            assert_eq!(line.spans(size).unwrap(), [(at.1, at.0, at.0 + 1)]);
        }
    }

    #[test]
    fn what_is_no_line_is_said_in_words() {
        for (text, words) in [
            ("0 0.5 0.5 0.1 0.1", "line 1 is a box"),
            ("\n0 0.1 0.1 0.2 0.1 0.2", "line 2: it has 5 numbers"),
            ("0", "it has 0 numbers"),
            ("-1 0 0 0 1 1 1", "its class is \"-1\""),
            ("cat 0 0 0 1 1 1", "its class is \"cat\""),
            ("4294967295 0 0 0 1 1 1", "from 0 to 1048575"),
            ("0 0 0 0 1 1 320", "\"320\" is no number from 0 to 1"),
            ("0 0 0 0 1 1 nan", "\"nan\""),
            ("0 0 0 0 1 1 \u{1b}[2J", "\\u{1b}"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
        assert_eq!(read("\n \r\n").unwrap(), []);
        assert_eq!(read("1.0 0 0 0 1 1.0000001 1\r\n").unwrap()[0].class, 1);
    }
}
