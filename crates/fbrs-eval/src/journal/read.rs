//! Reads journals that anybody may have written: lines of bounded length, numbers of bounded size.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::collections::{BTreeMap, HashSet};
use std::io::{self, BufRead, Read};

use fbrs_data::pictures::Limits;
use fbrs_data::sets::Layout;
use fbrs_data::text::printable;

use super::{Header, Record, Results};
use crate::result::ObjectResult;
use crate::settings::Configuration;

/// Version of the journal's form.
pub(super) const FORM: u32 = 1;
/// How every journal begins, but for a byte order mark.
const BEGINNING: &[u8] = b"{\"fbrs_eval\":";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Bytes of the first line: room for thousands of data sets.
const LONGEST_HEADER: u64 = 1 << 20;
/// Bytes of any other line: room for the mask of a noisy photo of 120 megapixels.
const LONGEST_LINE: u64 = 64 << 20;
/// Objects of all data sets together; COCO has 860,000.
const MOST_OBJECTS: usize = 100_000_000;

/// A journal's contents and the length of its sound part.
pub(super) struct Contents {
    pub(super) results: Results,
    pub(super) sound: u64,
}

/// Why a journal cannot be read.
pub(super) enum Fault {
    Io(io::Error),
    /// It is none, or is damaged.
    Journal(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn wrong<T>(reason: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Journal(reason.into()))
}

/// What files are left alone that are not this crate's.
pub(super) const NO_JOURNAL: &str =
    "it is no journal and is left alone: expected one, an empty file, or a name that is free";

/// Whether a file with this beginning may be a journal, whole or cut short.
pub(super) fn may_begin(beginning: &[u8]) -> bool {
    let beginning = beginning.strip_prefix(BYTE_ORDER_MARK).unwrap_or(beginning);
    BEGINNING.starts_with(beginning) || beginning.starts_with(BEGINNING)
}

/// Bytes that [`may_begin`] needs.
pub(super) fn beginning_of(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut beginning = Vec::new();
    let count = BEGINNING.len().saturating_add(BYTE_ORDER_MARK.len());
    reader.take(count as u64).read_to_end(&mut beginning)?;
    Ok(beginning)
}

/// Reads a journal; `None` for a file that holds the beginning of one, but no whole line.
pub(super) fn read(mut reader: impl BufRead) -> Result<Option<Contents>, Fault> {
    let mut sound = 0u64;
    if reader.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
        reader.consume(BYTE_ORDER_MARK.len());
        sound = BYTE_ORDER_MARK.len() as u64;
    }
    let mut line = Vec::new();
    let first = next(&mut reader, &mut line, LONGEST_HEADER)?;
    if !may_begin(&line) || matches!(first, Next::TooLong) {
        return wrong(NO_JOURNAL);
    }
    let Next::Line(length) = first else { return Ok(None) };
    sound = sound.saturating_add(length);
    let (configuration, shard) = match header(&line) {
        Ok(header) => (header.configuration, header.shard),
        Err(reason) => {
            let advice = "begin it anew, or use the version of fbrs that wrote it";
            return wrong(format!(
                "its first line is damaged or of another version ({reason}): {advice}"
            ));
        }
    };
    let names = Names::of(&configuration);
    let mut results = Results { configuration, shard, records: BTreeMap::new() };
    let mut number = 1u64;
    loop {
        number = number.saturating_add(1);
        let length = match next(&mut reader, &mut line, LONGEST_LINE)? {
            Next::Line(length) => length,
            Next::End => break,
            Next::TooLong => {
                let most = LONGEST_LINE >> 20;
                return wrong(format!("line {number} has more than {most} MiB: {ADVICE}"));
            }
        };
        if !line.trim_ascii().is_empty() {
            match record(&line, &results, &names) {
                Some(record) => drop(results.records.insert(record.number, record)),
                None => {
                    return wrong(format!("line {number} is no result of this run: {ADVICE}"));
                }
            }
        }
        sound = sound.saturating_add(length);
    }
    Ok(Some(Contents { results, sound }))
}

