//! What a script keeps: times, memory, what documents were.

use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fbrs_annotation::{Annotation, PhotoState};
use serde_json::{Value, json};

use crate::engine::PhotoKey;
use crate::ui::Window;

/// A file of JSON, an object a line.
#[derive(Debug, Clone)]
pub(super) struct Log {
    file: Option<Arc<File>>,
    /// What frames took since they are watched.
    frames: Option<Vec<Duration>>,
    states: bool,
    /// The photo and the change that were kept last.
    last: Option<(PhotoKey, u64)>,
}

impl Log {
    pub(super) fn begin(folder: &Path) -> Self {
        // A script without a log is of use too.
        let _ = fs::create_dir_all(folder);
        let file = OpenOptions::new().create(true).append(true).open(folder.join("log.jsonl"));
        let mut log =
            Self { file: file.ok().map(Arc::new), frames: None, states: false, last: None };
        log.keep(json!({"mark": "begin"}));
        log
    }

    /// Keeps something, with the time and the memory in use.
    pub(super) fn keep(&mut self, mut entry: Value) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        if let Some(entry) = entry.as_object_mut() {
            entry.insert("time".to_owned(), json!(now.as_secs_f64()));
            for (name, key) in [("memory", "VmRSS:"), ("peak", "VmHWM:")] {
                entry.insert(name.to_owned(), json!(memory(key)));
            }
        }
        if let Some(mut file) = self.file.as_deref() {
            // In one piece, so that no line is torn where the process is killed.
            let _ = file.write_all(format!("{entry}\n").as_bytes());
        }
    }

    pub(super) fn watch(&mut self) {
        self.frames = Some(Vec::new());
    }

    pub(super) fn frame(&mut self, took: Duration) {
        if let Some(frames) = &mut self.frames {
            frames.push(took);
        }
    }

    /// Keeps what the watched frames took, in milliseconds.
    pub(super) fn watched(&mut self, name: &str) {
        let mut frames = self.frames.take().unwrap_or_default();
        frames.sort();
        let at = |share: f64| {
            let place = (share * frames.len().saturating_sub(1) as f64).ceil() as usize;
            frames.get(place).map_or(0.0, |took| 1e3 * took.as_secs_f64())
        };
        let over =
            |limit: u64| frames.iter().filter(|took| **took > Duration::from_millis(limit)).count();
        let entry = json!({
            "watched": name, "frames": frames.len(), "median": at(0.5), "most": at(0.99),
            "longest": at(1.0), "over16": over(16), "over33": over(33),
        });
        self.keep(entry);
    }

    pub(super) fn states(&mut self) {
        (self.states, self.last) = (true, None);
    }

    /// Keeps what the last change left of the open photo's document.
    pub(super) fn state(&mut self, window: &Window) {
        if !self.states {
            return;
        }
        let Some((open, annotation)) = window.desk.open.as_ref().zip(window.desk.annotation())
        else {
            return;
        };
        let now = (open.key, annotation.seq());
        if self.last == Some(now) {
            return;
        }
        let opened = self.last.is_none_or(|(key, _)| key != open.key);
        self.last = Some(now);
        let document = annotation.document();
        let current = document.current.as_ref();
        let entry = json!({
            "photo": open.path.as_str(), "seq": annotation.seq(), "digest": digest(annotation),
            "opened": opened, "objects": document.objects.len(),
            "clicks": current.map_or(0, |current| current.clicks.len()),
            "undo": annotation.next_undo(), "read_only": open.read_only,
            "state": if document.state == PhotoState::Done { "done" } else { "in_progress" },
        });
        self.keep(entry);
    }
}

/// A number that differs where documents do, or what can be taken back next.
fn digest(annotation: &Annotation) -> String {
    let document = annotation.document();
    let mut hasher = DefaultHasher::new();
    let mut add = |value: serde_json::Result<String>| value.unwrap_or_default().hash(&mut hasher);
    add(serde_json::to_string(&document.photo));
    add(serde_json::to_string(&document.state));
    for object in &document.objects {
        add(serde_json::to_string(&**object));
    }
    add(serde_json::to_string(&document.current));
    add(serde_json::to_string(&(annotation.next_undo(), annotation.next_redo())));
    format!("{:016x}", hasher.finish())
}

/// Of this process, in kilobytes; 0 where the system does not tell.
fn memory(key: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(key)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}
