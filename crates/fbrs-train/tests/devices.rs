//! Several devices, batches that memory does not suffice for, and convolutions of half precision.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::path::{Path, PathBuf};

use fbrs_train::config::Config;
use fbrs_train::state::{CheckpointFiles, LossScale, TrainingState};
use fbrs_train::{Ended, Training};

use fbrs_models::ParameterSource;
use fbrs_weights::{Checkpoint, ExtraKeys, TensorInfo};

use common::{begin, config, folder, run, weights};

/// Frozen statistics, so that samples do not depend on each other, and steps that do not make noise as large
/// as all else, as Adam's do.
const APART: [&str; 10] = [
    "init.kind=checkpoint",
    "freeze.batch_norm=true",
    "optimizer.kind=sgd",
    "optimizer.rate=1e-4",
    "batch.size=4",
    "data.epoch_length=4",
    "clicks.max_next_clicks=2",
    "network.dropout=0.2",
    "schedule.epochs=2",
    "validation.every=0",
];

fn with<'a>(values: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [values, more].concat()
}

/// All numbers of a network, by name.
type Numbers = Vec<(String, Vec<f32>)>;

/// A folder with photos, and the weights of a short run: frozen statistics have to fit the weights.
fn trained(network: &str) -> (tempfile::TempDir, PathBuf, String, Numbers) {
    let (kept, path) = folder();
    let network = format!("network.architecture={network}");
    let values = [network.as_str(), "data.epoch_length=80", "validation.every=0"];
    let mut training = begin(&config(&path, &values));
    run(&mut training, None);
    let file = training.folder().join("checkpoints/001.safetensors");
    let began = numbers(Checkpoint::open(&file, ExtraKeys::Refuse).unwrap());
    (kept, path, format!("init.file={}", file.display()), began)
}

fn compare(own: &[f64], whole: &[f64], tolerance: f64) {
    assert_eq!(own.len(), whole.len());
    let all = [own, whole];
    for (own, whole) in own.iter().zip(whole) {
        assert!((own - whole).abs() < tolerance * whole, "{own} {whole} {all:?}");
    }
}

/// How far two networks are apart, in parts of the way that the first one went from where both began.
fn distance(one: &Training, other: &Training, began: &Numbers) -> f64 {
    let numbers = |training: &Training| {
        let bits = weights(training);
        move |name: &str| -> Vec<f32> {
            bits[name].iter().map(|bits| f32::from_bits(*bits)).collect()
        }
    };
    let (one, other) = (numbers(one), numbers(other));
    let square = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum()
    };
    let (mut apart, mut way) = (0.0, 0.0);
    for (name, began) in began {
        let (one, other) = (one(name), other(name));
        apart += square(&one, &other);
        way += square(&one, began);
    }
    assert!(way > 0.0, "nothing was learned");
    (apart / way).sqrt()
}

/// All numbers of a checkpoint.
fn numbers(mut checkpoint: Checkpoint) -> Numbers {
    let tensors = checkpoint.tensors().to_vec();
    let read = |tensor: TensorInfo| {
        let values = checkpoint.read(&tensor.name, &tensor.shape).unwrap();
        (tensor.name, values)
    };
    tensors.into_iter().map(read).collect()
}

/// What was saved of a run.
fn saved(folder: &Path) -> (CheckpointFiles, u64, TrainingState) {
    let files = CheckpointFiles::new(&folder.join("checkpoints"));
    let epoch = files.latest().unwrap().unwrap();
    let state = TrainingState::load(&files.training(epoch)).unwrap();
    (files, epoch, state)
}

/// Stops a run behind so many steps, changes what was saved, and goes on.
fn changed(config: &Config, steps: u64, change: impl FnOnce(&mut TrainingState)) -> Training {
    let mut part = begin(config);
    assert_eq!(run(&mut part, Some(steps)).0, Ended::Stopped);
    let place = part.folder().to_owned();
    drop(part);
    let (files, epoch, mut state) = saved(&place);
    change(&mut state);
    state.save(&files.training(epoch)).unwrap();
    Training::resume(&place, &|_, _, _| {}).unwrap()
}

