use fbrs_data::text::printable;
use serde::{Deserialize, Serialize};

use crate::WeightsError;

const MANIFEST: &str = include_str!("../manifest.toml");

/// A published checkpoint, as this crate's `manifest.toml` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Published {
    /// Its name: the published file's, without `.pth`.
    pub name: String,
    /// The network, in the text form of [`fbrs_models::Architecture`].
    pub architecture: String,
    /// What it was trained on.
    pub training_set: String,
    /// Licence or terms of use.
    pub terms: String,
    /// Where it can be had.
    pub url: String,
    /// Size of the download in MB, as published: rounded, for people to read.
    pub megabytes: u64,
    /// SHA-256 of the download, hexadecimal; empty until known.
    pub sha256: String,
}

impl Published {
    /// A checkpoint of this name and architecture that can be had at `url`, of which nothing else
    /// is known.
    pub fn new(
        name: impl Into<String>,
        architecture: impl Into<String>,
        url: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            architecture: architecture.into(),
            training_set: String::new(),
            terms: String::new(),
            url: url.into(),
            megabytes: 0,
            sha256: String::new(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    published: Vec<Published>,
}

/// The published checkpoints, in the manifest's order.
///
/// The manifest is part of the program, and a test reads it: an unreadable one lists nothing.
pub fn published() -> Vec<Published> {
    toml::from_str(MANIFEST).map(|manifest: Manifest| manifest.published).unwrap_or_default()
}

/// The published checkpoint that is called `name`, or the only one whose name begins so.
///
/// # Errors
/// [`WeightsError::UnknownName`] and [`WeightsError::AmbiguousName`].
pub fn find_published(name: &str) -> Result<Published, WeightsError> {
    let all = published();
    if let Some(exact) = all.iter().find(|published| published.name == name) {
        return Ok(exact.clone());
    }
    let fits: Vec<_> = all
        .iter()
        .filter(|published| !name.is_empty() && published.name.starts_with(name))
        .collect();
    let names = |list: &[&Published]| list.iter().map(|published| published.name.clone()).collect();
    match fits.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(WeightsError::UnknownName {
            name: printable(name),
            known: all.into_iter().map(|published| published.name).collect(),
            searched: vec!["the list of published weights".to_owned()],
        }),
        several => {
            Err(WeightsError::AmbiguousName { name: printable(name), candidates: names(several) })
        }
    }
}
