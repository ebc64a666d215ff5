use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use fbrs_data::text::printable;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// One of the parts that a run is split into: every `count`-th object.
///
/// Text form: `2/5` for the second of five; `auto` takes it from the variables of a Slurm job array
/// or a Kubernetes indexed job ([`Shard::from_variables`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Which, from 1.
    pub number: usize,
    /// Of how many.
    pub count: usize,
}

impl Default for Shard {
    /// The whole run.
    fn default() -> Self {
        Self { number: 1, count: 1 }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

impl FromStr for Shard {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "auto" {
            return Self::from_variables(|name| env::var(name).ok());
        }
        let wrong =
            |reason: &str| Error::Shard { text: printable(text), reason: reason.to_owned() };
        let parts = text.split_once('/');
        let (number, count) = parts.ok_or_else(|| wrong("expected I/N or auto"))?;
        match (number.trim().parse(), count.trim().parse()) {
            (Ok(number), Ok(count)) if number >= 1 && number <= count => Ok(Self { number, count }),
            _ => Err(wrong("expected I/N with I from 1 to N")),
        }
    }
}

impl Shard {
    /// Whether it is all of a run.
    pub fn is_whole(self) -> bool {
        self.count == 1
    }

    /// Whether the object with this number (over all data sets, from 0) is part of it.
    pub fn holds(self, object: usize) -> bool {
        object % self.count.max(1) == self.number.saturating_sub(1)
    }

    /// How many of this many objects are part of it.
    pub fn holds_of(self, objects: usize) -> usize {
        let before = self.number.saturating_sub(1);
        objects.saturating_sub(before).div_ceil(self.count.max(1))
    }

    /// The shard of this task of a job array. Read, in this order:
    ///
    /// - `FBRS_SHARD` (from 0) and `FBRS_SHARDS`: for other schedulers.
    /// - `SLURM_ARRAY_TASK_ID`, `_MIN`, `_STEP` and `_COUNT`.
    /// - `JOB_COMPLETION_INDEX` (from 0) of Kubernetes, which does not tell their number:
    ///   `JOB_COMPLETIONS` has to.
    ///
    /// `FBRS_SHARDS` overrides the number in every case: set it where only some tasks of an array
    /// are run again.
    ///
    /// # Errors
    /// [`Error::Shard`] where they are not set or make no sense.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let wrong = |reason: String| Error::Shard { text: "auto".to_owned(), reason };
        let number = |name: &str| match variable(name).filter(|value| !value.is_empty()) {
            None => Ok(None),
            Some(value) => match value.trim().parse::<usize>() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(wrong(format!("{name} is no number but \"{}\"", printable(&value)))),
            },
        };
        let count = number("FBRS_SHARDS")?;
        let (index, counted_by, count) = if let Some(index) = number("FBRS_SHARD")? {
            (index, "FBRS_SHARDS", count)
        } else if let Some(id) = number("SLURM_ARRAY_TASK_ID")? {
            let first = number("SLURM_ARRAY_TASK_MIN")?.unwrap_or(0);
            let step = number("SLURM_ARRAY_TASK_STEP")?.unwrap_or(1).max(1);
            let name = "SLURM_ARRAY_TASK_COUNT";
            (id.saturating_sub(first) / step, name, count.or(number(name)?))
        } else if let Some(index) = number("JOB_COMPLETION_INDEX")? {
            let name = "JOB_COMPLETIONS";
            (index, name, count.or(number(name)?))
        } else {
            let reason = "none of FBRS_SHARD, SLURM_ARRAY_TASK_ID and JOB_COMPLETION_INDEX is set";
            return Err(wrong(reason.to_owned()));
        };
        let count = count.ok_or_else(|| wrong(format!("{counted_by} is not set")))?;
        if index >= count {
            return Err(wrong(format!("task {index} (from 0) of {count} cannot be")));
        }
        Ok(Self { number: index + 1, count })
    }

    /// The name of this shard's journal: `run.jsonl` becomes `run.2of5.jsonl`.
    pub fn journal(self, path: &Path) -> PathBuf {
        if self.is_whole() {
            return path.to_owned();
        }
        let ending = path.extension().map_or_else(Default::default, |e| e.to_string_lossy());
        let part = format!("{}of{}", self.number, self.count);
        match ending.is_empty() {
            true => path.with_extension(part),
            false => path.with_extension(format!("{part}.{ending}")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shard(variables: &[(&str, &str)]) -> Option<String> {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Shard::from_variables(variable).ok().map(|shard| shard.to_string())
    }

    #[test]
    fn variables_of_job_arrays_are_read() {
        let slurm = [("SLURM_ARRAY_TASK_COUNT", "3"), ("SLURM_ARRAY_TASK_MIN", "1")];
        let of = |id| shard(&[slurm[0], slurm[1], ("SLURM_ARRAY_TASK_ID", id)]);
        assert_eq!(of("1").as_deref(), Some("1/3"));
        assert_eq!(of("3").as_deref(), Some("3/3"));
        assert_eq!(of("4"), None);
        assert_eq!(of("x"), None);
        let kubernetes = [("JOB_COMPLETION_INDEX", "0"), ("JOB_COMPLETIONS", "4")];
        assert_eq!(shard(&kubernetes).as_deref(), Some("1/4"));
        assert_eq!(shard(&kubernetes[..1]), None);
        let again = [("FBRS_SHARDS", "3"), ("SLURM_ARRAY_TASK_ID", "2"), slurm[1]];
        assert_eq!(
            shard(&[again[0], again[1], again[2], ("SLURM_ARRAY_TASK_COUNT", "1")]).as_deref(),
            Some("2/3")
        );
        assert_eq!(shard(&[]), None);
    }

    #[test]
    fn every_object_is_in_one_shard() {
        let shards: Vec<Shard> = (1..=4).map(|number| Shard { number, count: 4 }).collect();
        assert!(
            (0..50)
                .all(|object| { shards.iter().filter(|shard| shard.holds(object)).count() == 1 })
        );
        for (shard, objects) in shards.iter().flat_map(|shard| (0..9).map(move |n| (shard, n))) {
            let held = (0..objects).filter(|object| shard.holds(*object)).count();
            assert_eq!(shard.holds_of(objects), held, "{shard} of {objects}");
        }
    }

    #[test]
    fn texts_and_names() {
        let shard: Shard = "2/5".parse().unwrap();
        assert_eq!(shard.journal(Path::new("a/run.jsonl")), Path::new("a/run.2of5.jsonl"));
        assert_eq!(Shard::default().journal(Path::new("run.jsonl")), Path::new("run.jsonl"));
        for text in ["", "0/3", "4/3", "1", "1/0", "a/b", "-1/2"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
