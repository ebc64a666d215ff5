//! Finding weights by name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use fbrs_models::Architecture;
use fbrs_weights::{Location, Places, WeightsError, find_published, published};

struct Folders {
    _root: tempfile::TempDir,
    places: Places,
}

impl Folders {
    fn new(files: &[&str]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let folders: Vec<PathBuf> = ["weights", "cache"].map(|name| root.path().join(name)).into();
        folders.iter().for_each(|folder| fs::create_dir(folder).unwrap());
        files.iter().for_each(|file| fs::write(root.path().join(file), "").unwrap());
        Self { _root: root, places: Places { folders } }
    }

    /// What a text stands for, as the end of a path.
    fn file(&self, text: &str) -> String {
        match self.places.locate(text).unwrap() {
            Location::BuiltIn(name) => format!("built in: {name}"),
            Location::File(path) => {
                let parts: Vec<_> =
                    path.iter().rev().take(2).map(|part| part.to_str().unwrap()).collect();
                format!("{}/{}", parts[1], parts[0])
            }
            other => panic!("{other:?}"),
        }
    }

    fn error(&self, text: &str) -> WeightsError {
        self.places.locate(text).unwrap_err()
    }
}

#[test]
#[cfg(feature = "built-in")]
fn built_in_by_its_names() {
    let folders = Folders::new(&[]);
    let built_in = "lite0_dh64";
    for name in ["default", built_in, "lite0"] {
        assert_eq!(folders.places.locate(name).unwrap(), Location::BuiltIn(built_in));
    }
    assert_eq!(fbrs_weights::built_in_names().next(), Some(built_in));
}

#[test]
#[cfg(not(feature = "built-in"))]
fn built_in_left_out() {
    let folders = Folders::new(&["weights/lite0_dh64.safetensors"]);
    assert!(matches!(folders.error("default"), WeightsError::NoBuiltIn));
    assert_eq!(folders.file("lite0_dh64"), "weights/lite0_dh64.safetensors");
}

#[test]
fn names_and_beginnings() {
    let folders = Folders::new(&[
        "weights/mine.pth",
        "weights/README.md",
        "cache/mine.safetensors",
        "cache/resnet34_dh128_sbd.pth",
        "cache/resnet34_dh128_sbd.safetensors",
        "cache/other.pt",
    ]);
    assert_eq!(folders.file("mine"), "weights/mine.pth");
    assert_eq!(folders.file("mi"), "weights/mine.pth");
    assert_eq!(folders.file("resnet34_dh128_sbd"), "cache/resnet34_dh128_sbd.safetensors");
    assert_eq!(folders.file("resnet34"), "cache/resnet34_dh128_sbd.safetensors");
    assert_eq!(folders.file("other"), "cache/other.pt");
    // A path is taken as it is; whether it is there shows when it is opened.
    assert_eq!(folders.file("some/where.pth"), "some/where.pth");
    let WeightsError::UnknownName { known, .. } = folders.error("README") else { panic!() };
    assert!(known.contains(&"mine".to_owned()) && !known.contains(&"README".to_owned()));
}

#[test]
fn several_candidates() {
    let WeightsError::AmbiguousName { candidates, .. } = Folders::new(&[]).error("resnet50") else {
        panic!()
    };
    assert_eq!(candidates, ["resnet50_dh128_lvis", "resnet50_dh128_sbd"]);
    // Fetching one does not change what the beginning stands for.
    let folders = Folders::new(&["cache/resnet50_dh128_sbd.safetensors"]);
    assert!(matches!(folders.error("resnet50"), WeightsError::AmbiguousName { .. }));
}

#[test]
fn published_but_not_here() {
    let message = Folders::new(&[]).error("resnet101").to_string();
    for words in ["resnet101_dh256_sbd", "fetch it", "https://", "cache"] {
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn the_library_looks_into_no_folder_that_it_was_started_from() {
    let places = Places::default();
    assert_eq!(places.folders, [fbrs_weights::cache_folder()]);
    let places = places.looking_first_in("weights");
    assert_eq!(places.folders, [PathBuf::from("weights"), fbrs_weights::cache_folder()]);
}

#[test]
fn a_file_that_hides_a_checked_download_is_told() {
    let folders = Folders::new(&[
        "weights/resnet34_dh128_sbd.pth",
        "cache/resnet34_dh128_sbd.safetensors",
        "cache/other.safetensors",
        "cache/other.pth",
    ]);
    let hidden = |name| {
        let hidden = folders.places.hidden(name);
        let ends = hidden.iter().map(|path| path.strip_prefix(folders._root.path()).unwrap());
        ends.map(|path| path.display().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(folders.file("resnet34_dh128_sbd"), "weights/resnet34_dh128_sbd.pth");
    assert_eq!(hidden("resnet34_dh128_sbd"), ["cache/resnet34_dh128_sbd.safetensors"]);
    assert_eq!(hidden("other"), ["cache/other.pth"]);
    assert!(hidden("none").is_empty());
}

#[test]
#[cfg(feature = "built-in")]
fn a_file_with_the_name_of_built_in_weights_is_hidden_by_them() {
    let folders = Folders::new(&["weights/lite0_dh64.pth"]);
    assert_eq!(folders.file("lite0_dh64"), "built in: lite0_dh64");
    assert_eq!(folders.places.hidden("lite0_dh64").len(), 1);
}

#[test]
fn names_from_files_are_safe_to_print() {
    let folders = Folders::new(&["weights/a\u{1b}[2Jb.pth", "weights/a\u{1b}[2Jc.pth"]);
    for text in ["nonsense\u{1b}]0;x\u{7}", "a"] {
        let message = folders.error(text).to_string();
        assert!(!message.contains(char::is_control), "{message:?}");
        assert!(message.contains("\\u{1b}"), "{message}");
    }
}

#[test]
fn unknown() {
    for text in ["", "nonsense", "Default", "resnet34_dh128_sbd_"] {
        let error = Folders::new(&[]).error(text);
        let fits =
            matches!(error, WeightsError::UnknownName { .. } | WeightsError::AmbiguousName { .. });
        assert!(fits, "{text}: {error}");
    }
}

#[test]
fn manifest_lists_twelve() {
    let all = published();
    assert_eq!(all.len(), 12);
    assert_eq!(all.iter().map(|published| &published.name).collect::<BTreeSet<_>>().len(), 12);
    for published in all {
        let architecture: Architecture = published.architecture.parse().unwrap();
        // RITM's files are not called after their networks.
        let is_named_so = published.name.starts_with(&architecture.to_string());
        assert_eq!(is_named_so, architecture.guidance().is_none(), "{}", published.name);
        let file = format!("/{}.pth", published.name);
        assert!(published.url.starts_with("https://") && published.url.ends_with(&file));
        assert!((17..=223).contains(&published.megabytes));
        assert!(published.sha256.is_empty() || published.sha256.len() == 64);
        assert_eq!(find_published(&published.name).unwrap(), published);
    }
    assert_eq!(find_published("hrnet18").unwrap().name, "hrnet18_ocr64_sbd");
    assert!(matches!(find_published("hrnet32"), Err(WeightsError::AmbiguousName { .. })));
    assert!(matches!(find_published(""), Err(WeightsError::UnknownName { .. })));
}
