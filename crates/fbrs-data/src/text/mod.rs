//! Text that comes from files: made safe to print, and told from what is none.

mod known;

pub use known::Stranger;

/// Letters of a text that are shown.
const LONGEST: usize = 200;

/// Text from a file as a message or a table may show it: in one line, without control characters
/// and without what turns the direction of writing, both escaped; not too long.
///
/// So nothing in it can clear a screen, set a title, or pass for a line of its own.
pub fn printable(text: &str) -> String {
    printable_within(text, LONGEST)
}

/// As [`printable`], with at most this many letters of the text.
pub fn printable_within(text: &str, longest: usize) -> String {
    let shown: String = text.chars().take(longest).collect();
    let mut shown = escaped(&shown);
    if text.chars().nth(longest).is_some() {
        shown.push('…');
    }
    shown
}

/// As [`printable`], and never cut: for whole sentences that hold text from files.
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_unsafe(letter) {
            shown.push_str(&escape(letter));
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// Whether a letter may do something else to a terminal than be shown.
pub fn is_unsafe(letter: char) -> bool {
    letter.is_control() || is_deceptive(letter)
}

/// Separators of lines, and marks that change the order in which letters are shown.
fn is_deceptive(letter: char) -> bool {
    matches!(
        letter,
        '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{feff}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

/// `\n` and its like where there is a name, else `\u{…}`.
fn escape(letter: char) -> String {
    match letter {
        '\n' | '\r' | '\t' => letter.escape_default().collect(),
        _ => letter.escape_unicode().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_but_letters() {
        assert_eq!(printable("\u{1b}[2Jline\nnext"), "\\u{1b}[2Jline\\nnext");
        assert_eq!(printable("a\u{202e}b\u{9b}c"), "a\\u{202e}b\\u{9b}c");
        assert_eq!(printable("Grün „日本“ ✓"), "Grün „日本“ ✓");
        assert_eq!(printable(&"x".repeat(1000)).chars().count(), LONGEST + 1);
    }
}
