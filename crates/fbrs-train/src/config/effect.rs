//! Keys that have no effect beside the others: a momentum without SGD, milestones of a schedule that has none.
//!
//! Somebody who asks for one of them means something that will not happen. Where it is known that they
//! asked, in a file or by a single value, it is an error; where it is not (a saved configuration has every
//! key), a remark about the keys that are not as in the preset. Keys that say "off" are told in neither
//! case, and neither are those that a preset brings along.

use fbrs_data::text::printable;
use fbrs_data::training::Kind;
use fbrs_models::Architecture;
use toml::Value;

use super::layers::look_up;
use super::{Config, DataSet, InitKind, MainLoss, Mix, OptimizerKind, RateShape, preset};
use crate::{Error, Result};

/// When a key has no effect.
struct Rule {
    /// The key; behind `[]` one of the sets of a list.
    key: &'static str,
    /// What 0, false and nothing are.
    zero: Zero,
    /// What asking for it without effect is.
    asked: Asked,
    /// Whether it has none.
    is_idle: fn(&Config, Option<&Architecture>) -> bool,
    /// What it needs to have one.
    needs: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Zero {
    /// The key says "off".
    Off,
    /// A value like any other.
    Value,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// What was meant will not happen.
    Error,
    /// What was meant happens anyway.
    Remark,
}

/// A key that is set and has no effect.
struct Idle {
    key: &'static str,
    asked: Asked,
    value: String,
    needs: &'static str,
}

const fn off(
    key: &'static str,
    is_idle: fn(&Config, Option<&Architecture>) -> bool,
    needs: &'static str,
) -> Rule {
    Rule { key, zero: Zero::Off, asked: Asked::Error, is_idle, needs }
}

const fn always(
    key: &'static str,
    is_idle: fn(&Config, Option<&Architecture>) -> bool,
    needs: &'static str,
) -> Rule {
    Rule { zero: Zero::Value, ..off(key, is_idle, needs) }
}

const fn harmless(
    key: &'static str,
    is_idle: fn(&Config, Option<&Architecture>) -> bool,
    needs: &'static str,
) -> Rule {
    Rule { asked: Asked::Remark, ..off(key, is_idle, needs) }
}

const JUDGED: &str =
    "photos to judge by (data.validation or data.hold_out) and validation.every above 0";
const COUNTED: &str = "validation.noc_objects above 0";
const ADAM: &str = "optimizer.kind = \"adam\" or \"adamw\"";
const STEPS: &str = "schedule.shape = \"steps\"";
const COSINE: &str = "schedule.shape = \"cosine\"";
const FOCAL: &str = "loss.main = \"nfl\" or \"focal\", and loss.weight above 0";
const NORMALIZED: &str = "loss.main = \"nfl\", and loss.weight above 0";

/// The rules. Of several for a key the first that holds is told.
const RULES: &[Rule] = &[
    off(
        "network.dropout",
        |_, it| is(it, |it| !has_attention(it)),
        "a network that drops features: no HRNet without object attention",
    ),
    always("clicks.leaving", |c, _| !c.clicks.returning, "clicks.returning = true"),
    off(
        "clicks.prev_mask_drop_prob",
        |c, _| c.clicks.returning || c.clicks.max_next_clicks == 0,
        "clicks.max_next_clicks above 0 and clicks.returning = false",
    ),
    off(
        "clicks.prev_mask_drop_prob",
        |_, it| is(it, |it| !it.sees_previous_mask()),
        "a network that sees its previous mask",
    ),
    off(
        "data.sets[].weight",
        |c, _| c.data.mix == Mix::Concatenation && any(c, |set| set.weight != 1.0),
        "data.mix = \"proportional\"",
    ),
    off(
        "data.sets[].split",
        |c, _| any(c, |set| !set.split.is_empty() && is_kind(set, |kind| !kind.has_splits())),
        "a kind of set that has a part for training and one for validation",
    ),
    always(
        "data.score_gamma",
        |c, _| !any(c, |set| !set.scores.is_empty()),
        "a set with scores (data.sets[].scores)",
    ),
    off(
        "data.stuff_probability",
        |c, _| !c.data.sets.is_empty() && !any(c, |set| !is_kind(set, |kind| !has_stuff(kind))),
        "a set that labels stuff: coco-lvis, coco-panoptic or ade20k",
    ),
    off("loss.main", |c, _| c.loss.weight == 0.0, "loss.weight above 0"),
    off("loss.alpha", |c, _| !is_focal(c), FOCAL),
    always("loss.gamma", |c, _| !is_focal(c), FOCAL),
    off("loss.max_multiplier", |c, _| !is_normalized(c), NORMALIZED),
    off("loss.max_factor", |c, _| !is_normalized(c), NORMALIZED),
    off(
        "loss.aux_weight",
        |_, it| is(it, |it| !has_auxiliary(it)),
        "a network with auxiliary heads: an HRNet with object attention, or a Lite one",
    ),
    off(
        "optimizer.heads_as_backbone",
        |_, it| is(it, |it| !(matches!(it, Architecture::HrNet(_)) && it.guidance().is_some())),
        "an HRNet of RITM's kind",
    ),
    always(
        "optimizer.backbone_factor",
        |c, _| c.freeze.backbone && !c.optimizer.heads_as_backbone,
        "freeze.backbone = false",
    ),
    always("optimizer.beta1", |c, _| is_sgd(c), ADAM),
    always("optimizer.beta2", |c, _| is_sgd(c), ADAM),
    always("optimizer.epsilon", |c, _| is_sgd(c), ADAM),
    off("optimizer.momentum", |c, _| !is_sgd(c), "optimizer.kind = \"sgd\""),
    harmless(
        "optimizer.decay_all",
        |c, _| c.optimizer.weight_decay == 0.0,
        "optimizer.weight_decay above 0",
    ),
    harmless(
        "init.partial",
        |c, _| c.init.kind != InitKind::Checkpoint,
        "init.kind = \"checkpoint\"",
    ),
    off("validation.every", |c, _| !has_judges(c), JUDGED),
    off("validation.length", |c, _| !is_judged(c), JUDGED),
    off("validation.scale", |c, _| !is_judged(c), JUDGED),
    off("validation.min_object_area", |c, _| !is_judged(c), JUDGED),
    off("validation.keep_background", |c, _| !is_judged(c), JUDGED),
    off("validation.noc_objects", |c, _| !is_judged(c), JUDGED),
    off("validation.noc_iou", |c, _| !is_judged(c), JUDGED),
    off("validation.noc_clicks", |c, _| !is_judged(c), JUDGED),
    off("validation.patience", |c, _| !is_judged(c), JUDGED),
    off("validation.noc_iou", |c, _| c.validation.noc_objects == 0, COUNTED),
    off("validation.noc_clicks", |c, _| c.validation.noc_objects == 0, COUNTED),
    off("schedule.milestones", |c, _| c.schedule.shape != RateShape::Steps, STEPS),
    off(
        "schedule.milestones",
        |c, _| c.schedule.milestones.last().is_some_and(|last| *last >= c.schedule.epochs),
        "milestones below schedule.epochs",
    ),
    always("schedule.factor", |c, _| c.schedule.shape != RateShape::Steps, STEPS),
    always("schedule.factor", |c, _| c.schedule.milestones.is_empty(), "schedule.milestones"),
    off("schedule.hold", |c, _| c.schedule.shape != RateShape::Cosine, COSINE),
    always("schedule.floor", |c, _| c.schedule.shape != RateShape::Cosine, COSINE),
    off(
        "checkpoints.keep",
        |c, _| c.checkpoints.intervals.is_empty(),
        "an interval of checkpoints (checkpoints.intervals)",
    ),
];

impl Config {
    /// An error where a key that somebody asked for has no effect.
    pub(super) fn check_asked(&self, asked: impl Fn(&[&str]) -> bool) -> Result<()> {
        let idle = idle(self, None, asked)?;
        match idle.into_iter().find(|idle| idle.asked == Asked::Error) {
            None => Ok(()),
            Some(Idle { key, value, needs, .. }) => Err(Error::Config {
                place: key.to_owned(),
                reason: format!("{value} has no effect here: it needs {needs}"),
            }),
        }
    }

