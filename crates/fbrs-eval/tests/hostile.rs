//! Journals that somebody made to do harm or that are torn, and files that are none: refused in
//! words, never written to. The files of `tests/bad/journals` were written by
//! `tools/write_bad_data.py`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fbrs::Segmenter;
use fbrs_data::sets::{DataSet, Layout, ObjectKey, OpenedData, Problem, Sample};
use fbrs_eval::{
    Comparison, Configuration, DataId, Error, ErrorKind, Journal, Network, Report, Results,
    Settings, Shard, page,
};

const SECONDS: &str = r#"{"total":0.5,"backbone":0,"head_forward":0,"head_backward":0,"objective":0,"optimizer":0,"transforms":0,"evaluations":1}"#;

fn bad() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/bad/journals")
}

fn configuration(objects: usize) -> Configuration {
    let network = Network {
        weights: "w".to_owned(),
        sha256: None,
        architecture: "hrnet18_ocr64".to_owned(),
        device: "cpu".to_owned(),
    };
    let data = DataId {
        name: "GrabCut".to_owned(),
        layout: Layout::GrabCut,
        objects,
        sha256: "11".repeat(32),
    };
    Configuration { network, settings: Settings::default(), data: vec![data] }
}

fn record(number: usize, image: &str) -> String {
    format!(
        r#"{{"number":{number},"data":"GrabCut","image":"{image}","result":{{"size":[2,3],"clicks":[[true,1,2]],"iou":[0.9],"seconds":[{SECONDS}],"mask":"06"}}}}"#
    ) + "\n"
}

fn header(path: &Path, objects: usize) -> String {
    drop(Journal::begin_anew(path, &configuration(objects), Shard::default()).unwrap());
    let header = fs::read_to_string(path).unwrap();
    fs::remove_file(path).unwrap();
    header
}

#[test]
fn bad_journals_are_refused_at_once_and_left_as_they_are() {
    let expected = fs::read(bad().join("expected.json")).unwrap();
    let expected: BTreeMap<String, Vec<String>> = serde_json::from_slice(&expected).unwrap();
    assert_eq!(fs::read_dir(bad()).unwrap().count(), expected.len() + 1, "files without words");
    let folder = tempfile::tempdir().unwrap();
    for (name, words) in expected {
        let bytes = fs::read(bad().join(&name)).unwrap();
        let path = folder.path().join(&name);
        fs::write(&path, &bytes).unwrap();
        let started = Instant::now();
        let error = Results::read(&path).unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(1), "{name}");
        assert_eq!(error.kind(), ErrorKind::Input, "{name}");
        let text = error.to_string();
        for word in words.iter().chain([&name]) {
            assert!(text.contains(word), "{name}: no \"{word}\" in \"{text}\"");
        }
        assert!(!text.contains(char::is_control), "{name}: {text:?}");
        assert!(Journal::open(&path, &configuration(3), Shard::default()).is_err(), "{name}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "{name}");
        for length in 0..bytes.len() {
            let _ = Results::read_bytes(&bytes[..length]);
        }
    }
}

#[test]
fn a_file_without_a_line_end_that_is_no_journal_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let merged = folder.path().join("run.jsonl");
    fs::write(&merged, header(&merged, 1) + &record(0, "0.png")).unwrap();
    let results = Results::read(&merged).unwrap();
    for text in ["{\"images\": []}", "my notes", "\u{1b}PNG", "{\"fbrs_eva\": 1", "\u{feff}text"] {
        fs::write(&path, text).unwrap();
        for opened in [
            Journal::open(&path, &configuration(1), Shard::default()),
            Journal::begin_anew(&path, &configuration(1), Shard::default()),
        ] {
            let error = opened.unwrap_err().to_string();
            assert!(error.contains("left alone"), "{text}: {error}");
        }
        let error = results.write(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input, "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    // What a crash may leave of a first line is taken over.
    for text in ["", "{", "{\"fbrs_eval\":1,\"sh", "\u{feff}{\"fbrs"] {
        fs::write(&path, text).unwrap();
        let (_, results) = Journal::open(&path, &configuration(1), Shard::default()).expect(text);
        assert!(results.records.is_empty());
    }
}

#[test]
fn a_huge_file_without_a_line_end_is_refused_by_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge");
    // Only its length is on the disk.
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let started = Instant::now();
    for opened in [
        Results::read(&path).map(drop),
        Journal::open(&path, &configuration(1), Shard::default()).map(drop),
    ] {
        assert!(matches!(opened, Err(Error::Journal { .. })));
    }
    let mut text = b"{\"fbrs_eval\":".to_vec();
    text.resize(2 << 20, b' ');
    fs::write(&path, text).unwrap();
    assert!(matches!(Results::read(&path), Err(Error::Journal { .. })));
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[cfg(unix)]
#[test]
fn a_device_is_no_journal() {
    for path in ["/dev/full", "/dev/zero"] {
        let error = Journal::open(Path::new(path), &configuration(1), Shard::default());
        assert!(error.unwrap_err().to_string().contains("plain file"), "{path}");
    }
}

#[test]
fn a_journal_that_another_process_writes_is_not_begun_anew_or_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let (journal, results) = Journal::open(&path, &configuration(1), Shard::default()).unwrap();
    let error = Journal::begin_anew(&path, &configuration(1), Shard::default()).unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
    let error = results.write(&path).unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
    drop(journal);
    let (_, results) = Journal::begin_anew(&path, &configuration(2), Shard::default()).unwrap();
    assert_eq!(results.configuration.objects(), 2);
}

