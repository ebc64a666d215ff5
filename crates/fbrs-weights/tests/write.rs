//! Writing native files from any source, and what is the same in all of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;
use std::path::Path;

use fbrs_models::testing::{self, Formula};
use fbrs_models::{Architecture, BoxError, ParameterSource};
use fbrs_weights::{
    Checkpoint, ExtraKeys, Fault, Fingerprint, InputScaling, Precision, Provenance, Published,
    WeightsError, save_native,
};
use support::{Spoilt, golden};

/// The formula's values, but for one parameter.
struct Other(&'static str, Vec<f32>);

impl ParameterSource for Other {
    fn read(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, BoxError> {
        Ok(if name == self.0 { self.1.clone() } else { testing::values(name, shape) })
    }
}

fn architecture() -> Architecture {
    "hrnet1s_ocr1".parse().unwrap()
}

fn save(path: &Path, source: &mut dyn ParameterSource, radius: f32) -> Result<(), WeightsError> {
    {
        let scaling = InputScaling::PUBLISHED.with_norm_radius(radius);
        save_native(path, source, &architecture(), &scaling, Precision::F32, &Provenance::default())
    }
}

#[test]
fn a_network_in_memory_is_saved_and_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trained.safetensors");
    save(&path, &mut Formula, 130.0).unwrap();
    let mut checkpoint = Checkpoint::open(&path, ExtraKeys::Refuse).unwrap();
    assert_eq!(checkpoint.architecture(), architecture());
    assert_eq!(checkpoint.norm_radius(), 130.0);
    for tensor in checkpoint.tensors().to_vec() {
        let values = checkpoint.read(&tensor.name, &tensor.shape).unwrap();
        assert_eq!(values, testing::values(&tensor.name, &tensor.shape), "{}", tensor.name);
    }
}

#[test]
fn one_network_has_one_fingerprint_whatever_file_it_lies_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut pth = Checkpoint::open(golden("zip.pth"), ExtraKeys::Refuse).unwrap();
    let expected = pth.fingerprint().unwrap();
    pth.save_native(path("single"), Precision::F32, &Provenance::default()).unwrap();
    let mut provenance = Provenance::default();
    provenance.terms = Some("others".to_owned());
    pth.save_native(path("terms"), Precision::F32, &provenance).unwrap();
    pth.save_native(path("half"), Precision::F16, &Provenance::default()).unwrap();
    let open = |name: &str| Checkpoint::open(path(name), ExtraKeys::Refuse).unwrap();
    assert_eq!(open("single").fingerprint().unwrap(), expected);
    assert_eq!(open("terms").fingerprint().unwrap(), expected);
    assert_ne!(open("half").fingerprint().unwrap(), expected);
    let other = open("single").with_norm_radius(100.0).unwrap().fingerprint().unwrap();
    assert_ne!(other, expected);
}

#[test]
fn a_fingerprint_is_the_sha256_that_its_description_says() {
    use sha2::{Digest, Sha256};
    let mut hasher = Sha256::new();
    hasher.update(b"hrnet1s_ocr1\0");
    hasher.update(260.0_f32.to_le_bytes());
    for parameter in architecture().parameters() {
        for value in testing::values(&parameter.name, &parameter.shape) {
            hasher.update(value.to_le_bytes());
        }
    }
    let fingerprint =
        Fingerprint::of(&mut Formula, &architecture(), &InputScaling::PUBLISHED).unwrap();
    assert_eq!(fingerprint.as_bytes()[..], hasher.finalize()[..]);

    let text = fingerprint.to_string();
    assert_eq!(text.len(), 64);
    assert_eq!(text.parse::<Fingerprint>().unwrap(), fingerprint);
    assert_eq!(text.to_uppercase().parse::<Fingerprint>().unwrap(), fingerprint);
    let json = serde_json::to_string(&fingerprint).unwrap();
    assert_eq!(json, format!("\"{text}\""));
    assert_eq!(serde_json::from_str::<Fingerprint>(&json).unwrap(), fingerprint);
    for wrong in ["", "0", &text[1..], &format!("{text}0"), &text.replace(&text[..1], "g"), "é"] {
        assert!(wrong.parse::<Fingerprint>().is_err(), "{wrong}");
    }
    assert!(serde_json::from_str::<Fingerprint>("\"12\"").is_err());
}

#[test]
fn a_source_that_gives_something_else_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.safetensors");
    fs::write(&path, "old").unwrap();
    let name = "rgb_conv.0.bias";
    for (values, says) in [
        (vec![0.0; 7], "expected 8 values, got 7"),
        (vec![f32::NAN; 8], "holds NaN, expected finite"),
    ] {
        let error = save(&path, &mut Other(name, values), 260.0).unwrap_err();
        let message = error.to_string();
        assert!(message.contains(name) && message.contains(says), "{message}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a partial file is left");
    }
}

