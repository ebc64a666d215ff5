use std::fmt::Display;

use super::BadOptions;
use crate::{Error, Result};

/// Collects the first value that makes no sense.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    first: Option<Error>,
}

impl Checks {
    /// Holds `key` to what is `expected` of it.
    pub(crate) fn that(&mut self, holds: bool, key: &str, expected: &str, found: impl Display) {
        if !holds && self.first.is_none() {
            self.first = Some(Error::value(key, expected, found));
        }
    }

    /// A probability or a share.
    pub(crate) fn share(&mut self, key: &str, value: f64) {
        self.that((0.0..=1.0).contains(&value), key, "a number from 0 to 1", value);
    }

    /// A number that may be 0.
    pub(crate) fn not_negative(&mut self, key: &str, value: f64) {
        let holds = value.is_finite() && value >= 0.0;
        self.that(holds, key, "a number that is not negative", value);
    }

    /// A number above 0.
    pub(crate) fn positive(&mut self, key: &str, value: f64) {
        self.that(value.is_finite() && value > 0.0, key, "a number above 0", value);
    }

    /// At least 1 and not absurd.
    pub(crate) fn count(&mut self, key: &str, value: usize, most: usize) {
        let expected = format!("a whole number from 1 to {most}");
        self.that((1..=most).contains(&value), key, &expected, value);
    }

    /// The name of a folder: no way out of where it is made.
    pub(crate) fn name(&mut self, key: &str, name: &str) {
        let expected = "a name of letters, digits, \"-\", \"_\" and \".\" that begins with none of these signs";
        self.that(name.is_empty() || is_name(name), key, expected, format!("\"{name}\""));
    }

    /// What the samples' options say of themselves.
    pub(crate) fn options(&mut self, checked: std::result::Result<(), BadOptions>) {
        if let (Err(bad), None) = (checked, &self.first) {
            let key = format!("samples.{}", bad.option);
            self.first = Some(Error::value(&key, bad.expected, bad.found));
        }
    }

    pub(crate) fn result(self) -> Result<()> {
        self.first.map_or(Ok(()), Err)
    }
}

/// Whether a text can be the name of a folder on every system.
pub(crate) fn is_name(text: &str) -> bool {
    let plain = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
    text.starts_with(char::is_alphanumeric) && text.chars().all(plain) && text.len() <= 100
}

/// A message of several lines in one.
pub(crate) fn one_line(message: &str) -> String {
    message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
