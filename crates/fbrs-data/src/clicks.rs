//! Files of clicks: a JSON list of `{"x": 320, "y": 250, "positive": true}`, in the order of
//! clicking. X grows to the right and Y downwards, in pixels of the upright photo; 0,0 is the middle
//! of the top left one.
//!
//! ```
//! use fbrs_clicks::Click;
//! use fbrs_data::clicks;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let list = vec![Click::positive_at(320.0, 250.0), Click::negative_at(40.0, 60.5)];
//! let mut file = Vec::new();
//! clicks::write(&list, &mut file)?;
//! assert_eq!(clicks::read_from(file.as_slice(), "memory")?, list);
//! # Ok(())
//! # }
//! ```
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::io::{self, Read, Write};
use std::path::Path;

use fbrs_clicks::{Click, ImageSpace};
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use crate::files::{self, ReadError};
use crate::text::printable;

/// Bytes of a file of clicks: room for a hundred thousand of them.
const LONGEST_FILE: u64 = 8 << 20;

/// Why a file of clicks cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClicksError {
    /// The file cannot be read, or is no text.
    #[error(transparent)]
    File(#[from] ReadError),
    /// It is text, but no list of clicks.
    #[error(
        "{file}: expected a list of clicks such as [{{\"x\": 320, \"y\": 200, \"positive\": true}}], \
         got something else: {reason}"
    )]
    NoList {
        /// The file, fit to be printed.
        file: String,
        /// What is wrong, and where.
        reason: String,
        /// What the parser said.
        source: serde_json::Error,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileClick {
    x: f64,
    y: f64,
    positive: bool,
}

/// Reads a file of clicks of at most 8 MiB.
///
/// # Errors
/// [`ClicksError`]. Whether clicks lie in a photo is not looked at.
pub fn read(path: &Path) -> Result<Vec<Click<ImageSpace>>, ClicksError> {
    read_from(files::open(path)?, &path.display().to_string())
}

/// Reads clicks from anything; `name` is what messages call it.
///
/// # Errors
/// As [`read`].
pub fn read_from(source: impl Read, name: &str) -> Result<Vec<Click<ImageSpace>>, ClicksError> {
    let text = files::text(files::read_from(source, name, LONGEST_FILE)?, name)?;
    let clicks: Vec<FileClick> = serde_json::from_str(&text).map_err(|source| {
        let reason = describe(&source);
        ClicksError::NoList { file: printable(name), reason, source }
    })?;
    let click = |FileClick { x, y, positive }| match positive {
        true => Click::positive_at(x, y),
        false => Click::negative_at(x, y),
    };
    Ok(clicks.into_iter().map(click).collect())
}

fn describe(error: &serde_json::Error) -> String {
    let line = error.line();
    match error.classify() {
        Category::Data => format!(
            "line {line} holds no click with the numbers x and y and with positive, true or false"
        ),
        Category::Eof => "the list ends too early".to_owned(),
        Category::Syntax | Category::Io => {
            format!("line {line} is no JSON from letter {} on", error.column())
        }
    }
}

/// Writes a file of clicks, one to a line.
///
/// # Errors
/// What `out` says; positions that are no finite numbers are refused with
/// [`io::ErrorKind::InvalidInput`].
pub fn write(clicks: &[Click<ImageSpace>], out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"[")?;
    let mut before = "\n  ";
    for click in clicks {
        let (x, y) = (click.position.x(), click.position.y());
        if !(x.is_finite() && y.is_finite()) {
            let reason = format!("a click at {x},{y} cannot be written: expected finite numbers");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        out.write_all(before.as_bytes())?;
        serde_json::to_writer(&mut *out, &FileClick { x, y, positive: click.is_positive() })?;
        before = ",\n  ";
    }
    out.write_all(b"\n]\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sentence(bytes: &[u8]) -> String {
        read_from(bytes, "c.json").unwrap_err().to_string()
    }

    const LIST: &str = r#"[{"x": 320, "y": 2.5e1, "positive": true},
        {"positive": false, "y": 0, "x": -0.25}]"#;

    #[test]
    fn clicks_are_read_in_their_order() {
        let expected = [Click::positive_at(320.0, 25.0), Click::negative_at(-0.25, 0.0)];
        assert_eq!(read_from(LIST.as_bytes(), "").unwrap(), expected);
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        let marked = format!("\u{feff}{LIST}");
        assert_eq!(read_from(marked.as_bytes(), "").unwrap().len(), 2);
        assert!(read_from(&b"\xef\xbb\xbf[]"[..], "").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_list_of_clicks_is_named() {
        let utf16: Vec<u8> = LIST.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, words) in [
            (&b"<!DOCTYPE html><title>Sign in"[..], ["a web page", "download the file itself"]),
            (b"version https://git-lfs.github.com/spec/v1", ["a Git LFS pointer", "git lfs pull"]),
            (&utf16, ["UTF-16", "save it as UTF-8"]),
            (b"\xc3\x28", ["no text in UTF-8", ""]),
            (b"", ["ends too early", "\"positive\": true"]),
            (b"[{\"x\": 1,", ["ends too early", "\"positive\": true"]),
            (b"10,20", ["line 1 holds no click", "\"positive\": true"]),
            (b"10;20", ["line 1", "\"positive\": true"]),
            (b"[x]", ["line 1 is no JSON", "\"positive\": true"]),
            (b"{}", ["line 1 holds no click", ""]),
            (b"[\n{\"x\": 1, \"y\": 2, \"pos\": true}]", ["line 2 holds no click", ""]),
            (b"[{\"x\": 1e999, \"y\": 2, \"positive\": true}]", ["line 1", ""]),
            (b"[{\"x\": \"1\", \"y\": 2, \"positive\": true}]", ["line 1 holds no click", ""]),
        ] {
            let sentence = sentence(bytes);
            assert!(sentence.starts_with("c.json"), "{sentence}");
            assert!(words.iter().all(|word| sentence.contains(word)), "{sentence}: {words:?}");
            for jargon in ["expected value", "column", "EOF", "invalid type", "unknown field"] {
                assert!(!sentence.contains(jargon), "{sentence}");
            }
        }
    }

    #[test]
    fn an_endless_source_is_read_to_a_bound() {
        let sentence = read_from(io::repeat(b' '), "endless").unwrap_err().to_string();
        assert!(sentence.contains("endless has more than"), "{sentence}");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let clicks: Vec<_> = (0..50)
            .map(|i| match i % 3 {
                0 => Click::negative_at(f64::from(i) / 7.0, 1e-9),
                _ => Click::positive_at(f64::from(i) * 1e3, f64::from(i)),
            })
            .collect();
        for clicks in [&clicks[..], &[]] {
            let mut file = Vec::new();
            write(clicks, &mut file).unwrap();
            assert_eq!(read_from(file.as_slice(), "").unwrap(), clicks);
        }
        assert!(write(&[Click::positive_at(f64::NAN, 0.0)], &mut Vec::new()).is_err());
    }

    #[test]
    fn no_cut_of_a_file_passes_for_the_whole() {
        for end in 0..LIST.len() {
            assert!(read_from(&LIST.as_bytes()[..end], "").is_err(), "{end}");
        }
    }

    #[test]
    fn numbers_come_back_to_the_bit() {
        let digits = "4".repeat(108) + &"0".repeat(69) + "66666666";
        for number in [digits.as_str(), "0.1", "123.45600000000002", "1e-7", "5e-324"] {
            let text = format!(r#"[{{"x": {number}, "y": 30, "positive": true}}]"#);
            let read = read_from(text.as_bytes(), "clicks").unwrap();
            let mut written = Vec::new();
            write(&read, &mut written).unwrap();
            assert_eq!(read_from(written.as_slice(), "clicks").unwrap(), read, "{number}");
        }
    }
}
