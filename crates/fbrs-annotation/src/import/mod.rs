//! What other programs have marked in the photos of a folder, taken in as finished objects.
//!
//! Read are the formats of [exports](crate::export) but for cutouts, which do not say where they lie.
//! A file's objects go to the photo whose path it names or is called after; else to the only one with
//! that name, or with that name but for its ending. Objects are put on top of those that are there;
//! what is there already, with the same class and the same pixels, is passed over.

mod coco;
mod detect;
mod labelme;
mod masks;
mod photos;
mod pictures;
mod yolo;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use fbrs_clicks::Size;
use fbrs_data::pictures::Limits;
use fbrs_data::text::printable;

pub(crate) use self::masks::of_spans;
use self::masks::{Pixels, fit};
use self::photos::Photos;
use crate::document::{Object, PhotoRecord};
use crate::error::{Error, Result};
use crate::export::{Entry, Format, Kind, Report, UNNAMED};
use crate::file;
use crate::folder::{Folder, PhotoPath, digest};
use crate::keeper::Keeper;
use crate::project::Project;

/// How an import is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settings {
    /// The format; `None` to tell it by the files.
    pub format: Option<Format>,
    /// Whether masks are of the photos as they are stored, and are turned as EXIF tells.
    pub turn: bool,
}

/// What a file has marked in one photo.
#[derive(Debug, Default)]
struct Marked {
    /// The photo's path or name, as the file has it or is called.
    photo: String,
    /// Other names that it may have.
    or_else: Vec<String>,
    /// Its height and width, where the file says.
    size: Option<Size>,
    objects: Vec<Found>,
    /// What cannot be read: the object's place in the file, and why.
    faults: Vec<(Option<u64>, String)>,
}

/// An object of a file.
#[derive(Debug)]
struct Found {
    /// Its id or its place in the file.
    place: u64,
    /// What it is; `None` where the file does not say.
    class: Option<String>,
    pixels: Pixels,
}

/// Takes objects of the file or folder `from` into the documents of a folder's photos. Classes that
/// the project does not have are added to it, and it is written. `go_on` is told how many files of how
/// many are done, and says whether to go on.
///
/// # Errors
/// [`Error::Refused`] where it is not clear what to read; [`Error::File`] and [`Error::Damaged`]
/// where it cannot be read at all; [`Error::Write`] where a document cannot be written;
/// [`Error::Stopped`]. What cannot be read of the files is told in the report, and the rest is taken.
pub fn import(
    folder: &Folder,
    project: &mut Project,
    from: &Path,
    settings: Settings,
    mut go_on: impl FnMut(usize, usize) -> bool,
) -> Result<Report> {
    let photos = Photos::of(folder.photos()?);
    let (works, classes) = detect::works(from, settings.format, project, &photos)?;
    let (taken, report) = (HashSet::new(), Report::default());
    let mut taking = Taking { folder, project, settings, classes, photos: taken, report };
    let count = works.len();
    for (done, work) in works.into_iter().enumerate() {
        if !go_on(done, count) {
            return Err(Error::Stopped);
        }
        let format = work.format();
        match work.load() {
            Ok(marked) => taking.take(marked, format, &photos)?,
            Err((file, reason)) => {
                taking.report.pass_over(format, &file, None, Kind::Unreadable, reason);
            }
        }
    }
    go_on(count, count);
    Ok(taking.report)
}

/// What an import works on.
struct Taking<'a> {
    folder: &'a Folder,
    project: &'a mut Project,
    settings: Settings,
    /// What the files list and the project may not have, in order, so that ids are alike.
    classes: Vec<String>,
    /// Photos that have got objects.
    photos: HashSet<PhotoPath>,
    report: Report,
}

/// Classes of one project.
const MOST_CLASSES: usize = 10_000;

