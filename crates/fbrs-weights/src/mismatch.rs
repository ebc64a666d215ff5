use std::fmt;

use fbrs_data::text::printable;

/// How a file's tensors differ from those of the network it is closest to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mismatch {
    /// The file.
    pub file: String,
    /// The network it is closest to, in its text form.
    pub architecture: String,
    /// Names that the network has and the file lacks, in network order.
    pub missing: Vec<String>,
    /// Names that the file has and the network lacks, sorted; as they are in the file: print them
    /// through [`printable`].
    pub unexpected: Vec<String>,
    /// Tensors with another shape or another kind of numbers, in network order.
    pub misshaped: Vec<Misshaped>,
}

/// A tensor of the right name with the wrong shape.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Misshaped {
    /// Its name.
    pub name: String,
    /// The network's shape.
    pub expected: Vec<usize>,
    /// The file's shape.
    pub found: Vec<usize>,
}

/// Names given of each kind in a message.
const SHOWN: usize = 5;

impl Mismatch {
    /// Whether all of the network is there and leaving the other tensors out
    /// ([`ExtraKeys::Ignore`](crate::ExtraKeys::Ignore)) helps.
    pub fn is_only_extra(&self) -> bool {
        self.missing.is_empty() && self.misshaped.is_empty()
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, architecture, missing, unexpected, misshaped } = self;
        write!(f, "{file} is close to {architecture} but differs from it: ")?;
        f.write_str(&differences(missing, misshaped, unexpected, SHOWN))?;
        if self.is_only_extra() {
            f.write_str("; the extra tensors can be left out on request")?;
        }
        Ok(())
    }
}

/// Missing, misshaped and unexpected tensors as clauses, with so many names of each kind.
pub(crate) fn differences(
    missing: &[String],
    misshaped: &[Misshaped],
    unexpected: &[String],
    shown: usize,
) -> String {
    let part = |count: usize, what: &str, names: Vec<String>| {
        let more = if count > shown { ", …" } else { "" };
        (count > 0).then(|| format!("{count} {what} ({}{more})", names.join(", ")))
    };
    let first = |names: &[String]| names.iter().take(shown).map(|name| printable(name)).collect();
    let shapes = misshaped.iter().take(shown).map(ToString::to_string).collect();
    let parts = [
        part(missing.len(), "missing", first(missing)),
        part(misshaped.len(), "of another shape", shapes),
        part(unexpected.len(), "unexpected", first(unexpected)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

impl fmt::Display for Misshaped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {:?}, found {:?}", self.name, self.expected, self.found)
    }
}

impl std::error::Error for Mismatch {}
