//! From a path or bytes to a table of tensors, whatever the format.

use std::path::Path;

use crate::container;
use crate::entry::{Contents, Opened, Source};
use crate::{Container, WeightsError, native, pytorch};

/// Opens a file of any known format.
pub(crate) fn open(path: &Path) -> Result<Contents, WeightsError> {
    let mut opened = Opened::open(path)?;
    let start = opened.start()?;
    let container = container::recognize(&start)
        .map_err(|found| WeightsError::UnknownFormat { file: opened.name.clone(), found })?;
    match container {
        Container::Safetensors => {
            let name = opened.name.clone();
            native::read(&name, Source::File(opened))
        }
        Container::Zip | Container::Stream => pytorch::open(path, container, opened),
    }
}

/// Opens a native file that lies in memory and is called `name` in messages.
pub(crate) fn in_memory(name: &str, bytes: &'static [u8]) -> Result<Contents, WeightsError> {
    native::read(name, Source::Memory(bytes))
}
