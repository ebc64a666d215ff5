//! What end-to-end tests share: golden predictions of the published implementation, replayed.

pub mod golden;
