//! Journals: torn lines, other configurations, merging.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;

use fbrs_data::sets::{Layout, ObjectKey, Problem};
use fbrs_eval::{
    ClickSeconds, Configuration, DataId, Error, Journal, Network, ObjectResult, Record, Report,
    Results, Settings, Shard, merge,
};

const OBJECTS: usize = 5;

fn configuration() -> Configuration {
    let network = Network {
        weights: "hrnet18_ocr64_sbd".to_owned(),
        sha256: Some("00".repeat(32)),
        architecture: "hrnet18_ocr64".to_owned(),
        device: "cpu".to_owned(),
    };
    let data = DataId {
        name: "GrabCut".to_owned(),
        layout: Layout::GrabCut,
        objects: OBJECTS,
        sha256: "11".repeat(32),
    };
    Configuration { network, settings: Settings::default(), data: vec![data] }
}

fn record(number: usize) -> Record {
    let result = ObjectResult {
        size: [2, 3],
        clicks: vec![(true, 1, 2), (false, 0, number % 3)],
        iou: vec![0.3 + 0.1 * number as f64, 0.91],
        seconds: vec![ClickSeconds { total: 0.5, ..ClickSeconds::default() }; 2],
        mask: "06".to_owned(),
    };
    let key = ObjectKey { image: format!("{number}.png"), object: None };
    let problem = (number == 3).then(|| Problem::new("the object is empty"));
    let result = problem.is_none().then_some(result);
    Record { number, data: "GrabCut".to_owned(), key, result, problem }
}

fn write(path: &Path, shard: Shard) {
    let (mut journal, results) = Journal::open(path, &configuration(), shard).unwrap();
    assert!(results.records.is_empty());
    for number in (0..OBJECTS).filter(|number| shard.holds(*number)) {
        journal.append(&record(number)).unwrap();
    }
}

#[test]
fn a_journal_cut_short_anywhere_is_continued() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    write(&path, Shard::default());
    let whole = fs::read(&path).unwrap();
    let expected = Results::read(&path).unwrap();
    for length in (0..=whole.len()).step_by(5) {
        fs::write(&path, &whole[..length]).unwrap();
        let (mut journal, results) =
            Journal::open(&path, &configuration(), Shard::default()).unwrap();
        for number in 0..OBJECTS {
            if !results.records.contains_key(&number) {
                journal.append(&record(number)).unwrap();
            }
        }
        drop(journal);
        assert_eq!(fs::read(&path).unwrap(), whole, "cut to {length} bytes");
    }
    assert_eq!(Results::read(&path).unwrap(), expected);
}

#[test]
fn another_configuration_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    write(&path, Shard::default());
    let before = fs::read(&path).unwrap();
    let mut other = configuration();
    other.settings.mode = "NoBRS".to_owned();
    other.network.sha256 = None;
    let error = Journal::open(&path, &other, Shard::default()).unwrap_err();
    let Error::OtherConfiguration { differences, .. } = &error else { panic!("{error}") };
    assert_eq!(differences.len(), 2);
    assert!(error.to_string().contains(r#"settings.mode: "f-BRS-B" there, "NoBRS" here"#));
    let shard = Shard { number: 1, count: 2 };
    assert!(Journal::open(&path, &configuration(), shard).is_err());
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn what_is_no_journal_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    let header = {
        let journal = folder.path().join("run.jsonl");
        write(&journal, Shard::default());
        fs::read_to_string(&journal).unwrap().lines().next().unwrap().to_owned()
    };
    for text in [
        "my notes\n".to_owned(),
        "{}\n".to_owned(),
        header.replace("\"fbrs_eval\":1", "\"fbrs_eval\":2") + "\n",
        format!("{header}\nnonsense\n"),
        format!("{header}\n{{\"number\":0,\"data\":\"GrabCut\",\"image\":\"0.png\"}}\n"),
        format!("{header}\n{{\"number\":9,\"data\":\"x\",\"image\":\"0\",\"problem\":\"x\"}}\n"),
    ] {
        fs::write(&path, &text).unwrap();
        let opened = Journal::open(&path, &configuration(), Shard::default());
        assert!(matches!(opened, Err(Error::Journal { .. })), "{text}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn two_processes_cannot_write_one_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let first = Journal::open(&path, &configuration(), Shard::default()).unwrap();
    assert!(Journal::open(&path, &configuration(), Shard::default()).is_err());
    drop(first);
    assert!(Journal::open(&path, &configuration(), Shard::default()).is_ok());
}

#[test]
fn shards_merge_to_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run.jsonl");
    write(&run, Shard::default());
    let whole = Results::read(&run).unwrap();
    let shards = (1..=3).map(|number| Shard { number, count: 3 });
    let paths: Vec<_> = shards
        .map(|shard| {
            let path = shard.journal(&run);
            write(&path, shard);
            path
        })
        .collect();
    let merged = merge(&[paths[2].clone(), paths[0].clone(), paths[1].clone()]).unwrap();
    assert_eq!(merged, whole);
    let written = folder.path().join("merged.jsonl");
    merged.write(&written).unwrap();
    assert_eq!(fs::read(&written).unwrap(), fs::read(&run).unwrap());

    let partial = merge(&paths[..2]).unwrap();
    assert_eq!(partial.missing(), 1);
    assert!(merge(&[paths[0].clone(), paths[0].clone()]).is_err());
    assert!(merge(&[paths[0].clone(), run]).is_err());
}

#[test]
fn the_report_has_the_published_row_and_the_problems() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    write(&path, Shard::default());
    let results = Results::read(&path).unwrap();
    let report = Report::new(&results, &[0.8, 0.85, 0.9]);
    assert_eq!(report.data[0].objects, 4);
    assert_eq!(report.data[0].published.and_then(|row| row.noc_90), Some(2.18));
    assert_eq!(report.problems.len(), 1);
    assert!(!report.is_complete());
    let table = fbrs_eval::table(&report);
    let published = table.lines().find(|line| line.starts_with("  published")).unwrap();
    assert_eq!(published.split_whitespace().collect::<Vec<_>>(), ["published", "1.86", "2.18"]);
    assert!(table.contains("problem: GrabCut, 3.png: the object is empty"), "{table}");
}
