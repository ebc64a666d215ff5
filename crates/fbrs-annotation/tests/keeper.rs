//! Nothing that was done is lost: documents, journals, crashes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use fbrs_annotation::{
    Annotation, Current, Document, Keeper, Line, Object, PhotoRecord, PhotoState, file, shape,
};
use fbrs_clicks::{Click, Position, Sign, Size};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

const SIZE: Size = Size { height: 24, width: 32 };

fn photo() -> PhotoRecord {
    let (width, height) = (SIZE.width as u32, SIZE.height as u32);
    let sha256 = "00".repeat(32);
    PhotoRecord { file: "写真 1.jpg".into(), width, height, sha256, bytes: 7, orientation: 6 }
}

/// One of the things that people do, by a number.
fn act(annotation: &mut Annotation, number: u64) -> Option<Line> {
    let (kind, at) = (number % 14, number / 14);
    let (x, y) = ((at % 32) as f64, (at / 32 % 24) as f64);
    let pick = |document: &Document| {
        let count = document.objects.len() as u64;
        (count > 0).then(|| document.objects[(at % count) as usize].id)
    };
    let disc = || shape::stroke(SIZE, &[Position::at_xy(x, y)], 3.5);
    match kind {
        0..=2 => annotation.change("click", |document| {
            let clicks = &mut document.current.get_or_insert_default().clicks;
            clicks.push(Click {
                position: Position::at_xy(x, y),
                sign: if at % 2 == 0 { Sign::Positive } else { Sign::Negative },
            });
        }),
        3 => annotation.change("move", |document| {
            let clicks = document.current.iter_mut().flat_map(|current| &mut current.clicks);
            clicks.take(1).for_each(|click| click.position = Position::at_xy(x, y));
        }),
        4 => annotation.change("part", |document| {
            if let Some(current) = &mut document.current {
                current.parts.push(std::mem::take(&mut current.clicks));
            }
        }),
        5 => annotation.change("finish", |document| {
            let Current { object, class, parts, clicks, .. } =
                document.current.take().unwrap_or_default();
            let id = object.unwrap_or(0);
            document.put(Object { id, parts, clicks, ..Object::drawn(disc(), class) });
        }),
        6 => annotation.change("edit", |document| {
            if let Some(id) = pick(document) {
                document.alter(id, |object| object.mask = object.mask.union(&disc()));
            }
        }),
        7 => annotation.change("class", |document| {
            if let Some(id) = pick(document) {
                document.alter(id, |object| object.class = Some(at as u32 % 3 + 1));
            }
        }),
        8 => annotation.change("order", |document| document.objects.reverse()),
        9 => annotation.change("delete", |document| {
            if let Some(id) = pick(document) {
                document.remove(id);
            }
        }),
        10 => annotation.change("reopen", |document| {
            let object = pick(document);
            let start = Some(disc()).filter(|mask| !mask.is_empty());
            document.current = Some(Current { object, start, ..Current::default() });
        }),
        11 => annotation.change("state", |document| {
            document.state = if at % 2 == 0 { PhotoState::Done } else { PhotoState::InProgress };
        }),
        12 => annotation.undo(),
        _ => annotation.redo(),
    }
}

fn open(path: &Path) -> (Keeper, Annotation) {
    let opened = Keeper::open(path, &photo()).unwrap();
    assert!(opened.remarks.is_empty(), "{:?}", opened.remarks);
    (opened.keeper, opened.annotation)
}

fn journal(path: &Path) -> PathBuf {
    path.with_extension("journal")
}

/// Numbers that always are the same.
fn numbers(count: usize) -> Vec<u64> {
    let step = |x: &mut u64| {
        *x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some(*x >> 33)
    };
    std::iter::repeat_n((), count).scan(1, |x, ()| step(x)).collect()
}

