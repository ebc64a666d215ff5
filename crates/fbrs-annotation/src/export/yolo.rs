//! YOLO's labels: a file for each photo, and what training needs beside.

use std::io::Write;

use fbrs_data::annotations::yolo::{self, Line};
use sha2::{Digest, Sha256};

use super::classes::Classes;
use super::outline::{Placed, count, filled};
use super::simplify::{simplified, tell_loss};
use super::write::{Files, check_classes};
use super::{Format, Job, Kind, Report, Settings, photos};
use crate::error::Result;

/// The photos of either list.
#[derive(Debug, Default)]
pub(super) struct Export {
    train: Vec<String>,
    validation: Vec<String>,
}

impl Export {
    /// `is_odd` tells that the labels are called otherwise than YOLO programs look for.
    pub(super) fn add(
        &mut self,
        job: &Job<'_>,
        is_odd: bool,
        settings: &Settings,
        files: &mut Files,
        report: &mut Report,
    ) -> Result<()> {
        let size = job.document.size();
        let mut lines = Vec::new();
        for item in &job.objects {
            let (object, id) = (item.object, Some(item.object.id));
            let Some(outline) = Placed::of(&object.mask) else { continue };
            let (holes, parts) = (outline.holes(), outline.parts());
            let Some(path) = outline.joined() else { continue };
            if holes > 0 {
                let text = format!(
                    "it has {}, which lines there and back join to the outline: programs that \
                     fill polygons leave them out",
                    count(holes, "hole")
                );
                report.alter(Some(Format::Yolo), job.photo, id, Kind::Holes, text);
            }
            if parts > 1 {
                let added = filled(&path, size).area().saturating_sub(object.mask.area());
                let text = format!(
                    "it has {}, joined by lines to one polygon, which has {} more",
                    count(parts, "part"),
                    count(usize::try_from(added).unwrap_or(0), "pixel")
                );
                report.alter(Some(Format::Yolo), job.photo, id, Kind::Parts, text);
            }
            let path = simplified(&path, settings.tolerance, f64::from);
            if settings.tolerance > 0.0 {
                tell_loss(Format::Yolo, job, item, &filled(&path, size), report);
            }
            lines.push(Line::through(item.class.id.saturating_sub(1), &path, size));
            report.wrote(Format::Yolo, job, item);
        }
        if is_odd {
            let text = format!(
                "its labels are called {}.txt: YOLO programs look for a name without the photo's \
                 ending; rename the photo",
                job.name
            );
            report.alter(Some(Format::Yolo), job.photo, None, Kind::Name, text);
        }
        // Programs turn the last "images" of a photo's path to "labels".
        if job.photo.as_str().split('/').rev().skip(1).any(|folder| folder == photos::FOLDER) {
            let text = "it lies in a folder \"images\", within which YOLO programs look for a folder \
                        \"labels\": rename that folder";
            report.alter(Some(Format::Yolo), job.photo, None, Kind::Name, text);
        }
        let list = match is_validation(job.photo.as_str(), settings.validation) {
            true => &mut self.validation,
            false => &mut self.train,
        };
        let photo = match &job.copy {
            Some(copy) => format!("./{copy}"),
            None => format!("./{}/{}", photos::FOLDER, job.photo.as_str()),
        };
        list.push(photo);
        files.write(&format!("labels/{}.txt", job.name), |out| yolo::write(&lines, out))
    }

    pub(super) fn write(
        self,
        classes: &Classes<'_>,
        files: &mut Files,
        report: &mut Report,
    ) -> Result<()> {
        check_classes(classes)?;
        let names = classes.by_place();
        files.write("data.yaml", |out| {
            writeln!(out, "path: \"\" # the folder of this file")?;
            writeln!(out, "train: train.txt\nval: val.txt\nnames:")?;
            // A text of JSON is one of YAML.
            let mut names = names.iter().enumerate();
            names.try_for_each(|(place, name)| {
                writeln!(out, "  {place}: {}", serde_json::to_string(name)?)
            })
        })?;
        for (name, list) in [("train.txt", &self.train), ("val.txt", &self.validation)] {
            files.write(name, |out| list.iter().try_for_each(|photo| writeln!(out, "{photo}")))?;
        }
        if !files.canonical().join("images").is_dir() {
            report.remarks.push(
                "yolo: training looks for the photos in a folder \"images\" beside \"labels\": write \
                 the photos too, or put their folder or a link to it there"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

/// Whether a photo is for validation: by its name alone, so that it stays there.
fn is_validation(name: &str, share: u8) -> bool {
    let hash = Sha256::digest(name.as_bytes());
    let first = hash.iter().take(8).fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    first % 100 < u64::from(share)
}
