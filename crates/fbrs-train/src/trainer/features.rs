//! What the encoder of a Lite network gives for crops that come again, on the disk.
//!
//! A file for each crop, of 16 bits a number: about 0.5 MB for 256×256 pixels. What is used is rounded to that
//! from the first time on, so that an interruption changes nothing.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use fbrs_data::files::Destination;
use fbrs_models::LiteTaps;
use fbrs_samples::View;
use half::f16;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::learner::read;
use crate::{Error, Result};

const NAMES: [&str; 4] = ["quarter", "eighth", "sixteenth", "last"];

/// A folder of them.
pub(super) struct Features {
    folder: PathBuf,
    /// Whether nothing more is written, because something could not be.
    is_closed: bool,
}

impl Features {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), is_closed: false }
    }

    /// What was kept of a crop of this size (height, width); otherwise what `make` gives, which is kept. Where
    /// it cannot be, `on_failure` is told, once: it is computed each time then.
    pub(super) fn get(
        &mut self,
        view: View,
        size: [usize; 2],
        device: &Device,
        make: impl FnOnce() -> Option<LiteTaps>,
        on_failure: impl FnOnce(Error),
    ) -> Result<Option<LiteTaps>> {
        let path = self.folder.join(format!("{}-{}.safetensors", view.photo, view.number));
        // One that is damaged is made anew.
        let kept = std::fs::read(&path).ok().and_then(|bytes| parse(&bytes, size, device));
        if kept.is_some() {
            return Ok(kept);
        }
        let Some(taps) = make() else { return Ok(None) };
        let bytes = bytes(&taps)?;
        if !self.is_closed
            && let Err(error) = self.keep(&path, &bytes)
        {
            self.is_closed = true;
            on_failure(error);
        }
        Ok(parse(&bytes, size, device))
    }

    fn keep(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        std::fs::create_dir_all(&self.folder).map_err(Error::write(&self.folder))?;
        Destination::new(path)
            .and_then(|there| there.replace(|draft| draft.write_all(bytes)))
            .map_err(Error::write(path))
    }

    /// Nobody will ask again.
    pub(super) fn remove(&self) {
        // What stays behind costs room and nothing else.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn bytes(taps: &LiteTaps) -> Result<Vec<u8>> {
    let tensors = [&taps.quarter, &taps.eighth, &taps.sixteenth, &taps.last];
    let mut rounded = BTreeMap::new();
    for (name, tensor) in NAMES.into_iter().zip(tensors) {
        let values = read(tensor.clone())?;
        let bytes: Vec<u8> =
            values.into_iter().flat_map(|value| f16::from_f32(value).to_le_bytes()).collect();
        rounded.insert(name, (tensor.dims(), bytes));
    }
    let failed = |error| Error::Data(format!("features cannot be written: {error}"));
    let mut views = Vec::new();
    for (name, (dims, bytes)) in &rounded {
        let view = TensorView::new(Dtype::F16, dims.to_vec(), bytes).map_err(failed)?;
        views.push((*name, view));
    }
    safetensors::serialize(views, None).map_err(failed)
}

/// `None` where it is damaged, or of another size.
fn parse(bytes: &[u8], [height, width]: [usize; 2], device: &Device) -> Option<LiteTaps> {
    let file = SafeTensors::deserialize(bytes).ok()?;
    let tap = |index: usize, stride: usize| -> Option<Tensor<4>> {
        let tensor = file.tensor(NAMES.get(index)?).ok()?;
        let channels = *LiteTaps::CHANNELS.get(index)?;
        let dims = [1, channels, height.div_ceil(stride), width.div_ceil(stride)];
        if tensor.dtype() != Dtype::F16 || tensor.shape() != dims {
            return None;
        }
        let (values, _) = tensor.data().as_chunks::<2>();
        let values: Vec<f32> =
            values.iter().map(|value| f16::from_le_bytes(*value).to_f32()).collect();
        let is_finite = values.iter().all(|value| value.is_finite());
        is_finite.then(|| Tensor::from_data(TensorData::new(values, dims), device))
    };
    Some(LiteTaps {
        quarter: tap(0, 4)?,
        eighth: tap(1, 8)?,
        sixteenth: tap(2, 16)?,
        last: tap(3, 16)?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn taps(factor: f32) -> LiteTaps {
        let tap = |index: usize, [height, width]: [usize; 2]| {
            let dims = [1, LiteTaps::CHANNELS[index], height, width];
            let values: Vec<f32> = (0..dims.iter().product())
                .map(|at: usize| (at as f32 * 0.37).sin() * factor)
                .collect();
            Tensor::from_data(TensorData::new(values, dims), &Device::flex())
        };
        LiteTaps {
            quarter: tap(0, [9, 12]),
            eighth: tap(1, [5, 6]),
            sixteenth: tap(2, [3, 3]),
            last: tap(3, [3, 3]),
        }
    }

    fn values(taps: LiteTaps) -> Vec<f32> {
        [taps.quarter, taps.eighth, taps.sixteenth, taps.last]
            .into_iter()
            .flat_map(|tap| read(tap).unwrap())
            .collect()
    }

    #[test]
    fn what_is_kept_is_what_was_given() {
        let folder = tempfile::tempdir().unwrap();
        let mut features = Features::new(&folder.path().join("features"));
        let device = Device::flex();
        let size = [35, 47];
        let view = View { photo: 3, number: 1 };
        let mut get = |view, size, made: Option<f32>| {
            let made = || made.map(taps);
            features.get(view, size, &device, made, |error| panic!("{error}")).unwrap()
        };
        assert!(get(view, size, None).is_none());
        let first = values(get(view, size, Some(2.0)).unwrap());
        for (kept, given) in first.iter().zip(values(taps(2.0))) {
            assert!((kept - given).abs() <= given.abs() / 1024.0 + 1e-6, "{kept} {given}");
        }
        // Not asked for again, and another view's own.
        assert_eq!(values(get(view, size, Some(5.0)).unwrap()), first);
        let other = View { number: 2, ..view };
        assert_ne!(values(get(other, size, Some(5.0)).unwrap()), first);
        // Of another size, and damaged.
        assert!(get(view, [64, 64], None).is_none());
        let path = folder.path().join("features/3-1.safetensors");
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(get(view, size, None).is_none());
        assert_eq!(values(get(view, size, Some(2.0)).unwrap()), first);
        features.remove();
        assert!(!folder.path().join("features").exists());
    }

    #[test]
    fn where_nothing_can_be_written_it_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("features");
        std::fs::write(&place, "a file where a folder is to be").unwrap();
        let mut features = Features::new(&place);
        let device = Device::flex();
        let mut told = Vec::new();
        for photo in 0..2 {
            let view = View { photo, number: 0 };
            let made = || Some(taps(1.0));
            let on_failure = |error: Error| told.push(error.to_string());
            assert!(features.get(view, [35, 47], &device, made, on_failure).unwrap().is_some());
        }
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("features"), "{told:?}");
    }
}
