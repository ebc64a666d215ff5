use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use fbrs_clicks::Size;
use fbrs_data::training::{LabelledPhoto, TrainingSet};
use rand::Rng;

use super::*;
use crate::epoch::Photos;
use crate::testing::with_box;

/// Boxes; some photos cannot be read, one makes the set panic.
#[derive(Debug, Default)]
struct Boxes {
    len: usize,
    bad: Vec<usize>,
    faulty: Option<usize>,
    read: Arc<AtomicUsize>,
}

impl TrainingSet for Boxes {
    fn len(&self) -> usize {
        self.len
    }

    fn name(&self, index: usize) -> String {
        format!("box {index}")
    }

    fn read(&self, index: usize, draw: &mut dyn Rng) -> Result<LabelledPhoto, Problem> {
        self.read.fetch_add(1, Ordering::Relaxed);
        assert_ne!(Some(index), self.faulty, "a fault of the set");
        if self.bad.contains(&index) {
            return Err(Problem::new("not a photo"));
        }
        let place = draw.next_u32() % 20;
        let size = Size { height: 60, width: 70 + index };
        let mut labelled = with_box(size, [10, 40, place, place + 30]);
        for (at, pixel) in (0..).zip(labelled.photo.pixels_mut()) {
            pixel.0 = [index as u8, at as u8, 100];
        }
        Ok(labelled)
    }
}

fn epoch(set: Boxes) -> Epoch {
    Arc::new(Photos::new(Arc::new(set), None).unwrap()).epoch(11, 3)
}

fn options() -> SampleOptions {
    SampleOptions { crop: Size { height: 48, width: 64 }, ..SampleOptions::fbrs() }
}

fn number(number: usize) -> NonZero<usize> {
    NonZero::new(number).unwrap()
}

fn plan(threads: usize) -> Plan {
    Plan { threads: number(threads), ..Plan::new(number(4)) }
}

fn load(set: Boxes, plan: Plan) -> Vec<Result<Batch, LoaderError>> {
    Loader::start(epoch(set), options(), plan).unwrap().collect()
}

fn batches(set: Boxes, plan: Plan) -> Vec<Batch> {
    load(set, plan).into_iter().map(Result::unwrap).collect()
}

fn boxes(len: usize) -> Boxes {
    Boxes { len, ..Boxes::default() }
}

#[test]
fn threads_change_nothing() {
    let one = batches(boxes(23), plan(1));
    assert_eq!(one.len(), 5);
    assert!(one.iter().map(|batch| batch.number).eq(0..5));
    assert!(one.iter().all(|batch| batch.samples.len() == 4));
    for threads in [2, 7] {
        assert!(one == batches(boxes(23), plan(threads)));
    }
    let ahead = Plan { ahead: number(1), ..plan(3) };
    assert!(one == batches(boxes(23), ahead));
}

#[test]
fn a_position_gives_the_same_samples_as_the_beginning() {
    let all = batches(boxes(23), plan(2));
    let later = batches(boxes(23), Plan { from: 3, ..plan(2) });
    assert!(all[3..] == later[..]);
    assert!(batches(boxes(23), Plan { from: 5, ..plan(2) }).is_empty());
    assert!(batches(boxes(23), Plan { from: usize::MAX, ..plan(2) }).is_empty());
    let epoch = epoch(boxes(23));
    let (sample, replaced) = epoch.sample(6, &options()).unwrap();
    assert!(sample == all[1].samples[2] && replaced.is_empty());
    assert!(matches!(epoch.sample(23, &options()), Err(LoaderError::Position { .. })));
}

#[test]
fn a_last_batch_may_be_smaller() {
    let all = batches(boxes(23), Plan { keep_last: true, ..plan(2) });
    assert_eq!(all.len(), 6);
    assert_eq!(all[5].samples.len(), 3);
    assert!(all[..5] == batches(boxes(23), plan(2)));
    let few = Loader::start(epoch(boxes(3)), options(), plan(2)).unwrap();
    assert_eq!((few.batches(), few.count()), (0, 0));
}

