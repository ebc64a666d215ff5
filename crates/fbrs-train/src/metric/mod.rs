//! How good the answers are while the network learns.

mod adaptive_iou;
mod focal;

pub use adaptive_iou::{AdaptiveIou, Overlap};
pub use focal::{FocalAverages, FocalSample};
