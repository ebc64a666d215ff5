use std::fmt;
use std::sync::Arc;

use fbrs_clicks::{Click, ImageSpace, Size};
use fbrs_models::Architecture;
use fbrs_weights::{Checkpoint, ExtraKeys, Fingerprint, Places};
use image::{Rgb, RgbImage};

use crate::device::{ChosenDevice, DeviceChoice};
use crate::error::{Error, Result};
use crate::loaded::Loaded;
use crate::options::Options;
use crate::photo::Photo;
use crate::prediction::Prediction;
use crate::session::Session;
use crate::watch::Watch;

/// A network on a device. Loads once and serves many photos and threads; cloning shares it.
#[derive(Clone)]
pub struct Segmenter {
    loaded: Arc<Loaded>,
}

impl Segmenter {
    /// Loads weights onto a device.
    ///
    /// `weights`: `default` for the built-in ones, a path to a `.pth` or native file, or a name
    /// that is looked up among the fetched ones ([`Places::locate`]).
    ///
    /// # Errors
    /// [`Error::Weights`] and [`Error::Load`] for the weights, [`Error::Device`] for the device.
    pub fn load(weights: &str, device: DeviceChoice) -> Result<Self> {
        let device = device.open()?;
        Self::from_checkpoint(Places::default().locate(weights)?.open(ExtraKeys::Refuse)?, device)
    }

    /// Loads an opened checkpoint onto an opened device.
    ///
    /// # Errors
    /// [`Error::Load`] where the checkpoint cannot be read to the end.
    pub fn from_checkpoint(checkpoint: Checkpoint, device: ChosenDevice) -> Result<Self> {
        Self::from_checkpoint_with(checkpoint, device, |_, _| {})
    }

    /// The same; `on_progress` is told after each parameter how many of all numbers are loaded:
    /// `(done, total)`.
    ///
    /// # Errors
    /// As [`Segmenter::from_checkpoint`].
    pub fn from_checkpoint_with(
        checkpoint: Checkpoint,
        device: ChosenDevice,
        on_progress: impl FnMut(usize, usize),
    ) -> Result<Self> {
        Ok(Self { loaded: Arc::new(Loaded::new(checkpoint, device, on_progress)?) })
    }

    /// Loads the same weights onto another device, or onto the same one after it was lost. Sessions
    /// stay with the segmenter that they were begun with; their photos and clicks can be given to
    /// sessions of the new one.
    ///
    /// # Errors
    /// As [`Segmenter::load`].
    pub fn on_device(&self, device: DeviceChoice) -> Result<Self> {
        Ok(Self { loaded: Arc::new(self.loaded.again(device.open()?)?) })
    }

    /// Loads the built-in weights onto the CPU.
    ///
    /// # Errors
    /// [`Error::Weights`] where the build has none, [`Error::Device`] where it has no CPU backend.
    pub fn built_in() -> Result<Self> {
        Self::from_checkpoint(Checkpoint::built_in()?, DeviceChoice::Cpu.open()?)
    }

    /// Starts work on one photo, which is given as seen: any EXIF orientation applied.
    ///
    /// It is taken as an [`RgbImage`], a [`image::DynamicImage`], an [`Arc`] of an image that others
    /// share, or a [`Photo`].
    ///
    /// # Errors
    /// [`Error::Image`] for an image with a side under 2 pixels, [`Error::Parameter`] for options
    /// out of range.
    pub fn session(&self, photo: impl Into<Photo>, options: Options) -> Result<Session> {
        Session::new(self.loaded.clone(), photo.into(), options)
    }

    /// From clicks to a prediction in one call: the clicks one after the other, each refining the
    /// answer to those before.
    ///
    /// # Errors
    /// [`Error::State`] without a positive click; else as [`Segmenter::session`] and
    /// [`Session::click`].
    pub fn segment(
        &self,
        photo: impl Into<Photo>,
        clicks: &[Click<ImageSpace>],
        options: &Options,
    ) -> Result<Prediction> {
        const NO_OBJECT: Error = Error::State("expected at least one positive click");
        if !clicks.iter().any(Click::is_positive) {
            return Err(NO_OBJECT);
        }
        let mut session = self.session(photo, options.clone())?;
        session.replay(clicks, &mut Watch::new())?.ok_or(NO_OBJECT)
    }

    /// Answers two clicks on an empty photo of `size`, so that the first clicks on a photo of that
    /// size are not slower than others: on a GPU, kernels are compiled and measured for every new
    /// size.
    ///
    /// # Errors
    /// As [`Segmenter::segment`].
    pub fn warm_up(&self, size: Size, options: &Options, watch: &mut Watch<'_>) -> Result<()> {
        let side = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).min(1 << 14);
        let gray = RgbImage::from_pixel(side(size.width), side(size.height), Rgb([128; 3]));
        let mut session = self.session(gray, options.clone())?;
        let (x, y) = ((size.width / 2) as f64, (size.height / 2) as f64);
        session.replay(&[Click::positive_at(x, y), Click::negative_at(0.0, 0.0)], watch)?;
        Ok(())
    }

    /// A function in the network's place: see `fbrs_models::testing::stand_in`.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn answering(
        &self,
        network: impl FnOnce(&fbrs_models::Network) -> fbrs_models::Network,
    ) -> Self {
        let network = network(&self.loaded.network);
        Self { loaded: Arc::new(self.loaded.with_network(network)) }
    }

    /// What tells these weights from others, whatever file they are in: see
    /// [`Checkpoint::fingerprint`]. Computed when first asked for.
    ///
    /// # Errors
    /// [`Error::Weights`] where the weights can no longer be read.
    pub fn fingerprint(&self) -> Result<Fingerprint> {
        self.loaded.fingerprint()
    }

    /// How the network answers clicks best: see [`Options::for_network`].
    pub fn options(&self) -> Options {
        Options::for_network(self.architecture())
    }

    /// What the network is.
    pub fn architecture(&self) -> &Architecture {
        self.loaded.network.architecture()
    }

    /// Where it runs.
    pub fn device(&self) -> &ChosenDevice {
        &self.loaded.device
    }
}

impl fmt::Debug for Segmenter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Segmenter({} on {})", self.architecture(), self.device())
    }
}
