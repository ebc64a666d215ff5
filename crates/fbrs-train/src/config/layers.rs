use std::path::{Path, PathBuf};

use fbrs_data::files::read_text;
use fbrs_data::text::printable;
use toml::{Table, Value};

use super::check::one_line;
use super::merge::{join, lay_over};
use super::{Config, preset, preset_names};
use crate::error::shown;
use crate::{Error, Result};

/// Bytes of a configuration. The largest preset has 3,000.
const LIMIT: u64 = 1 << 20;

/// What a configuration is made of, the later over the earlier: a preset, a file, single values.
///
/// ```
/// use fbrs_train::config::Layers;
///
/// let layers = Layers::new().preset("tiny").set("optimizer.rte=1e-4");
/// let error = layers.resolve().unwrap_err().to_string();
/// assert!(error.starts_with("optimizer.rte: expected one of this section's keys: "));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Layers {
    preset: Option<String>,
    file: Option<PathBuf>,
    values: Vec<String>,
}

impl Layers {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins with a preset, by name. Without one the file must name its preset.
    #[must_use]
    pub fn preset(self, name: &str) -> Self {
        Self { preset: Some(name.to_owned()), ..self }
    }

    /// Lays a TOML file over it: some keys, or a whole configuration that was saved.
    #[must_use]
    pub fn file(self, path: &Path) -> Self {
        Self { file: Some(path.to_owned()), ..self }
    }

    /// Lays one value over all: `optimizer.rate=1e-4`. The value is TOML; a text needs no quotes.
    #[must_use]
    pub fn set(mut self, key_and_value: &str) -> Self {
        self.values.push(key_and_value.to_owned());
        self
    }

    /// The configuration, with every value checked.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Config`], and [`Error::Value`] for a key that does not exist or a
    /// value that cannot be.
    pub fn resolve(&self) -> Result<Config> {
        let file = self.file.as_deref().map(read).transpose()?;
        let mut table = match (self.whole(file.as_ref())?, file) {
            (Some(whole), _) => whole.to_table()?,
            (None, file) => {
                let mut table = preset(&self.name(file.as_ref())?)?.to_table()?;
                lay_over(&mut table, file.unwrap_or_default(), "")?;
                table
            }
        };
        for value in &self.values {
            let over = parse(value, &table)?;
            lay_over(&mut table, over, "")?;
        }
        let config: Config = table.try_into().map_err(|error| bad_value(&error))?;
        config.check()?;
        Ok(config)
    }

    /// Whether every key that was asked for, in the file or by a single value, has an effect in the
    /// configuration that came of it: no momentum without SGD, no milestones where there are none. A file
    /// that has every key asks for nothing by itself.
    ///
    /// # Errors
    /// [`Error::Config`] for the first that has none, with what it needs; as [`Self::resolve`].
    pub fn check_effect(&self, config: &Config) -> Result<()> {
        let file = self.file.as_deref().map(read).transpose()?;
        let mut asked = match self.whole(file.as_ref())? {
            Some(_) => Vec::new(),
            None => Vec::from_iter(file),
        };
        let base = config.to_table()?;
        for value in &self.values {
            asked.push(parse(value, &base)?);
        }
        config.check_asked(|path| asked.iter().any(|table| look_up(table, path).is_some()))
    }

    /// What a file is that has every key: it stands by itself, whatever its preset is by now.
    fn whole(&self, file: Option<&Table>) -> Result<Option<Config>> {
        let Some(config) = file.and_then(|file| file.clone().try_into::<Config>().ok()) else {
            return Ok(None);
        };
        self.name(file)?;
        Ok(Some(config))
    }

    /// The preset's name.
    fn name(&self, file: Option<&Table>) -> Result<String> {
        let named = file.and_then(|file| file.get("preset")).and_then(Value::as_str);
        match (self.preset.as_deref(), named) {
            (Some(asked), Some(named)) if asked != named => {
                let found = format!("\"{asked}\" and, in the file, \"{named}\"");
                Err(Error::value("preset", "one preset", found))
            }
            (Some(name), _) | (None, Some(name)) => Ok(name.to_owned()),
            (None, None) => {
                let expected = format!("one of {}", preset_names().join(", "));
                Err(Error::value("preset", &expected, "nothing"))
            }
        }
    }
}

