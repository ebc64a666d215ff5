use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::options::{SetOptions, Split};
use super::{TrainingSet, ade20k, coco, combined, evaluation, folder, lvis, mixed, openimages};
use super::{panoptic, sbd, voc};
use crate::error::{Error, Result};
use crate::sets::root::{few, layout_error, names_in};
use crate::sets::{CocoOptions, DataName, Layout, Problem};
use crate::text::printable;

/// How the files of a set to learn from are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `images` and `masks`: people's own data.
    Folder,
    /// A file of COCO instances.
    Coco,
    /// SBD: `img`, `inst`, `train.txt`, `val.txt`.
    Sbd,
    /// COCO and LVIS combined: `train/combined.json` or `train/hannotation.pickle`.
    CocoLvis,
    /// LVIS: `train/lvis_train.json`, `train/images`.
    Lvis,
    /// COCO panoptic: `annotations/panoptic_train2017.json`, `train2017`.
    CocoPanoptic,
    /// ADE20K: `images/training`.
    Ade20k,
    /// OpenImages: `train/images`, `train/masks`.
    Openimages,
    /// Pascal VOC: `JPEGImages`, `SegmentationObject`.
    Voc,
    /// GrabCut: `data_GT`, `boundary_GT`.
    Grabcut,
    /// Berkeley: `images`, `masks`.
    Berkeley,
    /// DAVIS: `img`, `gt`.
    Davis,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 12] = [
        Self::Folder,
        Self::Coco,
        Self::Sbd,
        Self::CocoLvis,
        Self::Lvis,
        Self::CocoPanoptic,
        Self::Ade20k,
        Self::Openimages,
        Self::Voc,
        Self::Grabcut,
        Self::Berkeley,
        Self::Davis,
    ];

    /// Its name in `KIND:PATH`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::Coco => "coco",
            Self::Sbd => "sbd",
            Self::CocoLvis => "coco-lvis",
            Self::Lvis => "lvis",
            Self::CocoPanoptic => "coco-panoptic",
            Self::Ade20k => "ade20k",
            Self::Openimages => "openimages",
            Self::Voc => "voc",
            Self::Grabcut => "grabcut",
            Self::Berkeley => "berkeley",
            Self::Davis => "davis",
        }
    }

    /// Whether it has a part for training and one for validation of its own.
    pub fn has_splits(self) -> bool {
        !matches!(self, Self::Folder | Self::Coco | Self::Grabcut | Self::Berkeley | Self::Davis)
    }

    /// The kind of what lies at a path, by the names in it.
    ///
    /// # Errors
    /// [`Error::Layout`] where it is none, with what was expected; [`Error::List`].
    pub fn recognize(path: &Path) -> Result<Self> {
        if path.is_file() {
            let is_json = path.extension().is_some_and(|it| it.eq_ignore_ascii_case("json"));
            let reason = "it is a file, expected a folder or the JSON of COCO instances";
            return if is_json { Ok(Self::Coco) } else { Err(layout_error(path, reason)) };
        }
        let there = names_in(path)?;
        let has = |names: &[&str]| names.iter().all(|name| path.join(name).exists());
        let any = |find: &dyn Fn(Split) -> bool| find(Split::Train) || find(Split::Val);
        let found = match () {
            () if has(&["img", "inst"]) => Self::Sbd,
            () if any(&|split| combined::file(path, split.name()).is_some()) => Self::CocoLvis,
            () if any(&|split| lvis::file(path, split).is_some()) => Self::Lvis,
            () if any(&|split| panoptic::file(path, split).is_some()) => Self::CocoPanoptic,
            () if any(&|split| openimages::table(path, split).is_some()) => Self::Openimages,
            () if has(&["JPEGImages", "SegmentationObject"]) => Self::Voc,
            () if has(&["images", "masks"]) => Self::Folder,
            () if any(&|split| ade20k::folder(path, split).is_dir()) => Self::Ade20k,
            () if has(&["data_GT", "boundary_GT"]) => Self::Grabcut,
            () if has(&["img", "gt"]) => Self::Davis,
            () => {
                let there = if there.is_empty() { "nothing".to_owned() } else { few(&there) };
                return Err(layout_error(
                    path,
                    format!(
                        "it is laid out as no kind of data that is known: expected the folders \
                         images and masks in it, found {there}; of COCO instances name the JSON \
                         file, of a known data set the kind: KIND:PATH, one of {}",
                        kinds()
                    ),
                ));
            }
        };
        Ok(found)
    }
}

