//! What is logged: event files that TensorBoard reads, and the same numbers as JSON lines.

mod average;
mod event;
mod events;
mod lines;
mod position;
mod record;
mod tags;

use std::path::Path;
use std::time::SystemTime;

use average::Averages;
use event::Content;
use events::EventFile;
use lines::{Line, LineFile};

pub use position::LogPosition;
pub use tags::Tag;

use crate::Result;

/// Where a number belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// A step of the run, counted from 0.
    Step(u64),
    /// An epoch, counted from 0.
    Epoch(u64),
}

/// A picture, encoded as PNG or JPEG.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// The file's bytes.
    pub encoded: &'a [u8],
}

/// The log of a run.
///
/// ```
/// use fbrs_train::log::{At, RunLog, Tag};
///
/// # fn main() -> fbrs_train::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// let mut log = RunLog::create(folder.path())?;
/// for step in 0..50_u32 {
///     log.average(&Tag::TRAIN_LOSS, 1.0 / f64::from(step + 1), step.into())?;
/// }
/// log.value(&Tag::VALIDATION_IOU, 0.9, At::Epoch(0))?;
/// let position = log.position()?;
/// drop(log);
/// // Goes on there, whatever was written since.
/// let mut log = RunLog::resume(folder.path(), &position)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RunLog {
    events: EventFile,
    lines: LineFile,
    averages: Averages,
    before: LogPosition,
}

impl RunLog {
    /// Begins a log in a folder that has none.
    ///
    /// # Errors
    /// [`Error::Write`](crate::Error::Write).
    pub fn create(folder: &Path) -> Result<Self> {
        Self::resume(folder, &LogPosition::default())
    }

    /// Goes on where a run was saved: what was logged since is removed, so nothing is there twice.
    /// Events go to a new file, which TensorBoard reads as the old one's continuation.
    ///
    /// # Errors
    /// [`Error::Write`](crate::Error::Write).
    pub fn resume(folder: &Path, position: &LogPosition) -> Result<Self> {
        position.cut_back(folder)?;
        Ok(Self {
            events: EventFile::create(folder, SystemTime::now())?,
            lines: LineFile::open(folder)?,
            averages: position.averages.clone(),
            before: position.clone(),
        })
    }

    /// Takes in a number of a step. The mean of every 25 of a tag is logged.
    ///
    /// # Errors
    /// [`Error::Write`](crate::Error::Write).
    pub fn average(&mut self, tag: &Tag, value: f64, step: u64) -> Result<()> {
        match self.averages.add(tag.as_str(), value) {
            Some(mean) => self.value(tag, mean, At::Step(step)),
            None => Ok(()),
        }
    }

    /// Logs a number as it is. One that is not finite is `null` in the JSON lines.
    ///
    /// # Errors
    /// [`Error::Write`](crate::Error::Write).
    pub fn value(&mut self, tag: &Tag, value: f64, at: At) -> Result<()> {
        let now = SystemTime::now();
        self.events.write(now, at, tag.as_str(), Content::Number(value as f32))?;
        self.lines.write(&Line::new(now, at, tag.as_str(), value))
    }

    /// Logs a picture of a step; for TensorBoard alone.
    ///
    /// # Errors
    /// [`Error::Write`](crate::Error::Write).
    pub fn picture(&mut self, tag: &Tag, picture: Picture<'_>, step: u64) -> Result<()> {
        let content = Content::Picture(picture);
        self.events.write(SystemTime::now(), At::Step(step), tag.as_str(), content)
    }

    /// Where the log is now, for [`Self::resume`]; what was logged is on the disk then.
    ///
    /// # Errors
    /// [`Error::Write`](crate::Error::Write).
    pub fn position(&mut self) -> Result<LogPosition> {
        let mut position = self.before.clone();
        let (name, bytes) = self.events.position()?;
        position.events.insert(name, bytes);
        position.lines = self.lines.position()?;
        position.averages = self.averages.clone();
        Ok(position)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    fn lines(folder: &Path) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(folder.join(lines::FILE)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn numbers(folder: &Path) -> Vec<(u64, String, f32)> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
        names.retain(|name| name.to_string_lossy().contains("tfevents"));
        names.sort();
        names.iter().flat_map(|name| record::tests::numbers(&fs::read(name).unwrap())).collect()
    }

    #[test]
    fn numbers_are_averaged_and_in_both_files() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = RunLog::create(folder.path()).unwrap();
        for step in 0..60_u32 {
            log.average(&Tag::TRAIN_LOSS, step.into(), step.into()).unwrap();
        }
        log.value(&Tag::TRAIN_IOU, 0.5, At::Epoch(3)).unwrap();
        log.value(&Tag::new("x"), f64::NAN, At::Step(60)).unwrap();
        let lines = lines(folder.path());
        assert_eq!(lines.len(), 4);
        assert_eq!((&lines[0]["step"], &lines[0]["value"]), (&24.into(), &12.0.into()));
        assert_eq!((&lines[1]["step"], &lines[1]["value"]), (&49.into(), &37.0.into()));
        assert_eq!(lines[0]["tag"], "TrainLosses/overall");
        assert_eq!((&lines[2]["epoch"], &lines[2]["value"]), (&3.into(), &0.5.into()));
        assert!(lines[2].get("step").is_none() && lines[3]["value"].is_null());
        let numbers = numbers(folder.path());
        assert_eq!(numbers[1], (49, "TrainLosses/overall".to_owned(), 37.0));
        assert_eq!(numbers[2], (3, "TrainMetrics/AdaptiveIoU".to_owned(), 0.5));
        assert!(numbers.len() == 4 && numbers[3].2.is_nan());
    }

    #[test]
    fn a_resumed_log_is_as_if_it_had_never_stopped() {
        let log_steps = |log: &mut RunLog, steps: std::ops::Range<u32>| {
            for step in steps {
                log.average(&Tag::TRAIN_LOSS, f64::from(step).sqrt(), step.into()).unwrap();
            }
        };
        let picture = Picture { height: 1, width: 1, encoded: b"picture" };
        let (whole, parted) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        log_steps(&mut RunLog::create(whole.path()).unwrap(), 0..200);

        let mut log = RunLog::create(parted.path()).unwrap();
        log_steps(&mut log, 0..60);
        let first = log.position().unwrap();
        log_steps(&mut log, 60..130);
        log.picture(&Tag::new("late"), picture, 129).unwrap();
        drop(log);
        // Twice from the same state; the second time there is a whole file behind it.
        log_steps(&mut RunLog::resume(parted.path(), &first).unwrap(), 60..180);
        let mut log = RunLog::resume(parted.path(), &first).unwrap();
        log_steps(&mut log, 60..110);
        let second = log.position().unwrap();
        log_steps(&mut log, 110..180);
        drop(log);
        log_steps(&mut RunLog::resume(parted.path(), &second).unwrap(), 110..200);
        let without_time = |folder: &Path| {
            let mut lines = lines(folder);
            lines.iter_mut().for_each(|line| line["time"] = 0.into());
            lines
        };
        assert_eq!(without_time(parted.path()), without_time(whole.path()));
        assert_eq!(numbers(parted.path()), numbers(whole.path()));

        let log = &mut RunLog::resume(whole.path(), &LogPosition::default()).unwrap();
        log_steps(log, 0..25);
        assert_eq!(numbers(whole.path()).len(), 1);
    }
}