#[test]
fn what_was_done_is_there_after_a_crash_at_any_byte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jpg.fbrs.json");
    let (mut keeper, mut annotation) = open(&path);
    // Some of it is in the document, the rest in the journal.
    for number in numbers(40) {
        if let Some(line) = act(&mut annotation, number) {
            keeper.append(&line).unwrap();
        }
    }
    keeper.save(&annotation).unwrap();
    let mut states = vec![annotation.clone()];
    for number in numbers(80).into_iter().skip(40) {
        if let Some(line) = act(&mut annotation, number) {
            keeper.append(&line).unwrap();
            states.push(annotation.clone());
        }
    }
    let whole = fs::read(journal(&path)).unwrap();
    let document = fs::read(&path).unwrap();
    assert!(states.len() > 20, "{}", states.len());
    std::mem::forget(keeper);

    let other = tempfile::tempdir().unwrap();
    let path = other.path().join("a.jpg.fbrs.json");
    for length in 0..=whole.len() {
        fs::write(&path, &document).unwrap();
        fs::write(journal(&path), &whole[..length]).unwrap();
        let complete = whole[..length].iter().filter(|byte| **byte == b'\n').count();
        let (keeper, found) = open(&path);
        assert_eq!(found, states[complete], "{length} bytes");
        // What was torn is gone, so that the next line stands alone.
        let kept = fs::read(journal(&path)).unwrap_or_default();
        assert!(kept.is_empty() || kept.ends_with(b"\n"));
        drop(keeper);
    }
}

#[test]
fn a_crash_between_document_and_journal_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jpg.fbrs.json");
    let (mut keeper, mut annotation) = open(&path);
    for number in numbers(60) {
        if let Some(line) = act(&mut annotation, number) {
            keeper.append(&line).unwrap();
        }
    }
    file::write(&annotation, &path).unwrap();
    assert!(!fs::read(journal(&path)).unwrap().is_empty());
    drop(keeper);
    assert_eq!(open(&path).1, annotation);
}

#[test]
fn five_hundred_changes_are_taken_back_and_made_again_to_the_byte() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = |annotation: &Annotation, name: &str| {
        let path = folder.path().join(name);
        file::write(annotation, &path).unwrap();
        // All but the number of the last change and the history.
        let value: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        (value["objects"].to_string(), value["current"].to_string(), value["state"].to_string())
    };
    let mut annotation = Annotation::new(photo());
    let mut at_each = Vec::new();
    for number in numbers(900).into_iter().filter(|number| number % 14 < 12) {
        let before = bytes(&annotation, "step");
        if act(&mut annotation, number).is_some() {
            at_each.push(before);
        }
    }
    assert!(at_each.len() >= 500, "{}", at_each.len());
    let last = bytes(&annotation, "last");
    for before in at_each.iter().rev() {
        annotation.undo().unwrap();
        assert_eq!(bytes(&annotation, "undone"), *before);
    }
    assert!(annotation.undo().is_none() && annotation.document().is_untouched());
    // Half way through a restart.
    let path = folder.path().join("restart");
    file::write(&annotation, &path).unwrap();
    let mut annotation = file::read(&path).unwrap();
    for before in &at_each {
        assert_eq!(bytes(&annotation, "again"), *before);
        annotation.redo().unwrap();
    }
    assert!(annotation.redo().is_none());
    assert_eq!(bytes(&annotation, "again"), last);
}

