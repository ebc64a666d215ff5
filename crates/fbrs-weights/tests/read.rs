//! Reading checkpoints and native files: every value against the formula.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::BTreeSet;
use std::fs;

use fbrs_models::{Fusion, ParameterSource};
use fbrs_weights::{Checkpoint, Container, Element, ExtraKeys, Precision, Provenance};
use support::{Spoilt, golden, stored};

/// Reads everything and compares it with the formula.
fn assert_formula(checkpoint: &mut Checkpoint) {
    let parameters = checkpoint.architecture().parameters();
    assert_eq!(checkpoint.tensors().len(), parameters.len());
    for (tensor, parameter) in checkpoint.tensors().to_vec().iter().zip(parameters) {
        assert_eq!((&tensor.name, &tensor.shape), (&parameter.name, &parameter.shape));
        let values = checkpoint.read(&tensor.name, &tensor.shape).unwrap();
        assert_eq!(values, stored(&tensor.name, &tensor.shape, tensor.element), "{}", tensor.name);
    }
}

fn elements(checkpoint: &Checkpoint) -> BTreeSet<String> {
    checkpoint.tensors().iter().map(|tensor| tensor.element.to_string()).collect()
}

#[test]
fn zip_archive_in_four_precisions() {
    let mut checkpoint = Checkpoint::open(golden("zip.pth"), ExtraKeys::Refuse).unwrap();
    assert_eq!(checkpoint.container(), Container::Zip);
    assert_eq!(checkpoint.architecture().to_string(), "hrnet1s_ocr1");
    assert_eq!(checkpoint.norm_radius(), 260.0);
    assert_eq!(checkpoint.provenance().source_file.as_deref(), Some("zip.pth"));
    assert_eq!(checkpoint.file_size(), fs::metadata(golden("zip.pth")).unwrap().len());
    assert_eq!(elements(&checkpoint), ["bf16", "f16", "f32", "f64"].map(String::from).into());
    assert_formula(&mut checkpoint);
}

#[test]
fn older_stream_with_prefix_nested_and_without_fusion() {
    let mut checkpoint = Checkpoint::open(golden("stream.pth"), ExtraKeys::Refuse).unwrap();
    assert_eq!(checkpoint.container(), Container::Stream);
    assert_eq!(checkpoint.architecture().to_string(), "hrnet1s_ocr1_nofusion");
    assert_eq!(checkpoint.architecture().fusion(), Some(Fusion::Fixed));
    assert_eq!(elements(&checkpoint), ["bf16", "f16", "f32", "f64"].map(String::from).into());
    assert_formula(&mut checkpoint);
}

#[test]
fn a_parameter_it_does_not_have() {
    let mut checkpoint = Checkpoint::open(golden("zip.pth"), ExtraKeys::Refuse).unwrap();
    let error = checkpoint.read("head.weight", &[3]).unwrap_err().to_string();
    assert!(error.contains("hrnet1s_ocr1") && error.contains("head.weight"), "{error}");
    let error = checkpoint.read("rgb_conv.0.bias", &[9]).unwrap_err().to_string();
    assert!(error.contains("[9]"), "{error}");
}

#[test]
fn native_file_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("native.safetensors");
    let mut provenance = Provenance::of_file(&golden("zip.pth")).unwrap();
    provenance.training_set = Some("a set".to_owned());
    provenance.terms = Some("some terms".to_owned());
    let checkpoint = Checkpoint::open(golden("zip.pth"), ExtraKeys::Refuse).unwrap();
    let mut checkpoint = checkpoint.with_norm_radius(130.5).unwrap();
    checkpoint.save_native(&path, Precision::F32, &provenance).unwrap();

    let mut native = Checkpoint::open(&path, ExtraKeys::Refuse).unwrap();
    assert_eq!(native.container(), Container::Safetensors);
    assert_eq!(native.norm_radius(), 130.5);
    let mut expected = provenance.clone();
    expected.created_by = Some(concat!("fbrs ", env!("CARGO_PKG_VERSION")).to_owned());
    assert_eq!(*native.provenance(), expected);
    assert_eq!(native.provenance().source_sha256.as_ref().unwrap().len(), 64);
    let mut original = Checkpoint::open(golden("zip.pth"), ExtraKeys::Refuse).unwrap();
    for tensor in original.tensors().to_vec() {
        let expected = original.read(&tensor.name, &tensor.shape).unwrap();
        assert_eq!(native.read(&tensor.name, &tensor.shape).unwrap(), expected);
    }

    // The same bytes again, and over the very file that is read.
    let first = fs::read(&path).unwrap();
    native.save_native(&path, Precision::F32, &provenance).unwrap();
    assert_eq!(fs::read(&path).unwrap(), first);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn native_file_in_half_precision() {
    let folder = tempfile::tempdir().unwrap();
    let (single, half) = (folder.path().join("a.safetensors"), folder.path().join("b.safetensors"));
    Spoilt::new("hrnet1_ocr2").write(&single, &[]);
    let mut checkpoint = Checkpoint::open(&single, ExtraKeys::Refuse).unwrap();
    assert_eq!(checkpoint.architecture().to_string(), "hrnet1_ocr2");
    checkpoint.save_native(&half, Precision::F16, &Provenance::default()).unwrap();
    let mut checkpoint = Checkpoint::open(&half, ExtraKeys::Refuse).unwrap();
    for tensor in checkpoint.tensors() {
        let expected = if tensor.shape.len() > 1 { Element::F16 } else { Element::F32 };
        assert_eq!(tensor.element, expected, "{}", tensor.name);
    }
    assert_formula(&mut checkpoint);
}

#[test]
#[cfg(feature = "built-in")]
fn built_in_weights_load_within_100_ms() {
    use std::time::{Duration, Instant};

    let load = || {
        let start = Instant::now();
        let mut checkpoint = Checkpoint::built_in().unwrap();
        let mut values = 0;
        for tensor in checkpoint.tensors().to_vec() {
            values += checkpoint.read(&tensor.name, &tensor.shape).unwrap().len();
        }
        assert_eq!(values, checkpoint.parameter_count());
        (start.elapsed(), checkpoint)
    };
    let (_, checkpoint) = load();
    assert_eq!(checkpoint.architecture().to_string(), "lite0_dh64");
    assert_eq!(checkpoint.norm_radius(), 260.0);
    let provenance = checkpoint.provenance();
    assert!(provenance.training_set.is_some() && provenance.terms.is_some());
    assert_eq!(provenance.source_sha256.as_ref().unwrap().len(), 64);
    let fastest = (0..5).map(|_| load().0).min().unwrap();
    println!("built-in weights: {fastest:?}");
    if cfg!(not(debug_assertions)) {
        assert!(fastest < Duration::from_millis(100), "{fastest:?}");
    }
}
