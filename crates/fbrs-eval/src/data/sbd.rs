use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use fbrs::Size;

use super::mat::{Matrix, first_field};
use super::{DataSet, ObjectKey, Problem, Sample, data_error, files};
use crate::error::Result;
use crate::truth::{Label, Truth};

/// Bytes that a list or an instance file may have; real ones have a hundredth of it.
const LIMIT: u64 = 64 << 20;

/// SBD: photos in `img` (`.jpg`), instances in `inst` (`.mat`, MATLAB v5: struct `GTinst`, whose
/// first field holds instance numbers), names in `val.txt`. Every instance is an object.
#[derive(Debug)]
pub(super) struct Sbd {
    folder: PathBuf,
    objects: Vec<(String, Option<u64>)>,
}

impl Sbd {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let list = path.join("val.txt");
        let names = String::from_utf8(files::read_bytes(&list, LIMIT)?)
            .map_err(|_| data_error(&list, "expected a list of names, one a line"))?;
        let mut set = Self { folder: path.to_owned(), objects: Vec::new() };
        for name in names.lines().map(str::trim).filter(|name| !name.is_empty()) {
            let is_plain = !name.contains(['/', '\\']) && !name.starts_with('.');
            if !is_plain {
                let reason = format!("expected names without folders, found \"{name}\"");
                return Err(data_error(&list, reason));
            }
            // An unreadable file is listed as one object: reading it says what is wrong.
            let instances: BTreeSet<_> = match set.instances(name) {
                Ok(matrix) => matrix.values.into_iter().filter(|id| *id > 0).collect(),
                Err(_) => BTreeSet::new(),
            };
            match instances.is_empty() {
                true => set.objects.push((name.to_owned(), None)),
                false => set
                    .objects
                    .extend(instances.into_iter().map(|id| (name.to_owned(), Some(u64::from(id))))),
            }
        }
        Ok(set)
    }

    fn instances(&self, name: &str) -> Result<Matrix, Problem> {
        let path = self.folder.join("inst").join(format!("{name}.mat"));
        let wrong = |reason: &str| Problem::new(format!("the mask {name}.mat: {reason}"));
        if !path.is_file() {
            return Err(Problem::new("it has no mask"));
        }
        let bytes = files::read_bytes(&path, LIMIT).map_err(|error| wrong(&error.to_string()))?;
        first_field(&bytes, "GTinst").map_err(|reason| wrong(&reason))
    }
}

impl DataSet for Sbd {
    fn objects(&self) -> Vec<ObjectKey> {
        let key = |(name, object): &(String, Option<u64>)| ObjectKey {
            image: format!("{name}.jpg"),
            object: *object,
        };
        self.objects.iter().map(key).collect()
    }

    fn read(&self, number: usize) -> Result<Sample, Problem> {
        let object = self.objects.get(number);
        let (name, id) = object.ok_or_else(|| Problem::new("there is no such object"))?;
        let instances = self.instances(name)?;
        let is_object = |value: &u32| Some(u64::from(*value)) == *id;
        let labels = instances.values.iter().map(|id| Label::object_where(is_object(id)));
        let size = Size { height: instances.rows, width: instances.cols };
        let truth = Truth::new(size, labels.collect());
        let truth = truth.ok_or_else(|| Problem::new("the mask cannot be understood"))?;
        let photo = self.folder.join("img").join(format!("{name}.jpg"));
        Sample::new(files::read_photo(&photo)?, truth)
    }
}
