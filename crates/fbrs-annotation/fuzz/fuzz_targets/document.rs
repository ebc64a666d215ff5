//! Opens arbitrary bytes as a document, walks its masks, goes through its history, writes it and reads
//! it again, and exports it.
#![no_main]

use std::fs;

use fbrs_annotation::export::{self, Format, Settings};
use fbrs_annotation::{Annotation, Document, Folder, Project, file};
use fbrs_clicks::Region;
use libfuzzer_sys::fuzz_target;

/// Pixels of photos that are exported: larger ones are slow, and no other code is run.
const LARGEST: usize = 1 << 14;

/// Bytes of masks that are written again: more is slow, and no other code is run.
const MOST_BYTES: usize = 1 << 22;

/// Every mask is of the photo's size, and what it says of itself is true.
fn walk(document: &Document) {
    let size = document.size();
    assert!(size.area() < 1 << 31);
    for object in &document.objects {
        for mask in std::iter::once(&object.mask).chain(&object.start) {
            assert_eq!(mask.size(), size);
            let runs = mask.rows().flat_map(|row| mask.row(row));
            let area: u64 = runs.map(|[first, end]| u64::from(end - first)).sum();
            assert_eq!(area, mask.area());
            let Some(bounds) = mask.bounds().filter(|bounds| bounds.size().area() < LARGEST) else {
                continue;
            };
            let pixels = mask.bools_in(bounds);
            assert_eq!(pixels.iter().filter(|is_object| **is_object).count() as u64, area);
            assert_eq!(mask.to_rle().expect("a small mask").area(), area);
        }
        let whole = Region::whole(size);
        assert!(object.mask.bounds().is_none_or(|bounds| {
            bounds.bottom() <= whole.bottom() && bounds.right() <= whole.right()
        }));
    }
    let ids: Vec<_> = document.objects.iter().map(|object| object.id).collect();
    assert!(ids.iter().all(|id| document.object(*id).is_some() && *id < document.next_id));
}

/// Takes everything back, and makes everything again.
fn go_through(annotation: &mut Annotation) {
    let before = annotation.document().clone();
    let mut steps = 0;
    while annotation.undo().is_some() {
        walk(annotation.document());
        steps += 1;
    }
    for _ in 0..steps {
        annotation.redo().expect("what was taken back");
    }
    assert_eq!(annotation.document().objects, before.objects);
    while annotation.redo().is_some() {
        walk(annotation.document());
    }
}

fuzz_target!(|bytes: &[u8]| {
    let place = tempfile::tempdir().expect("a temporary folder");
    let photos = place.path().join("photos");
    let path = photos.join("a.png.fbrs.json");
    fs::create_dir(&photos).expect("room for it");
    fs::write(photos.join("a.png"), "").expect("room for it");
    fs::write(&path, bytes).expect("room for it");
    // Whatever it is, a list says something.
    let _ = file::summary(&path);
    let mut annotation = match file::read(&path) {
        Err(error) => return assert!(!error.to_string().contains(char::is_control)),
        Ok(annotation) => annotation,
    };
    walk(annotation.document());
    let masks = annotation.document().objects.iter().map(|object| &object.mask);
    if masks.map(|mask| mask.bytes()).sum::<usize>() > MOST_BYTES {
        return;
    }
    let copy = place.path().join("copy.json");
    file::write(&annotation, &copy).expect("room for it");
    assert_eq!(file::read(&copy).expect("what was written"), annotation);
    if annotation.document().size().area() <= LARGEST {
        let settings = Settings { polygons: true, photos: true, ..Settings::new(Format::ALL) };
        let (folder, out) = (Folder::new(photos, None), place.path().join("out"));
        let report = export::export(&folder, &Project::default(), &settings, &out, |_, _| true);
        match report {
            Ok(report) => assert!(report.lines().all(|line| !line.contains(char::is_control))),
            Err(error) => assert!(!error.to_string().contains(char::is_control)),
        }
    }
    go_through(&mut annotation);
});
