//! What a signal leaves behind: complete files or none.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{Work, golden_text};

/// A network and a mode of which a click takes longer than any test.
fn endless() -> String {
    let weights = golden_text("weights/hrnet18s_ocr64.safetensors");
    format!(
        "segment photo.png --verbose --weights {weights} --pos 65,45 --neg 5,5 --mode RGB-BRS \
         --max-evaluations 1000000 --min-iou-diff 0 --tiles 64 -o mask.png"
    )
}

fn kill(child: &Child, signal: &str) {
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

/// Starts a command and waits until it is at work.
fn start(mut command: Command) -> Child {
    // Without it, graphics drivers that look for a window system write to standard error.
    command.env("XDG_RUNTIME_DIR", std::env::temp_dir());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("device auto took"), "{line}");
    std::thread::sleep(Duration::from_millis(300));
    child
}

/// Whatever the tests themselves were started with.
#[cfg(target_os = "linux")]
#[test]
fn a_program_that_is_stopped_at_work_leaves_nothing() {
    let work = Work::new();
    let before = work.files();
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        let mut listening = Command::new("env");
        listening.args(["--default-signal=INT,TERM,HUP", env!("CARGO_BIN_EXE_fbrs")]);
        listening.args(endless().split_whitespace()).current_dir(work.path("."));
        let mut child = start(listening);
        kill(&child, signal);
        assert_eq!(child.wait().unwrap().code(), Some(code), "{signal}");
        assert_eq!(work.files(), before, "{signal}");
    }
}

/// `nohup` ignores SIGHUP, a shell without job control SIGINT of what it starts in the background.
#[cfg(target_os = "linux")]
#[test]
fn what_was_ignored_at_the_start_stays_ignored() {
    let work = Work::new();
    let mut shell = Command::new("sh");
    let program = env!("CARGO_BIN_EXE_fbrs");
    shell.args(["-c", &format!("trap '' HUP INT; exec {program} {}", endless())]);
    shell.current_dir(work.path("."));
    let mut child = start(shell);
    for signal in ["-HUP", "-INT"] {
        kill(&child, signal);
        std::thread::sleep(Duration::from_millis(200));
        assert!(child.try_wait().unwrap().is_none(), "{signal} ended it");
    }
    kill(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

/// At twenty moments from the start to the end of an import and of a segmentation.
#[test]
fn no_moment_of_a_kill_leaves_a_partial_file() {
    let work = Work::new();
    let native = golden_text("../../weights/lite0_dh64.safetensors");
    let import = ["weights", "import", &native, "-o", "out.safetensors"];
    let segment = "segment photo.png --pos 65,45 --mode NoBRS --device cpu -o mask.tiff \
        --overlay look.bmp --probabilities p.png --trace trace.json";
    let segment: Vec<_> = segment.split_whitespace().collect();
    for arguments in [&import[..], &segment] {
        let before = work.files();
        let started = std::time::Instant::now();
        assert_eq!(work.run(arguments).code, Some(0));
        let whole = started.elapsed();
        let made: Vec<_> = work.files().difference(&before).cloned().collect();
        let contents: Vec<_> = made.iter().map(|path| fs::metadata(path).unwrap().len()).collect();
        for moment in 1..=20 {
            made.iter().for_each(|path| fs::remove_file(path).unwrap_or_default());
            let mut command = work.command(arguments);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().unwrap();
            std::thread::sleep(whole * moment / 20);
            if child.try_wait().unwrap().is_none() {
                kill(&child, "-TERM");
            }
            let status = child.wait().unwrap();
            // Before the program listens, the signal does what it does to any.
            let is_stopped = status.code() == Some(143) || status.signal() == Some(15);
            assert!(is_stopped || status.success(), "{status:?}");
            let left: Vec<_> = work.files().difference(&before).cloned().collect();
            if left.is_empty() && is_stopped {
                continue;
            }
            assert_eq!(left, made, "moment {moment}: all outputs or none");
            for (path, length) in made.iter().zip(&contents) {
                let seen = fs::metadata(path).unwrap().len();
                // Times in a trace have other digits each time.
                let is_text = path.extension().is_some_and(|ending| ending == "json");
                assert!(is_text || seen == *length, "{} of {seen} bytes", path.display());
            }
        }
        made.iter().for_each(|path| fs::remove_file(path).unwrap_or_default());
    }
}

#[test]
fn a_limit_of_a_files_size_is_an_output_that_cannot_be_written() {
    let work = Work::new();
    let native = golden_text("../../weights/lite0_dh64.safetensors");
    let before = work.files();
    for arguments in [
        "segment photo.png --pos 65,45 --mode NoBRS --device cpu -o mask.png --overlay look.bmp"
            .to_owned(),
        format!("weights import {native} -o out.safetensors"),
    ] {
        let mut shell = Command::new("sh");
        let program = env!("CARGO_BIN_EXE_fbrs");
        shell.args(["-c", &format!("ulimit -f 8; exec {program} {arguments}")]);
        let ended = shell.current_dir(work.path(".")).output().unwrap();
        common::Ended::from(ended).is_refusal(6, &["cannot write", "File too large"]);
        assert_eq!(work.files(), before);
    }
}
