//! `fbrs segment`: from clicks on a photo to a mask.

mod args;
mod clicks;
mod mask;
mod photo;
mod pictures;
mod report;
mod run;

#[cfg(feature = "serve")]
pub(crate) use args::ModeParser;
pub(crate) use args::SegmentArgs;
pub(crate) use run::run;
