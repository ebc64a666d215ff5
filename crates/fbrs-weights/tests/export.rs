//! Networks saved for PyTorch's programs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use fbrs_models::testing::{self, Formula};
use fbrs_models::{Architecture, BoxError, ParameterSource};
use fbrs_weights::{
    Checkpoint, Container, ExtraKeys, Fault, Flavor, InMemory, InputScaling, Precision, Provenance,
    WeightsError, save_native, save_pytorch,
};
use serde_json::Value;
use support::TESTS;
use zip::{CompressionMethod, ZipArchive};

fn architecture(name: &str) -> Architecture {
    name.parse().unwrap()
}

fn save(path: &Path, name: &str, source: &mut dyn ParameterSource) -> Result<(), WeightsError> {
    let architecture = architecture(name);
    let (flavor, scaling) = match architecture.guidance() {
        Some(_) => (Flavor::Ritm, InputScaling::RITM),
        None => (Flavor::Fbrs, InputScaling::PUBLISHED),
    };
    assert_eq!(Flavor::of(&architecture), flavor);
    let unsaid = save_pytorch(path, source, &architecture, &scaling, flavor, 7)?;
    assert_eq!(unsaid, None);
    Ok(())
}

#[test]
fn every_kind_of_network_comes_back_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.pth");
    for name in [
        "resnet34_dh2",
        "resnet34_dh2_nofusion",
        "resnet34_dh2_itermask",
        "hrnet1s_ocr1",
        "hrnet2_ocr2",
        "hrnet1s_ocr1_itermask",
        "hrnet1s_ocr1_baseline",
        "hrnet1s_ocr1_relu_distmaps_binary_itermask",
        "hrnet1s_ocr1_rgbconv_itermask",
        "hrnet1s_ocr1_convextend_baseline",
        "hrnet1s_ocr0_itermask",
        "lite0_dh64",
    ] {
        save(&path, name, &mut Formula).unwrap();
        let opened = Checkpoint::open(&path, ExtraKeys::Refuse);
        let mut checkpoint = opened.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(checkpoint.container(), Container::Zip);
        assert_eq!(checkpoint.architecture().to_string(), name);
        assert_eq!(checkpoint.remark(), None, "{name}");
        let ritm = checkpoint.architecture().guidance().is_some();
        let scaling = if ritm { InputScaling::RITM } else { InputScaling::PUBLISHED };
        assert_eq!(checkpoint.scaling(), scaling, "{name}");
        for tensor in checkpoint.tensors().to_vec() {
            let values = checkpoint.read(&tensor.name, &tensor.shape).unwrap();
            assert!(values == testing::values(&tensor.name, &tensor.shape), "{}", tensor.name);
        }
    }
}

/// Names and kinds as in the published networks' state dicts: the counters with them.
#[test]
fn state_dicts_have_the_published_names_and_kinds() {
    let read = |name: &str| -> Value {
        let text = fs::read(Path::new(TESTS).join("golden").join(name)).unwrap();
        serde_json::from_slice(&text).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.pth");
    for (file, name) in [
        ("architectures.json", "resnet34_dh128"),
        ("architectures.json", "hrnet18s_ocr64"),
        ("ritm.json", "hrnet18s_ocr48_itermask"),
        ("lite.json", "lite0_dh64"),
    ] {
        save(&path, name, &mut Formula).unwrap();
        let golden = read(file);
        let published = golden.get(name).unwrap_or(&golden).get("state_dict").unwrap();
        let published: BTreeSet<_> = published
            .as_array()
            .unwrap()
            .iter()
            .map(|tensor| (tensor[0].as_str().unwrap().to_owned(), tensor[2] == "int64"))
            .collect();
        assert_eq!(names_in(&path), published, "{name}");
    }
}

/// The tensors of a file and whether they are counters, as the reader of another crate sees them.
fn names_in(path: &Path) -> BTreeSet<(String, bool)> {
    let reader = pytorch_reader::PytorchReader::new(path).unwrap();
    let named = reader.into_tensors().into_values().map(|tensor| {
        let is_counter = tensor.dtype() == pytorch_reader::DType::I64;
        if is_counter {
            assert_eq!(tensor.shape(), &[] as &[usize], "{}", tensor.name);
            assert_eq!(tensor.read().unwrap(), 7_i64.to_ne_bytes());
        }
        let name = tensor.name.strip_prefix("state_dict.").unwrap_or(&tensor.name);
        (name.to_owned(), is_counter)
    });
    named.collect()
}

#[test]
fn values_lie_in_the_archive_as_pytorch_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    save(&path("a.pth"), "hrnet1s_ocr1", &mut Formula).unwrap();
    save(&path("b.pth"), "hrnet1s_ocr1", &mut Formula).unwrap();
    assert!(fs::read(path("a.pth")).unwrap() == fs::read(path("b.pth")).unwrap(), "not the same");

    let mut archive = ZipArchive::new(File::open(path("a.pth")).unwrap()).unwrap();
    let names: Vec<_> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    assert_eq!(names[0], "archive/data.pkl");
    for name in &names {
        let mut entry = archive.by_name(name).unwrap();
        assert_eq!(entry.compression(), CompressionMethod::Stored, "{name}");
        assert_eq!(entry.data_start().unwrap() % 64, 0, "{name}");
        let mut text = Vec::new();
        entry.read_to_end(&mut text).unwrap();
        match name.as_str() {
            "archive/version" => assert_eq!(text, b"3\n"),
            "archive/byteorder" => assert_eq!(text, b"little"),
            _ => {}
        }
    }
}