fn kinds() -> String {
    Kind::ALL.map(Kind::name).join(", ")
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which data to learn from: `[KIND:]PATH[=SHARE]`.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingName {
    /// Its kind; `None` to recognize it.
    pub kind: Option<Kind>,
    /// Its folder; for COCO instances the file.
    pub path: PathBuf,
    /// How often it is drawn from, compared with the other sets.
    pub share: Option<f64>,
}

impl FromStr for TrainingName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |reason: String| Error::Name { text: printable(text), reason };
        // A path that is there is meant, whatever it holds.
        let (rest, share) = match text.rsplit_once('=') {
            Some((rest, share)) if !Path::new(text).exists() => match share.trim().parse::<f64>() {
                Ok(share) if share.is_finite() && share > 0.0 => (rest, Some(share)),
                Ok(_) => return Err(wrong("its share is a number above 0".to_owned())),
                Err(_) => (text, None),
            },
            _ => (text, None),
        };
        let named = rest.split_once(':').and_then(|(kind, path)| {
            let plain = kind.to_ascii_lowercase().replace('_', "-");
            let kind = Kind::ALL.into_iter().find(|known| known.name() == plain)?;
            Some((kind, path))
        });
        let (kind, path) = match named {
            Some((kind, path)) => (Some(kind), path),
            None => (None, rest),
        };
        // One letter before a colon is a drive.
        if kind.is_none() && !Path::new(path).exists() {
            let before = path.split_once(':').map(|(before, _)| before);
            if before.is_some_and(|word| word.len() > 1 && !word.contains(['/', '\\', '.'])) {
                return Err(wrong(format!("KIND in KIND:PATH is one of {}", kinds())));
            }
        }
        if path.is_empty() {
            return Err(wrong("there is no path".to_owned()));
        }
        Ok(Self { kind, path: path.into(), share })
    }
}

impl fmt::Display for TrainingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(kind) = self.kind {
            write!(f, "{kind}:")?;
        }
        f.write_str(&printable(&self.path.display().to_string()))?;
        self.share.map_or(Ok(()), |share| write!(f, "={share}"))
    }
}

impl TrainingName {
    /// Lists the photos.
    ///
    /// # Errors
    /// [`Error`] where it is not laid out as it should be, or cannot be listed.
    pub fn open(&self, options: &SetOptions) -> Result<Arc<dyn TrainingSet>> {
        if !(0.0..=1.0).contains(&options.stuff) {
            let reason =
                format!("stuff is asked for as {}: a probability is 0 to 1", options.stuff);
            return Err(layout_error(&self.path, reason));
        }
        let path = self.path.as_path();
        let kind = match self.kind {
            Some(kind) => kind,
            None => Kind::recognize(path)?,
        };
        let evaluated = |layout| {
            let data = DataName { layout, path: self.path.clone() };
            let opened = data.open(&CocoOptions::default())?;
            Ok::<_, Error>(Arc::new(evaluation::Evaluation::new(opened)))
        };
        Ok(match kind {
            Kind::Folder => Arc::new(folder::Folder::open(path)?),
            Kind::Coco => Arc::new(coco::Coco::open(path, options)?),
            Kind::Sbd => Arc::new(sbd::Sbd::open(path, options)?),
            Kind::CocoLvis => Arc::new(combined::Combined::open(path, options)?),
            Kind::Lvis => Arc::new(lvis::Lvis::open(path, options)?),
            Kind::CocoPanoptic => Arc::new(panoptic::Panoptic::open(path, options)?),
            Kind::Ade20k => Arc::new(ade20k::Ade20k::open(path, options)?),
            Kind::Openimages => Arc::new(openimages::OpenImages::open(path, options)?),
            Kind::Voc => Arc::new(voc::Voc::open(path, options)?),
            Kind::Grabcut => evaluated(Layout::GrabCut)?,
            Kind::Berkeley => evaluated(Layout::Berkeley)?,
            Kind::Davis => evaluated(Layout::Davis)?,
        })
    }
}

/// Several sets as one: in proportion where they have shares, else one after the other.
///
/// # Errors
/// As [`super::Mixed`]; where some sets have a share and some have none.
pub fn mix(
    sets: Vec<(Arc<dyn TrainingSet>, Option<f64>)>,
) -> Result<Arc<dyn TrainingSet>, Problem> {
    let count = sets.len();
    let with_share = sets.iter().filter(|(_, share)| share.is_some()).count();
    if with_share > 0 && with_share < count {
        return Err(Problem::new(
            "some sets have a share and some have none: give it to all or none",
        ));
    }
    let mut sets = sets;
    if count == 1 {
        // Its share is all there is.
        if let Some((set, _)) = sets.pop() {
            return Ok(set);
        }
    }
    Ok(Arc::new(match with_share {
        0 => mixed::Mixed::joined(sets.into_iter().map(|(set, _)| set).collect())?,
        _ => {
            let share = |(set, share): (_, Option<f64>)| (set, share.unwrap_or(0.0));
            mixed::Mixed::in_proportion(sets.into_iter().map(share).collect())?
        }
    }))
}
