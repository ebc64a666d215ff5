//! JSON as Python's tools write it: made into plain JSON on the way, and values taken loosely.

use std::fmt;
use std::io::{self, Read};
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use crate::annotations::FormatError;

/// Bytes that a file may have; COCO's largest has 450 MB, LVIS's 1.1 GB.
const LONGEST_FILE: u64 = 2 << 30;
/// Bytes of one text, where nobody says otherwise.
const LONGEST_TEXT: u64 = 64 << 20;
/// Lists and objects in one another.
const DEEPEST: u32 = 64;
/// Bytes that are read at a time.
const CHUNK: usize = 1 << 16;

/// Turns what Python's `json` writes beyond JSON into JSON: a byte order mark is left out, `NaN`,
/// `Infinity` and `-Infinity` become empty texts, which are no numbers either. Refuses what no
/// sound file holds before anybody makes room for it.
pub(in crate::annotations) struct Plain<R> {
    reader: R,
    place: Place,
    /// Bytes read.
    total: u64,
    /// Bytes of the text at hand.
    text: u64,
    /// How many a text may have.
    longest_text: u64,
    depth: u32,
    /// What was not given away yet, from `given` on.
    ready: Vec<u8>,
    given: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    Outside,
    /// A minus sign was read and not given away.
    Minus,
    /// Letters of NaN or Infinity that are still to come.
    Word(&'static [u8]),
    Text,
    Escaped,
}

impl<R: Read> Plain<R> {
    pub(in crate::annotations) fn new(reader: R) -> Self {
        let (ready, given, longest_text) = (Vec::new(), 0, LONGEST_TEXT);
        let place = Place::Start;
        Self { reader, place, total: 0, text: 0, longest_text, depth: 0, ready, given }
    }

    /// With texts of at most this many bytes.
    pub(in crate::annotations) fn with_texts_of(self, longest_text: u64) -> Self {
        Self { longest_text, ..self }
    }

    fn refill(&mut self) -> io::Result<()> {
        let mut chunk = [0; CHUNK];
        let count = self.reader.read(&mut chunk)?;
        self.total = self.total.saturating_add(count as u64);
        if self.total > LONGEST_FILE {
            return refuse("it has more than 2 GiB");
        }
        self.ready.clear();
        self.given = 0;
        let mut chunk = chunk.get(..count).unwrap_or_default();
        if self.place == Place::Start && count > 0 {
            self.place = Place::Outside;
            chunk = chunk.strip_prefix(b"\xef\xbb\xbf").unwrap_or(chunk);
        }
        chunk.iter().try_for_each(|byte| self.step(*byte))
    }

    fn step(&mut self, byte: u8) -> io::Result<()> {
        self.place = match (self.place, byte) {
            (Place::Text, b'\\') => Place::Escaped,
            (Place::Text, b'"') => Place::Outside,
            (Place::Text | Place::Escaped, _) => {
                self.text = self.text.saturating_add(1);
                if self.text > self.longest_text {
                    let most = self.longest_text >> 20;
                    return refuse(&format!("a text in it has more than {most} MiB"));
                }
                Place::Text
            }
            (Place::Word([letter, rest @ ..]), byte) => {
                // What begins like such a word and is none stays no JSON.
                self.ready.push(if byte == *letter { b' ' } else { 0 });
                self.place = if rest.is_empty() { Place::Outside } else { Place::Word(rest) };
                return Ok(());
            }
            (Place::Minus, b'I') => return self.word(b"nfinity"),
            (Place::Minus, byte) => {
                self.ready.push(b'-');
                self.place = Place::Outside;
                return self.step(byte);
            }
            (_, b'-') => {
                self.place = Place::Minus;
                return Ok(());
            }
            (_, b'N') => return self.word(b"aN"),
            (_, b'I') => return self.word(b"nfinity"),
            (_, b'"') => {
                self.text = 0;
                Place::Text
            }
            (_, b'[' | b'{') => {
                self.depth = self.depth.saturating_add(1);
                if self.depth > DEEPEST {
                    return refuse("its lists and objects are more than 64 deep");
                }
                Place::Outside
            }
            (_, b']' | b'}') => {
                self.depth = self.depth.saturating_sub(1);
                Place::Outside
            }
            _ => Place::Outside,
        };
        self.ready.push(byte);
        Ok(())
    }

    fn word(&mut self, rest: &'static [u8]) -> io::Result<()> {
        self.ready.extend(b"\"\"");
        self.place = Place::Word(rest);
        Ok(())
    }
}

fn refuse(reason: &str) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::InvalidData, reason))
}

impl<R: Read> Read for Plain<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() {
            let before = self.total;
            self.refill()?;
            if self.total == before {
                return Ok(0);
            }
        }
        let mut rest = self.ready.get(self.given..).unwrap_or_default();
        let count = rest.read(buffer)?;
        self.given = self.given.saturating_add(count);
        Ok(count)
    }
}

/// What is wrong with JSON, in words.
pub(in crate::annotations) fn explain(error: serde_json::Error) -> FormatError {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Io => match io::Error::from(error) {
            error if error.kind() == io::ErrorKind::InvalidData => {
                FormatError::TooLarge(error.to_string())
            }
            error => FormatError::Io(error),
        },
        Category::Eof => FormatError::damaged("its JSON ends too early: a part of it is missing"),
        Category::Syntax | Category::Data => {
            FormatError::Damaged(format!("its JSON is damaged at line {line}, column {column}"))
        }
    }
}

