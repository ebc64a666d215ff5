//! Opens arbitrary bytes as a file of weights and reads whatever it claims to hold.
#![no_main]

use std::io::Write;

use fbrs_models::ParameterSource;
use fbrs_weights::{Checkpoint, ExtraKeys};
use libfuzzer_sys::fuzz_target;
use tempfile::NamedTempFile;

fuzz_target!(|bytes: &[u8]| {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for it");
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
