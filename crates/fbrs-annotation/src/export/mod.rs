//! What is marked in a folder of photos, as other programs read it.
//!
//! | format | files |
//! |---|---|
//! | [`Format::Coco`] | `instances.json` |
//! | [`Format::Labelme`] | `STEM.json` for each photo |
//! | [`Format::Yolo`] | `labels/STEM.txt`, `data.yaml`, `train.txt`, `val.txt`, `classes.txt` |
//! | [`Format::Ids`] | `ids/STEM.png`: of each pixel, the place of its object in the list |
//! | [`Format::Classes`] | `classes/STEM.png`: of each pixel, the id of its class; `classes.txt` |
//! | [`Format::Objects`] | `objects/STEM_ID_CLASS.png`: 255 where the object is; `classes.txt` |
//! | [`Format::Cutouts`] | `cutouts/STEM_ID_CLASS.png`: the object alone, in colors |
//!
//! [`Settings::photos`] adds `images/PHOTO`, and what names photos then names these. Their names are those
//! of the labels, and so are their folders: YOLO's `images/a.jpg` has its labels in `labels/a.txt`.
//!
//! Photos are in them that have objects, or of which somebody said that they are done. Everything is
//! of the upright photo. Where each pixel has one object, the later one of the list has it. The same
//! documents give the same bytes, and every file is written whole; what lies in the folder beside
//! these files is left alone.

mod classes;
mod coco;
mod labelme;
pub(crate) mod names;
mod outline;
mod photos;
mod pictures;
mod report;
mod simplify;
mod write;
mod yolo;

use std::fmt;
use std::fs;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use fbrs_data::text::printable;
use serde::{Serialize, Serializer};

pub(crate) use self::classes::UNNAMED;
use self::classes::{Classes, OfObject};
use self::names::Names;
pub use self::report::{Entry, Kind, Report};
use self::write::Files;
use crate::document::{Document, Object, PhotoState};
use crate::error::{Error, Result};
use crate::folder::{Folder, PhotoPath};
use crate::import::record;
use crate::keeper;
use crate::project::Project;

/// A format of exports and imports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// COCO's instances.
    Coco,
    /// Labelme's sheets.
    Labelme,
    /// YOLO's segmentation labels.
    Yolo,
    /// Pictures of objects' numbers.
    Ids,
    /// Pictures of classes' numbers.
    Classes,
    /// A picture for each object's mask.
    Objects,
    /// A picture of each object.
    Cutouts,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 7] = [
        Self::Coco,
        Self::Labelme,
        Self::Yolo,
        Self::Ids,
        Self::Classes,
        Self::Objects,
        Self::Cutouts,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Coco => "coco",
            Self::Labelme => "labelme",
            Self::Yolo => "yolo",
            Self::Ids => "ids",
            Self::Classes => "classes",
            Self::Objects => "objects",
            Self::Cutouts => "cutouts",
        }
    }

    /// Whether it is of pictures, which might be taken for photos.
    fn is_pictures(self) -> bool {
        matches!(self, Self::Ids | Self::Classes | Self::Objects | Self::Cutouts)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|format| format.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("\"{}\" is no format: expected one of {names}", printable(text))
        })
    }
}

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// How an export is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The formats, each once.
    pub formats: Vec<Format>,
    /// COCO: runs for all objects, not for those with holes alone.
    pub always_rle: bool,
    /// Labelme: polygons, not masks.
    pub polygons: bool,
    /// COCO, labelme and YOLO: pixels by which polygons may leave the outline, for fewer corners; 0 for
    /// exact ones.
    pub tolerance: f64,
    /// Ids: colors, by which people tell objects apart, where there are at most 255.
    pub palette: bool,
    /// Cutouts: pixels around the object's box.
    pub margin: u32,
    /// YOLO: how many of a hundred photos are for validation.
    pub validation: u8,
    /// Copies of the photos too, upright: those that need no turning byte for byte, the others as JPEG
    /// or PNG.
    pub photos: bool,
}

impl Settings {
    /// As most people want these formats.
    pub fn new(formats: impl IntoIterator<Item = Format>) -> Self {
        let mut formats: Vec<_> = formats.into_iter().collect();
        formats.sort_unstable();
        formats.dedup();
        Self {
            formats,
            always_rle: false,
            polygons: false,
            tolerance: 0.0,
            palette: false,
            margin: 0,
            validation: 20,
            photos: false,
        }
    }
}

/// A photo that is exported.
struct Job<'a> {
    photo: &'a PhotoPath,
    /// What its files are called, without their ending.
    name: &'a str,
    document: &'a Document,
    /// Objects that have pixels, the lowest first.
    objects: Vec<Item<'a>>,
    /// The photo's copy, relative to the export, with `/`; `None` where there is none.
    copy: Option<String>,
}

/// An object that is exported.
struct Item<'a> {
    object: &'a Object,
    /// Its place in the document's list, from 1.
    place: usize,
    class: OfObject<'a>,
}