/// A value of any kind; lists and objects are not kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::annotations) enum Loose {
    #[default]
    Nothing,
    Bool(bool),
    Integer(i128),
    Number(f64),
    Text(String),
    List,
    Object,
}

impl Loose {
    /// A whole number, however it is written.
    pub(in crate::annotations) fn whole(&self) -> Option<i128> {
        let of_float = |number: f64| {
            let fits = number.fract() == 0.0 && number.abs() < 2f64.powi(64);
            fits.then_some(number as i128)
        };
        match self {
            Self::Integer(number) => Some(*number),
            Self::Number(number) => of_float(*number),
            Self::Text(text) => {
                let text = text.trim();
                text.parse().ok().or_else(|| of_float(text.parse().ok()?))
            }
            _ => None,
        }
    }

    /// A finite number, however it is written.
    pub(in crate::annotations) fn number(&self) -> Option<f64> {
        let number = match self {
            Self::Integer(number) => *number as f64,
            Self::Number(number) => *number,
            Self::Text(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        Some(number).filter(|number| number.is_finite())
    }

    /// Yes or no, however it is written; nothing is no.
    pub(in crate::annotations) fn truth(&self) -> Option<bool> {
        match self {
            Self::Nothing => Some(false),
            Self::Bool(value) => Some(*value),
            Self::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Self::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            other => other.whole().filter(|value| (0..=1).contains(value)).map(|value| value == 1),
        }
    }
}

impl fmt::Display for Loose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Bool(value) => value.fmt(f),
            Self::Integer(number) => number.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => write!(f, "\"{}\"", crate::text::printable(text)),
            Self::List => f.write_str("a list"),
            Self::Object => f.write_str("an object"),
        }
    }
}

/// What can be made of any value, so that none ends the reading of a file.
pub(in crate::annotations) trait FromJson: Sized {
    /// Of a value that is no list and no object, or of one that is of no use.
    fn value(value: Loose) -> Self;

    /// Of a list, which is read to its end.
    fn list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::value(Loose::List))
    }

    /// Of an object, which is read to its end.
    fn object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::value(Loose::Object))
    }
}

impl FromJson for Loose {
    fn value(value: Loose) -> Self {
        value
    }
}

/// Reads whatever stands there.
pub(in crate::annotations) struct Json<T>(pub(in crate::annotations) T);

impl<'de, T: FromJson> Deserialize<'de> for Json<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Any(PhantomData)).map(Self)
    }
}

struct Any<T>(PhantomData<T>);

impl<'de, T: FromJson> Visitor<'de> for Any<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::value(Loose::Nothing))
    }

    fn visit_bool<E>(self, value: bool) -> Result<T, E> {
        Ok(T::value(Loose::Bool(value)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<T, E> {
        Ok(T::value(Loose::Integer(number.into())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<T, E> {
        Ok(T::value(Loose::Integer(number.into())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<T, E> {
        Ok(T::value(Loose::Number(number)))
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(T::value(Loose::Text(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
        T::object(object)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn plain(text: &str) -> String {
        let mut plain = String::new();
        Plain::new(text.as_bytes()).read_to_string(&mut plain).unwrap();
        plain
    }

    #[test]
    fn what_python_writes_becomes_json() {
        assert_eq!(plain("\u{feff}{\"NaN\": -1}"), "{\"NaN\": -1}");
        for word in ["NaN", "Infinity", "-Infinity"] {
            let text = plain(&format!("[{word},1,\"-Infinity \\\" NaN\", {word}]"));
            let value: Vec<Json<Loose>> = serde_json::from_str(&text).unwrap();
            let value: Vec<Loose> = value.into_iter().map(|value| value.0).collect();
            assert_eq!(value[0], Loose::Text(String::new()), "{text}");
            assert_eq!(value[1..3], [Loose::Integer(1), Loose::Text("-Infinity \" NaN".into())]);
            assert_eq!(value[3].number(), None);
        }
        for text in ["[Nan]", "[Infinite]", "[-Inf]", "[N]"] {
            assert!(serde_json::from_str::<Vec<Json<Loose>>>(&plain(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_numbers_however_they_are_written() {
        let value = |text: &str| serde_json::from_str::<Json<Loose>>(text).unwrap().0;
        for text in ["17", "17.0", "\"17\"", "\" 17.0\""] {
            assert_eq!(value(text).whole(), Some(17), "{text}");
        }
        assert_eq!(value("9223372036854775808").whole(), Some(1 << 63));
        for text in ["17.5", "\"x\"", "null", "[17]", "{}", "1e40"] {
            assert_eq!(value(text).whole(), None, "{text}");
        }
        for (text, truth) in [("false", false), ("1.0", true), ("\"0\"", false), ("null", false)] {
            assert_eq!(value(text).truth(), Some(truth), "{text}");
        }
        assert_eq!(value("2").truth(), None);
        assert_eq!(value("\"nan\"").number(), None);
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let deep = "[".repeat(1_000_000);
        let mut bytes = Vec::new();
        assert!(Plain::new(deep.as_bytes()).read_to_end(&mut bytes).is_err());
        assert!(bytes.len() <= CHUNK);
        let text = io::repeat(b'x').take(LONGEST_TEXT + 10);
        let mut text = Plain::new(b"\"".chain(text));
        let mut sink = io::sink();
        assert!(io::copy(&mut text, &mut sink).is_err());
    }
}
