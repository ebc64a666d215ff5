//! `fbrs weights`, without the network.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;

use common::{Work, golden_text};

const INPUT: &str = "checkpoints/zip.pth";

fn succeeds(work: &Work, arguments: &[&str]) -> String {
    let ended = work.run(arguments);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
    ended.out
}

fn inspected(work: &Work, weights: &str) -> serde_json::Value {
    let out = succeeds(work, &["weights", "inspect", weights, "--json", "--tensors"]);
    serde_json::from_str(&out).unwrap()
}

#[test]
fn a_checkpoint_is_imported_inspected_and_used() {
    let work = Work::new();
    fs::create_dir(work.path("weights")).unwrap();
    let input = golden_text(INPUT);
    let output = "weights/tiny.safetensors";
    let import = ["weights", "import", &input, "-o", output];
    let words = ["--training-set", "a formula", "--terms", "free", "--norm-radius", "100"];
    succeeds(&work, &[&import[..], &words].concat());

    let (source, native) = (inspected(&work, &input), inspected(&work, "tiny"));
    assert_eq!(native["architecture"], "hrnet1s_ocr1");
    assert_eq!(native["parameters"], source["parameters"]);
    assert_eq!(native["format"], "safetensors");
    assert_eq!(native["training_set"], "a formula");
    assert_eq!(native["terms"], "free");
    assert_eq!(native["norm_radius"], 100.0);
    assert_eq!(native["source_file"], "zip.pth");
    assert_eq!(native["source_sha256"].as_str().unwrap().len(), 64);
    let names = |inspected: &serde_json::Value| -> Vec<_> {
        let tensors = inspected["tensors"].as_array().unwrap().iter();
        tensors.map(|tensor| (tensor["name"].clone(), tensor["shape"].clone())).collect()
    };
    assert_eq!(names(&source), names(&native));

    // What a native file says of itself goes on into what is made of it.
    succeeds(&work, &["weights", "import", output, "-o", "half.safetensors", "--precision", "f16"]);
    let half = inspected(&work, "half.safetensors");
    assert_eq!((&half["training_set"], &half["norm_radius"]), (&"a formula".into(), &100.0.into()));
    assert!(half["bytes"].as_u64() < native["bytes"].as_u64());

    let text = succeeds(&work, &["weights", "inspect", "tiny", "--tensors"]);
    for word in ["hrnet1s_ocr1", "a formula", "feature_extractor.", "safetensors"] {
        assert!(text.contains(word), "{word}: {text}");
    }

    let out = succeeds(&work, &["weights", "list"]);
    let line = |name: &str| out.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(line("default").contains("built in"));
    assert!(line("tiny").contains(output));
    assert!(line("resnet101_dh256_sbd").contains("fbrs weights fetch resnet101_dh256_sbd"));

    let json = work.segment(&["--pos", "65,45", "--weights", "tin", "--json"]).json();
    assert_eq!(json["weights"]["architecture"], "hrnet1s_ocr1");
    assert_eq!(json["weights"]["asked"], "tin");
}

