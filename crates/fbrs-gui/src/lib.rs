//! The annotator.
