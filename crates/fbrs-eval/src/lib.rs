//! x
mod data;
mod error;
mod journal;
mod noc;
mod result;
mod run;
mod settings;
mod shard;
mod truth;
mod user;
pub use data::{
    CocoOptions, DataName, DataSet, Layout, ObjectKey, OpenedData, Problem, Sample, open_all,
};
pub use error::{Error, Result};
pub use journal::{Journal, Record, Results, merge};
pub use noc::{Noc, clicks_needed, mean_iou_after};
pub use result::{ClickSeconds, ObjectResult};
pub use run::{evaluate, run};
pub use settings::{Configuration, DataId, Network, Settings};
pub use shard::Shard;
pub use truth::{Label, Truth};
pub use user::SimulatedUser;