    /// What a user ought to know at the beginning of a run: the keys without effect that are not as the
    /// preset has them, one sentence each. `architecture`: what the network has become.
    pub(crate) fn idle_keys(&self, architecture: &Architecture) -> Result<Vec<String>> {
        // A preset that is gone is nothing to compare with.
        let Ok(preset) = preset(&self.preset) else { return Ok(Vec::new()) };
        let (own, preset) = (self.to_table()?, preset.to_table()?);
        let is_changed = |path: &[&str]| look_up(&own, path) != look_up(&preset, path);
        let sentence = |Idle { key, value, needs, .. }| {
            format!("{key} = {value} has no effect here: it needs {needs}")
        };
        Ok(idle(self, Some(architecture), is_changed)?.into_iter().map(sentence).collect())
    }
}

/// The keys without effect among those that are asked for, each once.
fn idle(
    config: &Config,
    architecture: Option<&Architecture>,
    asked: impl Fn(&[&str]) -> bool,
) -> Result<Vec<Idle>> {
    let table = config.to_table()?;
    let named = config.network.architecture.parse::<Architecture>().ok();
    let architecture = architecture.or(named.as_ref());
    let mut found: Vec<Idle> = Vec::new();
    for Rule { key, zero, asked: told, is_idle, needs } in RULES {
        let (list, part) = key.split_once("[].").unwrap_or((key, ""));
        let path: Vec<_> = list.split('.').collect();
        let Some(value) = look_up(&table, &path) else { continue };
        let says_off = *zero == Zero::Off && is_zero(value);
        let is_told = found.iter().any(|idle| idle.key == *key);
        if is_told || says_off || !asked(&path) || !is_idle(config, architecture) {
            continue;
        }
        let value = shown(value, part);
        found.push(Idle { key, asked: *told, value, needs });
    }
    Ok(found)
}

/// A value as in a file; of a list of sets what all of them have there.
fn shown(value: &Value, part: &str) -> String {
    match value {
        Value::Array(sets) if !part.is_empty() => {
            let parts = sets.iter().filter_map(Value::as_table).filter_map(|set| set.get(part));
            printable(&parts.map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
        value => printable(&value.to_string()),
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Float(number) => *number == 0.0,
        Value::Integer(number) => *number == 0,
        Value::Boolean(yes) => !yes,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Table(_) | Value::Datetime(_) => false,
    }
}

/// Whether it holds of a network that is known.
fn is(architecture: Option<&Architecture>, holds: fn(&Architecture) -> bool) -> bool {
    architecture.is_some_and(holds)
}

/// Whether it is no HRNet without object attention; these have neither dropout nor auxiliary heads.
fn has_attention(architecture: &Architecture) -> bool {
    !matches!(architecture, Architecture::HrNet(config) if config.ocr_width == 0)
}

fn has_auxiliary(architecture: &Architecture) -> bool {
    !matches!(architecture, Architecture::DeepLab(_)) && has_attention(architecture)
}

/// Whether it holds of a set to learn from or to judge by.
fn any(config: &Config, holds: impl Fn(&DataSet) -> bool) -> bool {
    config.data.sets.iter().chain(&config.data.validation).any(holds)
}

/// Whether it holds of a set's kind, where that is known.
fn is_kind(set: &DataSet, holds: fn(Kind) -> bool) -> bool {
    Kind::ALL.into_iter().find(|kind| kind.name() == set.kind).is_some_and(holds)
}

fn has_stuff(kind: Kind) -> bool {
    matches!(kind, Kind::CocoLvis | Kind::CocoPanoptic | Kind::Ade20k)
}

fn is_focal(config: &Config) -> bool {
    config.loss.weight > 0.0 && matches!(config.loss.main, MainLoss::Nfl | MainLoss::Focal)
}

fn is_normalized(config: &Config) -> bool {
    config.loss.weight > 0.0 && config.loss.main == MainLoss::Nfl
}

fn is_sgd(config: &Config) -> bool {
    config.optimizer.kind == OptimizerKind::Sgd
}

/// Whether there are photos to judge by.
fn has_judges(config: &Config) -> bool {
    config.data.hold_out > 0.0 || !config.data.validation.is_empty()
}

/// Whether the network is ever judged; a trained one is before training too.
fn is_judged(config: &Config) -> bool {
    let is_time = config.validation.every > 0 || config.init.kind == InitKind::Checkpoint;
    has_judges(config) && is_time
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::presets::published;
    use crate::config::{Data, Layers, preset_names};

    fn layers(values: &[&str]) -> Layers {
        values.iter().fold(Layers::new().preset("tiny"), |layers, value| layers.set(value))
    }

    /// What is told of the keys that these values name, each asked for.
    fn told(values: &[&str]) -> Vec<(&'static str, &'static str)> {
        let config = layers(values).resolve().unwrap();
        let keys: Vec<_> = values.iter().map(|value| value.split_once('=').unwrap().0).collect();
        let idle = idle(&config, None, |path| keys.contains(&path.join(".").as_str())).unwrap();
        idle.into_iter().map(|idle| (idle.key, idle.needs)).collect()
    }

    const FOLDER: &str = r#"data.sets=[{ kind = "folder", path = "a" }]"#;

    /// A key, beside what it has no effect, and beside what it has one.
    #[rustfmt::skip]
    const CASES: &[(&str, &[&str], &[&str])] = &[
        ("network.dropout=0.1", &["network.architecture=hrnet18_ocr0_baseline"],
            &["network.architecture=lite0_dh64"]),
        ("clicks.leaving=0.5", &[], &["clicks.returning=true", "clicks.max_next_clicks=2"]),
        ("clicks.leaving=0", &[], &["clicks.returning=true", "clicks.max_next_clicks=2"]),
        ("clicks.prev_mask_drop_prob=0.5", &[],
            &["clicks.max_next_clicks=2", "network.architecture=hrnet8s_ocr8_itermask"]),
        ("clicks.prev_mask_drop_prob=0.5", &["clicks.max_next_clicks=2", "clicks.returning=true"],
            &["clicks.max_next_clicks=2", "network.architecture=hrnet8s_ocr8_itermask"]),
        ("clicks.prev_mask_drop_prob=0.5", &["clicks.max_next_clicks=2"],
            &["clicks.max_next_clicks=2", "network.architecture=hrnet8s_ocr8_itermask"]),
        (r#"data.sets=[{ kind = "folder", path = "a", weight = 0.5 }]"#, &[],
            &["data.mix=proportional"]),
        ("data.score_gamma=2", &[],
            &[r#"data.sets=[{ kind = "folder", path = "a", scores = "s.json" }]"#]),
        ("data.stuff_probability=0.5", &[FOLDER],
            &[r#"data.sets=[{ kind = "ade20k", path = "a" }]"#]),
        ("data.stuff_probability=0.5", &[FOLDER],
            &[r#"data.sets=[{ kind = "auto", path = "a" }]"#]),
        ("loss.main=bce", &["loss.weight=0", "loss.dice_weight=1"], &["loss.dice_weight=1"]),
        ("loss.alpha=0.3", &["loss.main=bce"], &["loss.main=focal"]),
        ("loss.alpha=0.3", &["loss.weight=0", "loss.dice_weight=1"], &[]),
        ("loss.gamma=0", &["loss.main=soft-iou"], &["loss.main=nfl"]),
        ("loss.max_multiplier=3", &["loss.main=focal"], &[]),
        ("loss.max_factor=3", &["loss.main=focal"], &[]),
        ("loss.aux_weight=0.2", &["network.architecture=resnet34_dh128"], &[]),
        ("loss.aux_weight=0.2", &["network.architecture=hrnet18_ocr0_baseline"],
            &["network.architecture=lite0_dh64"]),
        ("optimizer.heads_as_backbone=true", &[],
            &["network.architecture=hrnet8s_ocr8_baseline"]),
        ("optimizer.heads_as_backbone=true", &["network.architecture=resnet34_dh128_baseline"],
            &["network.architecture=hrnet8s_ocr8_itermask"]),
        ("optimizer.backbone_factor=0.5", &["freeze.backbone=true"], &[]),
        ("optimizer.beta1=0", &["optimizer.kind=sgd"], &["optimizer.kind=adamw"]),
        ("optimizer.beta2=0.9", &["optimizer.kind=sgd"], &[]),
        ("optimizer.epsilon=1e-6", &["optimizer.kind=sgd"], &[]),
        ("optimizer.momentum=0.9", &[], &["optimizer.kind=sgd"]),
        ("optimizer.decay_all=true", &[], &["optimizer.weight_decay=0.1"]),
        ("init.partial=true", &["init.kind=imagenet"], &["init.kind=checkpoint"]),
        ("validation.every=2", &["data.hold_out=0"], &[]),
        ("validation.length=2", &["data.hold_out=0"],
            &["data.hold_out=0", r#"data.validation=[{ kind = "folder", path = "a" }]"#]),
        ("validation.length=2", &["validation.every=0"],
            &["validation.every=0", "init.kind=checkpoint"]),
        ("validation.scale=as_in_training", &["data.hold_out=0"], &[]),
        ("validation.min_object_area=9", &["data.hold_out=0"], &[]),
        ("validation.keep_background=0.5", &["data.hold_out=0"], &[]),
        ("validation.noc_objects=2", &["data.hold_out=0"], &[]),
        ("validation.noc_iou=0.8", &["data.hold_out=0"], &["validation.noc_objects=2"]),
        ("validation.noc_clicks=9", &["data.hold_out=0"], &["validation.noc_objects=2"]),
        ("validation.patience=2", &["data.hold_out=0"], &[]),
        ("validation.noc_iou=0.8", &[], &["validation.noc_objects=2"]),
        ("validation.noc_clicks=9", &[], &["validation.noc_objects=2"]),
        ("schedule.milestones=[1]", &[], &["schedule.shape=steps"]),
        ("schedule.milestones=[1, 2]", &["schedule.shape=steps"],
            &["schedule.shape=steps", "schedule.epochs=3"]),
        ("schedule.factor=0.5", &[], &["schedule.shape=steps", "schedule.milestones=[1]"]),
        ("schedule.factor=0.5", &["schedule.shape=steps"],
            &["schedule.shape=steps", "schedule.milestones=[1]"]),
        ("schedule.hold=0.5", &[], &["schedule.shape=cosine"]),
        ("schedule.floor=0", &[], &["schedule.shape=cosine"]),
        ("checkpoints.keep=2", &["checkpoints.intervals=[]"], &[]),
    ];

    #[test]
    fn every_rule_holds_where_it_should_and_nowhere_else() {
        let mut seen = BTreeSet::new();
        for (key, idle, working) in CASES {
            let name = key.split_once('=').unwrap().0;
            let is_of = |told: &&(&str, &str)| told.0.split("[]").next() == Some(name);
            let found = told(&[&[*key], *idle].concat());
            let own: Vec<_> = found.iter().filter(is_of).collect();
            assert_eq!(own.len(), 1, "{key} with {idle:?}: {found:?}");
            seen.extend(own.into_iter().copied());
            let found = told(&[&[*key], *working].concat());
            assert_eq!(found.iter().find(is_of), None, "{key} with {working:?}");
        }
        // The list of sets has two rules.
        let split = |kind: &str| format!(r#"data.sets=[{{ kind = "{kind}", split = "val" }}]"#);
        seen.extend(told(&[&split("folder")]));
        assert_eq!(told(&[&split("sbd")]), []);
        let all: BTreeSet<_> = RULES.iter().map(|rule| (rule.key, rule.needs)).collect();
        assert_eq!(seen, all);
    }

    #[test]
    fn what_says_off_or_is_not_asked_for_is_not_told() {
        assert_eq!(told(&["network.dropout=0", "network.architecture=hrnet18_ocr0_baseline"]), []);
        assert_eq!(told(&["optimizer.momentum=0", "schedule.milestones=[]"]), []);
        // The preset's own numbers for Adam.
        assert_eq!(told(&["optimizer.kind=sgd"]), []);
    }

    #[test]
    fn asking_is_an_error_unless_it_happens_anyway() {
        let check = |values: &[&str]| {
            let layers = layers(values);
            layers.check_effect(&layers.resolve().unwrap()).map_err(|error| error.to_string())
        };
        let expected =
            "optimizer.momentum: 0.9 has no effect here: it needs optimizer.kind = \"sgd\"";
        assert_eq!(check(&["optimizer.momentum=0.9"]).unwrap_err(), expected);
        check(&["optimizer.momentum=0.9", "optimizer.kind=sgd"]).unwrap();
        check(&["init.partial=true"]).unwrap();
        let sets = r#"data.sets=[{ kind = "sbd", weight = 2 }, { kind = "voc" }]"#;
        let expected = "data.sets[].weight: 2.0, 1.0 has no effect here: it needs data.mix = ";
        let error = check(&[sets]).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn a_file_asks_for_what_it_names_and_a_saved_configuration_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        std::fs::write(&path, "preset = \"tiny\"\n[schedule]\nhold = 0.5\n").unwrap();
        let layers = Layers::new().file(&path);
        let config = layers.resolve().unwrap();
        let error = layers.check_effect(&config).unwrap_err().to_string();
        assert!(error.starts_with("schedule.hold: 0.5 has no effect here"), "{error}");
        std::fs::write(&path, config.to_toml().unwrap()).unwrap();
        assert_eq!(layers.resolve().unwrap(), config);
        layers.check_effect(&config).unwrap();
        // It is told at the beginning of a run.
        let architecture = config.network.architecture.parse().unwrap();
        let expected =
            "schedule.hold = 0.5 has no effect here: it needs schedule.shape = \"cosine\"";
        assert_eq!(config.idle_keys(&architecture).unwrap(), [expected]);
    }

    #[test]
    fn every_key_of_a_preset_has_an_effect() {
        let mut compared = 0;
        for name in preset_names() {
            let config = preset(&name).unwrap();
            let data = Data::of(&config.data.sets, &config.data.validation);
            // What a preset does not say itself.
            let base = published("base".to_owned(), "", 0.0, data).to_table().unwrap();
            let own = config.to_table().unwrap();
            let asked = |path: &[&str]| look_up(&own, path) != look_up(&base, path);
            let keys = RULES.iter().map(|rule| rule.key.split('.').collect::<Vec<_>>());
            compared += keys.filter(|path| asked(path)).count();
            let idle = idle(&config, None, asked).unwrap();
            let idle: Vec<_> = idle.iter().map(|idle| idle.key).collect();
            assert!(idle.is_empty(), "{name}: {idle:?}");
        }
        assert!(compared > 100, "{compared}");
    }
}
