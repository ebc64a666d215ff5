use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Result;
use clap::Args;
use fbrs::weights::{self, Checkpoint, ExtraKeys, Location, printable};
use serde::Serialize;

use super::places;
use crate::print;

/// List all weights that a name stands for
///
/// Built in, files in ./weights and in the cache folder (FBRS_CACHE, or fbrs in the user's), and
/// published ones. A name is also found by its beginning, where that is the beginning of one only.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Print a JSON list instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listed {
    /// What `--weights` takes.
    name: String,
    /// The network; `None` where the file is none.
    architecture: Option<String>,
    training_set: Option<String>,
    bytes: Option<u64>,
    /// Where it is; `None` where it would have to be fetched.
    place: Option<String>,
    /// Files of this name that are not used, because this one goes before them.
    hides: Vec<String>,
    /// Where it can be had, if it is published.
    url: Option<String>,
    /// Why the file cannot be used.
    fault: Option<String>,
}

pub(crate) fn run(args: ListArgs) -> Result<()> {
    let listed = all();
    if args.json {
        return print::print_json(&listed);
    }
    let mut rows = vec![["NAME", "NETWORK", "SIZE", "WHERE", "TRAINED ON"].map(str::to_owned)];
    rows.extend(listed.into_iter().map(|entry| {
        let text = |text: Option<String>| text.map_or("-".to_owned(), |text| printable(&text));
        let mut place = match (entry.place.as_deref().map(printable), &entry.fault) {
            (Some(place), None) => place,
            (Some(place), Some(_)) => format!("{place} (unusable: fbrs weights inspect)"),
            (None, _) => format!("fbrs weights fetch {}", entry.name),
        };
        if !entry.hides.is_empty() {
            let hides: Vec<_> = entry.hides.iter().map(|path| printable(path)).collect();
            place += &format!(" (hides {})", hides.join(", "));
        }
        let size = entry.bytes.map(print::megabytes);
        let training_set = shortened(&text(entry.training_set));
        [printable(&entry.name), text(entry.architecture), text(size), place, training_set]
    }));
    print::print(&print::table(&rows))
}

/// At most as much of a text as a table has room for.
fn shortened(text: &str) -> String {
    const ROOM: usize = 40;
    match text.char_indices().nth(ROOM) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text).trim_end()),
        None => text.to_owned(),
    }
}

/// Everything, in the order in which names are looked up.
fn all() -> Vec<Listed> {
    let mut listed = Vec::new();
    let mut seen = BTreeSet::new();
    let places = places();
    let hides =
        |name: &str| places.hidden(name).iter().map(|path| path.display().to_string()).collect();
    for (index, name) in weights::built_in_names().enumerate() {
        if let Ok(checkpoint) = Checkpoint::built_in_as(name) {
            let shown = if index == 0 { "default" } else { name };
            let place = Some("built in".to_owned());
            listed.push(Listed { place, hides: hides(name), ..of(shown, &checkpoint) });
            seen.insert(name.to_owned());
        }
    }
    let published = weights::published();
    let mut names: Vec<_> = published.iter().map(|published| published.name.clone()).collect();
    names.extend(places.folders.iter().flat_map(|folder| names_in(folder.as_path())));
    for name in names {
        if seen.insert(name.clone())
            && let Ok(Location::File(path)) = places.locate(&name)
        {
            listed.push(Listed { hides: hides(&name), ..of_file(&name, &path) });
        }
    }
    for published in published {
        match listed.iter_mut().find(|entry| entry.name == published.name) {
            Some(entry) => entry.url = Some(published.url),
            None => listed.push(Listed {
                name: published.name,
                architecture: Some(published.architecture),
                training_set: Some(published.training_set),
                bytes: Some(published.megabytes.saturating_mul(1_000_000)),
                place: None,
                hides: Vec::new(),
                url: Some(published.url),
                fault: None,
            }),
        }
    }
    listed
}

fn of(name: &str, checkpoint: &Checkpoint) -> Listed {
    Listed {
        name: name.to_owned(),
        architecture: Some(checkpoint.architecture().to_string()),
        training_set: checkpoint.provenance().training_set.clone(),
        bytes: Some(checkpoint.file_size()),
        place: Some(checkpoint.file().to_owned()),
        hides: Vec::new(),
        url: None,
        fault: None,
    }
}

fn of_file(name: &str, path: &Path) -> Listed {
    match Checkpoint::open(path, ExtraKeys::Ignore) {
        Ok(checkpoint) => of(name, &checkpoint),
        Err(error) => Listed {
            name: name.to_owned(),
            architecture: None,
            training_set: None,
            bytes: fs::metadata(path).ok().map(|metadata| metadata.len()),
            place: Some(path.display().to_string()),
            hides: Vec::new(),
            url: None,
            fault: Some(error.to_string()),
        },
    }
}

/// Names of the files of weights in a folder, sorted; none where there is no such folder.
fn names_in(folder: &Path) -> BTreeSet<String> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    files
        .filter(|path| {
            matches!(crate::outputs::ending(path).as_str(), "safetensors" | "pth" | "pt")
        })
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect()
}
