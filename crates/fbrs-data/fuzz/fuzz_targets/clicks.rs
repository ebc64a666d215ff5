//! Reads arbitrary bytes as a file of clicks; what is read must be the same when written and read
//! again.
#![no_main]

use fbrs_data::clicks;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match clicks::read_from(bytes, "input") {
        Err(error) => assert!(error.to_string().starts_with("input")),
        Ok(read) => {
            let mut written = Vec::new();
            clicks::write(&read, &mut written).expect("numbers from JSON are finite");
            let again = clicks::read_from(written.as_slice(), "input").expect("what was written");
            assert_eq!(again, read);
        }
    }
});