fn read(path: &Path) -> Result<Table> {
    read_text(path, LIMIT)?.parse().map_err(|error: toml::de::Error| Error::Config {
        place: shown(path),
        reason: printable(&one_line(&error.to_string())),
    })
}

/// `a.b=value` as the table that a file with this line would be.
fn parse(text: &str, base: &Table) -> Result<Table> {
    let wrong = |reason: &str| Error::Config {
        place: format!("--set {}", printable(text)),
        reason: reason.to_owned(),
    };
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| wrong("expected a key, \"=\" and a value, such as optimizer.rate=1e-4"))?;
    let (key, value) = (key.trim(), value.trim());
    let mut path: Vec<_> = key.split('.').collect();
    if path.iter().any(|name| name.is_empty()) || key == "preset" {
        return Err(wrong("expected a key with its section, such as optimizer.rate"));
    }
    let written = match look_up(base, &path) {
        // A name may look like a number.
        Some(Value::String(_)) if !value.starts_with(['"', '\'']) => {
            Value::String(value.to_owned())
        }
        _ => format!("value = {value}")
            .parse::<Table>()
            .ok()
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| Value::String(value.to_owned())),
    };
    let mut table = Table::new();
    let last = path.pop().unwrap_or_default();
    table.insert(last.to_owned(), written);
    for name in path.into_iter().rev() {
        let mut outer = Table::new();
        outer.insert(name.to_owned(), Value::Table(table));
        table = outer;
    }
    Ok(table)
}

pub(super) fn look_up<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    match (table.get(*first)?, rest) {
        (value, []) => Some(value),
        (Value::Table(table), rest) => look_up(table, rest),
        _ => None,
    }
}