#[test]
fn blank_lines_and_a_byte_order_mark_are_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let header = header(&path, 2);
    let text = format!("\u{feff}{header}\n{}\r\n \n{}\n\n", record(0, "0"), record(1, "1"));
    fs::write(&path, &text).unwrap();
    assert_eq!(Results::read(&path).unwrap().records.len(), 2);
    // Continuing leaves them where they are.
    let (_, results) = Journal::open(&path, &configuration(2), Shard::default()).unwrap();
    assert_eq!(results.missing(), 0);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn nothing_is_left_beside_a_merged_journal_and_no_file_of_the_users_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("merged.jsonl");
    let own = folder.path().join("merged.jsonl.tmp");
    fs::write(&own, "mine").unwrap();
    let run = folder.path().join("run.jsonl");
    fs::write(&run, header(&run, 1) + &record(0, "0.png")).unwrap();
    let results = Results::read(&run).unwrap();
    results.write(&path).unwrap();
    assert_eq!(Results::read(&path).unwrap(), results);
    assert_eq!(fs::read_to_string(&own).unwrap(), "mine");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    let error = results.write(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Output, "{error}");
}

#[cfg(unix)]
#[test]
fn a_report_is_written_through_no_planted_link_and_never_half() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run.jsonl");
    fs::write(&run, header(&run, 1) + &record(0, "0.png")).unwrap();
    let results = Results::read(&run).unwrap();
    let report = Report::new(&results, &[0.8, 0.9]);
    let page = page(&report, &results, &[]).unwrap();
    let rep = folder.path().join("rep");
    fs::create_dir(&rep).unwrap();
    let precious = folder.path().join("precious.txt");
    fs::write(&precious, "mine").unwrap();
    std::os::unix::fs::symlink("../precious.txt", rep.join("index.html.tmp")).unwrap();
    page.write(&rep).unwrap();
    assert_eq!(fs::read_to_string(&precious).unwrap(), "mine");
    assert_eq!(fs::read_dir(&rep).unwrap().count(), 3);

    // The page cannot be written: the numbers stay the old ones.
    let half = folder.path().join("half");
    fs::create_dir_all(half.join("index.html")).unwrap();
    fs::write(half.join("report.json"), "old").unwrap();
    assert_eq!(page.write(&half).unwrap_err().kind(), ErrorKind::Output);
    assert_eq!(fs::read_to_string(half.join("report.json")).unwrap(), "old");
    assert_eq!(fs::read_dir(&half).unwrap().count(), 2);
}

#[test]
fn a_journal_compared_with_itself_has_every_object_in_both() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    // Older journals may hold one name twice.
    let text = header(&path, 3) + &record(0, "a") + &record(1, "a") + &record(2, "b");
    fs::write(&path, text).unwrap();
    let results = Results::read(&path).unwrap();
    let comparison = Comparison::new(&results, &results, &[0.9]);
    assert_eq!(comparison.objects.len(), 3);
    assert_eq!((comparison.only_first, comparison.only_second), (0, 0));
}

#[test]
fn escape_sequences_of_a_journal_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let name = "\\u001b[2J";
    let header = header(&path, 2)
        .replace("\"w\"", &format!("\"{name}\""))
        .replace("GrabCut", &format!("G{name}"));
    let problem = format!(
        "{{\"number\":1,\"data\":\"G{name}\",\"image\":\"{name}\",\"problem\":\"{name}\"}}\n"
    );
    let result = record(0, name).replace("GrabCut", &format!("G{name}"));
    fs::write(&path, header + &result + &problem).unwrap();
    let results = Results::read(&path).unwrap();
    let table = fbrs_eval::table(&Report::new(&results, &[0.9]));
    let comparison = Comparison::new(&results, &results, &[0.9]).table();
    for text in [table, comparison] {
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}

/// A data set whose reader has a fault.
#[derive(Debug)]
struct Faulty;

impl DataSet for Faulty {
    fn objects(&self) -> Vec<ObjectKey> {
        let key = |number: usize| ObjectKey { image: format!("{number}.png"), object: None };
        (0..4).map(key).collect()
    }

    fn read(&self, number: usize) -> Result<Sample, Problem> {
        match number {
            0 | 2 => panic!("object {number} cannot be borne"),
            _ => Err(Problem::new("it has no mask")),
        }
    }
}

#[test]
fn a_panic_is_a_problem_of_its_object_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let set: Box<dyn DataSet> = Box::new(Faulty);
    let data = OpenedData {
        name: "faulty".to_owned(),
        layout: Layout::Folder,
        objects: set.objects(),
        remarks: Vec::new(),
        set,
    };
    let configuration = Configuration { data: vec![DataId::new(&data)], ..configuration(0) };
    let segmenter = Segmenter::built_in().unwrap();
    for jobs in [1, 3] {
        let path = folder.path().join(format!("{jobs}.jsonl"));
        let (mut journal, mut results) =
            Journal::open(&path, &configuration, Shard::default()).unwrap();
        let jobs = NonZeroUsize::new(jobs).unwrap();
        let data = std::slice::from_ref(&data);
        fbrs_eval::run(&segmenter, data, &mut results, &mut journal, jobs, |_| {}).unwrap();
        let problem = |number| results.records[&number].problem.as_ref().unwrap().to_string();
        assert!(problem(0).contains("object 0 cannot be borne"), "{}", problem(0));
        assert_eq!(problem(1), "it has no mask");
        assert_eq!(Results::read(&path).unwrap(), results);
    }
}
