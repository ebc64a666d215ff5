//! Evaluation of click-based segmentation: how many clicks until a mask is good enough?
//!
//! A [`SimulatedUser`] clicks on the objects of data sets ([`fbrs_data::sets`]) where the mask is most
//! wrong; the number of clicks (NoC) until the IoU is good enough is what people judge an
//! interactive segmenter by. The decision that shaped this crate: an object knows nothing of
//! others, and what became of it is one line of a [`Journal`]. So runs continue where they were
//! interrupted, work on several objects at a time and split into [`Shard`]s, all with the same
//! results; tables, pages and comparisons are made of journals alone.
//!
//! ```
//! use fbrs::{Segmenter, Size};
//! use fbrs_data::annotations::{Label, Truth};
//! use fbrs_data::sets::{Layout, Sample};
//! use fbrs_eval::{Settings, evaluate};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let inside = |x: u32, y: u32| (30..70).contains(&x) && (20..50).contains(&y);
//! let photo = image::RgbImage::from_fn(96, 64, |x, y| {
//!     image::Rgb(if inside(x, y) { [200, 60, 40] } else { [40, 90, 60] })
//! });
//! let pixels = (0..64).flat_map(|y| (0..96).map(move |x| (x, y)));
//! let labels = pixels.map(|(x, y)| Label::object_where(inside(x, y))).collect();
//! let truth = Truth::new(Size { height: 64, width: 96 }, labels).ok_or("96·64 labels")?;
//!
//! let settings = Settings { max_clicks: 2, ..Settings::default() };
//! let sample = Sample::new(photo, truth).map_err(|problem| problem.to_string())?;
//! let options = settings.options(Layout::Folder)?;
//! let result = evaluate(&Segmenter::built_in()?, sample, options, &settings)?;
//! assert!(result.iou.len() <= 2);
//! # Ok(())
//! # }
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | `user`, `noc` | where to click, and how to count |
//! | `run`, `journal`, `shard` | running, continuing, splitting, merging |
//! | `report`, `compare` | tables, pages, paired tests |
//!
//! This crate follows `fbrs`, the one stable public crate: its interface may change with any
//! release.

mod compare;
mod error;
mod journal;
mod noc;
mod published;
mod report;
mod result;
mod run;
mod settings;
mod shard;
mod user;

pub use compare::{Comparison, ObjectDifference, PairedTest, wilcoxon};
pub use error::{Error, ErrorKind, Result};
pub use journal::{Journal, Record, Results, merge};
pub use noc::{Noc, clicks_needed, mean_iou_after};
pub use published::{Published, published};
pub use report::{DataReport, ObjectProblem, PUBLISHED_THRESHOLDS, Page, Report, page, table};
pub use result::{ClickSeconds, ObjectResult};
pub use run::{evaluate, run};
pub use settings::{Configuration, DataId, Network, Settings};
pub use shard::Shard;
pub use user::SimulatedUser;
