//! Archives whose entries lie elsewhere because the file had another name when it was saved.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;

use fbrs_models::ParameterSource;
use fbrs_weights::{Checkpoint, ExtraKeys};
use support::archive::saved_as;
use support::golden;

#[test]
fn the_writer_of_this_test_writes_what_torch_writes() {
    assert!(saved_as("zip") == fs::read(golden("zip.pth")).unwrap(), "other bytes");
}

#[test]
fn a_checkpoint_is_read_whatever_the_length_of_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.pth");
    let mut original = Checkpoint::open(golden("zip.pth"), ExtraKeys::Refuse).unwrap();
    let tensor = original.tensors().last().unwrap().clone();
    let expected = original.read(&tensor.name, &tensor.shape).unwrap();
    for length in 1..=64 {
        fs::write(&path, saved_as(&"n".repeat(length))).unwrap();
        let opened = Checkpoint::open(&path, ExtraKeys::Refuse);
        let mut checkpoint = opened.unwrap_or_else(|error| panic!("{length} letters: {error}"));
        assert_eq!(checkpoint.tensors(), original.tensors(), "{length} letters");
        let values = checkpoint.read(&tensor.name, &tensor.shape).unwrap();
        assert_eq!(values, expected, "{length} letters");
    }
}

#[test]
fn a_name_that_misleads_readers_is_read_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.pth");
    fs::write(&path, saved_as(&"n".repeat(21))).unwrap();
    let mut misleading = Checkpoint::open(&path, ExtraKeys::Refuse).unwrap();
    // What was opened is read, whatever becomes of the name.
    fs::remove_file(&path).unwrap();
    let mut original = Checkpoint::open(golden("zip.pth"), ExtraKeys::Refuse).unwrap();
    assert_eq!(misleading.fingerprint().unwrap(), original.fingerprint().unwrap());
    assert_eq!(misleading.file_size(), saved_as(&"n".repeat(21)).len() as u64);
}