const ADVICE: &str =
    "delete that line, and its object is evaluated again, or begin the journal anew";

enum Next {
    /// A line and its length, its end included.
    Line(u64),
    /// There is none, or one that was cut short.
    End,
    TooLong,
}

/// Reads the next line, without its end.
fn next(reader: &mut impl BufRead, line: &mut Vec<u8>, longest: u64) -> io::Result<Next> {
    line.clear();
    let length = reader.take(longest.saturating_add(1)).read_until(b'\n', line)? as u64;
    Ok(match line.last() {
        Some(b'\n') => {
            line.pop();
            Next::Line(length)
        }
        _ if length > longest => Next::TooLong,
        _ => Next::End,
    })
}

fn header(line: &[u8]) -> Result<Header, String> {
    let header: Header =
        serde_json::from_slice(line).map_err(|error| printable(&error.to_string()))?;
    if header.fbrs_eval != FORM {
        return Err(format!("expected form {FORM}, found {}", header.fbrs_eval));
    }
    let shard = header.shard;
    if shard.number < 1 || shard.number > shard.count || shard.count > MOST_OBJECTS {
        return Err(format!("there is no shard {shard}"));
    }
    let Configuration { settings, data, .. } = &header.configuration;
    settings.options(Layout::Folder).map_err(|error| printable(&error.to_string()))?;
    let sum = data.iter().try_fold(0usize, |sum, data| sum.checked_add(data.objects));
    if sum.is_none_or(|sum| sum > MOST_OBJECTS) {
        return Err(format!("it claims to have more than {MOST_OBJECTS} objects"));
    }
    let names: HashSet<_> = data.iter().map(|data| &data.name).collect();
    if names.len() != data.len() {
        return Err("two of its data sets have one name".to_owned());
    }
    Ok(header)
}

/// Names of data sets by the numbers of their objects.
struct Names(Vec<(usize, String)>);

impl Names {
    fn of(configuration: &Configuration) -> Self {
        let mut end = 0usize;
        let ends = configuration.data.iter().map(|data| {
            end = end.saturating_add(data.objects);
            (end, data.name.clone())
        });
        Self(ends.collect())
    }

    /// Name of the data set that has the object with this number.
    fn at(&self, number: usize) -> Option<&str> {
        let index = self.0.partition_point(|(end, _)| *end <= number);
        self.0.get(index).map(|(_, name)| name.as_str())
    }
}

/// The record on a line; `None` where it is none of this run.
fn record(line: &[u8], results: &Results, names: &Names) -> Option<Record> {
    let record: Record = serde_json::from_slice(line).ok()?;
    let is_of_this_run = results.shard.holds(record.number)
        && names.at(record.number) == Some(record.data.as_str())
        && record.result.is_some() != record.problem.is_some();
    let max_clicks = results.configuration.settings.max_clicks;
    let is_sound = record.result.as_ref().is_none_or(|result| is_sound(result, max_clicks));
    (is_of_this_run && is_sound).then_some(record)
}

/// Whether sizes and numbers of a result can be.
fn is_sound(result: &ObjectResult, max_clicks: usize) -> bool {
    let [height, width] = result.size;
    let limits = Limits::default();
    let area = height.checked_mul(width).and_then(|area| u64::try_from(area).ok());
    let longest = limits.longest_side as usize;
    let counts = [result.clicks.len(), result.iou.len(), result.seconds.len()];
    let seconds = |seconds: &crate::result::ClickSeconds| {
        let parts = seconds.parts().map(|(_, part)| part);
        parts.iter().chain([&seconds.total]).all(|part| part.is_finite() && *part >= 0.0)
    };
    (1..=longest).contains(&height)
        && (1..=longest).contains(&width)
        && area.is_some_and(|area| area <= limits.area)
        && counts.iter().all(|count| *count == result.iou.len() && *count <= max_clicks)
        && result.clicks.iter().all(|(_, row, col)| *row < height && *col < width)
        && result.iou.iter().all(|iou| (0.0..=1.0).contains(iou))
        && result.seconds.iter().all(seconds)
}
