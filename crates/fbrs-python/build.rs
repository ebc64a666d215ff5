//! Extension modules leave Python's functions to whoever loads them; macOS wants to be told.

fn main() {
    pyo3_build_config::add_extension_module_link_args();
}
