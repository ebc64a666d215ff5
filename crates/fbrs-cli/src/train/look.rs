use std::path::PathBuf;

use anyhow::Result;
use fbrs_train::Data;
use fbrs_train::config::Config;

use super::{failure, shown};
use crate::outputs::{Place, write_all};
use crate::print::Voice;

/// Pictures of the first samples of a run, beside each other: what the network would see, and what it
/// would have to answer.
pub(super) fn preview(config: &Config, data: &Data, count: usize, voice: Voice) -> Result<()> {
    let folder = PathBuf::from("preview");
    std::fs::create_dir_all(&folder).map_err(|error| {
        crate::exit::Exit::Output.because(format!("cannot create {}: {error}", shown(&folder)))
    })?;
    let mut written = 0;
    for (number, picture) in data.previews(config, count).enumerate() {
        let picture = picture.map_err(failure)?;
        let path = folder.join(format!("{number:04}.png"));
        let place = Place::try_out(&path)?;
        let mut encoded = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut encoded, image::ImageFormat::Png)?;
        let encoded = encoded.into_inner();
        write_all(vec![(
            &place,
            Box::new(move |draft| std::io::Write::write_all(draft, &encoded)),
        )])?;
        written += 1;
    }
    voice.warn(format!("{written} pictures are in {}", shown(&folder)));
    Ok(())
}
