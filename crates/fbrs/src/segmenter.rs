use std::fmt;
use std::sync::Arc;

use fbrs_models::{Architecture, Network};
use fbrs_weights::{Checkpoint, ExtraKeys, Places};
use image::RgbImage;

use crate::device::{ChosenDevice, DeviceChoice};
use crate::error::{Error, Result};
use crate::options::Options;
use crate::session::Session;

/// A network on a device. Loads once and serves many images and threads; cloning shares it.
#[derive(Clone)]
pub struct Segmenter {
    loaded: Arc<Loaded>,
}

pub(crate) struct Loaded {
    pub(crate) network: Network,
    pub(crate) norm_radius: f32,
    pub(crate) device: ChosenDevice,
}

impl Segmenter {
    /// Loads weights onto a device.
    ///
    /// `weights`: `default` for the built-in ones, a path to a `.pth` or native file, or a name
    /// that is looked up in `./weights` and among the fetched ones ([`Places::locate`]).
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
    pub fn from_checkpoint(mut checkpoint: Checkpoint, device: ChosenDevice) -> Result<Self> {
        let architecture = checkpoint.architecture();
        let norm_radius = checkpoint.norm_radius();
        let network = Network::build(&architecture, &mut checkpoint, device.burn())?;
        Ok(Self { loaded: Arc::new(Loaded { network, norm_radius, device }) })
    }

    /// Loads the built-in weights onto the CPU.
    ///
    /// # Errors
    /// [`Error::Weights`] where the build has none, [`Error::Device`] where it has no CPU backend.
    pub fn built_in() -> Result<Self> {
        Self::from_checkpoint(Checkpoint::built_in()?, DeviceChoice::Cpu.open()?)
    }

    /// Starts work on one image, which is given as seen: any EXIF orientation applied.
    ///
    /// A [`image::DynamicImage`] becomes an [`RgbImage`] by `to_rgb8` or `into_rgb8`.
    ///
    /// # Errors
    /// [`Error::Image`] for an image with a side under 2 pixels, [`Error::Parameter`] for options
    /// out of range.
    pub fn session(&self, image: impl Into<RgbImage>, options: Options) -> Result<Session> {
        Session::new(self.loaded.clone(), image.into(), options)
    }

    /// The same from a plain slice: RGB, 8 bit, row-major, `3 · width · height` bytes.
    ///
    /// # Errors
    /// Also [`Error::Image`] where the slice's length does not fit.
    pub fn session_from_slice(
        &self,
        rgb: &[u8],
        width: u32,
        height: u32,
        options: Options,
    ) -> Result<Session> {
        let expected = (width as usize).saturating_mul(height as usize).saturating_mul(3);
        let whole = Some(rgb).filter(|rgb| rgb.len() == expected);
        let image = whole.and_then(|rgb| RgbImage::from_raw(width, height, rgb.to_vec()));
        match image {
            Some(image) => self.session(image, options),
            None => {
                let size = fbrs_clicks::Size { height: height as usize, width: width as usize };
                let reason = format!("expected {expected} bytes, got {}", rgb.len());
                Err(Error::Image { size, reason })
            }
        }
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
