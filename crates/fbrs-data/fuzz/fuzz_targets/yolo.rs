//! Reads arbitrary text as labels of YOLO and fills every line.
#![no_main]

use fbrs_clicks::Size;
use fbrs_data::annotations::yolo;
use libfuzzer_sys::fuzz_target;

const SIZE: Size = Size { height: 48, width: 64 };

fuzz_target!(|text: &str| match yolo::read(text) {
    Err(error) => assert!(!error.to_string().is_empty()),
    Ok(lines) => {
        for line in &lines {
            let spans = line.spans(SIZE).unwrap_or_default();
            assert!(spans.iter().all(|(row, from, end)| *row < 48 && from < end && *end <= 64));
        }
        let mut written = Vec::new();
        yolo::write(&lines, &mut written).expect("a vector takes all");
        let again = yolo::read(std::str::from_utf8(&written).expect("ASCII"));
        assert_eq!(again.expect("what was written").len(), lines.len());
    }
});
