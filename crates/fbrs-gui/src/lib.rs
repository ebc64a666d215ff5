//! The annotator: a window to mark objects in photos with a few clicks.
#![allow(dead_code)]
mod canvas;
mod desk;
mod disk;
mod engine;
mod loader;
