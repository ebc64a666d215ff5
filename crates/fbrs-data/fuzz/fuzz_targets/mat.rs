//! Reads arbitrary bytes as SBD's instances; what is read is written and comes back.
#![no_main]

use fbrs_data::annotations::mat;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| match mat::read(bytes) {
    Err(error) => assert!(!error.to_string().is_empty()),
    Ok(instances) => {
        assert_eq!(instances.numbers.len(), instances.rows * instances.cols);
        let mut written = Vec::new();
        mat::write(&instances, &mut written).expect("a vector takes all");
        assert_eq!(mat::read(&written).expect("what was written"), instances);
    }
});
