//! Tests of the desk and of the window.
