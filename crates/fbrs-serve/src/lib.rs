//! Click-based segmentation over HTTP, for annotation tools, scripts and browsers.
//!
//! The decision that shaped this crate: a session is a photo, options and a list of changes, and
//! answering is deterministic. So a session that gave way to others, or whose server ended, is made
//! again from its log, to the bit, by any server that sees the same folder.
//!
//! A request goes this way: `server` (its id, who is let in) → `api`, or `cvat`, `label_studio` and
//! `xany`, which speak other tools' languages → `desk` (finds the session) → `engine` (whose turn it
//! is) → [`fbrs::Session`] → `answer` (the mask in its form).
//!
//! ```no_run
//! use fbrs::Segmenter;
//! use fbrs_serve::{Config, Server};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::bind(Config::default(), Segmenter::built_in()?)?;
//! println!("listening on http://{}", server.address()?);
//! server.run(std::future::pending())?;
//! # Ok(())
//! # }
//! ```
//!
//! This crate follows `fbrs`, the one stable public crate: its interface may change with any
//! release.

mod access;
mod answer;
mod api;
mod config;
mod cvat;
mod desk;
mod engine;
mod label_studio;
mod lists;
mod metrics;
mod page;
mod problem;
mod server;
mod xany;

pub use config::{Access, Config, Cvat, CvatReply, LabelStudio, Limits};
pub use server::Server;
