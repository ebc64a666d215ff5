//! Networks under keys and prefixes that training programs put before their names.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use fbrs_weights::{Checkpoint, ExtraKeys, WeightsError};
use safetensors::tensor::Dtype;
use support::Spoilt;

/// A small network; dots in safetensors' names are what nested dictionaries of a `.pth` become.
fn network(prefix: &str) -> Spoilt {
    let mut tensors = Spoilt::new("hrnet1s_ocr1");
    tensors.rename(|name| format!("{prefix}{name}"));
    tensors
}

fn open(tensors: &Spoilt, extra: ExtraKeys) -> Result<Checkpoint, WeightsError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrapped.safetensors");
    tensors.write(&path, &[]);
    Checkpoint::open(&path, extra)
}

fn fingerprint(tensors: &Spoilt) -> String {
    let mut checkpoint = open(tensors, ExtraKeys::Refuse).unwrap();
    assert_eq!(checkpoint.remark(), None);
    assert!(checkpoint.ignored().is_empty());
    checkpoint.fingerprint().unwrap().to_string()
}

#[test]
fn any_prefix_before_the_names_is_taken_off() {
    let plain = fingerprint(&network(""));
    for prefix in [
        "module.",
        "module.module.",
        "_orig_mod.",
        "model.",
        "net.",
        "state_dict.model.",
        "state_dict.model._orig_mod.module.",
        "module._orig_mod.",
        "anything.at.all.",
    ] {
        assert_eq!(fingerprint(&network(prefix)), plain, "{prefix}");
    }
}

#[test]
fn a_network_is_found_under_any_key_that_training_programs_use() {
    let plain = fingerprint(&network(""));
    for key in [
        "state_dict",
        "model_state_dict",
        "model",
        "net",
        "network",
        "weights",
        "params",
        "ema",
        "model_ema",
        "state_dict_ema",
    ] {
        let mut tensors = network(&format!("{key}.module."));
        // What lies beside such a key is no part of the network.
        tensors.put("optimizer.state.0.exp_avg", Dtype::F32, &[3]);
        assert_eq!(fingerprint(&tensors), plain, "{key}");
    }
}

#[test]
fn the_counter_of_an_averaged_model_is_no_tensor_too_many() {
    let mut tensors = network("module.");
    tensors.put("n_averaged", Dtype::I64, &[]);
    assert_eq!(fingerprint(&tensors), fingerprint(&network("")));
}

#[test]
fn a_tensor_beside_a_prefix_is_one_too_many() {
    for prefix in ["module.", "_orig_mod.", "state_dict.model."] {
        let mut tensors = network(prefix);
        let other = if prefix.starts_with("state_dict") { "state_dict.loss.w" } else { "loss.w" };
        tensors.put(other, Dtype::F32, &[2]);
        let error = open(&tensors, ExtraKeys::Refuse).unwrap_err().to_string();
        assert!(error.contains(&format!("1 unexpected ({other})")), "{error}");
        let checkpoint = open(&tensors, ExtraKeys::Ignore).unwrap();
        assert_eq!(checkpoint.ignored(), [other]);
    }
}

#[test]
fn a_tensor_beside_a_prefix_takes_no_parameters_place() {
    let mut tensors = network("_orig_mod.");
    tensors.0.remove("_orig_mod.rgb_conv.0.bias").unwrap();
    tensors.put("rgb_conv.0.bias", Dtype::F32, &[8]);
    let error = open(&tensors, ExtraKeys::Ignore).unwrap_err().to_string();
    assert!(error.contains("1 missing (rgb_conv.0.bias)"), "{error}");
}

#[test]
fn of_several_networks_one_is_taken_and_it_is_said_which() {
    for (taken, other) in [("model", "model_ema"), ("state_dict", "ema"), ("net", "teacher")] {
        let mut tensors = network(&format!("{taken}."));
        let mut others = network(&format!("{other}.module."));
        others.set_first(&format!("{other}.module.rgb_conv.0.bias"), 9.0);
        tensors.0.append(&mut others.0);
        let mut checkpoint = open(&tensors, ExtraKeys::Refuse).unwrap();
        let remark = checkpoint.remark().unwrap().to_owned();
        let words = format!("under {taken} was taken, not {other}.module");
        assert!(remark.contains("2 networks") && remark.contains(&words), "{remark}");
        assert_eq!(checkpoint.fingerprint().unwrap().to_string(), fingerprint(&network("")));
    }
    let mut tensors = network("");
    tensors.0.append(&mut network("\u{1b}[2J.").0);
    let checkpoint = open(&tensors, ExtraKeys::Ignore).unwrap();
    let remark = checkpoint.remark().unwrap();
    assert!(remark.contains("under no key was taken, not \\u{1b}[2J"), "{remark}");
}

#[test]
fn names_that_only_resemble_a_network_s_are_none() {
    let mut tensors = Spoilt::new("hrnet1s_ocr1");
    tensors.rename(|name| format!("my_{name}"));
    let error = open(&tensors, ExtraKeys::Ignore).unwrap_err();
    assert!(matches!(error, WeightsError::Unrecognized { .. }), "{error}");
}

#[test]
fn every_family_is_told_by_its_names_and_shapes() {
    for name in ["resnet34_dh2", "resnet50_dh4_nofusion", "hrnet2s_ocr1", "lite0_dh5", "lite0_dh64"]
    {
        let mut tensors = Spoilt::new(name);
        let counters: Vec<_> =
            tensors.0.keys().filter(|name| name.ends_with("running_var")).collect();
        let counters: Vec<_> = counters
            .iter()
            .map(|name| name.replace("running_var", "num_batches_tracked"))
            .collect();
        for counter in counters {
            tensors.put(&counter, Dtype::I64, &[]);
        }
        tensors.rename(|name| format!("module.{name}"));
        let checkpoint = open(&tensors, ExtraKeys::Refuse).unwrap();
        assert_eq!(checkpoint.architecture().to_string(), name);
    }
}
