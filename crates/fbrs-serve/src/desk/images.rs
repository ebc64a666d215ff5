//! Photos that were sent, by the hash of their bytes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use fbrs::Photo;
use fbrs_data::pictures::{self, Limits};

use super::names::ImageHash;
use super::store::Store;
use crate::problem::{Code, Problem, Result};

/// Photos in memory, and behind them those in the store.
#[derive(Debug)]
pub(super) struct Images {
    kept: Mutex<HashMap<ImageHash, Kept>>,
    store: Option<Arc<Store>>,
    limits: Limits,
}

#[derive(Debug)]
struct Kept {
    photo: Photo,
    used: Instant,
}

/// Bytes that a decoder may take for a pixel: RGBA of 16 bits, and as much again.
const DECODER_BYTES: u64 = 16;

impl Images {
    pub(super) fn new(store: Option<Arc<Store>>, area: u64) -> Self {
        let limits = Limits::default()
            .with_area(area)
            .with_decoder_memory(area.saturating_mul(DECODER_BYTES));
        Self { kept: Mutex::default(), store, limits }
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<ImageHash, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a photo and keeps it.
    pub(super) fn put(&self, bytes: &[u8]) -> Result<(ImageHash, Photo)> {
        let name = ImageHash::of(bytes);
        if let Some(photo) = self.in_memory(&name) {
            return Ok((name, photo));
        }
        let photo = self.decode(bytes)?;
        if let Some(store) = &self.store {
            store.keep_image(&name, bytes)?;
        }
        self.keep(name.clone(), photo.clone());
        Ok((name, photo))
    }

    /// A photo that was sent before.
    pub(super) fn get(&self, name: &ImageHash) -> Result<Photo> {
        if let Some(photo) = self.in_memory(name) {
            return Ok(photo);
        }
        let bytes = match &self.store {
            Some(store) => store.image(name)?,
            None => None,
        };
        let unknown = "there is no photo of this name: send its file to /v1/images first";
        let bytes = bytes.ok_or_else(|| Problem::new(Code::UnknownImage, unknown))?;
        let photo = self.decode(&bytes)?;
        self.keep(name.clone(), photo.clone());
        Ok(photo)
    }

    /// Whether a photo can be had, without reading it.
    pub(super) fn in_memory(&self, name: &ImageHash) -> Option<Photo> {
        let mut kept = self.kept();
        let kept = kept.get_mut(name)?;
        kept.used = Instant::now();
        Some(kept.photo.clone())
    }

    /// Every photo in memory: its name, its bytes, when it was used.
    pub(super) fn list(&self) -> Vec<(ImageHash, u64, Instant)> {
        let kept = self.kept();
        kept.iter().map(|(name, kept)| (name.clone(), bytes(&kept.photo), kept.used)).collect()
    }

    /// Gives a photo's memory up, unless a session still holds it.
    pub(super) fn drop_from_memory(&self, name: &ImageHash) {
        self.kept().remove(name);
    }

    fn keep(&self, name: ImageHash, photo: Photo) {
        self.kept().insert(name, Kept { photo, used: Instant::now() });
    }

    fn decode(&self, bytes: &[u8]) -> Result<Photo> {
        let picture = pictures::read_bytes(bytes, "the photo", &self.limits)?;
        Ok(Photo::from(picture.into_rgb8()))
    }

    /// Reads a mask: a picture of which above 127 is object.
    pub(super) fn decode_mask(&self, bytes: &[u8]) -> Result<image::GrayImage> {
        let picture = pictures::read_bytes(bytes, "the mask", &self.limits)?;
        Ok(picture.image.into_luma8())
    }
}

/// Bytes of a photo in memory.
pub(super) fn bytes(photo: &Photo) -> u64 {
    photo.pixels().as_raw().len() as u64
}
