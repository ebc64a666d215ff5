//! What comes from files and goes to files: photos, masks, clicks, annotations, data sets.
//!
//! The decision that shaped this crate: a file that somebody else made is hostile until shown
//! otherwise. It is opened only if it is a plain file ([`files::open`]), read within a bound that
//! honest content never reaches, and quoted in messages only after [`text::printable`]. What is
//! written is seen whole or not at all ([`files::Destination`]). No network is in here.
//!
//! ```
//! use std::io::Write;
//! use fbrs_data::files::Destination;
//!
//! # fn main() -> std::io::Result<()> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("notes.txt");
//! let mut draft = Destination::new(&path)?.draft()?;
//! draft.write_all(b"seen by others only when it is complete")?;
//! draft.commit()?;
//! # assert!(path.is_file());
//! # Ok(())
//! # }
//! ```
//!
//! | module | what it owns |
//! |---|---|
//! | `annotations` (feature `annotations`) | masks and the formats that hold them, read and written |
//! | `clicks` (feature `annotations`) | files of clicks |
//! | [`files`] | opening plain files within bounds, writing whole files |
//! | `pictures` (feature `pictures`) | photos and masks |
//! | `sets` (feature `annotations`) | data sets and their layouts |
//! | `training` (feature `training`) | photos with labels to learn from |
//! | [`text`] | text from files made safe to print; what stands in the place of a text |
//!
//! This crate follows `fbrs`, the one stable public crate: its interface may change with any
//! release.

#[cfg(feature = "annotations")]
pub mod annotations;
#[cfg(feature = "annotations")]
pub mod clicks;
#[cfg(feature = "annotations")]
mod error;
pub mod files;
#[cfg(feature = "pictures")]
pub mod pictures;
#[cfg(feature = "annotations")]
pub mod sets;
pub mod text;
#[cfg(feature = "training")]
pub mod training;

#[cfg(feature = "annotations")]
pub use error::{Error, Result};
