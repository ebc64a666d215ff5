use fbrs_data::sets::Problem;
use fbrs_data::training::LabelledPhoto;
use rand::Rng;

use super::*;
use crate::testing::assert_likely;

#[derive(Debug)]
struct Named(usize, Option<Vec<f64>>);

impl TrainingSet for Named {
    fn len(&self) -> usize {
        self.0
    }

    fn name(&self, index: usize) -> String {
        index.to_string()
    }

    fn read(&self, _: usize, _: &mut dyn Rng) -> Result<LabelledPhoto, Problem> {
        Err(Problem::new("not read here"))
    }

    fn weights(&self) -> Option<Vec<f64>> {
        self.1.clone()
    }
}

fn photos(
    len: usize,
    weights: Option<&[f64]>,
    per_epoch: Option<usize>,
) -> Result<Arc<Photos>, BadSet> {
    let set = Named(len, weights.map(<[f64]>::to_vec));
    Photos::new(Arc::new(set), per_epoch).map(Arc::new)
}

/// How often each photo comes in an epoch.
fn counts(photos: Arc<Photos>) -> Vec<usize> {
    let mut counts = vec![0; photos.set().len()];
    let epoch = photos.epoch(4, 2);
    for position in 0..epoch.len() {
        counts[epoch.photo(position).unwrap()] += 1;
    }
    assert_eq!(epoch.photo(epoch.len()), None);
    counts
}

#[test]
fn each_photo_comes_once_in_an_order_of_its_own() {
    let photos = photos(12, None, None).unwrap();
    let order = |epoch: u64| -> Vec<usize> {
        let epoch = Arc::clone(&photos).epoch(1, epoch);
        (0..epoch.len()).map(|position| epoch.photo(position).unwrap()).collect()
    };
    let mut first = order(0);
    assert_eq!(first, order(0));
    assert_ne!(first, order(1));
    first.sort_unstable();
    assert!(first.into_iter().eq(0..12));
}

#[test]
fn draws_are_uniform_where_an_epoch_has_a_length() {
    assert_likely(&counts(photos(12, None, Some(20_000)).unwrap()), &[1.0 / 12.0; 12]);
}

#[test]
fn weights_say_how_often_photos_come() {
    let weights = [1.0, 0.0, 3.0, 4.0];
    let counts_of = |per_epoch| counts(photos(4, Some(&weights), per_epoch).unwrap());
    assert_likely(&counts_of(Some(20_000)), &[0.125, 0.0, 0.375, 0.5]);
    assert_eq!(counts_of(None).iter().sum::<usize>(), 4);
    assert_eq!(counts(photos(3, Some(&[1.0, 0.0, 0.0]), None).unwrap()), [3, 0, 0]);
}

/// The place of a photo that cannot be used goes to one of all, also where each comes once.
#[test]
fn replacements_are_drawn_from_all() {
    let epoch = photos(5, None, None).unwrap().epoch(1, 2);
    let mut counts = [0; 5];
    epoch.replacements(3).take(5000).for_each(|photo| counts[photo] += 1);
    assert_likely(&counts, &[0.2; 5]);
    assert!(epoch.replacements(3).take(9).eq(epoch.replacements(3).take(9)));
}

#[test]
fn bad_sets_are_refused() {
    assert_eq!(photos(0, None, None).unwrap_err(), BadSet::NoPhotos);
    for (weights, reason) in [
        (&[1.0][..], "1 weights for 2 photos"),
        (&[1.0, -1.0], "a weight is -1"),
        (&[f64::INFINITY, 1.0], "a weight is inf"),
        (&[f64::MAX, f64::MAX], "the weights sum to inf"),
        (&[0.0, 0.0], "the weights sum to 0"),
    ] {
        let refused = photos(2, Some(weights), None).unwrap_err();
        assert_eq!(refused, BadSet::Weights { reason: reason.to_owned() });
    }
}