#[test]
fn photos_that_cannot_be_read_are_told_and_replaced() {
    let set = || Boxes { len: 20, bad: vec![2, 9, 14], ..Boxes::default() };
    let replaced = batches(set(), plan(3));
    assert!(replaced == batches(set(), plan(1)));
    let told: Vec<&Replaced> = replaced.iter().flat_map(|batch| &batch.replaced).collect();
    let mut photos: Vec<usize> = told.iter().map(|replaced| replaced.photo).collect();
    photos.sort_unstable();
    photos.dedup();
    assert_eq!(photos, [2, 9, 14]);
    let first = told.first().unwrap();
    assert_eq!(first.name, format!("box {}", first.photo));
    assert_eq!(first.problem.to_string(), "not a photo");
    assert_eq!(replaced.iter().map(|batch| batch.samples.len()).sum::<usize>(), 20);
    // All others are what they would have been.
    let whole = batches(boxes(20), plan(2));
    let positions: Vec<usize> = told.iter().map(|replaced| replaced.position).collect();
    for position in (0..20).filter(|position| !positions.contains(position)) {
        assert!(
            whole[position / 4].samples[position % 4]
                == replaced[position / 4].samples[position % 4]
        );
    }
}

#[test]
fn nothing_but_bad_photos_is_an_error() {
    let set = Boxes { len: 8, bad: (0..8).collect(), ..Boxes::default() };
    let loaded = load(set, plan(2));
    assert_eq!(loaded.len(), 1);
    let said = loaded[0].as_ref().unwrap_err().to_string();
    let expected = "none of 50 photos could be used for sample 0; the last was box ";
    assert!(said.starts_with(expected) && said.ends_with(": not a photo"), "{said}");
}

#[test]
fn a_fault_of_a_set_is_an_error_and_the_end() {
    let set = Boxes { len: 40, faulty: Some(17), ..Boxes::default() };
    let mut loaded = load(set, plan(3));
    let said = loaded.pop().unwrap().unwrap_err().to_string();
    assert!(said.contains("a fault of the set"), "{said}");
    assert!(loaded.len() < 10 && loaded.iter().all(Result::is_ok));
}

#[test]
fn bad_options_are_refused() {
    let options = SampleOptions { keep_background: -0.1, ..options() };
    let refused = Loader::start(epoch(boxes(4)), options, plan(1)).unwrap_err();
    let expected = "cannot prepare samples: keep_background is -0.1, expected 0 to 1";
    assert_eq!(refused.to_string(), expected);
}

#[test]
fn threads_wait_for_the_reader_and_stop_with_it() {
    let read = Arc::new(AtomicUsize::new(0));
    let set = Boxes { len: 10_000, read: Arc::clone(&read), ..Boxes::default() };
    let mut loader = Loader::start(epoch(set), options(), plan(3)).unwrap();
    assert_eq!(loader.batches(), 2500);
    for number in 0..3 {
        assert_eq!(loader.next().unwrap().unwrap().number, number);
    }
    std::thread::sleep(Duration::from_millis(100));
    assert!(read.load(Ordering::Relaxed) <= 5 * 4);
    let (dropped, is_dropped) = mpsc::channel();
    std::thread::spawn(move || {
        drop(loader);
        dropped.send(()).unwrap();
    });
    is_dropped.recv_timeout(Duration::from_secs(60)).unwrap();
    let after = read.load(Ordering::Relaxed);
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(read.load(Ordering::Relaxed), after);
}

/// A photo has so many crops, whatever the epoch and the position; clicks on them are others each time.
#[test]
fn views_come_again() {
    let photos = Arc::new(Photos::new(Arc::new(boxes(3)), Some(24)).unwrap().with_views(2));
    let mut crops = std::collections::BTreeMap::new();
    let mut clicks = std::collections::BTreeSet::new();
    for number in 0..2 {
        let epoch = photos.clone().epoch(11, number);
        for position in 0..epoch.len() {
            let (sample, _) = epoch.sample(position, &options()).unwrap();
            let view = sample.view.unwrap();
            assert!(view.photo == epoch.photo(position).unwrap() && view.number < 2);
            let pixels = sample.photo.as_raw().clone();
            let same = crops.entry((view.photo, view.number)).or_insert_with(|| pixels.clone());
            assert!(*same == pixels, "{view:?}");
            clicks.insert(format!("{:?}", sample.points));
        }
    }
    assert_eq!(crops.len(), 6);
    let different: std::collections::BTreeSet<_> = crops.values().collect();
    assert_eq!(different.len(), 6);
    assert!(clicks.len() > 40, "{}", clicks.len());
    let without = Arc::new(Photos::new(Arc::new(boxes(3)), Some(24)).unwrap()).epoch(11, 0);
    assert_eq!(without.sample(0, &options()).unwrap().0.view, None);
}
