//! Every layout, on the data sets of `tests/golden/datasets` (`tools/write_eval_datasets.py`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use fbrs_data::annotations::Label;
use fbrs_data::sets::{CocoOptions, DataName, OpenedData, Sample, open_all};

const WIDTH: usize = 64;
const HEIGHT: usize = 48;

fn datasets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/datasets")
}

fn open(name: &str) -> OpenedData {
    open_with(name, &CocoOptions::default())
}

fn open_with(name: &str, coco: &CocoOptions) -> OpenedData {
    let (kind, path) = name.split_once('=').unwrap();
    let name = format!("{kind}={}", datasets().join(path).display());
    open_all(&[name.parse().unwrap()], coco).unwrap().remove(0)
}

fn keys(data: &OpenedData) -> Vec<String> {
    data.objects.iter().map(ToString::to_string).collect()
}

/// The shapes that the data sets are made of.
fn left(row: f64, col: f64) -> bool {
    ((row - 22.0) / 13.0).powi(2) + ((col - 18.0) / 11.0).powi(2) <= 1.0
}

fn right(row: f64, col: f64) -> bool {
    (10.0..34.0).contains(&row) && (38.0..58.0).contains(&col)
}

fn low(row: f64, col: f64) -> bool {
    ((row - 40.0) / 6.0).powi(2) + ((col - 32.0) / 20.0).powi(2) <= 1.0
}

fn assert_is(sample: &Sample, shape: impl Fn(f64, f64) -> bool) {
    assert_eq!(sample.photo.dimensions(), (WIDTH as u32, HEIGHT as u32));
    for (index, label) in sample.truth.labels().iter().enumerate() {
        let (row, col) = (index / WIDTH, index % WIDTH);
        let expected = shape(row as f64, col as f64);
        assert_eq!(*label == Label::Object, expected, "row {row}, col {col}");
    }
}

#[test]
fn grabcut_and_berkeley_ignore_the_edge() {
    for (name, ending) in [("grabcut=grabcut", "GrabCut"), ("berkeley=berkeley", "Berkeley")] {
        let data = open(name);
        assert_eq!(data.name, ending);
        assert_eq!(keys(&data), ["shape0.jpg", "shape1.jpg"]);
        let first = data.set.read(0).unwrap();
        assert_is(&first, left);
        assert_is(&data.set.read(1).unwrap(), right);
        let ignored = |label: &&Label| **label == Label::Ignore;
        assert!(first.truth.labels().iter().filter(ignored).count() > 40);
        assert_eq!(first.truth.labels()[22 * WIDTH + 18 + 12], Label::Ignore);
    }
}

#[test]
fn davis_and_coco_mval_take_any_channel() {
    for name in ["davis=davis", "coco_mval=coco_mval"] {
        let data = open(name);
        assert_eq!(keys(&data), ["00000.jpg", "00001.jpg"]);
        assert_is(&data.set.read(0).unwrap(), left);
        assert_is(&data.set.read(1).unwrap(), low);
    }
}

#[test]
fn sbd_is_read_in_the_order_of_its_list() {
    let data = open("sbd=sbd");
    let expected =
        ["2008_000002.jpg object 1", "2008_000002.jpg object 2", "2008_000001.jpg object 1"];
    assert_eq!(keys(&data), expected);
    assert_is(&data.set.read(0).unwrap(), left);
    assert_is(&data.set.read(1).unwrap(), right);
    assert_is(&data.set.read(2).unwrap(), left);
}

#[test]
fn a_folder_has_masks_labels_and_numbers() {
    let data = open("folder=folder");
    let expected = [
        "a.jpg",
        "b.jpg object 1",
        "b.jpg object 2",
        "c.jpg object 7",
        "c.jpg object 300",
        "d.jpg object 1",
        "d.jpg object 2",
    ];
    assert_eq!(keys(&data), expected);
    assert_is(&data.set.read(0).unwrap(), left);
    for (number, is_left) in [true, false, false, true, true, false].into_iter().enumerate() {
        let sample = data.set.read(number + 1).unwrap();
        if is_left {
            assert_is(&sample, left);
        } else {
            assert_is(&sample, right);
        }
    }
}

