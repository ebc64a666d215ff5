//! YOLO's labels, and the names of their classes.

use std::path::Path;

use fbrs_data::annotations::yolo;
use fbrs_data::files;

use super::masks::Pixels;
use super::photos::without_ending;
use super::{ClassNames, Found, Marked};

/// Bytes of a file of labels, or of names.
const LONGEST: u64 = 64 << 20;
/// Folders above the labels in which their names are looked for.
const ABOVE: usize = 3;

/// What a file of labels has marked; `name` is its path relative to the folder of the labels.
pub(super) fn read(path: &Path, name: &str, names: &ClassNames) -> Result<Marked, String> {
    let text = files::read_text(path, LONGEST).map_err(|error| error.to_string())?;
    let lines = yolo::read(&text).map_err(|error| error.to_string())?;
    let found = |(line, place): (yolo::Line, u64)| Found {
        place,
        class: Some(names.of(u64::from(line.class) + 1)),
        pixels: Pixels::Yolo(line),
    };
    let objects = lines.into_iter().zip(1..).map(found).collect();
    Ok(Marked { photo: without_ending(name).to_owned(), objects, ..Marked::default() })
}

/// The names that lie with the labels: in `data.yaml` or `classes.txt`, in their folder or above it.
pub(super) fn names(folder: &Path) -> Option<Vec<String>> {
    for folder in folder.ancestors().take(ABOVE) {
        for name in ["data.yaml", "data.yml", "dataset.yaml"] {
            let text = files::read_text(&folder.join(name), LONGEST).ok();
            if let Some(names) = text.as_deref().and_then(of_yaml) {
                return Some(names);
            }
        }
        if let Some(names) = list(folder) {
            return Some(names);
        }
    }
    None
}

/// The names in a folder's `classes.txt`, a name in each line.
pub(super) fn list(folder: &Path) -> Option<Vec<String>> {
    let text = files::read_text(&folder.join("classes.txt"), LONGEST).ok()?;
    Some(text.lines().map(|line| line.trim().to_owned()).collect())
}

/// The value of `names`: a list, in one line or below it, or numbers with names. That much of YAML is
/// what programs write there.
fn of_yaml(text: &str) -> Option<Vec<String>> {
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix("names:"))?;
    let value = without_remark(value);
    if let Some(inline) = value.strip_prefix('[') {
        let rest: String = lines.collect::<Vec<_>>().join(" ");
        let whole = format!("{inline} {rest}");
        return Some(split(&whole, ']').into_iter().map(|name| unquoted(&name)).collect());
    }
    if let Some(inline) = value.strip_prefix('{') {
        let rest: String = lines.collect::<Vec<_>>().join(" ");
        let pairs = split(&format!("{inline} {rest}"), '}');
        return Some(numbered(pairs.iter().filter_map(|pair| pair.split_once(':'))));
    }
    let is_inner = |line: &&str| line.starts_with([' ', '\t', '-', '#']) || line.trim().is_empty();
    let lines: Vec<_> = lines.take_while(is_inner).map(without_remark).collect();
    let items = lines.iter().filter_map(|line| line.strip_prefix('-'));
    let listed: Vec<_> = items.map(unquoted).collect();
    match listed.is_empty() {
        false => Some(listed),
        true => Some(numbered(lines.iter().filter_map(|line| line.split_once(':')))),
    }
}

/// Numbers beyond it name no class.
const MOST: usize = 1 << 20;

fn numbered<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut names = Vec::new();
    for (number, name) in pairs {
        let number = unquoted(number).parse::<usize>().ok().filter(|number| *number < MOST);
        let Some(number) = number else { continue };
        if names.len() <= number {
            names.resize(number + 1, String::new());
        }
        if let Some(place) = names.get_mut(number) {
            *place = unquoted(name);
        }
    }
    names
}

/// The items of a list in one line, up to its end.
fn split(text: &str, end: char) -> Vec<String> {
    let (mut items, mut item) = (Vec::new(), String::new());
    let mut quote = None;
    for letter in text.chars() {
        match quote {
            None if letter == end => break,
            None if letter == ',' => {
                items.push(std::mem::take(&mut item));
                continue;
            }
            None if matches!(letter, '"' | '\'') && item.trim().is_empty() => quote = Some(letter),
            Some(open) if letter == open => quote = None,
            _ => {}
        }
        item.push(letter);
    }
    if !item.trim().is_empty() {
        items.push(item);
    }
    items
}

fn unquoted(text: &str) -> String {
    let text = text.trim();
    let inside = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    if inside('"').is_some() {
        // A text of JSON is one of YAML.
        if let Ok(text) = serde_json::from_str(text) {
            return text;
        }
    }
    let single = inside('\'').map(|text| text.replace("''", "'"));
    single.or_else(|| inside('"').map(str::to_owned)).unwrap_or_else(|| text.to_owned())
}

/// A line without what stands behind a `#`, where that is in no text.
fn without_remark(line: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, letter) in line.char_indices() {
        match quote {
            None if letter == '#' && before.is_whitespace() => {
                return line.get(..at).unwrap_or(line).trim();
            }
            None if matches!(letter, '"' | '\'') && matches!(before, ' ' | '[' | '{' | ',') => {
                quote = Some(letter);
            }
            Some(open) if letter == open => quote = None,
            _ => {}
        }
        before = letter;
    }
    line.trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_programs_write_them() {
        let expected = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        for (text, names) in [
            (
                "path: x\nnames:\n  0: cat\n  1: \"a \\\"b\\\"\" # one\nnc: 2\n",
                &["cat", "a \"b\""][..],
            ),
            ("names: ['cat', \"dog, big\", it's]\nnc: 3", &["cat", "dog, big", "it's"]),
            ("names: [\n  cat,\n  dog\n]\n", &["cat", "dog"]),
            ("names:\n- cat\n- 'it''s'\ntrain: x", &["cat", "it's"]),
            ("names: # two\n\n  2: Ünï\n  0: 写真\n", &["写真", "", "Ünï"]),
            ("names: {0: cat, 1: dog}\n", &["cat", "dog"]),
            ("names: {999999999999: cat}", &[]),
        ] {
            assert_eq!(of_yaml(text), expected(names), "{text}");
        }
        assert_eq!(of_yaml("nc: 2"), None);
    }
}
