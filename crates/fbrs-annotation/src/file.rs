//! The document's file.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use fbrs_data::files::{self, Destination};
use fbrs_data::text::printable;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::annotation::{Annotation, LARGEST};
use crate::columns;
use crate::document::{Current, Document, Object, PhotoRecord, PhotoState};
use crate::error::{Error, Result};
use crate::history::History;

/// What every document says it is.
const FORMAT: &str = "fbrs-annotation";
const VERSION: u64 = 1;
/// Bytes of a document: room for tens of thousands of objects.
const LONGEST: u64 = 1 << 30;

/// A document, as its file has it. What tells the photo's state stands first: lists of photos read no
/// more than the beginning.
#[derive(Serialize, Deserialize)]
struct Written {
    format: String,
    version: u64,
    state: PhotoState,
    #[serde(default)]
    count: usize,
    photo: PhotoRecord,
    seq: u64,
    #[serde(default)]
    next_id: u64,
    objects: Vec<Object>,
    #[serde(default)]
    current: Option<Current>,
    /// Taken out beforehand: it is given up rather than the document where it cannot be read.
    #[serde(default)]
    history: (),
    #[serde(flatten)]
    extra: Map<String, Value>,
}

/// Borrowed, for writing.
#[derive(Serialize)]
struct ToWrite<'a> {
    format: &'static str,
    version: u64,
    state: PhotoState,
    count: usize,
    photo: &'a PhotoRecord,
    seq: u64,
    next_id: u64,
    objects: Vec<&'a Object>,
    current: &'a Option<Current>,
    history: &'a History,
    #[serde(flatten)]
    extra: &'a Map<String, Value>,
}

/// Reads a document.
///
/// # Errors
/// [`Error`].
pub fn read(path: &Path) -> Result<Annotation> {
    let shown = path.display().to_string();
    let text = files::text(files::read_from(files::open(path)?, &shown, LONGEST)?, &shown)?;
    parse(&text, &shown)
}

pub(crate) fn parse(text: &str, shown: &str) -> Result<Annotation> {
    let damaged = |reason: String| Error::Damaged { file: printable(shown), reason };
    let mut value: Value = serde_json::from_str(text)
        .map_err(|error| damaged(format!("it is no JSON ({})", printable(&error.to_string()))))?;
    if value.get("format").and_then(Value::as_str) != Some(FORMAT) {
        return Err(damaged(format!("expected a document of format {FORMAT}, got something else")));
    }
    if let Some(found) = value.get("version").and_then(Value::as_u64).filter(|v| *v > VERSION) {
        return Err(Error::Newer { file: printable(shown), found });
    }
    let history = value.get_mut("history").map(Value::take).unwrap_or_default();
    let cost = columns::cost(&value);
    if cost > columns::MOST {
        return Err(damaged("its masks have more runs than are read of one file".to_owned()));
    }
    let written: Written = serde_json::from_value(value)
        .map_err(|error| damaged(format!("it is damaged ({})", printable(&error.to_string()))))?;
    let largest = written.objects.iter().map(|object| object.id).max().unwrap_or(0);
    let document = Document {
        photo: written.photo,
        state: written.state,
        objects: written.objects.into_iter().map(Arc::new).collect(),
        current: written.current,
        next_id: written.next_id.max(largest.saturating_add(1)),
    };
    let fault = document
        .fault()
        .or_else(|| (written.seq > LARGEST).then(|| format!("it has {} changes", written.seq)));
    if let Some(fault) = fault {
        return Err(damaged(format!("it is damaged: {fault}")));
    }
    let history = History::read(history, columns::MOST - cost);
    Ok(Annotation::from_parts(document, history, written.seq, written.extra))
}

/// Writes a document: whole or not at all.
///
/// # Errors
/// [`Error::Write`]; the file is then as it was.
pub fn write(annotation: &Annotation, path: &Path) -> Result<()> {
    let document = annotation.document();
    let to_write = ToWrite {
        format: FORMAT,
        version: VERSION,
        state: document.state,
        count: document.objects.len(),
        photo: &document.photo,
        seq: annotation.seq(),
        next_id: document.next_id,
        objects: document.objects.iter().map(|object| &**object).collect(),
        current: &document.current,
        history: annotation.history(),
        extra: &annotation.extra,
    };
    let written = Destination::new(path).and_then(|destination| {
        destination.replace(|out| {
            serde_json::to_writer(&mut *out, &to_write)?;
            out.write_all(b"\n")
        })
    });
    written.map_err(|source| Error::Write { file: printable(&path.display().to_string()), source })
}

/// What lists of photos show of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// How far the work is.
    pub state: PhotoState,
    /// Finished objects.
    pub objects: usize,
}

/// What the beginning of a document tells; `None` where there is no document, or none that can be
/// read.
pub fn summary(path: &Path) -> Option<Summary> {
    /// Format, version, state and number of objects take less.
    const BEGINNING: u64 = 256;
    let mut beginning = Vec::new();
    files::open(path).ok()?.take(BEGINNING).read_to_end(&mut beginning).ok()?;
    let text = String::from_utf8_lossy(&beginning);
    text.contains(FORMAT).then_some(())?;
    let after = |key: &str| text.split_once(key).map(|(_, rest)| rest.trim_start());
    let state = match after("\"state\":")? {
        rest if rest.starts_with("\"done\"") => PhotoState::Done,
        _ => PhotoState::InProgress,
    };
    let digits = |rest: &str| -> String { rest.chars().take_while(char::is_ascii_digit).collect() };
    let objects = after("\"count\":").and_then(|rest| digits(rest).parse().ok()).unwrap_or(0);
    Some(Summary { state, objects })
}
