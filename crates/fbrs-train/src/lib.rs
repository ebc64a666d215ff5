//! Training of the segmentation networks.

pub mod groups;
pub mod init;
pub mod losses;
pub mod optimizer;
