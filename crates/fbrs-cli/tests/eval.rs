//! `fbrs eval`, through the whole program, on the tiny data sets of `tests/golden/datasets`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::path::Path;

use common::{Ended, Work};

fn data(name: &str) -> String {
    let (kind, path) = name.split_once('=').unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/datasets");
    format!("{kind}={}", folder.join(path).display())
}

/// Two quick clicks on each object of these data sets, into `run.jsonl`.
fn eval(work: &Work, sets: &[&str], arguments: &[&str]) -> Ended {
    let sets: Vec<_> = sets.iter().map(|set| data(set)).collect();
    let mut all = vec!["eval", "--device", "cpu", "--mode", "NoBRS", "--no-flip"];
    all.extend(["--max-clicks", "2", "--zoom-in-size", "64"]);
    if !arguments.contains(&"--journal") {
        all.extend(["--journal", "run.jsonl"]);
    }
    for set in &sets {
        all.extend(["--data", set]);
    }
    work.run(&[&all, arguments].concat())
}

/// A table or a journal without its times.
fn timeless(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        match line.split_once("\"seconds\":") {
            Some((before, after)) => {
                lines.push(before.to_owned() + after.split_once(']').unwrap().1);
            }
            None => {
                let words = line.split_whitespace();
                let words: Vec<_> = words.filter(|word| *word != "s").collect();
                let is_row = words.len() == 10 && words[1].parse::<usize>().is_ok();
                let kept = if is_row { &words[..8] } else { &words };
                lines.push(kept.join(" "));
            }
        }
    }
    lines.join("\n")
}

