//! Documents and journals that somebody made to do harm, and torn ones. The files of `tests/bad` were
//! written by `tools/write_bad_data.py`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fbrs_annotation::{Keeper, PhotoRecord, PhotoState, file};
use serde::de::DeserializeOwned;
use tempfile::TempDir;

fn bad(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/bad").join(name)
}

fn expected<T: DeserializeOwned>(folder: &str) -> BTreeMap<String, T> {
    let text = fs::read(bad(folder).join("expected.json")).unwrap();
    let expected: BTreeMap<String, T> = serde_json::from_slice(&text).unwrap();
    let there = fs::read_dir(bad(folder)).unwrap().count();
    assert_eq!(there, expected.len() + 1, "files without words");
    expected
}

#[test]
fn bad_documents_are_refused_whole_and_cut() {
    let folder = tempfile::tempdir().unwrap();
    for (name, words) in expected::<Vec<String>>("documents") {
        let path = folder.path().join(&name);
        let bytes = fs::read(bad("documents").join(&name)).unwrap();
        let read = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            file::read(&path).expect_err(&name).to_string()
        };
        let started = Instant::now();
        let error = read(&bytes);
        assert!(started.elapsed() < Duration::from_secs(2), "{name}");
        for word in words.iter().chain([&name]) {
            assert!(error.contains(word), "{name}: no \"{word}\" in \"{error}\"");
        }
        assert!(!error.contains(char::is_control), "{name}: {error:?}");
        for length in 0..bytes.len().min(1000) {
            read(&bytes[..length]);
        }
    }
}

/// A document of 30×20 pixels with one object.
fn sound() -> (TempDir, PathBuf, PhotoRecord) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png.fbrs.json");
    let mask = r#"{"size": [20, 30], "counts": "T37]?"}"#;
    let text = format!(
        r#"{{"format": "fbrs-annotation", "version": 1, "state": "in_progress", "seq": 1, "photo":
        {{"file": "a.png", "width": 30, "height": 20, "sha256": "0", "bytes": 1}},
        "objects": [{{"id": 1, "mask": {mask}}}]}}"#
    );
    fs::write(&path, text).unwrap();
    let photo = file::read(&path).unwrap().document().photo.clone();
    (folder, path, photo)
}

#[test]
fn of_bad_journals_what_is_sound_is_followed() {
    for (name, [lines, objects]) in expected::<[usize; 2]>("document_journals") {
        let (_folder, path, photo) = sound();
        let bytes = fs::read(bad("document_journals").join(&name)).unwrap();
        let journal = path.with_extension("journal");
        fs::write(&journal, &bytes).unwrap();
        let started = Instant::now();
        let mut opened = Keeper::open(&path, &photo).unwrap();
        assert!(started.elapsed() < Duration::from_secs(2), "{name}");
        let found = (opened.keeper.lines(), opened.annotation.document().objects.len());
        assert_eq!(found, (lines, objects), "{name}");
        assert!(opened.remarks.iter().all(|remark| !remark.contains(char::is_control)));
        // Nothing is lost that is more than a torn line.
        let whole = bytes.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(opened.remarks.len(), usize::from(lines < whole), "{name}");
        // What is done now is found again.
        let line = opened.annotation.change("delete", |document| drop(document.remove(1)));
        opened.keeper.append(&line.unwrap()).unwrap();
        drop(opened);
        let again = Keeper::open(&path, &photo).unwrap();
        assert_eq!(again.annotation.document().objects.len(), objects - 1, "{name}");
        assert_eq!(again.remarks, [""; 0], "{name}");
    }
}

#[test]
fn a_history_that_leads_to_no_photo_is_given_up() {
    let (_folder, path, photo) = sound();
    let text = fs::read_to_string(&path).unwrap();
    let text = text.trim_end().strip_suffix('}').unwrap();
    let other = r#"{"id": 1, "mask": {"size": [30, 20], "counts": "hb0"}}"#;
    let steps = |patch: &str| {
        format!(r#"{text}, "history": {{"past": [{{"op": "state", "patch": {patch}}}]}}}}"#)
    };
    let taken_back = |patch: &str| {
        fs::write(&path, steps(patch)).unwrap();
        let mut opened = Keeper::open(&path, &photo).unwrap();
        let before = opened.annotation.document().clone();
        let line = opened.annotation.undo();
        if line.is_none() {
            assert_eq!(opened.annotation.document(), &before);
        }
        // What comes of it can be read.
        opened.annotation.change("lock", |document| {
            document.alter(1, |one| one.locked = true);
        });
        opened.keeper.save(&opened.annotation).unwrap();
        file::read(&path).unwrap();
        line.is_some()
    };
    assert!(taken_back(r#"{"state": "done"}"#));
    assert!(!taken_back(&format!(r#"{{"objects": {{"1": {other}}}}}"#)));
    assert!(!taken_back(r#"{"current": {"clicks": [{"x": 31, "y": 0, "positive": true}]}}"#));
    assert!(!taken_back(&format!(r#"{{"objects": {{"{}": null, "1": {other}}}}}"#, u64::MAX)));
    assert!(!taken_back("7"));
    // A step that cannot be read takes those with it that come behind it, and no others.
    let sound = r#"{"state": "done"}}, {"op": "state", "patch": {"state": "in_progress"}"#;
    fs::write(&path, steps(&format!(r#"7}}, {{"op": "state", "patch": {sound}"#))).unwrap();
    let mut opened = Keeper::open(&path, &photo).unwrap();
    opened.annotation.change("state", |document| document.state = PhotoState::Done);
    let steps = std::iter::from_fn(|| opened.annotation.undo());
    assert_eq!(steps.count(), 3);
}
