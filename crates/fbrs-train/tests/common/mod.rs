//! Runs of a tiny network.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fbrs::CancelToken;
use fbrs_models::ParameterSource;
use fbrs_train::config::{Config, DataSet, Layers};
use fbrs_train::{Data, Ended, Event, Training};
use fbrs_weights::{Checkpoint, ExtraKeys};
use image::{GrayImage, Luma, Rgb, RgbImage};

/// Photos with one or two bright discs on a dark ground, and their masks.
pub(crate) fn photos(folder: &Path, count: u32, radius: f64) {
    for name in ["images", "masks"] {
        std::fs::create_dir_all(folder.join(name)).unwrap();
    }
    for number in 0..count {
        let (x0, y0) = (30.0 + f64::from(number * 7 % 40), 30.0 + f64::from(number * 5 % 25));
        let is_inside = |x: u32, y: u32| {
            (f64::from(x) - x0).hypot(f64::from(y) - y0) < radius + f64::from(number % 4)
        };
        let texture = |x: u32, y: u32| ((x * 7 + y * 13 + number * 29) % 23) as u8;
        let photo = RgbImage::from_fn(110, 90, |x, y| match is_inside(x, y) {
            true => Rgb([190 + texture(x, y), 150, 60]),
            false => Rgb([40, 60 + texture(x, y), 90]),
        });
        photo.save(folder.join(format!("images/{number}.png"))).unwrap();
        let mask = GrayImage::from_fn(110, 90, |x, y| Luma([255 * u8::from(is_inside(x, y))]));
        mask.save(folder.join(format!("masks/{number}.png"))).unwrap();
    }
}

pub(crate) fn config(folder: &Path, values: &[&str]) -> Config {
    let mut layers = Layers::new().preset("tiny").set("run.device=cpu").set("data.hold_out=0.25");
    for value in values {
        layers = layers.set(value);
    }
    let mut config = layers.resolve().unwrap();
    config.run.root = folder.join("runs").display().to_string();
    let path = folder.join("data").display().to_string();
    let set = r#"kind = "folder""#;
    config.data.sets = vec![toml::from_str::<DataSet>(&format!("{set}\npath = '{path}'")).unwrap()];
    config
}

pub(crate) fn begin(config: &Config) -> Training {
    let data = Data::open(config, &|_, _, _| {}).unwrap();
    Training::begin(config.clone(), data).unwrap().0
}

/// Runs to the end, or until so many steps are made.
pub(crate) fn run(training: &mut Training, steps: Option<u64>) -> (Ended, Vec<f64>) {
    let stop = CancelToken::new();
    let mut losses = Vec::new();
    let ended = training.run(&stop, &mut |event| {
        if let Event::Step { steps: [done, _], loss, .. } = event {
            losses.push(loss);
            if steps.is_some_and(|steps| done >= steps) {
                stop.cancel();
            }
        }
    });
    (ended.unwrap(), losses)
}

/// All numbers of the last checkpoint.
pub(crate) fn weights(training: &Training) -> BTreeMap<String, Vec<u32>> {
    let folder = training.folder().join("checkpoints");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_weights = |path: &PathBuf| path.extension().is_some_and(|it| it == "safetensors");
    // Not what the run began with.
    let is_of_epoch = |path: &PathBuf| !path.ends_with("before.safetensors");
    let last = names.filter(|path| is_weights(path) && is_of_epoch(path)).max();
    let mut checkpoint = Checkpoint::open(last.unwrap(), ExtraKeys::Refuse).unwrap();
    let tensors = checkpoint.tensors().to_vec();
    let bits = tensors.into_iter().map(|tensor| {
        let values = checkpoint.read(&tensor.name, &tensor.shape).unwrap();
        (tensor.name, values.into_iter().map(f32::to_bits).collect())
    });
    bits.collect()
}

pub(crate) fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    photos(&path.join("data"), 8, 18.0);
    (folder, path)
}
