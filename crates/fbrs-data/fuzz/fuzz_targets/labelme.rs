//! Reads arbitrary bytes as a sheet of labelme, fills every shape, and writes and reads them again.
#![no_main]

use fbrs_clicks::Size;
use fbrs_data::annotations::labelme;
use libfuzzer_sys::fuzz_target;

const SIZE: Size = Size { height: 48, width: 64 };

fuzz_target!(|bytes: &[u8]| match labelme::read(bytes) {
    Err(error) => assert!(!error.to_string().is_empty()),
    Ok(mut sheet) => {
        for shape in &sheet.shapes {
            let spans = shape.form.spans(SIZE).unwrap_or_default();
            assert!(spans.iter().all(|(row, from, end)| *row < 48 && from < end && *end <= 64));
        }
        let mut written = Vec::new();
        labelme::write(&sheet, &mut written).expect("a vector takes all");
        sheet.faults.clear();
        assert_eq!(labelme::read(&written[..]).expect("what was written"), sheet);
    }
});
