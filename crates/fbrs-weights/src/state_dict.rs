//! From a file's tensors to those of one network under their published names.

use std::collections::BTreeMap;

use fbrs_data::text::printable;

use crate::entry::Entry;

/// Every network's parameters lie below this, but for its outermost layers.
pub(crate) const MARK: &str = "feature_extractor.";

/// Keys under which training programs put a state dict, in the order in which they are chosen: the
/// network as it was trained first, the average of its past states (EMA) last. What lies beside
/// such a key (an optimizer, other networks) is no part of the network and is passed over.
const NESTS: [&str; 10] = [
    "state_dict",
    "model_state_dict",
    "model",
    "net",
    "network",
    "weights",
    "params",
    "ema",
    "model_ema",
    "state_dict_ema",
];

/// The tensors of one network.
#[derive(Debug)]
pub(crate) struct StateDict {
    /// Its tensors, under their published names where they have such.
    pub(crate) entries: Vec<Entry>,
    /// Names of tensors that lie beside it.
    pub(crate) beside: Vec<String>,
    /// Which network was taken, where there are several.
    pub(crate) remark: Option<String>,
}

/// The state dict among a file's tensors: taken out of the key it lies under, without the
/// prefixes that wrappers add (`module.` of `DataParallel`, `_orig_mod.` of `torch.compile`,
/// `model.` of Lightning, any other), and without what is no parameter (`num_batches_tracked`, the
/// scalar `aspp_dropout`, the `n_averaged` of an averaged model).
///
/// `mark`: what the names of most of its tensors, or of a good part, begin with.
pub(crate) fn state_dict(entries: Vec<Entry>, mark: &str) -> StateDict {
    let prefixes = prefixes(&entries, mark);
    let Some(prefix) = prefixes.first().cloned() else {
        return StateDict { entries: parameters(entries), beside: Vec::new(), remark: None };
    };
    let nest = nest(&prefix);
    let (mut inside, mut beside) = (Vec::new(), Vec::new());
    for mut entry in parameters(entries) {
        if let Some(name) = entry.name.strip_prefix(&prefix) {
            entry.name = name.to_owned();
            inside.push(entry);
        } else if entry.name.starts_with(nest) {
            beside.push(entry.name);
        }
    }
    StateDict { entries: inside, beside, remark: remark(&prefixes) }
}

/// What stands before a network's names, for every network in the file, the chosen one first.
fn prefixes(entries: &[Entry], mark: &str) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in entries {
        if let Some(prefix) = prefix(&entry.name, mark) {
            let count = counts.entry(prefix).or_default();
            *count = count.saturating_add(1);
        }
    }
    // A few tensors that only have such a name are no network.
    let most = counts.values().copied().max().unwrap_or_default();
    counts.retain(|_, count| *count > most / 2);
    let mut prefixes: Vec<_> = counts.into_keys().map(str::to_owned).collect();
    // Stable: by name where the rank is the same.
    prefixes.sort_by_key(|prefix| rank(prefix));
    prefixes
}

/// What stands before the mark in a tensor's name, with its dot.
fn prefix<'a>(name: &'a str, mark: &str) -> Option<&'a str> {
    let starts =
        |(at, _): &(usize, &str)| *at == 0 || name.get(..*at).is_some_and(|p| p.ends_with('.'));
    let (at, _) = name.match_indices(mark).find(starts)?;
    name.get(..at)
}

/// Where a prefix stands among others: none at all but `module.`, a known key, anything else.
fn rank(mut prefix: &str) -> usize {
    while let Some(rest) = prefix.strip_prefix("module.") {
        prefix = rest;
    }
    let Some((first, _)) = prefix.split_once('.') else { return 0 };
    let known = NESTS.iter().position(|key| *key == first);
    known.map_or(usize::MAX, |position| position.saturating_add(1))
}

/// The part of a prefix that is the key of a container, with its dot; empty where it is none.
fn nest(prefix: &str) -> &str {
    let first = prefix.split_inclusive('.').next().unwrap_or_default();
    if NESTS.iter().any(|key| first.strip_suffix('.') == Some(key)) { first } else { "" }
}

fn remark(prefixes: &[String]) -> Option<String> {
    let [taken, others @ ..] = prefixes else { return None };
    if others.is_empty() {
        return None;
    }
    let name = |prefix: &String| match prefix.strip_suffix('.') {
        Some(name) => printable(name),
        None => "no key".to_owned(),
    };
    let others: Vec<_> = others.iter().take(5).map(name).collect();
    let count = prefixes.len();
    Some(format!(
        "it holds {count} networks: the one under {} was taken, not {}",
        name(taken),
        others.join(", ")
    ))
}

/// Entries that are parameters, whatever stands before their names.
fn parameters(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.retain(|entry| match entry.name.rsplit('.').next() {
        Some("num_batches_tracked") => false,
        Some("aspp_dropout" | "n_averaged") => entry.shape.iter().product::<usize>() != 1,
        _ => true,
    });
    entries
}
