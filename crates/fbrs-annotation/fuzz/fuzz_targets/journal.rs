//! Opens a sound document with arbitrary bytes as its journal, makes a change, and opens it again: what
//! was there is there, and the change too.
#![no_main]

use std::collections::HashSet;
use std::fs;

use fbrs_annotation::{Document, Keeper, Mask, Object, PhotoRecord, shape};
use fbrs_clicks::{Position, Size};
use libfuzzer_sys::fuzz_target;

const SIZE: Size = Size { height: 24, width: 32 };

fn disc(radius: f64) -> Mask {
    shape::stroke(SIZE, &[Position::at_xy(12.0, 9.0)], radius)
}

fn walk(document: &Document) {
    let mut ids = HashSet::new();
    for object in &document.objects {
        assert!(ids.insert(object.id) && object.id < document.next_id);
        assert!(object.mask.size() == SIZE && object.mask.area() <= SIZE.area() as u64);
    }
}

fuzz_target!(|bytes: &[u8]| {
    let place = tempfile::tempdir().expect("a temporary folder");
    let path = place.path().join("a.png.fbrs.json");
    let photo = PhotoRecord {
        file: "a.png".to_owned(),
        width: SIZE.width as u32,
        height: SIZE.height as u32,
        sha256: "0".repeat(64),
        bytes: 1,
        orientation: 1,
    };
    let mut opened = Keeper::open(&path, &photo).expect("nothing is there");
    opened.annotation.change("draw", |document| {
        document.put(Object::drawn(disc(5.0), Some(1)));
        document.put(Object::drawn(disc(2.0), None));
    });
    opened.keeper.save(&opened.annotation).expect("room for it");
    drop(opened);
    fs::write(path.with_extension("journal"), bytes).expect("room for it");

    let mut opened = Keeper::open(&path, &photo).expect("its document is sound");
    assert!(opened.remarks.iter().all(|remark| !remark.contains(char::is_control)));
    walk(opened.annotation.document());
    let line = opened.annotation.change("draw", |document| {
        document.put(Object::drawn(disc(3.0), Some(7)));
    });
    let document = opened.annotation.document().clone();
    opened.keeper.append(&line.expect("a new object")).expect("room for it");
    drop(opened);

    let mut again = Keeper::open(&path, &photo).expect("what was sound");
    assert_eq!(again.remarks, [""; 0]);
    assert_eq!(again.annotation.document().objects, document.objects);
    assert_eq!(again.annotation.document().state, document.state);
    assert_eq!(again.annotation.document().current, document.current);
    again.keeper.save(&again.annotation).expect("room for it");
    while again.annotation.undo().is_some() {
        walk(again.annotation.document());
    }
    while again.annotation.redo().is_some() {}
    assert_eq!(again.annotation.document().objects, document.objects);
});
