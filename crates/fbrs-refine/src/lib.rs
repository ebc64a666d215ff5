//! Backpropagating refinement: f-BRS-A/B/C, RGB-BRS and DistMap-BRS (Sofiiuk et al. 2020; Jang &
//! Kim 2019).
//!
//! A network's answer to clicks need not agree with them at the clicks. Refinement finds a small
//! change of some inner quantity that makes it agree. The decision that shaped this crate: device
//! and host meet at the logits of stride 4. Loss, ending tests and the gradient with respect to
//! those logits are computed on the host in double precision; the device runs the network forwards,
//! and backwards from that gradient. So nothing at the image's size ever lives on a device behind
//! the network, and no operation of the loss needs a gradient on any backend.
//!
//! ```
//! use std::sync::Arc;
//!
//! use burn::tensor::Device;
//! use fbrs_clicks::{Click, Position, Size};
//! use fbrs_models::{Network, testing::{self, Formula}};
//! use fbrs_refine::{Frame, RefineOptions, RefineState, Refiner, Watch};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let device = Device::flex();
//! let network = Network::build(&"hrnet2s_ocr2".parse()?, &mut Formula, &device)?;
//! let size = Size { height: 40, width: 48 };
//! let crops = vec![testing::image(size.height, size.width)];
//! let frame = Frame::new(Arc::new(crops), 1, size, true, &device);
//! let options = RefineOptions::default();
//! let refiner = Refiner::new(&network, 260.0, &options);
//! let mut clicks = vec![Click::positive(Position::from_row_col(20.0, 20.0))];
//! let first = refiner.click(&frame, &[clicks.clone()], &RefineState::default(), &mut Watch::none())?;
//! clicks.push(Click::negative(Position::from_row_col(5.0, 40.0)));
//! let second = refiner.click(&frame, &[clicks], &first.state, &mut Watch::none())?;
//! assert!(second.trace.losses.len() >= 1);
//! # Ok(())
//! # }
//! ```
//!
//! This crate follows `fbrs`, the one stable public crate: its interface may change with any
//! release.

#[cfg(test)]
mod checks;
mod error;
mod frame;
pub mod lbfgs;
mod logits;
mod mode;
mod objective;
mod options;
mod patches;
mod refiner;
mod search;
pub mod seconds;
mod state;
mod trace;
mod variables;
mod watch;

pub use error::RefineError;
pub use frame::{CropSource, Frame};
pub use logits::Logits;
pub use mode::{Mode, ParseModeError};
pub use options::{NetClicks, RefineOptions, ScaleActivation};
pub use refiner::{Answer, Refiner};
pub use state::{Held, RefineState};
pub use trace::{ClickTrace, Ending};
pub use watch::{Progress, Watch};
