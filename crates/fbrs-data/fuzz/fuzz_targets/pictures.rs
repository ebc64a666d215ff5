//! Reads arbitrary bytes as a picture of at most a megapixel.
#![no_main]

use fbrs_data::pictures::{self, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default().with_area(1 << 20).with_decoder_memory(1 << 25);
    match pictures::read_bytes(bytes, "input", &limits) {
        Err(error) => assert!(error.to_string().contains("input")),
        Ok(picture) => {
            assert_eq!(picture.stored.area(), picture.size().area());
            let _ = picture.into_rgb8();
        }
    }
});
