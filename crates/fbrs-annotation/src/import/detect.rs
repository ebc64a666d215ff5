//! Which files are read, and as what.

use std::collections::VecDeque;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fbrs_data::files;
use fbrs_data::text::printable;

use super::photos::{Photos, last_part, without_ending};
use super::{ClassNames, Marked, coco, labelme, pictures, yolo};
use crate::error::{Error, Result};
use crate::export::Format;
use crate::project::{PROJECT_FILE, Project};

/// Folders in one another that are looked into.
const DEPTH: usize = 32;
/// Files that are looked at.
const MOST_FILES: usize = 1_000_000;
/// Bytes by which a JSON is recognized.
const BEGINNING: u64 = 1 << 16;

/// A file that is to be read, or what was read already.
pub(super) struct Work {
    format: Format,
    path: PathBuf,
    /// Relative to the folder of such files, with `/`.
    name: String,
    names: Arc<ClassNames>,
    ready: Option<Marked>,
    /// Whether it is known to be of this format.
    is_sure: bool,
    /// Masks of single objects of the photo that `name` is: files, and the rest of their names.
    masks: Vec<(PathBuf, String)>,
}

impl Work {
    pub(super) fn format(&self) -> Format {
        self.format
    }

    /// What the file has marked; else its name, and what is wrong with it.
    pub(super) fn load(self) -> Result<Marked, (String, String)> {
        let Self { format, path, name, names, ready, is_sure, masks } = self;
        let marked = match (format, ready) {
            (_, Some(marked)) => Ok(marked),
            (Format::Labelme, _) => labelme::read(&path, &name),
            (Format::Yolo, _) => yolo::read(&path, &name, &names),
            (Format::Classes, _) => pictures::numbers(&path, &name, Some(&names), is_sure),
            (Format::Objects, _) => match masks.is_empty() {
                true => Err("no photo has the name that it begins with".to_owned()),
                false => Ok(pictures::objects(&name, &masks, &names)),
            },
            _ => pictures::numbers(&path, &name, None, is_sure),
        };
        marked.map_err(|reason| (name, reason))
    }
}

