//! Help, devices, completions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::Work;

#[test]
fn help_teaches() {
    let work = Work::new();
    for (arguments, words) in [
        (&["--help"][..], &["segment", "weights", "Exit codes", "130"][..]),
        (&["help", "segment"], &["Examples", "Coordinates", "f-BRS-B", "\"positive\": true"]),
        (&["segment", "-h"], &["--pos <X,Y>", "--max-time"]),
        (&["weights", "import", "--help"], &["--precision", "torch.save"]),
        (&["--version"], &["fbrs"]),
    ] {
        let ended = work.run(arguments);
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{arguments:?}");
        for word in words {
            assert!(ended.out.contains(word), "{arguments:?}: no {word} in {}", ended.out);
        }
    }
    // Nothing asked for: help as well, but not as an answer.
    let ended = work.run(&[]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""));
    assert!(ended.err.contains("Usage"));
}

#[test]
fn devices_are_listed_and_one_is_taken_by_auto() {
    let work = Work::new();
    let ended = work.run(&["devices", "--json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let json = ended.json();
    let devices = json.as_array().unwrap();
    assert!(devices.iter().any(|device| device["device"] == "cpu"));
    assert_eq!(devices.iter().filter(|device| device["auto"] == true).count(), 1);
    let text = work.run(&["devices"]).out;
    assert!(text.contains("cpu"));
    assert_eq!(text.matches("taken by auto").count(), 1);
}

#[test]
fn every_shell_has_completions() {
    let work = Work::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = work.run(&["completions", shell]);
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{shell}");
        for word in ["segment", "probabilities", "devices"] {
            assert!(ended.out.contains(word), "{shell}: no {word}");
        }
    }
    assert!(work.run(&["completions", "bash"]).out.contains("f-BRS-B"));
    work.refuses(&["completions", "csh"], 2, &["csh", "bash"]);
}

/// `fbrs … | head` ends without complaint.
#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_failure() {
    use std::process::Stdio;

    let work = Work::new();
    let mut command = work.command(&["completions", "zsh"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]));
}
