#![allow(clippy::unwrap_used)]
use super::*;
use std::fs;
use std::path::Path;

fn state() -> TrainingState {
    let mut training_iou = AdaptiveIou::default();
    training_iou.update(&[0.1, 0.7, 0.2], &[0.0, 1.0, -1.0], 3);
    let mut best = Best::default();
    best.see(3, 0.1 + 0.2);
    let values = |count: u32| (0..count).map(|index| (index as f32).sin()).collect();
    let full = ParameterState {
        value: vec![0.5, -0.25, 1.0, 2.0, f32::MIN_POSITIVE, -0.0],
        shape: vec![2, 3],
        steps: 70,
        first: values(6),
        second: vec![f32::MIN_POSITIVE / 8.0; 6],
        average: values(6),
    };
    let plain = ParameterState {
        value: vec![1.5],
        shape: vec![1],
        steps: 3,
        first: vec![0.5],
        ..Default::default()
    };
    let unused = ParameterState { value: vec![0.0; 4], shape: vec![4], ..Default::default() };
    let parameters = [("head.weight", full), ("head.bias", plain), ("aux", unused)];
    TrainingState {
        position: Position {
            judged: 4,
            before: Some(7.25),
            waiting: vec![Waiting {
                epoch: 3,
                position: 17,
                given: 2,
                points: vec![Some((1.0, 2.0, 100)), None],
            }],
            architecture: "hrnet8s_ocr8".to_owned(),
            epoch: 4,
            step: 70,
            steps_per_epoch: 16,
            sample: 12,
            seed: i64::MAX as u64,
            training_iou,
            validation_iou: AdaptiveIou::default(),
            focal: FocalAverages { k: 1.0 / 3.0, m: 0.2 },
            best,
            at_once: vec![None, Some(4)],
            loss_scale: Some(LossScale { factor: 1024.0, steps: 7 }),
            log: LogPosition::default(),
            config_sha256: "config".to_owned(),
            data_sha256: "data".to_owned(),
        },
        parameters: parameters.map(|(name, it)| (name.to_owned(), it)).into(),
    }
}

fn fails(path: &Path, bytes: &[u8]) -> String {
    fs::write(path, bytes).unwrap();
    TrainingState::load(path).unwrap_err().to_string()
}

#[test]
fn everything_comes_back_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("004.training");
    state().save(&path).unwrap();
    assert_eq!(TrainingState::load(&path).unwrap(), state());
    let before = fs::read(&path).unwrap();
    state().save(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_run_that_diverged_can_be_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = crate::log::RunLog::create(folder.path()).unwrap();
    log.average(&crate::log::Tag::TRAIN_LOSS, f64::NAN, 0).unwrap();
    let mut state = state();
    state.position.focal = FocalAverages { k: f64::INFINITY, m: 0.1 };
    state.position.log = log.position().unwrap();
    state.parameters.get_mut("head.bias").unwrap().first = vec![f32::NAN];
    let path = folder.path().join("004.training");
    state.save(&path).unwrap();
    let loaded = TrainingState::load(&path).unwrap();
    assert_eq!(format!("{loaded:?}"), format!("{state:?}"));
    assert!(loaded.position.log != state.position.log, "NaN is kept as such");
}

#[test]
fn what_is_damaged_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("004.training");
    state().save(&path).unwrap();
    let sound = fs::read(&path).unwrap();
    // Wherever it is cut, and whatever byte is changed but for the header's own padding.
    for end in (0..sound.len()).step_by(7) {
        let error = fails(&path, &sound[..end]);
        assert!(error.contains("004.training: it is damaged ("), "{error}");
    }
    let header = sound.iter().rposition(|&byte| byte == b'}').unwrap();
    for place in (header + 1..sound.len()).filter(|&place| sound[place] != b' ') {
        let mut bytes = sound.clone();
        bytes[place] ^= 4;
        let error = fails(&path, &bytes);
        assert!(error.contains("checksum"), "{error}");
    }
    let replaced = |old: &str, new: &str| {
        let text = sound.iter().map(|&byte| byte as char).collect::<String>();
        assert!(text.contains(old) && old.len() == new.len(), "{old}");
        text.replace(old, new).chars().map(|letter| letter as u8).collect::<Vec<_>>()
    };
    let error = fails(&path, &replaced("\\\"version\\\":1", "\\\"version\\\":2"));
    assert!(error.contains("its version is 2, expected 1"), "{error}");
    let error = fails(&path, &replaced("fbrs_training", "fbrs_weights_"));
    assert!(error.contains("it is no training file"), "{error}");
    let error = fails(&path, &replaced("first.head.bias", "first.head.bios"));
    assert!(error.contains("first.head.bios belongs to no parameter"), "{error}");
    let error = fails(&path, &replaced("\\\"seed\\\"", "\\\"sead\\\""));
    assert!(error.contains("unknown field `sead`"), "{error}");
}

#[test]
fn a_file_that_cannot_be_written_leaves_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("004.training");
    state().save(&path).unwrap();
    let mut wrong = state();
    wrong.parameters.get_mut("head.bias").unwrap().first.push(1.0);
    let error = wrong.save(&path).unwrap_err().to_string();
    assert!(error.contains("first.head.bias has 2 values, its shape is [1]"), "{error}");
    assert_eq!(TrainingState::load(&path).unwrap(), state());
    let error = state().save(&folder.path().join("none/004.training")).unwrap_err().to_string();
    assert!(error.starts_with("cannot write"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn another_network_is_told_apart() {
    let state = state();
    let own: Vec<_> =
        state.parameters.iter().map(|(name, it)| (name.as_str(), &*it.shape)).collect();
    check_parameters(&state.parameters, own.iter().copied()).unwrap();
    let other: [(&str, &[usize]); 4] =
        [("head.weight", &[3, 2]), ("head.bias", &[1]), ("a", &[1]), ("b", &[2])];
    let error = check_parameters(&state.parameters, other).unwrap_err().to_string();
    assert_eq!(
        error,
        "cannot resume: the training file is of another network or another choice \
         of what learns: head.weight has the shape [2, 3], expected [3, 2], a is missing, b is \
         missing and 1 more"
    );
}

#[test]
fn another_origin_is_told_apart() {
    let state = state();
    state.check_origin("config", "data").unwrap();
    let error = state.check_origin("other", "data").unwrap_err().to_string();
    assert!(error.contains("config.toml is not as it was"), "{error}");
    let error = state.check_origin("config", "other").unwrap_err().to_string();
    assert!(error.contains("the data changed since"), "{error}");
}
