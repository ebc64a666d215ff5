//! Sets to learn from: every layout made small in a folder of its own, and what is wrong with some.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod check;
mod combined;
mod folder;
mod hostile;
mod mixes;
mod published;
mod support;