#[test]
fn another_radius_and_other_colors_are_in_ritms_files_and_told_of_fbrs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.pth");
    let mut scaling = InputScaling::RITM.with_norm_radius(7.5);
    scaling.mean = [0.1, 0.2, 0.3];
    let ritm = architecture("hrnet1s_ocr1_itermask");
    let unsaid = save_pytorch(&path, &mut Formula, &ritm, &scaling, Flavor::Ritm, 0).unwrap();
    assert_eq!(unsaid, None);
    assert_eq!(Checkpoint::open(&path, ExtraKeys::Refuse).unwrap().scaling(), scaling);

    let fbrs = architecture("hrnet1s_ocr1");
    let unsaid = save_pytorch(&path, &mut Formula, &fbrs, &scaling, Flavor::Fbrs, 0).unwrap();
    let unsaid = unsaid.unwrap();
    assert!(unsaid.contains("radius of 7.5") && unsaid.contains("[0.1, 0.2, 0.3]"), "{unsaid}");
}

#[test]
fn what_a_program_does_not_have_is_not_saved_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.pth");
    for (name, flavor, says) in [
        ("hrnet1s_ocr1", Flavor::Ritm, "RITM's programs"),
        ("lite0_dh64", Flavor::Ritm, "RITM's programs"),
        ("hrnet1s_ocr1_itermask", Flavor::Fbrs, "f-BRS's programs"),
    ] {
        let scaling = InputScaling::PUBLISHED;
        let error = save_pytorch(&path, &mut Formula, &architecture(name), &scaling, flavor, 0);
        let error = error.unwrap_err();
        assert_eq!(error.fault(), Fault::Caller);
        assert!(error.to_string().contains(says) && error.to_string().contains(name), "{error}");
        assert!(!path.exists());
    }
}

/// Gives so many parameters, then fails.
struct Failing(usize);

impl ParameterSource for Failing {
    fn read(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, BoxError> {
        self.0 = self.0.checked_sub(1).ok_or("the device is gone")?;
        Ok(testing::values(name, shape))
    }
}

#[test]
fn a_source_that_fails_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.pth");
    fs::write(&path, "old").unwrap();
    for count in [0, 100, 400] {
        let error = save(&path, "hrnet1s_ocr1", &mut Failing(count)).unwrap_err();
        assert!(error.to_string().contains("the device is gone"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a partial file is left");
    }
    let error = save(&folder.path().join("none/saved.pth"), "hrnet1s_ocr1", &mut Formula);
    assert!(matches!(error, Err(WeightsError::Write { .. })), "{error:?}");
}

#[test]
fn a_network_in_memory_is_saved_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let architecture = architecture("hrnet1s_ocr1");
    let parameters = architecture.parameters().into_iter();
    let trained = parameters.map(|parameter| {
        let values = testing::values(&parameter.name, &parameter.shape);
        (parameter.name, parameter.shape, values)
    });
    let mut network: InMemory = trained.collect();
    save(&path("a.pth"), "hrnet1s_ocr1", &mut network).unwrap();
    let (scaling, provenance) = (InputScaling::PUBLISHED, Provenance::default());
    let native = path("a.safetensors");
    save_native(native, &mut network, &architecture, &scaling, Precision::F32, &provenance)
        .unwrap();
    let fingerprint = |name: &str| {
        let mut checkpoint = Checkpoint::open(path(name), ExtraKeys::Refuse).unwrap();
        checkpoint.fingerprint().unwrap()
    };
    assert_eq!(fingerprint("a.pth"), fingerprint("a.safetensors"));

    let mut incomplete: InMemory =
        [("rgb_conv.0.bias", vec![8], vec![0.0; 8])].into_iter().collect();
    let error = save(&path("b.pth"), "hrnet1s_ocr1", &mut incomplete).unwrap_err();
    assert!(error.to_string().contains("no such parameter"), "{error}");
    assert!(!path("b.pth").exists());
}
