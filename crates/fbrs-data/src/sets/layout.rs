use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{CocoOptions, DataSet, ObjectKey};
use super::{berkeley, coco, davis, folder, grabcut, sbd};
use crate::error::{Error, Result};
use crate::text::printable;

/// How the files of a data set are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// GrabCut: `data_GT`, `boundary_GT`.
    GrabCut,
    /// Berkeley: `images`, `masks`.
    Berkeley,
    /// DAVIS: `img`, `gt`.
    Davis,
    /// COCO_MVal: laid out as DAVIS.
    CocoMval,
    /// SBD: `img`, `inst`, `val.txt`.
    Sbd,
    /// `images` and `masks` with 0/255 or label numbers.
    Folder,
    /// A file of COCO instances.
    Coco,
}

impl Layout {
    /// All layouts.
    pub const ALL: [Self; 7] = [
        Self::GrabCut,
        Self::Berkeley,
        Self::Davis,
        Self::CocoMval,
        Self::Sbd,
        Self::Folder,
        Self::Coco,
    ];

    /// Its name in `KIND=PATH`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::GrabCut => "grabcut",
            Self::Berkeley => "berkeley",
            Self::Davis => "davis",
            Self::CocoMval => "coco-mval",
            Self::Sbd => "sbd",
            Self::Folder => "folder",
            Self::Coco => "coco",
        }
    }

    /// The published data set of this layout; `None` for layouts of people's own data.
    pub fn published_name(self) -> Option<&'static str> {
        match self {
            Self::GrabCut => Some("GrabCut"),
            Self::Berkeley => Some("Berkeley"),
            Self::Davis => Some("DAVIS"),
            Self::CocoMval => Some("COCO_MVal"),
            Self::Sbd => Some("SBD"),
            Self::Folder | Self::Coco => None,
        }
    }

    /// Longer side of the zoom-in crop in the published evaluation.
    pub fn published_zoom_size(self) -> usize {
        if self == Self::Davis { 600 } else { 400 }
    }
}

/// Which data set: `KIND=PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataName {
    /// Its layout.
    pub layout: Layout,
    /// Its folder; for COCO instances the file.
    pub path: PathBuf,
}

impl FromStr for DataName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |reason: String| Error::Name { text: printable(text), reason };
        let kinds = || Layout::ALL.map(Layout::kind).join(", ");
        let Some((kind, path)) = text.split_once('=') else {
            return Err(wrong(format!("expected KIND=PATH, KIND one of {}", kinds())));
        };
        let plain = kind.to_ascii_lowercase().replace('_', "-");
        let layout = Layout::ALL.into_iter().find(|layout| layout.kind() == plain);
        let layout = layout.ok_or_else(|| wrong(format!("KIND is one of {}", kinds())))?;
        if path.is_empty() {
            return Err(wrong("there is no path".to_owned()));
        }
        Ok(Self { layout, path: path.into() })
    }
}

impl DataName {
    /// Lists the data set's objects.
    ///
    /// # Errors
    /// [`Error`] where it is not laid out as it should be, or cannot be listed.
    pub fn open(&self, coco: &CocoOptions) -> Result<OpenedData> {
        let path = self.path.as_path();
        let set: Box<dyn DataSet> = match self.layout {
            Layout::GrabCut => Box::new(grabcut::open(path)?),
            Layout::Berkeley => Box::new(berkeley::open(path)?),
            Layout::Davis | Layout::CocoMval => Box::new(davis::open(path)?),
            Layout::Sbd => Box::new(sbd::Sbd::open(path)?),
            Layout::Folder => Box::new(folder::Folder::open(path)?),
            Layout::Coco => Box::new(coco::Coco::open(path, coco)?),
        };
        let objects = set.objects();
        let remarks = set.remarks();
        if objects.is_empty() {
            let remarks = remarks.iter().map(|remark| format!("; {remark}"));
            let reason = "there are no objects in it".to_owned() + &remarks.collect::<String>();
            return Err(Error::Layout { path: printable(&path.display().to_string()), reason });
        }
        let own_name = || path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let name = match self.layout.published_name() {
            Some(name) => name.to_owned(),
            None => own_name().unwrap_or_else(|| self.layout.kind().to_owned()),
        };
        Ok(OpenedData { name, layout: self.layout, objects, remarks, set })
    }
}

/// A data set, listed.
#[derive(Debug)]
pub struct OpenedData {
    /// Its name in tables.
    pub name: String,
    /// Its layout.
    pub layout: Layout,
    /// Its objects.
    pub objects: Vec<ObjectKey>,
    /// What a user ought to know of it, one sentence each: what was not looked at.
    pub remarks: Vec<String>,
    /// The data set itself.
    pub set: Box<dyn DataSet>,
}

/// Lists several data sets. Names are made unique by numbers.
///
/// # Errors
/// As [`DataName::open`].
pub fn open_all(names: &[DataName], coco: &CocoOptions) -> Result<Vec<OpenedData>> {
    let mut sets: Vec<OpenedData> = Vec::new();
    for name in names {
        let mut opened = name.open(coco)?;
        let plain = opened.name.clone();
        let mut number = 1usize;
        while sets.iter().any(|set| set.name == opened.name) {
            number = number.saturating_add(1);
            opened.name = format!("{plain} ({number})");
        }
        sets.push(opened);
    }
    Ok(sets)
}