impl Taking<'_> {
    fn take(&mut self, marked: Marked, format: Format, photos: &Photos) -> Result<()> {
        let Marked { photo: name, or_else, size, objects, faults } = marked;
        for (place, reason) in faults {
            self.report.pass_over(format, &name, place, Kind::Unreadable, reason);
        }
        if objects.is_empty() {
            return Ok(());
        }
        let names = std::iter::once(&name).chain(&or_else).map(String::as_str);
        let photo = match photos.find(names) {
            Ok(photo) => photo,
            Err(reason) => {
                self.report.pass_over(format, &name, None, Kind::Photo, reason);
                return Ok(());
            }
        };
        let record = match known_record(self.folder, photo) {
            Ok(record) => record,
            Err(error) => {
                self.report.skip(Some(format), photo, None, Kind::Unreadable, error.to_string());
                return Ok(());
            }
        };
        let (size, orientation) = match fit(size, &record, self.settings.turn) {
            Ok(fitting) => fitting,
            Err((kind, reason)) => {
                self.report.skip(Some(format), photo, None, kind, reason);
                return Ok(());
            }
        };
        let mut made = Vec::new();
        for Found { place, class, pixels } in objects {
            let mask = pixels.mask(size).map(|mask| masks::turned(mask, orientation));
            let wrong = |report: &mut Report, kind: Kind, reason: &str| {
                report.skip(Some(format), photo, Some(place), kind, reason);
            };
            match mask {
                Ok(mask) if mask.size() != record.size() => {
                    let reason =
                        format!("its mask has {} pixels, the photo {}", mask.size(), record.size());
                    wrong(&mut self.report, Kind::Size, &reason);
                }
                Ok(mask) if mask.is_empty() => {
                    wrong(&mut self.report, Kind::Empty, "it has no pixels in the photo");
                }
                Ok(mask) => made.push((place, class, mask)),
                Err(error) => {
                    wrong(&mut self.report, Kind::Unreadable, &printable(&error.to_string()));
                }
            }
        }
        self.put(photo, &record, made, format)
    }

    /// Puts objects into a photo's document.
    fn put(
        &mut self,
        photo: &PhotoPath,
        record: &PhotoRecord,
        made: Vec<(u64, Option<String>, crate::Mask)>,
        format: Format,
    ) -> Result<()> {
        if made.is_empty() {
            return Ok(());
        }
        let path = self.folder.document(photo);
        if let Some(parent) = path.parent() {
            let file = || printable(&parent.display().to_string());
            fs::create_dir_all(parent).map_err(|source| Error::Write { file: file(), source })?;
        }
        let mut opened = match Keeper::open(&path, record) {
            Ok(opened) => opened,
            Err(error) => {
                self.report.skip(Some(format), photo, None, Kind::Unreadable, error.to_string());
                return Ok(());
            }
        };
        if let Some(reason) = opened.keeper.read_only() {
            self.report.skip(Some(format), photo, None, Kind::Unreadable, reason);
            return Ok(());
        }
        for name in std::mem::take(&mut self.classes) {
            // Those that were removed stay so; too many are told where objects are of them.
            if !self.project.classes.iter().any(|class| class.name == name) {
                let _ = self.class(Some(name));
            }
        }
        let mut new = Vec::new();
        for (place, class, mask) in made {
            let class = match self.class(class) {
                Ok(class) => class,
                Err(reason) => {
                    self.report.skip(Some(format), photo, Some(place), Kind::Class, reason);
                    continue;
                }
            };
            let document = opened.annotation.document();
            let is_known =
                document.objects.iter().any(|object| object.class == class && object.mask == mask);
            match is_known {
                true => {
                    let text = "it is there already";
                    self.report.skip(Some(format), photo, Some(place), Kind::Known, text);
                }
                false => new.push(Object::drawn(mask, class)),
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        // Classes are on disk before objects name them.
        self.project.write(&self.folder.project())?;
        let count = new.len();
        let line = opened.annotation.change("import", |document| {
            for object in new {
                document.put(object);
            }
        });
        if let Some(line) = line {
            opened.keeper.append(&line)?;
        }
        opened.keeper.save(&opened.annotation)?;
        self.photos.insert(photo.clone());
        self.report.photos = self.photos.len();
        self.report.files = self.photos.len();
        self.report.objects += count;
        Ok(())
    }

    /// The id of a class, which is added where the project does not have it.
    fn class(&mut self, name: Option<String>) -> Result<Option<u32>, String> {
        let Some(name) = name.filter(|name| !name.trim().is_empty()) else { return Ok(None) };
        match self.project.named(&name) {
            Some(class) => Ok(Some(class.id)),
            None if name == UNNAMED => Ok(None),
            None if self.project.classes.len() >= MOST_CLASSES => Err(format!(
                "its class {} is new, and the project has {MOST_CLASSES} classes already",
                printable(&name)
            )),
            None => {
                self.report.classes.push(name.clone());
                Ok(Some(self.project.id_of(&name)))
            }
        }
    }
}

impl Report {
    fn pass_over(
        &mut self,
        format: Format,
        file: &str,
        object: Option<u64>,
        kind: Kind,
        text: impl Into<String>,
    ) {
        let (photo, text) = (file.to_owned(), text.into());
        self.skipped.push(Entry { format: Some(format), photo, object, kind, text });
    }
}

/// What a document tells of its photo; else what the photo's file does.
fn known_record(folder: &Folder, photo: &PhotoPath) -> Result<PhotoRecord> {
    let document = folder.document(photo);
    match document.exists() {
        true => Ok(file::read(&document)?.document().photo.clone()),
        false => record(&folder.photo(photo)),
    }
}

/// What tells a photo from others: read from its file.
///
/// # Errors
/// [`Error::Photo`] and [`Error::File`].
pub fn record(path: &Path) -> Result<PhotoRecord> {
    let picture = fbrs_data::pictures::read(path, &Limits::default())?;
    let (sha256, bytes) = digest(path)?;
    let size = picture.size();
    Ok(PhotoRecord {
        file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        width: u32::try_from(size.width).unwrap_or(u32::MAX),
        height: u32::try_from(size.height).unwrap_or(u32::MAX),
        sha256,
        bytes,
        orientation: picture.orientation.to_exif(),
    })
}

/// What numbers in a file stand for.
#[derive(Debug, Clone, Default)]
struct ClassNames(HashMap<u64, String>);

impl ClassNames {
    /// The name of a class; the project's where the file has none.
    fn of(&self, id: u64) -> String {
        self.0.get(&id).cloned().unwrap_or_else(|| format!("class {id}"))
    }

    /// By the project's ids.
    fn of_project(project: &Project) -> Self {
        let name = |class: &crate::Class| (u64::from(class.id), class.name.clone());
        Self(project.classes.iter().map(name).collect())
    }

    /// With names of a list, of which the first is that of id 1.
    fn with_list(mut self, names: &[String]) -> Self {
        let named = (1..).zip(names).filter(|(_, name)| !name.is_empty());
        self.0.extend(named.map(|(id, name)| (id, name.clone())));
        self
    }
}