/// Where the next click falls, and whether a pixel is in the mask that the network sees next, can hang on the
/// last digit, by which parts of a batch differ from the whole: with clicks on the network's own errors one
/// step is compared, in which that grows once, and two without.
#[test]
fn devices_share_a_batch_and_make_one_step() {
    for network in ["hrnet8s_ocr8", "hrnet8s_ocr8_itermask"] {
        let (_kept, path, weights, began) = trained(network);
        for (steps, clicks) in [(1, 2), (2, 0)] {
            let (epochs, next) =
                (format!("schedule.epochs={steps}"), format!("clicks.max_next_clicks={clicks}"));
            let values = ["network.architecture=", &weights, &epochs, &next];
            let mut config = config(&path, &with(&APART, &values));
            let mut one = begin(&config);
            let (_, whole) = run(&mut one, None);
            assert_eq!(whole.len(), steps);
            for devices in ["cpu,cpu", "cpu, cpu, cpu"] {
                config.run.device = devices.to_owned();
                let mut several = begin(&config);
                let (_, losses) = run(&mut several, None);
                compare(&losses, &whole, 1e-4);
                let distance = distance(&one, &several, &began);
                // Rounding, in a network that has hardly learned; a share that is wrong would be tenths.
                assert!(distance < 2e-2, "{network} {steps} {devices}: {distance}");
            }
        }
    }
}

/// The encoder's output of samples that come again lies on the first device.
#[test]
fn samples_that_come_again_are_shared_as_well() {
    let lite = [
        "network.architecture=lite0_dh64",
        "init.file=default",
        "freeze.backbone=true",
        "clicks.returning=true",
        "loss.aux_weight=0",
        "network.dropout=0",
    ];
    let (_kept, path) = folder();
    let mut config = config(&path, &with(&APART, &lite));
    let (_, whole) = run(&mut begin(&config), None);
    config.run.device = "cpu,cpu".to_owned();
    let (_, losses) = run(&mut begin(&config), None);
    compare(&losses, &whole, 1e-4);
}

/// Each device has statistics of its part; what is kept is their mean.
#[test]
fn running_statistics_are_those_of_all_devices() {
    let (_kept, path) = folder();
    let values = ["batch.size=4", "data.epoch_length=4", "schedule.epochs=1"];
    let mut config = config(&path, &values);
    let mut one = begin(&config);
    run(&mut one, None);
    config.run.device = "cpu,cpu".to_owned();
    let mut two = begin(&config);
    run(&mut two, None);
    let (one, two) = (weights(&one), weights(&two));
    let statistics = |name: &str| {
        let values = |of: &std::collections::BTreeMap<String, Vec<u32>>| -> Vec<f32> {
            of[name].iter().map(|bits| f32::from_bits(*bits)).collect()
        };
        (values(&one), values(&two))
    };
    // In front of the first normalization nothing depends on other samples.
    let first = one.keys().find(|name| name.ends_with("rgb_conv.2.running_mean")).unwrap();
    let (whole, shared) = statistics(first);
    assert!(whole.iter().any(|value| value.abs() > 1e-3), "{whole:?}");
    for (whole, shared) in whole.iter().zip(&shared) {
        assert!((whole - shared).abs() < 1e-6, "{first}: {whole} {shared}");
    }
    // The variance within two halves is not that of the whole.
    let (whole, shared) = statistics(&first.replace("mean", "var"));
    assert!(whole.iter().zip(&shared).any(|(whole, shared)| (whole - shared).abs() > 1e-6));
}

/// Several devices, half precision: interrupted and gone on, to the bit.
#[test]
fn what_was_interrupted_ends_as_if_it_had_not_been() {
    let variants: [(&str, &[&str]); 3] = [
        ("cpu,cpu", &["batch.size=4", "optimizer.average=0.9"]),
        ("cpu", &["network.precision=f16", "batch.accumulate=2", "optimizer.clip_norm=1"]),
        ("cpu,cpu", &["network.precision=f16", "batch.size=4", "optimizer.average=0.9"]),
    ];
    for (device, values) in variants {
        let (_kept, path) = folder();
        // The first step in f16 is left out, its scale being too large.
        let values = with(values, &["data.epoch_length=12"]);
        let mut config = config(&path, &values);
        config.run.device = device.to_owned();
        let mut whole = begin(&config);
        let (ended, losses) = run(&mut whole, None);
        assert_eq!(ended, Ended::Done);
        let mut part = begin(&config);
        let (_, first) = run(&mut part, Some(1));
        let place = part.folder().to_owned();
        drop(part);
        let mut part = Training::resume(&place, &|_, _, _| {}).unwrap();
        let (_, rest) = run(&mut part, None);
        assert_eq!([first, rest].concat(), losses, "{values:?}");
        assert_eq!(weights(&part), weights(&whole), "{values:?}");
    }
}