/// The reader's message, key first.
fn bad_value(error: &toml::de::Error) -> Error {
    let text = error.to_string();
    let text = text.trim();
    let (message, place) = match text.rsplit_once("\nin `") {
        Some((message, key)) => (message, join("", key.trim_end_matches('`'))),
        None => (text, "the configuration".to_owned()),
    };
    Error::Config { place: printable(&place), reason: printable(&one_line(message)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn fails(layers: &Layers) -> String {
        layers.resolve().unwrap_err().to_string()
    }

    fn set(text: &str) -> String {
        fails(&Layers::new().preset("tiny").set(text))
    }

    #[test]
    fn the_later_lies_over_the_earlier() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        let text = "preset = \"tiny\"\n[optimizer]\nrate = 1\nbeta1 = 0.5\n[[data.sets]]\n\
                    kind = \"folder\"\npath = \"here\"\n";
        std::fs::write(&path, text).unwrap();
        let layers = Layers::new().file(&path).set("optimizer.beta1=0.25").set("run.name = 007");
        let config = layers.set("samples.crop.width=480").set("loss.main=bce").resolve().unwrap();
        assert_eq!((config.optimizer.rate, config.optimizer.beta1), (1.0, 0.25));
        assert_eq!(config.optimizer.beta2, preset("tiny").unwrap().optimizer.beta2);
        assert_eq!((config.run.name.as_str(), config.samples.crop.width), ("007", 480));
        assert_eq!(config.loss.main, super::super::MainLoss::Bce);
        assert_eq!((config.data.sets.len(), config.data.sets[0].weight), (1, 1.0));
        config.check_ready().unwrap();
        let both = fails(&Layers::new().file(&path).preset("lite"));
        assert!(both.starts_with("preset: expected one preset, got \"lite\" and"), "{both}");
    }

    #[test]
    fn options_of_samples_come_and_go() {
        let resolve = |text: &str| Layers::new().preset("tiny").set(text).resolve().unwrap();
        assert_eq!(resolve("samples.augmentation.scale=none").samples.augmentation.scale, None);
        assert_eq!(resolve("samples.augmentation.zoom_in=none"), preset("tiny").unwrap());
        let zoom_in = "samples.augmentation.zoom_in.shaped={ probability = 1, expansion = [1, 2] }";
        let config = resolve(zoom_in);
        assert!(config.samples.augmentation.zoom_in.is_some());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        // What a saved configuration leaves out is left out, whatever its preset says.
        let plain = resolve("samples.augmentation.scale=none");
        for config in [config, plain] {
            std::fs::write(&path, config.to_toml().unwrap()).unwrap();
            assert_eq!(Layers::new().file(&path).resolve().unwrap(), config);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            ("optimizer.rate=fast", "optimizer.rate: expected a number, got \"fast\""),
            ("optimizer.rate=-1", "optimizer.rate: expected a number above 0, got -1"),
            ("optimizer.rate=nan", "optimizer.rate: expected a number above 0, got NaN"),
            ("batch.size=1", "batch.size: expected at least 2"),
            ("batch.size=2.5", "batch.size: expected a whole number, got 2.5"),
            ("batch=2", "batch: expected a section with keys, got 2"),
            ("batch.size.more=2", "batch.size: expected a whole number, got"),
            ("speed=2", "speed: expected one of batch, checkpoints, clicks, "),
            ("run.family=../up", "run.family: expected a name"),
            ("rate", "--set rate: expected a key"),
            ("=3", "--set =3: expected a key"),
            ("preset=lite", "--set preset=lite: expected a key"),
            ("schedule.milestones=[3, 2]", "schedule.milestones: expected epochs in rising"),
            ("samples.crop=[3]", "samples.crop: expected a section with keys, got [3]"),
            ("samples.crop.width=0", "samples.crop.width: expected 1 to 2048 pixels, got 0"),
            ("samples.speed=2", "samples: unknown field `speed`"),
            ("samples.clicks.gama=1", "samples.clicks: unknown field `gama`"),
            ("samples.keep_background=none", "samples: missing field `keep_background`"),
            ("samples.augmentation.scale=[2, 1]", "samples.augmentation.scale: expected two"),
            ("loss.main=l2", "loss.main: unknown variant `l2`, expected one of `nfl`"),
            ("run.threads=-1", "run.threads: invalid value: integer `-1`"),
            ("data.sets=[{ kind = \"sbd\", size = 3 }]", "data.sets: unknown field `size`"),
            ("data.sets=[{ path = \"sbd\" }]", "data.sets: missing field `kind`"),
            ("data.hold_out=1", "data.hold_out: expected a number from 0, below 1, got 1"),
        ];
        for (text, message) in cases {
            let error = set(text);
            assert!(error.starts_with(message), "{text}: {error}");
            assert!(!error.contains('\n'), "{text}: {error}");
        }
        let none = fails(&Layers::new());
        assert!(none.starts_with("preset: expected one of") && none.contains("fine-tune"));
        let unknown = fails(&Layers::new().preset("huge"));
        assert!(unknown.contains("got huge"), "{unknown}");
    }

    #[test]
    fn a_file_that_is_no_toml_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        std::fs::write(&path, "preset = \"tiny\"\nrate 3\n").unwrap();
        let error = fails(&Layers::new().file(&path));
        assert!(error.contains("mine.toml: TOML parse error at line 2"), "{error}");
        std::fs::write(&path, "preset = \"tiny\"\n[run]\nsead = 3\n").unwrap();
        assert!(fails(&Layers::new().file(&path)).starts_with("run.sead: expected one of"));
        assert!(fails(&Layers::new().file(folder.path())).contains("a folder"));
    }

    #[test]
    fn what_a_run_needs_is_asked_for() {
        let config = preset("f-brs/hrnet48_ocr128").unwrap();
        let error = config.check_ready().unwrap_err().to_string();
        assert!(error.contains("init.file: expected the file of HRNetV2-W48's"), "{error}");
        let layers = Layers::new().preset("f-brs/hrnet48_ocr128").set("init.kind=none");
        let error = layers.resolve().unwrap().check_ready().unwrap_err().to_string();
        assert!(error.contains("data.sets[0].path: expected the folder of the set"), "{error}");
        let error = fails(&Layers::new().preset("tiny").set("network.architecture="));
        assert!(error.starts_with("network.architecture: expected"), "{error}");
    }
}
