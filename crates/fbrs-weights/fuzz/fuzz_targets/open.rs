//! Opens arbitrary bytes as a file of weights and reads whatever it claims to hold.
#![no_main]

use std::io::Write;

use fbrs_models::{Architecture, ParameterSource};
use fbrs_weights::{Backbone, Checkpoint, ExtraKeys};
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
    for network in ["resnet34_dh2", "hrnet1s_ocr1", "lite0_dh64"] {
        let network: Architecture = network.parse().expect("a network");
        let backbone = Backbone::open(file.path()).and_then(|found| found.for_network(&network));
        match backbone {
            Err(error) => assert!(!error.to_string().contains(char::is_control)),
            Ok(mut backbone) => {
                for parameter in network.parameters() {
                    if let Ok(Some(values)) = backbone.values(&parameter.name, &parameter.shape) {
                        assert_eq!(values.len(), parameter.count());
                    }
                }
            }
        }
    }
});
