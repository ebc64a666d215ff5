//! Whole runs of a tiny network: what is learned, what is saved, and going on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;

use fbrs::{CancelToken, Size};
use fbrs_train::config::Augmentation;
use fbrs_train::groups::is_backbone;
use fbrs_train::{Data, Ended, Event, Training};
use fbrs_weights::Checkpoint;
use image::GrayImage;

use common::{begin, config, folder, photos, run, weights};

/// What the validations found, by epoch.
fn judged(training: &Training) -> Vec<(u64, String, String)> {
    let text = std::fs::read_to_string(training.folder().join("logs/log.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let of_epochs = lines.filter_map(|line| {
        let epoch = line.get("epoch")?.as_u64()?;
        Some((epoch, line["tag"].to_string(), line["value"].to_string()))
    });
    let found: Vec<_> = of_epochs.collect();
    assert!(found.iter().any(|(_, tag, _)| tag.contains("ValLosses")), "{text}");
    found
}

/// What has no effect in the network that was found is told, and what a run began with can be told again.
#[test]
fn what_a_run_begins_with_is_told_and_recorded() {
    let (_kept, path) = folder();
    let trained = ["network.architecture=", "init.kind=checkpoint", "init.file=default"];
    let values =
        [&trained[..], &["optimizer.heads_as_backbone=true", "loss.aux_weight=0"]].concat();
    let config = config(&path, &values);
    let data = Data::open(&config, &|_, _, _| {}).unwrap();
    let (training, remarks) = Training::begin(config, data).unwrap();
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    let expected = "optimizer.heads_as_backbone = true has no effect here: it needs ";
    assert!(remarks[0].starts_with(expected), "{remarks:?}");
    let manifest = std::fs::read_to_string(training.folder().join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let fingerprint = Checkpoint::built_in().unwrap().fingerprint().unwrap();
    assert_eq!(manifest["init_sha256"], fingerprint.to_string());
}

/// A validation that was cut off is made up for, and an early stop stays one.
#[test]
fn validations_are_made_up_for_and_patience_is_kept() {
    let (_kept, path) = folder();
    let config = config(
        &path,
        &[
            "schedule.epochs=6",
            "validation.patience=1",
            "freeze.batch_norm=true",
            "optimizer.rate=1e-30",
        ],
    );
    let mut whole = begin(&config);
    let (ended, _) = run(&mut whole, None);
    assert_eq!(ended, Ended::NothingBetter);
    let place = whole.folder().to_owned();
    let found = judged(&whole);
    drop(whole);
    let mut again = Training::resume(&place, &|_, _, _| {}).unwrap();
    assert_eq!(run(&mut again, None), (Ended::NothingBetter, Vec::new()));

    // Stopped at the last step of the first epoch: its validation is cut off.
    let mut part = begin(&config);
    let (ended, _) = run(&mut part, Some(3));
    assert_eq!(ended, Ended::Stopped);
    let place = part.folder().to_owned();
    drop(part);
    let mut part = Training::resume(&place, &|_, _, _| {}).unwrap();
    assert_eq!(run(&mut part, None).0, Ended::NothingBetter);
    assert_eq!(judged(&part), found);
}

/// Stopped in a validation, and again while it is made up for, as often as one likes.
#[test]
fn a_validation_can_be_stopped_again_and_again() {
    let (_kept, path) = folder();
    let config = config(&path, &["schedule.epochs=1"]);
    let mut training = begin(&config);
    let stop = CancelToken::new();
    let ended = training.run(&stop, &mut |event| {
        if let Event::Step { steps: [done, total], .. } = event
            && done == total
        {
            stop.cancel();
        }
    });
    assert_eq!(ended.unwrap(), Ended::Stopped);
    let place = training.folder().to_owned();
    drop(training);
    for _ in 0..2 {
        let mut training = Training::resume(&place, &|_, _, _| {}).unwrap();
        let stop = CancelToken::new();
        stop.cancel();
        assert_eq!(training.run(&stop, &mut |_| {}).unwrap(), Ended::Stopped);
    }
    let mut training = Training::resume(&place, &|_, _, _| {}).unwrap();
    assert_eq!(run(&mut training, None), (Ended::Done, Vec::new()));
    judged(&training);
}

/// Stopped in the middle of an epoch and gone on, with another number of threads.
#[test]
fn a_run_that_was_interrupted_ends_as_if_it_had_not_been() {
    let variants: [&[&str]; 6] = [
        // What is frozen comes from a file, and is not what the seed would draw.
        &[
            "network.architecture=lite0_dh64",
            "init.kind=imagenet",
            "init.file=default",
            "freeze.backbone=true",
            "clicks.max_next_clicks=3",
            "clicks.returning=true",
            "optimizer.average=0.9",
            "optimizer.kind=adamw",
            "loss.reduction=2",
            "loss.dice_weight=1",
            "schedule.epochs=2",
        ],
        &[
            "network.architecture=lite0_dh64",
            "init.kind=checkpoint",
            "init.file=default",
            "freeze.batch_norm=true",
            "optimizer.average=0.9",
            "validation.noc_objects=2",
            "validation.noc_clicks=2",
            "schedule.epochs=2",
        ],
        &["clicks.max_next_clicks=2", "network.architecture=hrnet8s_ocr8"],
        &["clicks.max_next_clicks=2", "network.architecture=hrnet8s_ocr8_itermask"],
        &["clicks.max_next_clicks=3", "clicks.returning=true", "optimizer.average=0.9"],
        &["optimizer.kind=sgd", "optimizer.momentum=0.9", "batch.accumulate=2"],
    ];
    for values in variants {
        let (_kept, path) = folder();
        let config = config(&path, &[&["schedule.epochs=3"], values].concat());
        let mut whole = begin(&config);
        let (ended, losses) = run(&mut whole, None);
        assert_eq!(ended, Ended::Done);
        assert!(losses.iter().all(|loss| loss.is_finite()));

        let mut other = config.clone();
        other.run.threads = 1;
        let mut part = begin(&other);
        let (ended, first) = run(&mut part, Some(2));
        assert_eq!(ended, Ended::Stopped);
        let place = part.folder().to_owned();
        drop(part);
        let mut part = Training::resume(&place, &|_, _, _| {}).unwrap();
        let (ended, rest) = run(&mut part, None);
        assert_eq!(ended, Ended::Done);
        assert_eq!([first, rest].concat(), losses, "{values:?}");
        assert_eq!(weights(&part), weights(&whole), "{values:?}");
        assert_eq!(judged(&part), judged(&whole), "{values:?}");
        assert!(place.join("logs").read_dir().unwrap().count() >= 2);
        assert!(place.join("pictures").read_dir().unwrap().count() >= 1);
    }
}

#[test]
fn one_object_is_learned_by_heart() {
    let folder = tempfile::tempdir().unwrap();
    photos(&folder.path().join("data"), 1, 28.0);
    let values = [
        "data.hold_out=0",
        "data.epoch_length=800",
        "batch.size=4",
        "schedule.epochs=1",
        "optimizer.rate=1e-2",
        "schedule.shape=cosine",
        "schedule.hold=0.5",
        "optimizer.backbone_factor=1",
    ];
    let mut config = config(folder.path(), &values);
    config.samples.augmentation = Augmentation::none();
    config.samples.crop = Size { height: 90, width: 110 };
    let mut training = begin(&config);
    let mut iou = 0.0;
    let ended = training.run(&CancelToken::new(), &mut |event| {
        if let Event::Step { iou: now, .. } = event {
            iou = now;
        }
    });
    assert_eq!(ended.unwrap(), Ended::Done);
    assert!(iou > 0.95, "{iou}");
}

#[test]
fn what_does_not_learn_stays() {
    let (_kept, path) = folder();
    let values = ["freeze.backbone=true", "freeze.batch_norm=true", "schedule.epochs=1"];
    let mut training = begin(&config(&path, &values));
    let [learned, all] = training.learned();
    assert!(learned < all / 2, "{learned} of {all}");
    let architecture = "hrnet8s_ocr8".parse().unwrap();
    let before = weights_of(&mut training, 1);
    let after = weights(&training);
    for (name, values) in &before {
        // Nothing depends on the query and the key of an attention to one class.
        let is_idle = ["f_pixel", "f_object"].iter().any(|part| name.contains(part));
        let is_statistic = name.contains("running_");
        let stays = is_backbone(&architecture, name) || is_idle || is_statistic;
        assert_eq!(values == &after[name], stays, "{name}");
    }
}

/// The weights behind the first step, then the run to its end.
fn weights_of(training: &mut Training, steps: u64) -> BTreeMap<String, Vec<u32>> {
    run(training, Some(steps));
    let before = weights(training);
    run(training, None);
    before
}

#[test]
fn bad_data_is_told_before_anything_is_trained() {
    let (_kept, path) = folder();
    std::fs::write(path.join("data/images/3.png"), "no picture").unwrap();
    GrayImage::new(110, 90).save(path.join("data/masks/4.png")).unwrap();
    GrayImage::new(11, 9).save(path.join("data/masks/5.png")).unwrap();
    let error = Data::open(&config(&path, &[]), &|_, _, _| {}).unwrap_err().to_string();
    for name in ["3.png", "4.png", "5.png"] {
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn an_exploding_rate_is_told_and_nothing_is_lost() {
    let (_kept, path) = folder();
    let values = ["optimizer.rate=1e30", "optimizer.kind=sgd", "schedule.epochs=4"];
    let mut training = begin(&config(&path, &values));
    let error = training.run(&CancelToken::new(), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("optimizer.rate"), "{error}");
}

#[test]
fn a_run_goes_on_only_with_its_own_data() {
    let (_kept, path) = folder();
    let mut training = begin(&config(&path, &[]));
    run(&mut training, Some(1));
    let place = training.folder().to_owned();
    drop(training);
    photos(&path.join("data"), 9, 18.0);
    let error = Training::resume(&place, &|_, _, _| {}).err().unwrap().to_string();
    assert!(error.contains("the data changed"), "{error}");
}

/// Crops that come again: features of the encoder are on the disk while the run goes on, and change nothing.
#[test]
fn features_that_are_kept_change_nothing() {
    let (_kept, path) = folder();
    let values = [
        "network.architecture=lite0_dh64",
        "init.kind=imagenet",
        "init.file=default",
        "freeze.backbone=true",
        "clicks.max_next_clicks=3",
        "clicks.returning=true",
        "data.views=2",
        "schedule.epochs=3",
    ];
    let config = config(&path, &values);
    let mut whole = begin(&config);
    let (_, losses) = run(&mut whole, None);
    assert!(!whole.folder().join("features").exists());

    let mut part = begin(&config);
    let (_, first) = run(&mut part, Some(2));
    let place = part.folder().to_owned();
    let kept = std::fs::read_dir(place.join("features")).unwrap().count();
    // Six photos are learned from.
    assert!((1..=12).contains(&kept), "{kept}");
    drop(part);
    // One that is gone or damaged is made anew.
    let files = std::fs::read_dir(place.join("features")).unwrap().map(|file| file.unwrap().path());
    for (index, file) in files.enumerate() {
        match index % 3 {
            0 => std::fs::remove_file(file).unwrap(),
            1 => std::fs::write(file, "damaged").unwrap(),
            _ => {}
        }
    }
    let mut part = Training::resume(&place, &|_, _, _| {}).unwrap();
    let (_, rest) = run(&mut part, None);
    assert_eq!([first, rest].concat(), losses);
    assert_eq!(weights(&part), weights(&whole));
    assert!(!place.join("features").exists());
}
