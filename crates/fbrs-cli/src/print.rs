//! Standard output and standard error.

use std::io::{self, ErrorKind, IsTerminal, Write};

use anyhow::Result;
use fbrs_data::text::{escaped, is_unsafe};
use serde::Serialize;

use crate::exit::Exit;

/// What the user wants to hear.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voice {
    /// Nothing on standard error but errors.
    pub(crate) quiet: bool,
    /// Remarks even where standard error is no terminal.
    pub(crate) verbose: bool,
}

impl Voice {
    /// Whether somebody watches: progress bars are shown to them alone.
    pub(crate) fn is_watched(self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Tells how something went, to those who watch or ask for it.
    pub(crate) fn remark(self, text: impl AsRef<str>) {
        if self.verbose || self.is_watched() {
            say(text);
        }
    }

    /// Tells what the user ought to know, watching or not.
    pub(crate) fn warn(self, text: impl AsRef<str>) {
        if !self.quiet {
            say(text);
        }
    }
}

/// One line on standard error, whatever the text holds. Where even that cannot be written, nobody is
/// listening.
pub(crate) fn say(text: impl AsRef<str>) {
    let _ = writeln!(io::stderr(), "fbrs: {}", escaped(text.as_ref()));
}

/// Writes to standard output. A reader that has seen enough (`| head`) is no failure.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Exit::Output.because(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// A line whose text may come from files, made safe to print.
pub(crate) fn safe(line: &str) -> String {
    escaped(line)
}

/// Writes a value to standard output as JSON.
pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    let mut text = String::new();
    for letter in serde_json::to_string_pretty(value)?.chars() {
        // In JSON, only the texts can hold them.
        match is_unsafe(letter) && letter != '\n' {
            true => text += &format!("\\u{:04x}", u32::from(letter)),
            false => text.push(letter),
        }
    }
    print(&(text + "\n"))
}

/// A table: columns as wide as their longest entry, two spaces between them. Entries are made safe
/// to print.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    let rows: Vec<_> = rows.iter().map(|row| row.each_ref().map(|entry| escaped(entry))).collect();
    for row in &rows {
        for (width, entry) in widths.iter_mut().zip(row) {
            *width = entry.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (width, entry) in widths.iter().zip(row) {
            line += &format!("{entry:<width$}  ");
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// A number of bytes for people.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
