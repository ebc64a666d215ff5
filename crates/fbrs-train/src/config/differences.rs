use toml::{Table, Value};

use super::{Checkpoints, Config, Logs, Run};
use crate::Result;

impl Config {
    /// What decides the numbers of a run, with the rest at fixed values.
    pub(super) fn decisive(&self) -> Self {
        let mut decisive = self.clone();
        decisive.preset.clear();
        decisive.run = Run { seed: self.run.seed, ..Run::of("", "") };
        decisive.checkpoints = Checkpoints::every(&[]);
        decisive.logs = Logs { picture_steps: 0 };
        let data = &mut decisive.data;
        // Data may lie elsewhere; its checksums tell whether it is the same.
        for set in data.sets.iter_mut().chain(&mut data.validation) {
            set.path.clear();
            set.scores.clear();
        }
        decisive.init.file.clear();
        decisive
    }

    /// Which values differ in a way that changes the numbers of a run: "key: here, there".
    ///
    /// # Errors
    /// As [`Config::to_toml`].
    pub fn differences(&self, other: &Self) -> Result<Vec<String>> {
        let (here, there) = (self.decisive().to_table()?, other.decisive().to_table()?);
        let mut differences = Vec::new();
        compare("", &here, &there, &mut differences);
        Ok(differences)
    }

    pub(super) fn to_table(&self) -> Result<Table> {
        Table::try_from(self).map_err(|error| crate::Error::Config {
            place: "the configuration".to_owned(),
            reason: super::check::one_line(&error.to_string()),
        })
    }
}

fn compare(section: &str, here: &Table, there: &Table, differences: &mut Vec<String>) {
    for (name, value) in here {
        let key = super::merge::join(section, name);
        match (value, there.get(name)) {
            (Value::Table(here), Some(Value::Table(there))) => {
                compare(&key, here, there, differences);
            }
            (here, Some(there)) if here == there => {}
            (here, there) => {
                let there = there.map_or("nothing".to_owned(), Value::to_string);
                differences.push(format!("{key}: {here}, {there}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::preset;

    #[test]
    fn only_what_decides_differs() {
        let config = preset("tiny").unwrap();
        let mut other = config.clone();
        other.run.threads = 7;
        assert_eq!(config.differences(&other).unwrap(), [""; 0]);
        other.optimizer.rate = 0.25;
        other.run.seed = 3;
        let differences = config.differences(&other).unwrap();
        assert_eq!(differences, ["optimizer.rate: 0.0005, 0.25", "run.seed: 0, 3"]);
    }
}