/// A batch in portions of one sample is the same batch, and a run remembers that it needs them.
#[test]
fn what_memory_does_not_suffice_for_is_learned_in_portions() {
    let (_kept, path, trained, began) = trained("hrnet8s_ocr8");
    let config = config(&path, &with(&APART, &["network.architecture=", &trained]));
    let mut one = begin(&config);
    let (_, whole) = run(&mut one, None);
    let mut portioned = changed(&config, 1, |state| {
        assert_eq!(state.position.at_once, [None]);
        state.position.at_once = vec![Some(1)];
    });
    let (_, losses) = run(&mut portioned, None);
    compare(&losses, &whole[1..], 1e-4);
    assert_eq!(saved(portioned.folder()).2.position.at_once, [Some(1)]);
    let distance = distance(&one, &portioned, &began);
    assert!(distance < 1e-3, "{distance}");
}

/// Rounded convolutions change the losses a little, and what is learned is the same.
#[test]
fn half_precision_follows_single_precision() {
    let (_kept, path) = folder();
    // A click on an error may move by whole pixels.
    let lite = [
        "network.architecture=",
        "init.file=default",
        "loss.aux_weight=0",
        "network.dropout=0",
        "clicks.max_next_clicks=0",
    ];
    let apart = with(&APART, &lite);
    let began = numbers(Checkpoint::built_in().unwrap());
    let single = config(&path, &apart);
    let mut one = begin(&single);
    let (_, whole) = run(&mut one, None);
    for (precision, loss, way) in [("f16", 1e-2, 1.0), ("bf16", 0.2, 0.3)] {
        let value = format!("network.precision={precision}");
        let config = config(&path, &with(&apart, &[&value]));
        let mut half = begin(&config);
        let (_, losses) = run(&mut half, None);
        compare(&losses, &whole, loss);
        assert_ne!(losses, whole);
        let distance = distance(&one, &half, &began);
        assert!(distance < way, "{precision}: {distance}");
        // f16's first scale is too large here, and costs a step.
        let scale = saved(half.folder()).2.position.loss_scale;
        let expected = LossScale { factor: 32_768.0, steps: 1 };
        assert_eq!(scale, (precision == "f16").then_some(expected));
    }
}

/// A scale that f16 has no numbers for costs a step and is halved.
#[test]
fn too_large_a_scale_is_halved_and_its_step_left_out() {
    let (_kept, path) = folder();
    let config = config(&path, &["batch.size=4", "data.epoch_length=12", "network.precision=f16"]);
    let factor = 2f64.powi(60);
    let mut part = changed(&config, 1, |state| {
        state.position.loss_scale = Some(LossScale { factor, steps: 7 });
    });
    let before = weights(&part);
    let (ended, losses) = run(&mut part, Some(2));
    assert_eq!((ended, losses.len()), (Ended::Stopped, 1));
    let (_, _, state) = saved(part.folder());
    assert_eq!(state.position.loss_scale, Some(LossScale { factor: factor / 2.0, steps: 0 }));
    // But for running statistics, which follow what a network sees.
    let changed = weights(&part).into_iter().filter(|(name, values)| *values != before[name]);
    let changed: Vec<_> = changed.map(|(name, _)| name).collect();
    assert!(!changed.is_empty() && changed.iter().all(|it| it.contains("running_")), "{changed:?}");
}

#[test]
fn devices_that_cannot_be_are_told() {
    let (_kept, path) = folder();
    let mut few = config(&path, &["batch.size=2"]);
    few.run.device = "cpu,cpu".to_owned();
    let error = few.check().unwrap_err().to_string();
    assert!(error.contains("at least 4 for 2 devices"), "{error}");
    let mut unknown = config(&path, &["freeze.batch_norm=true"]);
    unknown.run.device = "cpu,tpu".to_owned();
    let data = fbrs_train::Data::open(&unknown, &|_, _, _| {}).unwrap();
    let error = Training::begin(unknown, data).err().unwrap().to_string();
    assert!(error.contains("\"tpu\" names no device"), "{error}");
}
