//! Click-based image segmentation: a person clicks on an object in a photo (positive: object,
//! negative: background) and gets its mask; each further click refines it.
//!
//! The method is f-BRS (Sofiiuk, Petrov, Barinova, Konushin, CVPR 2020): a segmentation network
//! and, after each click, a small optimization through the network until its answer agrees with the
//! clicks. The decision that shaped this crate: a [`Segmenter`] holds what is heavy and shared, a
//! [`Session`] all that belongs to one photo, and there is one way from a click to a mask.
//!
//! ```
//! use fbrs::{Click, Segmenter};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let photo = image::RgbImage::from_fn(96, 64, |x, y| {
//! #     let inside = (30..70).contains(&x) && (20..50).contains(&y);
//! #     image::Rgb(if inside { [200, 60, 40] } else { [40, 90, 60] })
//! # });
//! let segmenter = Segmenter::built_in()?;
//! let mut session = segmenter.session(photo, segmenter.options())?;
//! session.click(Click::positive_at(50.0, 35.0))?;
//! let prediction = session.click(Click::negative_at(5.0, 5.0))?;
//! let mask = prediction.mask(0.5)?;
//! assert_eq!(mask.dimensions(), (96, 64));
//! session.undo();
//! # Ok(())
//! # }
//! ```
//!
//! One call does it as well: [`Segmenter::segment`].
//!
//! # Features
//! `cpu` (default), `wgpu` and `cuda` add devices, chosen at run time ([`DeviceChoice`]).
//! `built-in` (default) embeds the default weights, `fetch` adds the download of published ones.
//! `autotune` lets each process measure which kernels are the fastest on a GPU, which takes minutes
//! before the first answer.

#![cfg_attr(docsrs, feature(doc_cfg))]

/// The guide's example is compiled with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Guide;

mod device;
mod error;
mod keep_memory;
mod loaded;
mod options;
mod photo;
mod prediction;
mod preset;
mod segmenter;
mod session;
mod view;
mod watch;

pub use device::{ChosenDevice, DeviceChoice, ParseDeviceError};
pub use error::{Error, ErrorKind, Result};
pub use fbrs_clicks::{Click, DiscRule, ImageSpace, Position, Region, Sign, Size};
pub use fbrs_models::{
    Architecture, CancelToken, DeepLabConfig, Fusion, Guidance, GuidanceWay, HrNetConfig,
    LiteConfig, ParameterError, ParseArchitectureError, PreviousMask, ResNet,
};
pub use fbrs_refine::{
    ClickTrace, Ending, Mode, NetClicks, ParseModeError, RefineError, RefineOptions,
    ScaleActivation,
};
/// The crate whose types are in the signatures: depend on it through here, and versions agree.
pub use image;
pub use keep_memory::keep_memory;
pub use options::{Options, Tiles, View, ZoomIn};
pub use photo::Photo;
pub use prediction::{CropProbabilities, Prediction};
pub use preset::{ParsePresetError, Preset};
pub use segmenter::Segmenter;
pub use session::{ClickReport, LabelMask, Memory, Session, Work};
pub use watch::{Event, LiveAnswer, Watch};

/// Weights: files, names, the built-in default, the download.
pub mod weights {
    #[cfg(feature = "fetch")]
    pub use fbrs_weights::fetch;
    pub use fbrs_weights::{
        Checkpoint, Container, Element, ExtraKeys, Fault, Fingerprint, Flavor, InputScaling,
        Location, Mismatch, Misshaped, ParseFingerprintError, Places, Precision, Provenance,
        Published, TensorInfo, WeightsError, built_in_names, cache_folder, find_published,
        printable, published, save_native, save_pytorch,
    };
}
