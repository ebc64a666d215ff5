//! Reads arbitrary text as the header of a native file, with arbitrary values behind it.
//!
//! The length before the header is always right, which `open` hits upon rarely; the values behind
//! it are as many as the input has after its first zero byte.
#![no_main]

use std::io::Write;

use fbrs_models::ParameterSource;
use fbrs_weights::{Checkpoint, ExtraKeys};
use libfuzzer_sys::fuzz_target;
use tempfile::NamedTempFile;

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (header, values) = bytes.split_at(end);
    let mut file = NamedTempFile::new().expect("a temporary file");
    for part in [&(header.len() as u64).to_le_bytes(), header, values] {
        file.write_all(part).expect("room for it");
    }
    match Checkpoint::open(file.path(), ExtraKeys::Ignore) {
        Err(error) => assert!(!error.to_string().contains(char::is_control)),
        Ok(mut checkpoint) => {
            for tensor in checkpoint.tensors().to_vec() {
                if let Ok(values) = checkpoint.read(&tensor.name, &tensor.shape) {
                    assert_eq!(values.len(), tensor.shape.iter().product::<usize>());
                }
            }
        }
    }
});
