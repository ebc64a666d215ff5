//! What a device failed of.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Error, Result};

/// Does what a device may fail at. Drivers and the libraries above them may panic, too.
pub(crate) fn on_device<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Err(Error::Device(reason))) => Err(failed(reason)),
        // What a network is built of for clicks is read from the device.
        Ok(Err(Error::Parameter(error))) if is_memory(&format!("{error:?}")) => {
            Err(Error::Memory(error.to_string()))
        }
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

    use fbrs_models::ParameterError;

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
        let unread = |source: &str| {
            let source = source.to_owned().into();
            Error::Parameter(ParameterError::Source { name: "weight".to_owned(), source })
        };
        let failed = on_device(|| Err::<(), _>(unread("OutOfMemory")));
        assert!(matches!(failed, Err(Error::Memory(_))));
        let failed = on_device(|| Err::<(), _>(unread("no such name")));
        assert!(matches!(failed, Err(Error::Parameter(_))));
        assert!(matches!(on_device(|| Err::<(), _>(Error::Exploded)), Err(Error::Exploded)));
        assert_eq!(on_device(|| Ok(7)).ok(), Some(7));
    }
}
