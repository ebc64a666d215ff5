use std::fmt;

use crate::Misshaped;
use crate::mismatch::differences;

/// Names given of each kind in a message.
const SHOWN: usize = 2;

/// How a file's backbone differs from that of the network that was to start from it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackboneMismatch {
    /// The file.
    pub file: String,
    /// What it holds.
    pub kind: String,
    /// The network, in its text form.
    pub architecture: String,
    /// Share of the backbone's values that the file would fill, in percent, rounded down.
    pub percent: usize,
    /// Names that the backbone has and the file lacks, in network order.
    pub missing: Vec<String>,
    /// Tensors with another shape, in network order.
    pub misshaped: Vec<Misshaped>,
    /// Names of the file's layers that the backbone lacks, sorted; as they are in the file: print them
    /// through [`printable`](crate::printable).
    pub unexpected: Vec<String>,
    /// What the network starts from.
    pub expected: String,
}

impl fmt::Display for BackboneMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, kind, architecture, percent, expected, .. } = self;
        write!(
            f,
            "{file} holds {kind}, which fills {percent} % of the backbone of {architecture}: {}. \
             {architecture} starts from {expected}",
            differences(&self.missing, &self.misshaped, &self.unexpected, SHOWN)
        )
    }
}

impl std::error::Error for BackboneMismatch {}