#[test]
fn the_list_shows_what_was_fetched_and_what_cannot_be_used() {
    let work = Work::new();
    for folder in ["cache", "weights"] {
        fs::create_dir(work.path(folder)).unwrap();
    }
    fs::copy(golden_text(INPUT), work.path("cache/hrnet18_ocr64_sbd.pth")).unwrap();
    fs::write(work.path("weights/broken.pth"), "no weights").unwrap();
    let out = succeeds(&work, &["weights", "list", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&out).unwrap();
    let list = list.as_array().unwrap();
    let of = |name: &str| list.iter().find(|entry| entry["name"] == name).unwrap();
    assert_eq!(list.len(), 14);
    assert_eq!(of("default")["place"], "built in");
    assert!(of("hrnet18_ocr64_sbd")["place"].as_str().unwrap().ends_with("hrnet18_ocr64_sbd.pth"));
    assert!(of("hrnet18_ocr64_sbd")["url"].is_string());
    assert!(of("hrnet32_ocr128_sbd")["place"].is_null());
    assert!(of("broken")["fault"].as_str().unwrap().contains("holds no weights"));
}

#[test]
fn refusals() {
    let work = Work::new();
    let input = golden_text(INPUT);
    let native = ["weights", "import", &input, "-o"];
    for (arguments, code, words) in [
        (&["weights", "inspect", "missing.pth"][..], 4, &["missing.pth"][..]),
        (&["weights", "inspect", "photo.png"], 4, &["holds no weights"]),
        (&["weights", "fetch", "nonsense"], 4, &["nonsense", "resnet34_dh128_sbd"]),
        (&["weights", "fetch", "resnet50"], 4, &["several names"]),
        (&["weights", "import", "photo.png", "-o", "out.safetensors"], 4, &["photo.png"]),
        (&[&native[..], &["out.pth"]].concat(), 2, &["out.pth", "out.safetensors"]),
        (&[&native[..], &["no/folder/out.safetensors"]].concat(), 6, &["cannot write"]),
        (
            &[&native[..], &["out.safetensors", "--norm-radius", "0"]].concat(),
            2,
            &["positive number of pixels"],
        ),
    ] {
        work.refuses(arguments, code, words);
    }
}

#[test]
fn the_list_tells_of_a_file_that_hides_a_fetched_one() {
    let work = Work::new();
    for folder in ["cache", "weights"] {
        fs::create_dir(work.path(folder)).unwrap();
        let name = format!("{folder}/hrnet18_ocr64_sbd.pth");
        fs::copy(golden_text(INPUT), work.path(&name)).unwrap();
    }
    let out = succeeds(&work, &["weights", "list", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&out).unwrap();
    let list = list.as_array().unwrap();
    let entry = list.iter().find(|entry| entry["name"] == "hrnet18_ocr64_sbd").unwrap();
    assert!(entry["place"].as_str().unwrap().contains("weights"));
    let hides = entry["hides"].as_array().unwrap();
    assert!(hides.len() == 1 && hides[0].as_str().unwrap().contains("cache"), "{hides:?}");
    let out = succeeds(&work, &["weights", "list"]);
    assert!(out.contains("(hides "), "{out}");
}

#[test]
fn texts_of_a_hostile_file_reach_the_terminal_as_letters() {
    let work = Work::new();
    fs::create_dir(work.path("weights")).unwrap();
    let input = golden_text(INPUT);
    let hostile = "\u{1b}[2J\u{1b}]0;pwned\u{7}evil\nfbrs: everything is fine";
    let import = ["weights", "import", &input, "-o", "weights/hostile.safetensors"];
    succeeds(&work, &[&import[..], &["--training-set", hostile, "--terms", hostile]].concat());
    for arguments in [&["weights", "inspect", "hostile"][..], &["weights", "list"]] {
        let out = succeeds(&work, arguments);
        let raw = |letter: char| letter.is_control() && letter != '\n';
        assert!(out.contains("\\u{1b}[2J") && !out.contains(raw), "{out:?}");
        assert!(!out.lines().any(|line| line.starts_with("fbrs:")), "{out}");
    }
}

#[test]
fn an_output_that_cannot_be_written_is_told_from_weights_that_cannot_be_read() {
    let work = Work::new();
    let input = golden_text(INPUT);
    fs::create_dir(work.path("cache")).unwrap();
    fs::create_dir(work.path("folder.safetensors")).unwrap();
    let import = ["weights", "import", &input, "-o", "folder.safetensors"];
    work.refuses(&import, 6, &["cannot write", "folder.safetensors"]);
}

#[cfg(unix)]
#[test]
fn an_import_to_a_link_is_written_behind_it() {
    let work = Work::new();
    let input = golden_text(INPUT);
    std::os::unix::fs::symlink("behind.safetensors", work.path("link.safetensors")).unwrap();
    succeeds(&work, &["weights", "import", &input, "-o", "link.safetensors"]);
    assert!(work.path("link.safetensors").is_symlink());
    assert_eq!(inspected(&work, "behind.safetensors")["architecture"], "hrnet1s_ocr1");
}
