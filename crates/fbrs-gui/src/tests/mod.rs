//! The annotator without a screen: its desk, and its window with nobody drawing it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod crashes;
mod desk;
mod window;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fbrs::{CancelToken, DeviceChoice, Options, Photo, Position};
use fbrs_annotation::{Mask, shape};
use image::{Rgb, RgbImage};
use tempfile::TempDir;

use crate::desk::{Desk, Setup};
use crate::engine::{
    Answered, Answerer, Choice, Cost, Load, Networks, PhotoKey, Progress, Ready, Unanswered, Wanted,
};

/// What a scripted engine does with each click, in turn; the last goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Does {
    /// Answers at once: discs around positive clicks, without those around negative ones.
    Answers,
    /// Searches until it is called off.
    Searches,
    /// Hangs, whatever is called off, for milliseconds.
    Hangs(u64),
    Panics,
    /// Refuses, with a sentence.
    Refuses,
}

/// Engines that do as they are told.
pub(super) struct Script {
    pub(super) does: Vec<Does>,
    pub(super) steps: Arc<AtomicUsize>,
    pub(super) loads: Arc<AtomicUsize>,
}

struct Scripted {
    does: Vec<Does>,
    steps: Arc<AtomicUsize>,
    choice: Choice,
}

/// Radius of a scripted answer.
pub(super) const RADIUS: f64 = 12.0;

/// What a scripted engine answers.
pub(super) fn scripted(wanted: &Wanted, clicks: usize) -> Mask {
    let size = wanted.photo.size();
    let start = wanted.start.clone().unwrap_or_else(|| Mask::empty(size));
    let all = wanted.parts.iter().flatten().chain(wanted.clicks.iter().take(clicks));
    all.fold(start, |mask, click| {
        let disc = shape::stroke(size, &[click.position], RADIUS);
        if click.is_positive() { mask.union(&disc) } else { mask.without(&disc) }
    })
}

impl Load for Script {
    fn load(
        &mut self,
        choice: &Choice,
        on_progress: &mut dyn FnMut(f32),
    ) -> Result<Box<dyn Answerer>, String> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        on_progress(0.5);
        if choice.weights == "missing" {
            return Err("missing: no such weights".to_owned());
        }
        let (does, steps) = (self.does.clone(), self.steps.clone());
        Ok(Box::new(Scripted { does, steps, choice: choice.clone() }))
    }
}

impl Answerer for Scripted {
    fn ready(&self) -> Ready {
        Ready {
            choice: self.choice.clone(),
            network: "scripted".to_owned(),
            fingerprint: None,
            device: self.choice.device.to_string(),
            options: Options::default(),
            sees_mask: false,
        }
    }

    fn step(
        &mut self,
        wanted: &Wanted,
        token: &CancelToken,
        see: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Answered, Unanswered> {
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        let does = self.does.get(step).or(self.does.last()).copied().unwrap_or(Does::Answers);
        let clicks = wanted.clicks.len();
        let mask = || scripted(wanted, clicks);
        match does {
            Does::Answers => {}
            Does::Searches => {
                for evaluation in 1.. {
                    if token.is_cancelled() {
                        return Err(Unanswered::Cancelled);
                    }
                    let click = clicks.saturating_sub(1);
                    see(Progress::Live { click, evaluation, loss: Some(0.5), mask: &mask });
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
            Does::Hangs(time) => std::thread::sleep(Duration::from_millis(time)),
            Does::Panics => panic!("a driver fell over"),
            Does::Refuses => {
                return Err(Unanswered::Problem("the device has no memory left".to_owned()));
            }
        }
        let cost = Cost { time: Duration::from_millis(1), evaluations: 1, ending: None };
        let (revision, mask) = (wanted.revision, mask());
        Ok(Answered { revision, mask, clicks, cost: Some(cost), by_time: false })
    }

    fn put_aside(&mut self, _: PhotoKey) {}

    fn prepare(&mut self, _: PhotoKey, _: &Photo, _: &Options, _: &CancelToken) {}

    fn close(&mut self, _: PhotoKey) {}
}

/// A folder of small photos, and a place for settings beside it.
pub(super) struct Place {
    pub(super) folder: TempDir,
    pub(super) settings: TempDir,
}

impl Place {
    pub(super) fn new(photos: &[&str]) -> Self {
        let place =
            Self { folder: tempfile::tempdir().unwrap(), settings: tempfile::tempdir().unwrap() };
        for (number, name) in photos.iter().enumerate() {
            let path = place.path(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            photo(number as u8).save(path).unwrap();
        }
        place
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A desk with this folder open and a scripted engine.
    pub(super) fn desk(&self, does: &[Does]) -> Desk {
        let (steps, loads) = (Arc::default(), Arc::default());
        self.desk_with(Box::new(Script { does: does.to_vec(), steps, loads }), "default")
    }

    /// A desk with the built-in network.
    pub(super) fn desk_with_network(&self) -> Desk {
        self.desk_with(Box::new(Networks), "default")
    }

    pub(super) fn desk_with(&self, load: Box<dyn Load>, weights: &str) -> Desk {
        let mut desk = Desk::new(Setup {
            load,
            weights: Some(weights.to_owned()),
            device: Some(DeviceChoice::Cpu),
            settings: Some(self.settings.path().join("annotator.json")),
            output: None,
            wake: Arc::new(|| ()),
        });
        desk.open_paths(&[self.folder.path().to_owned()]);
        desk
    }
}

/// A dark photo with a bright box.
pub(super) fn photo(number: u8) -> RgbImage {
    RgbImage::from_fn(160, 120, |x, y| {
        let inside = (40..110).contains(&x) && (30..90).contains(&y);
        let shade = ((x * 7 + y * 13) % 16) as u8;
        Rgb(if inside { [210, 150 + shade, 60 + number] } else { [30 + shade, 50, 70] })
    })
}

/// Hears what happens until something holds.
pub(super) fn until(desk: &mut Desk, what: &str, holds: impl Fn(&Desk) -> bool) {
    let begin = Instant::now();
    while !holds(desk) {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "{what} never came; said was {:?}",
            desk.messages
        );
        std::thread::sleep(Duration::from_millis(2));
        desk.hear();
    }
}

/// Until a photo and the weights are there.
pub(super) fn until_open(desk: &mut Desk) {
    until(desk, "the photo", |desk| desk.annotation().is_some() && desk.ready.is_some());
}

/// Until all clicks are answered.
pub(super) fn until_answered(desk: &mut Desk) {
    until(desk, "the answer", |desk| desk.current().is_none() || desk.is_settled());
}

pub(super) fn at(x: f64, y: f64) -> Position<fbrs::ImageSpace> {
    Position::at_xy(x, y)
}

/// The names of a folder's files, sorted.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
