//! The default weights of fbrs: their names and their bytes, and nothing else.
//!
//! They are a crate of their own because they have terms of their own (`TERMS.md`): those of the
//! images that they were trained on. The card, `README.md`, says what they are and how
//! they were made. `fbrs-weights` reads them where its feature `built-in` is on.
//!
//! ```
//! let default = fbrs_default_weights::ALL.first().ok_or("no weights")?;
//! assert_eq!(default.name, "lite0_dh64");
//! // safetensors: the length of a header, then the header.
//! assert_eq!(default.bytes.get(8), Some(&b'{'));
//! # Ok::<(), &str>(())
//! ```

#![no_std]

/// Weights of one network.
#[derive(Debug, Clone, Copy)]
pub struct DefaultWeights {
    /// Name by which they are asked for, the file's without its ending.
    pub name: &'static str,
    /// A native file: safetensors with a description of the network in its metadata.
    pub bytes: &'static [u8],
}

/// All of them; the first is what `default` stands for.
pub static ALL: &[DefaultWeights] =
    &[DefaultWeights { name: "lite0_dh64", bytes: include_bytes!("../lite0_dh64.safetensors") }];