#[test]
fn a_radius_that_no_map_can_have_is_refused_before_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.safetensors");
    for radius in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e-30, 1e30] {
        let open = || Checkpoint::open(golden("zip.pth"), ExtraKeys::Refuse).unwrap();
        let error = open().with_norm_radius(radius).unwrap_err();
        assert!(matches!(error, WeightsError::NormRadius { .. }), "{error}");
        assert_eq!(error.fault(), Fault::Caller);
        let error = save(&path, &mut Formula, radius).unwrap_err();
        assert!(error.to_string().contains("number of pixels"), "{error}");
        assert!(!path.exists());
        Spoilt::new("hrnet1s_ocr1").write(&path, &[("norm_radius", &radius.to_string())]);
        let error = Checkpoint::open(&path, ExtraKeys::Refuse).unwrap_err().to_string();
        assert!(error.contains("norm_radius"), "{error}");
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_failed_write_is_told_from_a_failed_read() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("none/out.safetensors")] {
        let error = save(&path, &mut Formula, 260.0).unwrap_err();
        assert!(matches!(error, WeightsError::Write { .. }), "{error}");
        assert_eq!(error.fault(), Fault::Output);
        assert!(error.to_string().starts_with("cannot write"), "{error}");
    }
    let error = Checkpoint::open(folder.path().join("none"), ExtraKeys::Refuse).unwrap_err();
    assert_ne!(error.fault(), Fault::Output);
}

#[cfg(unix)]
#[test]
fn what_is_written_to_a_link_is_written_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink("behind.safetensors", path("link.safetensors")).unwrap();
    save(&path("link.safetensors"), &mut Formula, 260.0).unwrap();
    assert!(path("link.safetensors").is_symlink());
    Checkpoint::open(path("behind.safetensors"), ExtraKeys::Refuse).unwrap();
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe.safetensors");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    let error = Checkpoint::open(&path, ExtraKeys::Refuse).unwrap_err();
    assert!(error.to_string().contains("found a pipe"), "{error}");
    let error = Provenance::of_file(&path).unwrap_err();
    assert!(error.to_string().contains("found a pipe"), "{error}");
}

#[test]
fn texts_of_a_file_have_a_form_that_is_safe_to_print() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostile.safetensors");
    let (set, terms) = ("\u{1b}[2J\u{1b}]0;pwned\u{7}evil", "line1\nfbrs: everything is fine");
    let metadata = [("training_set", set), ("terms", terms), ("created_by", "\u{202e}x")];
    Spoilt::new("hrnet1s_ocr1").write(&path, &metadata);
    let checkpoint = Checkpoint::open(&path, ExtraKeys::Refuse).unwrap();
    let raw = checkpoint.provenance();
    assert_eq!(raw.training_set.as_deref(), Some(set));
    let safe = raw.printable();
    for text in [safe.training_set, safe.terms, safe.created_by] {
        let text = text.unwrap();
        assert!(!text.contains(char::is_control) && !text.contains('\u{202e}'), "{text:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_path_that_would_clear_a_terminal_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a\u{1b}[2J.safetensors");
    let messages = [
        Checkpoint::open(&path, ExtraKeys::Refuse).unwrap_err().to_string(),
        {
            fs::write(&path, "no weights").unwrap();
            Checkpoint::open(&path, ExtraKeys::Refuse).unwrap_err().to_string()
        },
        save(&path.join("x"), &mut Formula, 260.0).unwrap_err().to_string(),
        {
            save(&path, &mut Formula, 260.0).unwrap();
            let mut checkpoint = Checkpoint::open(&path, ExtraKeys::Refuse).unwrap();
            assert_eq!(checkpoint.file(), path.display().to_string());
            checkpoint.read("no_such", &[1]).unwrap_err().to_string()
        },
    ];
    for message in messages {
        assert!(message.contains("\\u{1b}[2J"), "{message:?}");
        assert!(!message.contains(char::is_control), "{message:?}");
    }
}

#[test]
fn what_is_sent_over_a_wire_comes_back_as_it_was() {
    let published = fbrs_weights::published();
    let json = serde_json::to_string(&published).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Published>>(&json).unwrap(), published);
    assert_eq!(serde_json::to_string(&Precision::F16).unwrap(), "\"f16\"");
    assert_eq!(serde_json::from_str::<Precision>("\"f32\"").unwrap(), Precision::F32);
    let mut provenance = Provenance::default();
    provenance.terms = Some("free".to_owned());
    let json = serde_json::to_string(&provenance).unwrap();
    assert_eq!(serde_json::from_str::<Provenance>(&json).unwrap(), provenance);
    assert_eq!(serde_json::from_str::<Provenance>("{}").unwrap(), Provenance::default());
}
