//! What a person chose, kept from one start to the next.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use fbrs::DeviceChoice;
use fbrs_data::files::{self, Destination};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::action::{Action, Chord};

/// A person's choices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub(crate) theme: Theme,
    /// Size of the window's texts and controls, in percent.
    pub(crate) scale: u32,
    /// How strongly masks cover the photo, from 0 to 1.
    pub(crate) opacity: f32,
    pub(crate) outlines: bool,
    /// Of the marks of clicks, in points.
    pub(crate) click_radius: f32,
    /// In pixels of the photo.
    pub(crate) brush_radius: f64,
    /// Whether finished objects leave out what others have.
    pub(crate) keep_out: bool,
    /// Whether the first hints were followed to their end.
    pub(crate) hints_done: bool,
    /// Weights and device that were chosen; `None` for those that the program starts with.
    pub(crate) weights: Option<String>,
    pub(crate) device: Option<DeviceChoice>,
    /// Folders that were open, the last one first.
    pub(crate) recent: Vec<PathBuf>,
    pub(crate) keys: Vec<(Action, Chord)>,
    /// Where the documents of folders are that were put elsewhere.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) documents: BTreeMap<PathBuf, PathBuf>,
    /// What this program does not know, kept as it was.
    #[serde(flatten)]
    pub(crate) extra: Map<String, Value>,
}

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Theme {
    /// As the system is.
    #[default]
    System,
    Light,
    Dark,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            scale: 100,
            opacity: 0.4,
            outlines: true,
            click_radius: 6.0,
            brush_radius: 12.0,
            keep_out: false,
            hints_done: false,
            weights: None,
            device: None,
            recent: Vec::new(),
            keys: Vec::new(),
            documents: BTreeMap::new(),
            extra: Map::new(),
        }
    }
}

/// Bytes of a file of settings.
const LONGEST: u64 = 1 << 20;

impl Settings {
    /// Where they are kept; `None` where the system has no place for them.
    pub(crate) fn usual_path() -> Option<PathBuf> {
        Some(dirs::config_dir()?.join("fbrs").join("annotator.json"))
    }

    /// Reads them. What cannot be read is as if it were not there: nobody's work is in it.
    pub(crate) fn read(path: Option<&Path>) -> Self {
        let text = path.and_then(|path| files::read_text(path, LONGEST).ok());
        let mut settings: Self =
            text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        settings.scale = settings.scale.clamp(75, 300);
        settings.opacity = if settings.opacity.is_finite() { settings.opacity } else { 0.4 };
        settings.opacity = settings.opacity.clamp(0.0, 1.0);
        settings.click_radius = settings.click_radius.clamp(3.0, 20.0);
        settings.brush_radius = settings.brush_radius.clamp(0.5, 2000.0);
        settings
    }

    pub(crate) fn write(&self, path: &Path) -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Destination::new(path)?.replace(|out| {
            serde_json::to_writer_pretty(&mut *out, self)?;
            out.write_all(b"\n")
        })
    }

    /// Puts a folder before all others that were open.
    pub(crate) fn remember(&mut self, folder: &Path) {
        self.recent.retain(|known| known != folder);
        self.recent.insert(0, folder.to_owned());
        self.recent.truncate(10);
    }
}
