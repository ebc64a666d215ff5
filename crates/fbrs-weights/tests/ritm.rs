//! RITM checkpoints: what their configurations say, what contradicts itself, what has none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::io::Read;
use std::path::PathBuf;

use fbrs_models::{Architecture, ParameterSource, testing};
use fbrs_weights::{
    Checkpoint, ExtraKeys, InputScaling, Precision, Provenance, WeightsError, save_native,
};
use flate2::read::GzDecoder;
use safetensors::tensor::Dtype;
use support::{Spoilt, golden};
use tempfile::TempDir;

/// A golden checkpoint, unpacked.
fn unpacked(name: &str) -> (TempDir, PathBuf) {
    let packed = std::fs::read(golden(&format!("ritm/{name}.pth.gz"))).unwrap();
    let mut bytes = Vec::new();
    GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("{name}.pth"));
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn open(name: &str) -> Result<Checkpoint, WeightsError> {
    let (_folder, path) = unpacked(name);
    Checkpoint::open(path, ExtraKeys::Refuse)
}

#[test]
fn published_containers_open_with_their_configuration() {
    for name in [
        "narrow_itermask",
        "narrow_itermask_legacy",
        "narrow_itermask_other_revision",
        "narrow_itermask_training",
        "narrow_itermask_training_counter",
    ] {
        let mut checkpoint = open(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(checkpoint.architecture().to_string(), "hrnet2s_ocr2_itermask", "{name}");
        assert_eq!(checkpoint.scaling(), InputScaling::RITM, "{name}");
        assert_eq!(checkpoint.remark(), None, "{name}");
        // Every tensor is the formula's, repeated.
        for tensor in checkpoint.tensors().to_vec() {
            let values = checkpoint.read(&tensor.name, &tensor.shape).unwrap();
            if tensor.name == "maps_transform.3.scale" {
                assert_eq!(values, [-1.5]);
                continue;
            }
            let formula = testing::values(&tensor.name, &tensor.shape);
            let repeated = (0..values.len()).map(|index| formula[index % 251]);
            assert!(repeated.eq(values), "{name}: {}", tensor.name);
        }
    }
}

#[test]
fn without_a_configuration_it_is_told_what_was_guessed() {
    let checkpoint = open("narrow_itermask_no_config").unwrap();
    assert_eq!(checkpoint.architecture().to_string(), "hrnet2s_ocr2_itermask");
    assert_eq!(checkpoint.scaling(), InputScaling::RITM);
    let remark = checkpoint.remark().unwrap();
    assert!(
        remark.contains("discs of 5 pixels") && remark.contains("taken for granted"),
        "{remark}"
    );
}

#[test]
fn an_option_that_was_set_and_is_not_known_is_refused() {
    let error = open("narrow_itermask_unknown_option").unwrap_err().to_string();
    assert!(error.contains("sets some_later_option"), "{error}");
}

/// Replaces bytes of a golden pickle by as many others; the archive's checksums do not matter to
/// PyTorch and are wrong then, so that the older container is taken.
fn altered(replace: &[u8], with: &[u8]) -> Result<Checkpoint, WeightsError> {
    assert_eq!(replace.len(), with.len());
    let (_folder, path) = unpacked("narrow_itermask_legacy");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(replace.len()).position(|window| window == replace).unwrap();
    bytes[at..at + with.len()].copy_from_slice(with);
    std::fs::write(&path, bytes).unwrap();
    Checkpoint::open(path, ExtraKeys::Refuse)
}

#[test]
fn a_configuration_of_another_class_is_refused() {
    let error = altered(b"HRNetModel", b"SwinBModel").unwrap_err().to_string();
    assert!(error.contains("of class isegm.model.is_hrnet_model.SwinBModel"), "{error}");
}

#[test]
fn a_configuration_that_contradicts_the_tensors_is_refused() {
    // width: K 2 (one byte); the pickle writes the key, a memo place, and then the record.
    let (_folder, path) = unpacked("narrow_itermask_legacy");
    let mut bytes = std::fs::read(&path).unwrap();
    let key = bytes.windows(9).position(|window| window == b"ocr_width").unwrap();
    let value = bytes[key..].windows(2).position(|window| window == b"K\x02").unwrap();
    bytes[key + value + 1] = 7;
    std::fs::write(&path, bytes).unwrap();
    let error = Checkpoint::open(&path, ExtraKeys::Refuse).unwrap_err().to_string();
    let expected = "it says it is hrnet2s_ocr7_itermask, its tensors say hrnet2s_ocr2_itermask";
    assert!(error.contains(expected), "{error}");
}

/// Everything that names and shapes do not tell goes through a native file.
#[test]
fn native_files_keep_how_clicks_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("native.safetensors");
    let mut scaling = InputScaling::RITM.with_norm_radius(7.0);
    scaling.mean = [0.5, 0.25, 0.125];
    for name in [
        "hrnet1s_ocr1_itermask",
        "hrnet1s_ocr1_relu_distmaps_baseline",
        "hrnet1s_ocr1_rgbconv_binary_itermask",
        "hrnet1s_ocr0_convextend_itermask",
    ] {
        let architecture: Architecture = name.parse().unwrap();
        let provenance = Provenance::default();
        let source = &mut testing::Formula;
        save_native(&path, source, &architecture, &scaling, Precision::F32, &provenance).unwrap();
        let mut checkpoint = Checkpoint::open(&path, ExtraKeys::Refuse).unwrap();
        assert_eq!(checkpoint.architecture(), architecture);
        assert_eq!(checkpoint.scaling(), scaling);
        assert_eq!(checkpoint.remark(), None);
        // Another scaling is another network.
        let fingerprint = checkpoint.fingerprint().unwrap();
        let source = &mut testing::Formula;
        save_native(&path, source, &architecture, &InputScaling::RITM, Precision::F32, &provenance)
            .unwrap();
        let mut other = Checkpoint::open(&path, ExtraKeys::Refuse).unwrap();
        assert_ne!(other.fingerprint().unwrap(), fingerprint);
        // Without its description it is guessed at, and told.
        let tensors = Spoilt::new(name);
        tensors.write(&path, &[]);
        let bare = Checkpoint::open(&path, ExtraKeys::Refuse).unwrap();
        assert!(bare.remark().is_some());
        // One that is of another network is refused.
        tensors.write(&path, &[("architecture", "hrnet1s_ocr1")]);
        let error = Checkpoint::open(&path, ExtraKeys::Refuse).unwrap_err().to_string();
        assert!(error.contains("it says it is hrnet1s_ocr1, its tensors say"), "{error}");
    }
}

#[test]
fn colors_that_cannot_be_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("native.safetensors");
    for (mean, deviation) in
        [("0.5 0.5", "1 1 1"), ("0.5 0.5 nan", "1 1 1"), ("0 0 0", "1 0 1"), ("0 0 0", "")]
    {
        let metadata = [("image_mean", mean), ("image_deviation", deviation)];
        Spoilt::new("hrnet1s_ocr1_itermask").write(&path, &metadata);
        let error = Checkpoint::open(&path, ExtraKeys::Refuse).unwrap_err().to_string();
        assert!(error.contains("image_mean"), "{error}");
    }
}

#[test]
fn maps_without_a_meaning_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("native.safetensors");
    let mut tensors = Spoilt::new("hrnet1s_ocr1_itermask");
    tensors.put("maps_transform.0.weight", Dtype::F32, &[16, 4, 1, 1]);
    tensors.write(&path, &[]);
    let error = Checkpoint::open(&path, ExtraKeys::Refuse).unwrap_err().to_string();
    assert!(error.contains("maps_transform.0.weight"), "{error}");
}