/// What is to be read, and the classes that the files list, in order.
pub(super) fn works(
    from: &Path,
    format: Option<Format>,
    project: &Project,
    photos: &Photos,
) -> Result<(Vec<Work>, Vec<String>)> {
    let is_folder = fs::metadata(from)
        .map(|there| there.is_dir())
        .map_err(|source| Error::File(files::ReadError::Io { file: shown(from), source }))?;
    let is_said = format.is_some();
    let format = match format {
        Some(format) => format,
        None if is_folder => of_folder(from)?,
        None => of_file(from)?,
    };
    if format == Format::Cutouts {
        let reason = "cutouts do not say where in their photo they lie: import another format";
        return Err(Error::Refused(reason.to_owned()));
    }
    if format == Format::Coco {
        let path = if is_folder { from.join("instances.json") } else { from.to_owned() };
        let work = |marked: Marked| Work {
            format,
            path: path.clone(),
            name: marked.photo.clone(),
            names: Arc::default(),
            ready: Some(marked),
            is_sure: true,
            masks: Vec::new(),
        };
        let (marked, listed) = coco::read(&path)?;
        return Ok((marked.into_iter().map(work).collect(), listed));
    }
    let (base, names) = match is_folder {
        true => files_of(from, format)?,
        false => {
            let base = from.parent().unwrap_or(Path::new("")).to_owned();
            let name = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (base, vec![name])
        }
    };
    // The export's own folders have no others.
    let is_sure = is_said || base.file_name().is_some_and(|name| name == format.name());
    let listed = match format {
        Format::Yolo => yolo::names(&absolute(&base)),
        Format::Classes | Format::Objects => {
            let base = absolute(&base);
            base.ancestors().take(2).find_map(yolo::list)
        }
        _ => None,
    };
    let listed = listed.unwrap_or_default();
    let classes = Arc::new(ClassNames::of_project(project).with_list(&listed));
    let path_of = |name: &str| name.split('/').fold(base.clone(), |path, part| path.join(part));
    let mut works: Vec<Work> = Vec::new();
    for name in names {
        let path = path_of(&name);
        let work = |name: String, masks| Work {
            format,
            path: path.clone(),
            name,
            names: Arc::clone(&classes),
            ready: None,
            is_sure,
            masks,
        };
        let parts = photos.beginning(without_ending(&name)).filter(|_| format == Format::Objects);
        let Some((photo, rest)) = parts else {
            works.push(work(name, Vec::new()));
            continue;
        };
        let mask = (path.clone(), rest.to_owned());
        // In the order of names, those of one photo are nearly always beside each other.
        match works.last_mut() {
            Some(last) if last.name == photo && !last.masks.is_empty() => last.masks.push(mask),
            _ => works.push(work(photo.to_owned(), vec![mask])),
        }
    }
    Ok((works, listed))
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

fn absolute(path: &Path) -> PathBuf {
    let path = if path == Path::new("") { Path::new(".") } else { path };
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The format of a folder, where it is clear.
fn of_folder(folder: &Path) -> Result<Format> {
    let mut found = Vec::new();
    if folder.join("instances.json").is_file() {
        found.push(Format::Coco);
    }
    if folder.join("labels").is_dir() || folder.join("data.yaml").is_file() {
        found.push(Format::Yolo);
    }
    for format in [Format::Ids, Format::Classes, Format::Objects] {
        if folder.join(format.name()).is_dir() {
            found.push(format);
        }
    }
    let has = |format| files_of(folder, format).is_ok();
    if has(Format::Labelme) {
        found.push(Format::Labelme);
    }
    if found.is_empty() {
        let plain = [Format::Yolo, Format::Ids].into_iter().filter(|format| has(*format));
        found.extend(plain);
    }
    match found.as_slice() {
        [only] => Ok(*only),
        [] => Err(Error::Refused(format!(
            "{} has nothing that is read: expected instances.json, sheets of labelme, YOLO's labels, \
             or PNG in ids, classes or objects",
            shown(folder)
        ))),
        several => {
            let names: Vec<_> = several.iter().map(|format| format.name()).collect();
            Err(Error::Refused(format!(
                "{} has several formats, {}: name the one to import",
                shown(folder),
                names.join(", ")
            )))
        }
    }
}

/// The format of a file.
fn of_file(path: &Path) -> Result<Format> {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match ending.as_str() {
        "json" => {
            let mut beginning = Vec::new();
            let mut start = files::open(path)?.take(BEGINNING);
            start.read_to_end(&mut beginning).map_err(|source| {
                Error::File(files::ReadError::Io { file: shown(path), source })
            })?;
            let text = String::from_utf8_lossy(&beginning);
            // Each may begin with what is long; a sheet's version and shapes come first.
            let is_sheet = text.contains("\"shapes\"")
                || (text.contains("\"imagePath\"") && !text.contains("\"annotations\""));
            Ok(if is_sheet { Format::Labelme } else { Format::Coco })
        }
        "txt" => Ok(Format::Yolo),
        "png" => Ok(Format::Ids),
        _ => Err(Error::Refused(format!(
            "{}: expected a JSON of COCO or labelme, a text of YOLO, or a PNG",
            shown(path)
        ))),
    }
}

/// The folder in which the files of a format lie, and their names relative to it, in order.
fn files_of(folder: &Path, format: Format) -> Result<(PathBuf, Vec<String>)> {
    let inner = match format {
        Format::Yolo => "labels",
        Format::Labelme | Format::Coco => "",
        format => format.name(),
    };
    let inner = folder.join(inner);
    let base = if inner.is_dir() { inner } else { folder.to_owned() };
    let ending = match format {
        Format::Labelme => "json",
        Format::Yolo => "txt",
        _ => "png",
    };
    let mut names = Vec::new();
    let mut folders = VecDeque::from([(base.clone(), String::new(), 0)]);
    let list_error = |source| Error::List { folder: shown(&base), source };
    fs::read_dir(&base).map_err(list_error)?;
    while let Some((folder, prefix, depth)) = folders.pop_front() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let (Ok(name), Ok(kind)) = (entry.file_name().into_string(), entry.file_type()) else {
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            let relative = format!("{prefix}{name}");
            if kind.is_dir() {
                if depth < DEPTH {
                    folders.push_back((entry.path(), relative + "/", depth + 1));
                }
            } else if is_of(&relative, ending) && names.len() < MOST_FILES {
                names.push(relative);
            }
        }
    }
    names.sort();
    match names.is_empty() {
        false => Ok((base, names)),
        true => Err(Error::Refused(format!("{} has no .{ending} of {format}", shown(&base)))),
    }
}

/// Whether a file is one of such an ending, and none that lies beside them.
fn is_of(name: &str, ending: &str) -> bool {
    /// Files that are no sheets and no labels.
    const OTHERS: [&str; 8] = [
        PROJECT_FILE,
        "instances.json",
        "classes.txt",
        "train.txt",
        "val.txt",
        "test.txt",
        "README.txt",
        "requirements.txt",
    ];
    let own = last_part(name);
    let found = own.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
    let is_document = own.ends_with(".fbrs.json");
    found.as_deref() == Some(ending) && !is_document && !OTHERS.contains(&own)
}
