use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use fbrs_clicks::Size;
use image::RgbImage;

use super::pairs::several;
use super::root::{Root, few, file_name, layout_error, stem};
use super::{DataSet, ObjectKey, Problem, Sample};
use crate::annotations::mat::{self, Instances};
use crate::annotations::{Label, Truth};
use crate::error::Result;
use crate::files;
use crate::text::printable;

/// Bytes that a list or an instance file may have; real ones have a hundredth of it.
const LIMIT: u64 = 16 << 20;
/// Endings that a list may give with its names.
const ENDINGS: [&str; 4] = [".jpg", ".jpeg", ".png", ".mat"];

/// SBD: photos in `img`, instances in `inst` (`.mat`, as [`mat`] reads them), names in `val.txt`.
/// Every instance is an object.
#[derive(Debug)]
pub(super) struct Sbd {
    listed: Listed,
    objects: Vec<(usize, Option<u16>)>,
}

/// The photos of one of SBD's lists.
#[derive(Debug)]
pub(crate) struct Listed {
    root: Root,
    inst: PathBuf,
    pub(crate) entries: Vec<Entry>,
    pub(crate) remarks: Vec<String>,
}

/// A name of the list.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    photo: Result<PathBuf, Problem>,
}

impl Entry {
    /// The photo's file name.
    pub(crate) fn image(&self) -> String {
        match &self.photo {
            Ok(photo) => file_name(photo),
            Err(_) => format!("{}.jpg", self.name),
        }
    }
}

impl Listed {
    /// The photos that a list names, in its order. No instances are read.
    pub(crate) fn open(path: &Path, list_name: &str) -> Result<Self> {
        let root = Root::open(path)?;
        let [img, inst] = root.folders(["img", "inst"])?;
        let list = path.join(list_name);
        root.check(&list, "list").map_err(|problem| layout_error(path, problem.to_string()))?;
        let text = files::read_text(&list, LIMIT)?;
        let photos = Root::list(&img)?;
        let mut by_stem: HashMap<String, Vec<PathBuf>> = HashMap::new();
        for photo in &photos.pictures {
            by_stem.entry(stem(photo)).or_default().push(photo.clone());
        }
        let mut listed = Self { root, inst, entries: Vec::new(), remarks: Vec::new() };
        let (mut known, mut twice) = (BTreeSet::new(), Vec::new());
        for name in text.lines().map(str::trim).filter(|name| !name.is_empty()) {
            let name = without_ending(name);
            let is_plain = !name.contains(['/', '\\', '\0']) && !name.starts_with('.');
            if !is_plain || name.len() > 255 {
                let reason =
                    format!("expected names without folders, found \"{}\"", printable(name));
                return Err(layout_error(&list, reason));
            }
            if !known.insert(name.to_owned()) {
                twice.push(name.to_owned());
                continue;
            }
            let photo = match by_stem.get(name).map(Vec::as_slice) {
                Some([photo]) => Ok(photo.clone()),
                Some(photos) => Err(Problem::new(
                    several(photos).to_string().replace("it has several masks", "several photos"),
                )),
                None => {
                    Err(Problem::new(format!("the photo img/{}.jpg is not there", printable(name))))
                }
            };
            listed.entries.push(Entry { name: name.to_owned(), photo });
        }
        if !twice.is_empty() {
            let names = few(&twice);
            let remark = format!("{list_name} has names twice, which count once: {names}");
            listed.remarks.push(remark);
        }
        Ok(listed)
    }

    pub(crate) fn instances(&self, entry: &Entry) -> Result<Instances, Problem> {
        let file = format!("{}.mat", entry.name);
        let path = self.inst.join(&file);
        if !path.is_file() {
            let file = printable(&file);
            return Err(Problem::new(format!("it has no mask: inst/{file} is not there")));
        }
        let bytes = self.root.read_bytes(&path, LIMIT)?;
        mat::read(&bytes)
            .map_err(|error| Problem::new(format!("the mask {}: {error}", printable(&file))))
    }

    pub(crate) fn photo(&self, entry: &Entry) -> Result<RgbImage, Problem> {
        let photo = entry.photo.as_ref().map_err(Clone::clone)?;
        Ok(self.root.read_photo(photo)?.into_rgb8())
    }
}

impl Sbd {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let listed = Listed::open(path, "val.txt")?;
        let mut objects = Vec::new();
        for (index, entry) in listed.entries.iter().enumerate() {
            // An unreadable file is listed as one object: reading it says what is wrong.
            let instances: BTreeSet<u16> = match listed.instances(entry) {
                Ok(instances) => instances.numbers.into_iter().filter(|id| *id > 0).collect(),
                Err(_) => BTreeSet::new(),
            };
            match instances.is_empty() {
                true => objects.push((index, None)),
                false => objects.extend(instances.into_iter().map(|id| (index, Some(id)))),
            }
        }
        Ok(Self { listed, objects })
    }
}

/// A name without the ending of a photo or of an instance file.
fn without_ending(name: &str) -> &str {
    let cut = |ending: &&str| {
        let at = name.len().checked_sub(ending.len())?;
        let found = name.get(at..)?.eq_ignore_ascii_case(ending);
        name.get(..at).filter(|rest| found && !rest.is_empty())
    };
    ENDINGS.iter().find_map(cut).unwrap_or(name)
}

impl DataSet for Sbd {
    fn objects(&self) -> Vec<ObjectKey> {
        let key = |(index, object): &(usize, Option<u16>)| {
            let image = self.listed.entries.get(*index)?.image();
            Some(ObjectKey { image, object: object.map(u64::from) })
        };
        self.objects.iter().filter_map(key).collect()
    }

    fn read(&self, number: usize) -> Result<Sample, Problem> {
        let object = self.objects.get(number);
        let (index, id) = object.ok_or_else(Problem::no_such_object)?;
        let entry = self.listed.entries.get(*index).ok_or_else(Problem::no_such_object)?;
        let instances = self.listed.instances(entry)?;
        let label = |number: &u16| Label::object_where(Some(*number) == *id);
        let labels = instances.numbers.iter().map(label).collect();
        let size = Size { height: instances.rows, width: instances.cols };
        let truth = Truth::new(size, labels);
        let truth = truth.ok_or_else(|| Problem::new("the mask cannot be understood"))?;
        Sample::new(self.listed.photo(entry)?, truth)
    }

    fn remarks(&self) -> Vec<String> {
        self.listed.remarks.clone()
    }
}
