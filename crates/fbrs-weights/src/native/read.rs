#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::io;

use fbrs_data::text::printable;
use safetensors::tensor::{Dtype, Metadata};

use super::VERSION;
use crate::entry::{Contents, Entry, Header, Source, is_of_machine};
use crate::scaling::{EXPECTED_NORMALIZATION, EXPECTED_RADIUS, InputScaling};
use crate::{Container, Element, Provenance, WeightsError};

/// Bytes of a header. That of the largest network has 300,000.
const MAX_HEADER: u64 = 4 << 20;

/// Reads the header of the safetensors file in `source`, which is called `name` in messages.
pub(crate) fn read(name: &str, mut source: Source) -> Result<Contents, WeightsError> {
    let damaged = |reason: String| WeightsError::Damaged {
        file: name.to_owned(),
        container: Container::Safetensors,
        reason,
    };
    let io = |error: io::Error| match is_of_machine(&error) {
        true => WeightsError::Io { operation: "read", file: name.to_owned(), source: error },
        false => damaged("it ends too early".to_owned()),
    };

    let length = source.read(0, 8).map_err(io)?;
    let length = length.try_into().map_or(u64::MAX, u64::from_le_bytes);
    if length > MAX_HEADER {
        return Err(damaged(format!(
            "its header claims {length} bytes, at most {MAX_HEADER} are read"
        )));
    }
    let header_bytes =
        usize::try_from(length).map_err(|_| damaged("its header is absurd".into()))?;
    let header = source.read(8, header_bytes).map_err(io)?;
    let metadata: Metadata = serde_json::from_slice(&header).map_err(|error| {
        damaged(format!("its header makes no sense: {}", printable(&error.to_string())))
    })?;

    let data = length.saturating_add(8);
    let expected = data.saturating_add(metadata.data_len() as u64);
    if expected != source.length() {
        return Err(damaged(format!(
            "its header describes {expected} bytes, the file has {}",
            source.length()
        )));
    }
    let mut entries = Vec::new();
    for tensor in metadata.offset_keys() {
        let Some(info) = metadata.info(&tensor) else { continue };
        let (start, end) = info.data_offsets;
        let (Some(start), Some(length)) = (data.checked_add(start as u64), end.checked_sub(start))
        else {
            return Err(damaged(format!("its tensor {} has an absurd place", printable(&tensor))));
        };
        entries.push(Entry::in_range(
            tensor,
            element(info.dtype),
            info.shape.clone(),
            start,
            length,
        ));
    }
    let header = describe(name, &metadata)?;
    Ok(Contents { container: Container::Safetensors, source, entries, header })
}

fn describe(name: &str, metadata: &Metadata) -> Result<Header, WeightsError> {
    let empty = Default::default();
    let texts = metadata.metadata().as_ref().unwrap_or(&empty);
    let text = |key: &str| texts.get(key).cloned();
    let unsupported = |reason: String| WeightsError::Unsupported { file: name.to_owned(), reason };

    // A safetensors file that someone else made says nothing of this, and is read all the same.
    if let Some(version) = text("fbrs_format")
        && version.parse::<u32>().ok().is_none_or(|version| version > VERSION)
    {
        return Err(unsupported(format!(
            "its format is version \"{}\", this program reads up to {VERSION}: use a newer fbrs",
            printable(&version)
        )));
    }
    let norm_radius = text("norm_radius").map(|said| {
        let pixels = said.parse().ok().filter(|pixels| InputScaling::holds_radius(*pixels));
        pixels.ok_or_else(|| {
            unsupported(format!(
                "its norm_radius is \"{}\", expected {}",
                printable(&said),
                EXPECTED_RADIUS
            ))
        })
    });
    let colors = match (text("image_mean"), text("image_deviation")) {
        (None, None) => None,
        (mean, deviation) => {
            let three = |said: &Option<String>| -> Option<[f32; 3]> {
                let numbers = said.as_ref()?.split_whitespace().map(|number| number.parse().ok());
                numbers.collect::<Option<Vec<f32>>>()?.try_into().ok()
            };
            let both = three(&mean).zip(three(&deviation));
            let sound = both.filter(|(mean, deviation)| {
                let scaling =
                    InputScaling { mean: *mean, deviation: *deviation, ..InputScaling::PUBLISHED };
                scaling.holds_normalization()
            });
            Some(sound.ok_or_else(|| {
                unsupported(format!(
                    "its image_mean and image_deviation are not {EXPECTED_NORMALIZATION}"
                ))
            })?)
        }
    };
    Ok(Header {
        config: None,
        colors,
        architecture: text("architecture"),
        norm_radius: norm_radius.transpose()?,
        provenance: Provenance {
            source_file: text("source_file"),
            source_sha256: text("source_sha256"),
            training_set: text("training_set"),
            terms: text("terms"),
            created_by: text("created_by"),
        },
    })
}

fn element(dtype: Dtype) -> Element {
    match dtype {
        Dtype::F16 => Element::F16,
        Dtype::BF16 => Element::BF16,
        Dtype::F32 => Element::F32,
        Dtype::F64 => Element::F64,
        Dtype::I64 => Element::Other("i64"),
        Dtype::I32 => Element::Other("i32"),
        Dtype::I16 => Element::Other("i16"),
        Dtype::I8 => Element::Other("i8"),
        Dtype::U8 => Element::Other("u8"),
        Dtype::BOOL => Element::Other("bool"),
        _ => Element::Other("other"),
    }
}
