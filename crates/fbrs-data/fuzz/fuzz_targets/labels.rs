//! Reads arbitrary bytes as a label mask and counts its objects.
#![no_main]

use fbrs_data::annotations::labels::LabelMask;
use fbrs_data::pictures::Limits;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default().with_area(1 << 20);
    match LabelMask::read_bytes(bytes, "mask", &limits) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(mask) => {
            assert_eq!(mask.numbers().count(), mask.size().area());
            let _ = mask.objects();
        }
    }
});
