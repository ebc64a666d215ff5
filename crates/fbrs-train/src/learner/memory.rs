//! What a device failed of.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Error, Result};

/// Does what a device may fail at. Drivers and the libraries above them may panic, too.
pub(crate) fn on_device<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Err(Error::Device(reason))) => Err(failed(reason)),
        Ok(done) => done,
        Err(fault) => Err(failed(said(fault.as_ref()))),
    }
}

fn failed(reason: String) -> Error {
    if is_memory(&reason) { Error::Memory(reason) } else { Error::Device(reason) }
}

/// Whether it is what cubecl says, or a driver, where there is too little memory: `OutOfMemory`,
/// `BufferTooBig`, `CUDA_ERROR_OUT_OF_MEMORY`, "Not enough memory left".
fn is_memory(reason: &str) -> bool {
    let letters = reason.chars().filter(char::is_ascii_alphabetic);
    let letters: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    ["outofmemory", "outofdevicememory", "notenoughmemory", "buffertoobig"]
        .iter()
        .any(|words| letters.contains(words))
}

fn said(fault: &(dyn Any + Send)) -> String {
    let text = fault.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| fault.downcast_ref::<&str>().copied()).unwrap_or("no reason given").to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]

    use super::*;

    #[test]
    fn too_little_memory_is_told_from_other_failures() {
        let memory = [
            "IoError(OutOfMemory { size: 8 })",
            "BufferTooBig { size: 12 }",
            "DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")",
            "VK_ERROR_OUT_OF_DEVICE_MEMORY",
            "Not enough memory left.",
        ];
        for reason in memory {
            let failed = on_device(|| Err::<(), _>(Error::Device(reason.to_owned())));
            assert!(matches!(failed, Err(Error::Memory(told)) if told == reason), "{reason}");
            let failed = on_device(|| -> Result<()> { panic!("{reason}") });
            assert!(matches!(failed, Err(Error::Memory(told)) if told == reason), "{reason}");
        }
        let failed = on_device(|| -> Result<()> { panic!("the device is lost") });
        assert!(matches!(failed, Err(Error::Device(told)) if told == "the device is lost"));
        assert!(matches!(on_device(|| Err::<(), _>(Error::Exploded)), Err(Error::Exploded)));
        assert_eq!(on_device(|| Ok(7)).ok(), Some(7));
    }
}
