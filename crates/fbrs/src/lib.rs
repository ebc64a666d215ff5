//! Click-based image segmentation: a person clicks on an object in a photo (positive: object,
//! negative: background) and gets its mask; each further click refines it.
//!
//! The method is f-BRS (Sofiiuk, Petrov, Barinova, Konushin, CVPR 2020): a segmentation network
//! and, after each click, a small optimization through the network until its answer agrees with the
//! clicks. The decision that shaped this crate: a [`Segmenter`] holds what is heavy and shared, a
//! [`Session`] all that belongs to one photo, and there is one way from a click to a mask.
//!
//! ```
//! use fbrs::{Click, Options, Position, Segmenter};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let photo = image::RgbImage::from_fn(96, 64, |x, y| {
//! #     let inside = (30..70).contains(&x) && (20..50).contains(&y);
//! #     image::Rgb(if inside { [200, 60, 40] } else { [40, 90, 60] })
//! # });
//! let segmenter = Segmenter::built_in()?;
//! let mut session = segmenter.session(photo, Options::default())?;
//! session.click(Click::positive(Position::from_row_col(35.0, 50.0)))?;
//! let prediction = session.click(Click::negative(Position::from_row_col(5.0, 5.0)))?;
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
//! `autotune` (default) lets each process measure which kernels are the fastest on a GPU, which makes
//! first clicks slower.

mod device;
mod error;
mod options;
mod photo;
mod prediction;
mod segment;
mod segmenter;
mod session;
mod view;

pub use device::{ChosenDevice, DeviceChoice, ParseDeviceError};
pub use error::{Error, Result};
pub use fbrs_clicks::{Click, DiscRule, ImageSpace, Position, Region, Sign, Size};
pub use fbrs_models::Architecture;
pub use fbrs_refine::{
    ClickTrace, Mode, ParseModeError, RefineError, RefineOptions, ScaleActivation,
};
pub use fbrs_weights as weights;
pub use options::{Options, Tiles, View, ZoomIn};
pub use prediction::Prediction;
pub use segmenter::Segmenter;
pub use session::{CancelHandle, ClickReport, LabelMask, LiveAnswer, Session};
