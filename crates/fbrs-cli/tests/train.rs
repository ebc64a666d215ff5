//! `fbrs train`: looking first, training, stopping, going on, using what came out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;

use common::{Ended, SIZE, Work};
use image::{GrayImage, Luma};

/// A folder of photos with masks, and the arguments that train a tiny network on it.
struct Training {
    work: Work,
}

impl Training {
    fn new() -> Self {
        let work = Work::new();
        for name in ["data/images", "data/masks"] {
            fs::create_dir_all(work.path(name)).unwrap();
        }
        for number in 0..6 {
            Work::photo().save(work.path(&format!("data/images/{number}.png"))).unwrap();
            let mask = GrayImage::from_fn(SIZE.0, SIZE.1, |x, y| {
                let inside = (40..90).contains(&x) && (25..65).contains(&y);
                Luma([255 * u8::from(inside)])
            });
            mask.save(work.path(&format!("data/masks/{number}.png"))).unwrap();
        }
        Self { work }
    }

    fn train(&self, arguments: &[&str]) -> Ended {
        let fixed = ["train", "--preset", "tiny", "--data", "data", "--device", "cpu"];
        self.work.run(&[&fixed, arguments].concat())
    }
}

#[test]
fn people_look_before_they_train() {
    let training = Training::new();
    let ended = training.train(&["--check"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.err.contains("6 photos with 6 objects, 1 on each"), "{ended:?}");
    assert!(ended.err.contains("5 photos to learn from, 1 to judge by"), "{ended:?}");

    let ended = training.train(&["--preview", "3"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let picture = training.work.image("preview/0002.png");
    assert_eq!((picture.width(), picture.height()), (2 * 96, 64));

    let ended = training.train(&["--print-config", "--set", "optimizer.rate=0.125"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("rate = 0.125"), "{ended:?}");
    // What is printed is a configuration.
    fs::write(training.work.path("mine.toml"), &ended.out).unwrap();
    let again = training.work.run(&["train", "--config", "mine.toml", "--print-config"]);
    assert_eq!(again.out, ended.out);
    assert!(!training.work.path("runs").exists());

    let ended = training.work.run(&["train", "presets"]);
    assert!(ended.out.lines().any(|name| name == "fine-tune"), "{ended:?}");
}

#[test]
fn what_was_trained_segments_and_is_exported() {
    let training = Training::new();
    let ended = training.train(&["--name", "first", "--set", "schedule.epochs=1"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.err.contains("epoch 1: validation loss"), "{ended:?}");
    let weights = "runs/tiny/hrnet8s_ocr8/000_first/checkpoints/000.safetensors";
    assert!(ended.err.contains(weights), "{ended:?}");
    // Probabilities: so little training may not bring any pixel over the threshold.
    let segment = |weights: &str, out: &str| {
        let fixed =
            ["segment", "photo.png", "--device", "cpu", "--mode", "NoBRS", "--pos", "65,45"];
        let more = ["--weights", weights, "--probabilities", out];
        let ended = training.work.run(&[&fixed[..], &more].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        training.work.image(out).into_luma8()
    };
    let trained = segment(weights, "trained.png");
    let [least, most] = [u8::min, u8::max].map(|pick| trained.iter().copied().reduce(pick));
    assert!(most > least, "{least:?} {most:?}");
    let export = ["weights", "export", weights, "-o", "mine.pth"];
    let ended = training.work.run(&export);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(segment("mine.pth", "exported.png"), trained);

    // There is nothing left to do.
    let ended = training.work.run(&["train", "--resume", "runs/tiny/hrnet8s_ocr8/000_first"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn nonsense_is_told() {
    let training = Training::new();
    let work = &training.work;
    fs::write(work.path("typo.toml"), "preset = \"tiny\"\n[optimizer]\nrte = 1\n").unwrap();
    for (arguments, code, words) in [
        (vec!["train"], 2, "required"),
        (vec!["train", "--preset", "huge", "--data", "data"], 2, "expected one of fine-tune"),
        (vec!["train", "--preset", "tiny"], 2, "data.sets: expected at least one set"),
        (vec!["train", "--preset", "tiny", "--data", "nowhere"], 3, "nowhere"),
        (vec!["train", "--preset", "tiny", "--data", "xyz:data"], 2, "KIND in KIND:PATH"),
        (vec!["train", "--config", "typo.toml", "--data", "data"], 2, "optimizer.rte"),
        (vec!["train", "--preset", "fine-tune", "--data", "data"], 2, "init.file"),
        (
            vec!["train", "--preset", "fine-tune", "--data", "data", "--init", "nothing.pth"],
            4,
            "nothing.pth",
        ),
        (vec!["train", "--resume", "data"], 3, "config.toml"),
        (vec!["train", "--resume", "data", "--preset", "tiny"], 2, "cannot be used with"),
        (vec!["weights", "export", "default", "-o", "mine.txt"], 2, ".pth"),
        (
            vec!["train", "--preset", "tiny", "--data", "data", "--set", "optimizer.momentum=0.9"],
            2,
            "optimizer.momentum: 0.9 has no effect here: it needs optimizer.kind = \"sgd\"",
        ),
        (
            vec!["train", "--preset", "tiny", "--data", "data", "--score-samples", "scores.json"],
            2,
            "init.file: expected the checkpoint to start from",
        ),
    ] {
        let ended = work.run(&arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        // What was understood of the data may stand before it.
        let last = ended.err.trim_end().lines().last().unwrap_or_default();
        assert!(last.contains(words), "{arguments:?}: {ended:?}");
    }
    // A mask of another size, in the middle of the set.
    GrayImage::new(7, 9).save(work.path("data/masks/3.png")).unwrap();
    let ended = training.train(&[]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.err.contains("3.png"), "{ended:?}");
    assert!(!work.path("runs").exists());
}

/// A photo whose mask is not what the clicks are on is hard, and what was written is drawn by.
#[test]
fn photos_have_scores_by_which_they_are_drawn() {
    let training = Training::new();
    let work = &training.work;
    // The photo is that of the others; nothing can be seen of what this mask shows.
    let mask = GrayImage::from_fn(SIZE.0, SIZE.1, |x, y| {
        let inside = (20..60).contains(&x) && (10..80).contains(&y) && (x / 4 + y / 4) % 3 == 0;
        Luma([255 * u8::from(inside)])
    });
    mask.save(work.path("data/masks/3.png")).unwrap();
    let weights = ["train", "--preset", "fine-tune", "--init", "default", "--device", "cpu"];
    let crop = ["--set", "samples.crop={ height = 96, width = 128 }"];
    let score = ["--data", "data", "--score-samples", "scores.json"];
    let score = [&weights[..], &crop, &score].concat();
    let ended = work.run(&score);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.err.contains("6 scores are in scores.json; the hardest: 3.png ("), "{ended:?}");
    assert!(!work.path("runs").exists());

    let text = fs::read_to_string(work.path("scores.json")).unwrap();
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    let scores = read["scores"].as_array().unwrap().iter().map(|score| {
        (score["photo"].as_str().unwrap().to_owned(), score["score"].as_f64().unwrap())
    });
    let mut scores: Vec<_> = scores.collect();
    scores.sort_by(|one, other| one.1.total_cmp(&other.1));
    let mut names: Vec<_> = scores.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["0.png", "1.png", "2.png", "3.png", "4.png", "5.png"]);
    assert!(scores.iter().all(|(_, score)| *score > 0.0 && *score < 1.0), "{scores:?}");
    assert_eq!(scores[0].0, "3.png", "{scores:?}");
    assert!(scores[0].1 + 0.1 < scores[1].1, "{scores:?}");
    // The same ones every time.
    assert_eq!(work.run(&score).code, Some(0));
    assert_eq!(fs::read_to_string(work.path("scores.json")).unwrap(), text);

    let set = "data.sets=[{ kind = \"folder\", path = \"data\", scores = \"scores.json\" }]";
    let train = ["train", "--preset", "tiny", "--device", "cpu", "--set", "schedule.epochs=1"];
    let train = [&train[..], &["--set", set, "--set", "data.score_gamma=2"]].concat();
    let ended = work.run(&train);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // Those of other photos are refused.
    fs::write(work.path("scores.json"), text.replace(".png", "x.png")).unwrap();
    let ended = work.run(&train);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.err.contains("they are for another set"), "{ended:?}");
}

/// Ctrl-C finishes the step and saves, again and again; what was saved is gone on from.
#[cfg(unix)]
#[test]
fn a_run_that_is_interrupted_goes_on() {
    use std::process::{Command, Stdio};

    let training = Training::new();
    let run = "runs/tiny/hrnet8s_ocr8/000";
    let pictures = training.work.path(run).join("pictures");
    let made = || pictures.read_dir().map_or(0, Iterator::count);
    // Longer than any test.
    let begin = ["train", "--preset", "tiny", "--data", "data", "--device", "cpu", "--set"];
    let begin = [&begin[..], &["schedule.epochs=100000"]].concat();
    for arguments in [&begin[..], &["train", "--resume", run]] {
        let mut command = training.work.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // Every tenth step leaves a picture.
        let before = made();
        while made() == before {
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        // A shell without job control has its background ignore SIGINT, and so would a run that is begun there.
        let signal = ["-TERM", &child.id().to_string()];
        assert!(Command::new("kill").args(signal).status().unwrap().success());
        let ended: Ended = child.wait_with_output().unwrap().into();
        assert_eq!(ended.code, Some(143), "{ended:?}");
        assert!(ended.err.contains(&format!("`fbrs train --resume {run}` goes on")), "{ended:?}");
    }
}
