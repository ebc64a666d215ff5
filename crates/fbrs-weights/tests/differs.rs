//! Files that are nearly a network: the error says what differs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use fbrs_models::ParameterSource;
use fbrs_weights::{Checkpoint, ExtraKeys, Fault, Precision, Provenance, WeightsError};
use safetensors::tensor::Dtype;
use support::Spoilt;

/// Spoils a small network and tries to open it.
fn open_spoilt(
    metadata: &[(&str, &str)],
    extra: ExtraKeys,
    spoil: impl FnOnce(&mut Spoilt),
) -> Result<Checkpoint, WeightsError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spoilt.safetensors");
    let mut tensors = Spoilt::new("hrnet1s_ocr2");
    spoil(&mut tensors);
    tensors.write(&path, metadata);
    Checkpoint::open(&path, extra)
}

fn message(metadata: &[(&str, &str)], spoil: impl FnOnce(&mut Spoilt)) -> String {
    let error = open_spoilt(metadata, ExtraKeys::Refuse, spoil).unwrap_err();
    assert_eq!(error.fault(), Fault::File);
    let message = error.to_string();
    assert!(message.contains("spoilt.safetensors"), "{message}");
    message
}

fn assert_says(message: &str, words: &[&str]) {
    for words in words {
        assert!(message.contains(words), "no \"{words}\" in: {message}");
    }
}

#[test]
fn unspoilt() {
    open_spoilt(&[], ExtraKeys::Refuse, |_| {}).unwrap();
}

#[test]
fn missing() {
    let message = message(&[], |tensors| {
        tensors.0.remove("rgb_conv.0.bias").unwrap();
        tensors.0.retain(|name, _| !name.starts_with("feature_extractor.aux_head."));
    });
    assert_says(&message, &["close to hrnet1s_ocr2", "9 missing", "rgb_conv.0.bias", "…"]);
}

#[test]
fn unexpected() {
    let spoil = |tensors: &mut Spoilt| {
        tensors.put("other_transform.0.weight", Dtype::F32, &[2, 2]);
        tensors.put("other_transform.0.num_batches_tracked", Dtype::I64, &[]);
    };
    assert_says(
        &message(&[], spoil),
        &["1 unexpected (other_transform.0.weight)", "can be left out on request"],
    );
    let checkpoint = open_spoilt(&[], ExtraKeys::Ignore, spoil).unwrap();
    assert_eq!(checkpoint.ignored(), ["other_transform.0.weight"]);
}

#[test]
fn misshaped() {
    let message = message(&[], |tensors| {
        tensors.put("feature_extractor.cls_head.weight", Dtype::F32, &[2, 4, 1, 1]);
    });
    let shapes = "feature_extractor.cls_head.weight: expected [1, 4, 1, 1], found [2, 4, 1, 1]";
    assert_says(&message, &["1 of another shape", shapes]);
}

#[test]
fn another_kind_of_numbers() {
    let message = message(&[], |tensors| tensors.put("rgb_conv.0.bias", Dtype::I64, &[8]));
    assert_says(&message, &["rgb_conv.0.bias holds i64", "expected f32, f16, bf16 or f64"]);
}

#[test]
fn another_architecture_than_it_says() {
    let message = message(&[("architecture", "hrnet18s_ocr64")], |_| {});
    assert_says(&message, &["says it is hrnet18s_ocr64, its tensors say hrnet1s_ocr2"]);
}

#[test]
fn a_deeper_backbone() {
    let message = message(&[], |tensors| {
        tensors.0.clear();
        for index in 0..800 {
            tensors.put(&format!("feature_extractor.backbone.{index}"), Dtype::F32, &[1]);
        }
    });
    assert_says(&message, &["800 tensors", "more than ResNet-152's 786"]);
}

#[test]
fn an_odd_width() {
    let message = message(&[], |tensors| {
        tensors.0.clear();
        tensors.put("feature_extractor.backbone.conv1.weight", Dtype::F32, &[1]);
        tensors.put("feature_extractor.aspp.project.0.weight", Dtype::F32, &[3, 2]);
    });
    assert_says(&message, &["3 rows", "expected an even number"]);
}

#[test]
fn numbers_that_are_none() {
    for value in [f32::NAN, f32::INFINITY] {
        let mut checkpoint = open_spoilt(&[], ExtraKeys::Refuse, |tensors| {
            tensors.set_first("rgb_conv.0.bias", value)
        })
        .unwrap();
        let error = checkpoint.read("rgb_conv.0.bias", &[8]).unwrap_err().to_string();
        assert_says(&error, &["rgb_conv.0.bias", &value.to_string(), "finite"]);
    }
}

#[test]
fn too_large_for_half_precision() {
    let name = "rgb_conv.0.weight";
    let mut checkpoint =
        open_spoilt(&[], ExtraKeys::Refuse, |tensors| tensors.set_first(name, 70000.0)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("half.safetensors");
    let error = checkpoint.save_native(&path, Precision::F16, &Provenance::default()).unwrap_err();
    assert_says(&error.to_string(), &[name, "70000", "65504"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a partial file is left");
}

#[test]
fn a_file_that_is_not_there() {
    let error = Checkpoint::open("no/such.pth", ExtraKeys::Refuse).unwrap_err();
    assert_eq!(error.fault(), Fault::Caller);
    assert_says(&error.to_string(), &["cannot open no/such.pth"]);
    let error = Checkpoint::open(".", ExtraKeys::Refuse).unwrap_err();
    assert_says(&error.to_string(), &["found a folder"]);
}