#[test]
fn what_is_wrong_is_named() {
    let data = open("folder=faulty");
    let problems: Vec<_> = (0..data.objects.len())
        .map(|number| match data.set.read(number) {
            Ok(_) => format!("{}: sound", data.objects[number]),
            Err(problem) => format!("{}: {problem}", data.objects[number]),
        })
        .collect();
    assert_eq!(problems.len(), 6);
    assert_eq!(problems[0], "empty.jpg: the object is empty");
    assert_eq!(problems[1], "large.jpg: the mask has 66×48 pixels, the photo 64×48");
    assert_eq!(problems[2], "lonely.jpg: it has no mask");
    assert_eq!(problems[3], "nowhere.png: this mask has no photo");
    assert_eq!(problems[4], "sound.jpg: sound");
    assert!(problems[5].starts_with("torn.jpg: the photo torn.jpg cannot be read: "));
}

#[test]
fn coco_has_polygons_and_both_kinds_of_runs() {
    let path = "coco=coco/instances_val.json";
    let data = open(path);
    assert_eq!(data.name, "instances_val");
    let ids = |data: &OpenedData| -> Vec<_> {
        data.objects.iter().map(|key| key.object.unwrap()).collect()
    };
    assert_eq!(ids(&data), [1, 2, 3, 5]);
    assert_is(&data.set.read(0).unwrap(), right);
    assert_is(&data.set.read(1).unwrap(), left);
    assert_is(&data.set.read(2).unwrap(), |row, col| low(row, col) && !right(row, col));
    assert_is(&data.set.read(3).unwrap(), |row, col| row < 3.0 && col < 3.0);

    let with = |coco| ids(&open_with(path, &coco));
    assert_eq!(with(CocoOptions { crowd: true, ..CocoOptions::default() }), [1, 2, 3, 4, 5]);
    assert_eq!(with(CocoOptions { min_area: Some(100.0), ..CocoOptions::default() }), [1, 2, 3]);
    assert_eq!(with(CocoOptions { max_area: Some(100.0), ..CocoOptions::default() }), [5]);
    let images = Some(datasets().join("coco/val"));
    assert_eq!(with(CocoOptions { images, ..CocoOptions::default() }), [1, 2, 3, 5]);
}

#[test]
fn what_is_no_data_set_is_refused() {
    for name in ["folder", "nothing=x", "folder=", "=x"] {
        assert!(name.parse::<DataName>().is_err(), "{name}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    for kind in ["grabcut", "berkeley", "davis", "coco-mval", "sbd", "folder", "coco"] {
        let name = format!("{kind}={path}").parse().unwrap();
        assert!(open_all(&[name], &CocoOptions::default()).is_err(), "{kind}");
    }
    let file = folder.path().join("instances.json");
    for text in ["", "{}", "[]", "{\"images\": 3}", "{\"images\": [], \"annotations\": []}"] {
        fs::write(&file, text).unwrap();
        let name = format!("coco={}", file.display()).parse().unwrap();
        assert!(open_all(&[name], &CocoOptions::default()).is_err(), "{text}");
    }
}

/// Opens and reads SBD with this instance file; only panics fail.
fn read_instances(folder: &Path, bytes: &[u8]) -> Result<Sample, String> {
    fs::write(folder.join("inst/x.mat"), bytes).unwrap();
    let name = format!("sbd={}", folder.display()).parse().unwrap();
    let data = open_all(&[name], &CocoOptions::default()).map_err(|error| error.to_string())?;
    data[0].set.read(0).map_err(|problem| problem.to_string())
}

#[test]
fn damaged_instance_files_are_problems() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for name in ["img", "inst"] {
        fs::create_dir(folder.join(name)).unwrap();
    }
    fs::write(folder.join("val.txt"), "x\n").unwrap();
    let sbd = datasets().join("sbd");
    fs::copy(sbd.join("img/2008_000002.jpg"), folder.join("img/x.jpg")).unwrap();
    let compressed = fs::read(sbd.join("inst/2008_000002.mat")).unwrap();
    assert!(read_instances(folder, &compressed).is_ok());
    for length in 0..compressed.len() {
        assert!(read_instances(folder, &compressed[..length]).is_err(), "{length} bytes");
    }
    // The same without compression, so that damage reaches the array itself.
    let mut plain = compressed[..128].to_vec();
    let mut inflate = flate2::read::ZlibDecoder::new(&compressed[136..]);
    std::io::Read::read_to_end(&mut inflate, &mut plain).unwrap();
    assert!(read_instances(folder, &plain).is_ok());
    for length in (0..plain.len()).step_by(7) {
        let _ = read_instances(folder, &plain[..length]);
    }
    for at in 124..400.min(plain.len()) {
        for value in [0, 1, 0x7f, 0xff] {
            let mut damaged = plain.clone();
            damaged[at] = value;
            let _ = read_instances(folder, &damaged);
        }
    }
}