#[test]
fn every_layout_goes_through() {
    let sets = [
        ("grabcut=grabcut", "GrabCut", 2),
        ("berkeley=berkeley", "Berkeley", 2),
        ("davis=davis", "DAVIS", 2),
        ("coco-mval=coco_mval", "COCO_MVal", 2),
        ("sbd=sbd", "SBD", 3),
        ("folder=folder", "folder", 7),
        ("coco=coco/instances_val.json", "instances_val", 4),
    ];
    let work = Work::new();
    let names: Vec<_> = sets.iter().map(|set| set.0).collect();
    let ended = eval(&work, &names, &["--json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    for (data, (_, name, objects)) in report["data"].as_array().unwrap().iter().zip(sets) {
        assert_eq!(data["name"], name);
        assert_eq!(data["objects"], objects);
        let mean = data["noc"][2]["mean"].as_f64().unwrap();
        assert!((1.0..=2.0).contains(&mean), "{name}: {mean}");
        let iou: Vec<_> =
            data["mean_iou"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
        assert!(iou.len() == 2 && iou.iter().all(|iou| *iou > 0.0 && *iou <= 1.0), "{iou:?}");
    }
    assert_eq!(report["missing"], 0);
}

#[test]
fn problems_are_named_and_the_run_goes_on() {
    let work = Work::new();
    let ended = eval(&work, &["folder=faulty"], &["--report", "report"]);
    assert_eq!(ended.code, Some(7), "{ended:?}");
    for name in ["empty.jpg", "large.jpg", "lonely.jpg", "nowhere.png", "torn.jpg"] {
        assert!(ended.out.contains(&format!("problem: faulty, {name}: ")), "{ended:?}");
    }
    assert!(!ended.out.contains("sound.jpg"), "{ended:?}");
    assert!(ended.err.contains("5 objects could not be evaluated"), "{ended:?}");
    let page = fs::read_to_string(work.path("report/index.html")).unwrap();
    assert!(page.contains("torn.jpg") && page.contains("<svg") && page.contains("data:image/jpeg"));
    // The page needs nothing but itself.
    for tag in ["src=\"http", "href=", "@import", "<script", "url("] {
        assert!(!page.contains(tag), "{tag}");
    }
    assert!(work.path("report/report.json").is_file());
}

#[test]
fn runs_continue_and_parallel_ones_are_the_same() {
    let work = Work::new();
    let sets = ["sbd=sbd", "davis=davis"];
    let whole = eval(&work, &sets, &[]);
    assert_eq!(whole.code, Some(0), "{whole:?}");
    let journal = fs::read_to_string(work.path("run.jsonl")).unwrap();
    assert_eq!(journal.lines().count(), 1 + 5);

    // Cut within the fourth line: two objects are known, the third's line is torn.
    let lines: Vec<_> = journal.split_inclusive('\n').collect();
    fs::write(work.path("run.jsonl"), lines[..3].concat() + &lines[3][..30]).unwrap();
    let again = eval(&work, &sets, &["-v"]);
    assert!(again.err.contains("continuing run.jsonl: 2 of 5 objects"), "{again:?}");
    assert_eq!(timeless(&again.out), timeless(&whole.out));
    let continued = fs::read_to_string(work.path("run.jsonl")).unwrap();
    assert_eq!(timeless(&continued), timeless(&journal));

    // Nothing is left to do: the same table to the last digit.
    assert_eq!(eval(&work, &sets, &[]).out, again.out);

    let parallel = eval(&work, &sets, &["--jobs", "3", "--journal", "parallel.jsonl"]);
    assert_eq!(timeless(&parallel.out), timeless(&whole.out));

    let other = eval(&work, &sets, &["--threshold", "0.6"]);
    assert_eq!(other.code, Some(2), "{other:?}");
    assert!(other.err.contains("settings.threshold: 0.49 there, 0.6 here"), "{other:?}");
    assert_eq!(eval(&work, &sets, &["--threshold", "0.6", "--restart"]).code, Some(0));
}

#[test]
fn shards_merge_and_runs_compare() {
    let work = Work::new();
    let sets = ["grabcut=grabcut", "sbd=sbd"];
    let whole = eval(&work, &sets, &["--journal", "whole.jsonl"]);
    assert_eq!(whole.code, Some(0), "{whole:?}");
    for shard in ["1/2", "2/2"] {
        let ended = eval(&work, &sets, &["--shard", shard]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let shards = ["run.1of2.jsonl", "run.2of2.jsonl"];
    let merged = work.run(&["eval", "merge", shards[1], shards[0], "-o", "merged.jsonl"]);
    assert_eq!(merged.code, Some(0), "{merged:?}");
    assert_eq!(timeless(&merged.out), timeless(&whole.out));
    let partial = work.run(&["eval", "merge", shards[0]]);
    assert_eq!(partial.code, Some(7), "{partial:?}");
    assert!(partial.out.contains("2 objects are not evaluated yet"), "{partial:?}");

    let same = work.run(&["eval", "compare", "whole.jsonl", "merged.jsonl"]);
    assert_eq!(same.code, Some(0), "{same:?}");
    assert!(same.out.contains("every object needs the same number of clicks"), "{same:?}");
    let shard = work.run(&["eval", "compare", "whole.jsonl", shards[0], "--json"]);
    let shard: serde_json::Value = serde_json::from_str(&shard.out).unwrap();
    assert_eq!(shard["only_first"], 2);
    assert_eq!(shard["tests"][0]["p"], 1.0);
}

#[test]
fn job_arrays_are_read() {
    let work = Work::new();
    let set = data("grabcut=grabcut");
    let arguments = ["eval", "--device", "cpu", "--mode", "NoBRS", "--max-clicks", "1", "--data"];
    let array = |variables: &[(&str, &str)]| -> Ended {
        let mut command = work.command(&[&arguments[..], &[&set, "--shard", "auto"]].concat());
        for name in ["SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX", "FBRS_SHARD", "FBRS_SHARDS"] {
            command.env_remove(name);
        }
        command.envs(variables.iter().copied()).output().unwrap().into()
    };
    let slurm = [
        ("SLURM_ARRAY_TASK_ID", "5"),
        ("SLURM_ARRAY_TASK_MIN", "4"),
        ("SLURM_ARRAY_TASK_COUNT", "2"),
    ];
    assert_eq!(array(&slurm).code, Some(0));
    assert!(work.path("fbrs-eval.2of2.jsonl").is_file());
    let kubernetes = [("JOB_COMPLETION_INDEX", "0"), ("JOB_COMPLETIONS", "2")];
    assert_eq!(array(&kubernetes).code, Some(0));
    assert!(work.path("fbrs-eval.1of2.jsonl").is_file());
    let none = array(&[]);
    assert_eq!(none.code, Some(2), "{none:?}");
    assert!(none.err.contains("SLURM_ARRAY_TASK_ID"), "{none:?}");
}

#[test]
fn wrong_usage_is_told() {
    let work = Work::new();
    fs::write(work.path("notes.txt"), "my notes\n").unwrap();
    let set = data("grabcut=grabcut");
    for (arguments, code, part) in [
        (vec!["eval"], 2, "--data"),
        (vec!["eval", "--data", "pictures"], 2, "expected KIND=PATH"),
        (vec!["eval", "--data", "grabcut=nowhere"], 3, "nowhere"),
        (vec!["eval", "--data", &set, "--thresholds", "101"], 2, "at most 100"),
        (vec!["eval", "--data", &set, "--max-clicks", "0"], 2, "max clicks"),
        (vec!["eval", "--data", &set, "--mode", "f-BRS-D"], 2, "f-BRS-D"),
        (vec!["eval", "--data", &set, "--shard", "3/2"], 2, "3/2"),
        (vec!["eval", "--data", &set, "--device", "cpu", "--journal", "notes.txt"], 3, "notes.txt"),
        (
            vec!["eval", "--data", &set, "--device", "cpu", "--journal", "notes.txt", "--restart"],
            3,
            "left alone",
        ),
        (vec!["eval", "merge", "missing.jsonl"], 3, "missing.jsonl"),
        (vec!["eval", "compare", "notes.txt", "notes.txt"], 3, "notes.txt"),
    ] {
        let ended = work.run(&arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        assert!(ended.err.contains(part), "{arguments:?}: {ended:?}");
    }
    assert_eq!(fs::read_to_string(work.path("notes.txt")).unwrap(), "my notes\n");
}

/// A data set of COCO instances of one photo, `ann.json` in the folder.
fn coco(work: &Work) -> String {
    let box_of_photo = "[[40, 25, 90, 25, 90, 65, 40, 65]]";
    let json = format!(
        "{{\"images\": [{{\"id\": 1, \"file_name\": \"photo.png\"}}], \"annotations\": \
         [{{\"id\": 1, \"image_id\": 1, \"segmentation\": {box_of_photo}}}]}}"
    );
    fs::write(work.path("ann.json"), &json).unwrap();
    json
}

#[test]
fn an_input_is_never_an_output() {
    let work = Work::new();
    let json = coco(&work);
    fs::create_dir(work.path("rep")).unwrap();
    fs::write(work.path("rep/report.json"), &json).unwrap();
    fs::write(work.path("other.json"), &json).unwrap();
    let data = ["eval", "--device", "cpu", "--mode", "NoBRS", "--max-clicks", "1", "--data"];
    for (arguments, code, words) in [
        (vec!["coco=ann.json", "--journal", "ann.json"], 2, "ann.json is read"),
        (vec!["coco=ann.json", "--journal", "other.json"], 3, "left alone"),
        (vec!["coco=ann.json", "--journal", "other.json", "--restart"], 3, "left alone"),
        (vec!["coco=ann.json", "--journal", "photo.png"], 3, "left alone"),
        (
            vec!["coco=rep/report.json", "--images", ".", "--report", "rep"],
            2,
            "report.json is read",
        ),
    ] {
        let ended = work.run(&[&data[..], &arguments].concat());
        ended.is_refusal(code, &[words]);
    }
    for name in ["ann.json", "other.json", "rep/report.json"] {
        assert_eq!(fs::read_to_string(work.path(name)).unwrap(), json, "{name}");
    }
    let run = work.run(&[&data[..], &["coco=ann.json", "--journal", "run.jsonl"]].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    let journal = fs::read(work.path("run.jsonl")).unwrap();
    work.run(&["eval", "merge", "run.jsonl", "-o", "run.jsonl"]).is_refusal(2, &["is read"]);
    let onto_other = work.run(&["eval", "merge", "run.jsonl", "-o", "other.json"]);
    assert_eq!(onto_other.code, Some(3), "{onto_other:?}");
    assert_eq!(fs::read(work.path("run.jsonl")).unwrap(), journal);
    assert_eq!(fs::read_to_string(work.path("other.json")).unwrap(), json);
}

#[test]
fn what_was_passed_over_and_what_is_missing_is_told() {
    let work = Work::new();
    for folder in ["own/images/sub", "own/masks"] {
        fs::create_dir_all(work.path(folder)).unwrap();
    }
    fs::write(work.path("own/images/a.heic"), "ftypheic").unwrap();
    fs::copy(work.path("photo.png"), work.path("own/images/\u{1b}[2J.png")).unwrap();
    let eval = ["eval", "--device", "cpu", "--mode", "NoBRS", "--data"];
    let ended = work.run(&[&eval[..], &["folder=own"]].concat());
    assert_eq!(ended.code, Some(7), "{ended:?}");
    assert!(ended.err.contains("1 file and 1 folder were not looked at: a.heic, sub"), "{ended:?}");
    assert!(ended.out.contains("\\u{1b}[2J.png") && !(ended.out + &ended.err).contains('\u{1b}'));

    coco(&work);
    fs::rename(work.path("photo.png"), work.path("own/photo.png")).unwrap();
    let ended = work.run(&[&eval[..], &["coco=ann.json"]].concat());
    ended.is_refusal(3, &["photo.png", "images", "--images DIR"]);
}