#[test]
fn random_work_with_restarts_is_what_it_is_without() {
    let strategy = prop::collection::vec((any::<u64>(), 0..20u8), 1..60);
    TestRunner::default()
        .run(&strategy, |acts| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.jpg.fbrs.json");
            let mut alone = Annotation::new(photo());
            let (mut keeper, mut annotation) = open(&path);
            for (number, then) in acts {
                act(&mut alone, number);
                if let Some(line) = act(&mut annotation, number) {
                    keeper.append(&line).unwrap();
                }
                if then == 0 {
                    keeper.save(&annotation).unwrap();
                }
                if then <= 1 {
                    drop(keeper);
                    (keeper, annotation) = open(&path);
                }
                prop_assert_eq!(alone.document(), annotation.document());
                prop_assert_eq!(alone.next_undo(), annotation.next_undo());
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_second_window_reads_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jpg.fbrs.json");
    let (mut keeper, mut annotation) = open(&path);
    let line = act(&mut annotation, 14 * 40).unwrap();
    keeper.append(&line).unwrap();
    let (mut second, mut seen) = open(&path);
    assert!(second.read_only().unwrap().contains("another window"));
    assert_eq!(seen.document(), annotation.document());
    let line = act(&mut seen, 14 * 50).unwrap();
    second.append(&line).unwrap();
    second.save(&seen).unwrap();
    drop(second);
    assert!(!path.exists());
    let line = act(&mut annotation, 14 * 60).unwrap();
    keeper.append(&line).unwrap();
    drop(keeper);
    let (keeper, found) = open(&path);
    assert_eq!((found.document(), keeper.read_only()), (annotation.document(), None));
}

#[test]
fn looking_at_a_photo_leaves_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jpg.fbrs.json");
    let (mut keeper, annotation) = open(&path);
    keeper.save(&annotation).unwrap();
    keeper.sync().unwrap();
    drop(keeper);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_is_damaged_is_put_aside_and_what_is_not_known_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jpg.fbrs.json");
    let (mut keeper, mut annotation) = open(&path);
    let clicks = |annotation: &Annotation| annotation.document().current.clone().unwrap().clicks;
    for at in 0..4 {
        let line = act(&mut annotation, 14 * at).unwrap();
        keeper.append(&line).unwrap();
    }
    drop(keeper);
    let text = fs::read_to_string(journal(&path)).unwrap();
    let broken = text.replacen("\"seq\":3", "\"seq\":x", 1);
    fs::write(journal(&path), &broken).unwrap();
    let opened = Keeper::open(&path, &photo()).unwrap();
    assert_eq!(clicks(&opened.annotation).len(), 2);
    assert!(opened.remarks[0].contains("put aside"), "{:?}", opened.remarks);
    assert_eq!(fs::read_to_string(path.with_extension("journal.damaged1")).unwrap(), broken);
    drop(opened);

    file::write(&annotation, &path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen('{', "{\"later\":[1],", 1)).unwrap();
    fs::remove_file(journal(&path)).unwrap();
    let (mut keeper, mut annotation) = open(&path);
    let line = act(&mut annotation, 14 * 70 + 5).unwrap();
    keeper.append(&line).unwrap();
    keeper.save(&annotation).unwrap();
    assert!(fs::read_to_string(&path).unwrap().contains("\"later\":[1]"));
}

#[test]
fn documents_of_something_else_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jpg.fbrs.json");
    let mut annotation = Annotation::new(photo());
    act(&mut annotation, 14 * 40 + 5);
    file::write(&annotation, &path).unwrap();
    let sound = fs::read_to_string(&path).unwrap();
    for (from, to, says) in [
        ("\"width\":32", "\"width\":33", "33"),
        ("\"version\":1", "\"version\":2", "later version"),
        ("fbrs-annotation", "something", "fbrs-annotation"),
        ("\"id\":1", "\"id\":0", "id 0"),
        ("\"objects\":[", "\"objects\":[7,", "damaged"),
        ("\"counts\":\"", "\"counts\":\"~", "damaged"),
    ] {
        let text = sound.replacen(from, to, 1);
        assert_ne!(text, sound, "{from}");
        fs::write(&path, &text).unwrap();
        let error = Keeper::open(&path, &photo()).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("a.jpg.fbrs.json"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert!(!journal(&path).exists());
    }
    for end in 0..sound.len() - 1 {
        fs::write(&path, &sound.as_bytes()[..end]).unwrap();
        assert!(Keeper::open(&path, &photo()).is_err(), "{end} bytes");
    }
    let other = PhotoRecord { width: 24, height: 32, ..photo() };
    fs::write(&path, &sound).unwrap();
    let error = Keeper::open(&path, &other).unwrap_err().to_string();
    assert!(error.contains("24×32") || error.contains("32×24"), "{error}");
}

#[test]
fn lists_know_the_state_from_the_beginning_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jpg.fbrs.json");
    assert_eq!(file::summary(&path), None);
    let mut annotation = Annotation::new(photo());
    act(&mut annotation, 14 * 40 + 5);
    file::write(&annotation, &path).unwrap();
    let summary = file::summary(&path).unwrap();
    assert_eq!((summary.state, summary.objects), (PhotoState::InProgress, 1));
    annotation.change("state", |document| document.state = PhotoState::Done);
    file::write(&annotation, &path).unwrap();
    assert_eq!(file::summary(&path).unwrap().state, PhotoState::Done);
    fs::write(&path, "{}").unwrap();
    assert_eq!(file::summary(&path), None);
}