/// Writes what is marked in the photos of a folder into the folder `to`, which is made where it is
/// not there. `go_on` is told how many photos of how many are done, and says whether to go on.
///
/// # Errors
/// [`Error::Refused`] where nothing is marked, and where pictures would come to lie among the photos
/// or a file in the place of one; [`Error::List`]; [`Error::Write`];
/// [`Error::Stopped`]. What cannot be read is told in the report, and the rest is written.
pub fn export(
    folder: &Folder,
    project: &Project,
    settings: &Settings,
    to: &Path,
    mut go_on: impl FnMut(usize, usize) -> bool,
) -> Result<Report> {
    let photos = folder.photos()?;
    let mut files = Files::new(to, folder, &photos)?;
    let format = settings.formats.iter().find(|format| format.is_pictures());
    let pictures = match format {
        Some(format) => Some(format!("the pictures of \"{format}\"")),
        None => settings.photos.then(|| "copies of photos".to_owned()),
    };
    if let Some(pictures) = pictures
        && files.are_among_photos()
    {
        return Err(Error::Refused(format!(
            "{} lies in the folder of the photos, where {pictures} would be taken for photos: choose \
             a folder beside it",
            printable(&to.display().to_string())
        )));
    }
    if settings.photos && files.meets_photos(photos::FOLDER) {
        return Err(Error::Refused(format!(
            "the photos lie in {}, where their copies would come to lie: choose another folder, or \
             leave the photos out",
            printable(&to.join(photos::FOLDER).display().to_string())
        )));
    }
    let names = Names::of(&photos);
    let mut classes = Classes::of(project);
    let mut report = Report::default();
    let mut coco = coco::Export::default();
    let mut yolo = yolo::Export::default();
    for (done, photo) in photos.iter().enumerate() {
        if !go_on(done, photos.len()) {
            return Err(Error::Stopped);
        }
        let path = folder.document(photo);
        let annotation = match keeper::peek(&path, || record(&folder.photo(photo))) {
            Ok(Some(annotation)) => annotation,
            Ok(None) => continue,
            Err(error) => {
                report.skip(None, photo, None, Kind::Unreadable, error.to_string());
                continue;
            }
        };
        let document = annotation.document();
        if document.current.as_ref().is_some_and(|current| !current.is_untouched()) {
            let text = "the object in hand is not finished";
            report.skip(None, photo, None, Kind::Unfinished, text);
        }
        if document.objects.is_empty() && document.state != PhotoState::Done {
            continue;
        }
        let mut job = job(photo, names.of_photo(photo), document, &mut classes, &mut report);
        report.photos += 1;
        if settings.photos {
            job.copy = photos::write(&job, folder, &mut files, &mut report)?;
        }
        if document.photo.orientation > 1 && job.copy.is_none() {
            let text = format!(
                "it is stored turned (EXIF orientation {}); what is written is of the photo as it \
                 is seen, and programs that ignore EXIF need an upright copy (write the photos too)",
                document.photo.orientation
            );
            report.alter(None, photo, None, Kind::Turned, text);
        }
        for format in &settings.formats {
            match format {
                Format::Coco => coco.add(&job, settings, &mut report),
                Format::Labelme => labelme::write(&job, folder, settings, &mut files, &mut report)?,
                Format::Yolo => {
                    // A copy is called as its labels are.
                    let is_odd = names.keeps_ending(photo) && job.copy.is_none();
                    yolo.add(&job, is_odd, settings, &mut files, &mut report)?;
                }
                Format::Ids => pictures::ids(&job, settings, &mut files, &mut report)?,
                Format::Classes => pictures::classes(&job, &mut files, &mut report)?,
                Format::Objects => pictures::objects(&job, &mut files, &mut report)?,
                Format::Cutouts => {
                    pictures::cutouts(&job, folder, settings, &mut files, &mut report)?;
                }
            }
        }
    }
    if report.photos == 0 {
        let reason = report.skipped.first().map(|entry| format!(" ({entry})")).unwrap_or_default();
        return Err(Error::Refused(format!(
            "nothing to export: no photo in {} has objects or is done{reason}",
            printable(&folder.root().display().to_string())
        )));
    }
    if settings.formats.contains(&Format::Coco) {
        coco.write(&classes, &mut files, &mut report)?;
    }
    if settings.formats.contains(&Format::Yolo) {
        yolo.write(&classes, &mut files, &mut report)?;
    }
    let listing = [Format::Yolo, Format::Classes, Format::Objects];
    if settings.formats.iter().any(|format| listing.contains(format)) {
        write::class_list(&classes, &mut files)?;
    }
    report.files = files.count();
    go_on(photos.len(), photos.len());
    Ok(report)
}

/// What of a document is exported.
fn job<'a, 'p: 'a>(
    photo: &'a PhotoPath,
    name: &'a str,
    document: &'a Document,
    classes: &mut Classes<'p>,
    report: &mut Report,
) -> Job<'a> {
    let mut objects = Vec::new();
    for (object, place) in document.objects.iter().map(Arc::as_ref).zip(1..) {
        if object.mask.is_empty() {
            report.skip(None, photo, Some(object.id), Kind::Empty, "its mask has no pixels");
            continue;
        }
        objects.push(Item { object, place, class: classes.of_object(object) });
    }
    Job { photo, name, document, objects, copy: None }
}

impl Report {
    pub(crate) fn skip(
        &mut self,
        format: Option<Format>,
        photo: &PhotoPath,
        object: Option<u64>,
        kind: Kind,
        text: impl Into<String>,
    ) {
        let (photo, text) = (photo.as_str().to_owned(), text.into());
        self.skipped.push(Entry { format, photo, object, kind, text });
    }

    fn alter(
        &mut self,
        format: Option<Format>,
        photo: &PhotoPath,
        object: Option<u64>,
        kind: Kind,
        text: impl Into<String>,
    ) {
        let (photo, text) = (photo.as_str().to_owned(), text.into());
        self.altered.push(Entry { format, photo, object, kind, text });
    }

    /// An object that is written, with a word on its class where it has none.
    fn wrote(&mut self, format: Format, job: &Job<'_>, item: &Item<'_>) {
        self.objects += 1;
        if item.class.is_given {
            let text = format!("it has no class and is written as \"{UNNAMED}\"");
            self.alter(Some(format), job.photo, Some(item.object.id), Kind::NoClass, text);
        }
    }
}

/// Makes a folder and those that it lies in.
fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path)
        .map_err(|source| Error::Write { file: printable(&path.display().to_string()), source })
}
