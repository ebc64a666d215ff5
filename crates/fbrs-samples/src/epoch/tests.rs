use fbrs_data::sets::Problem;
use fbrs_data::training::LabelledPhoto;

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

fn source(len: usize, weights: Option<&[f64]>) -> Source {
    Source::new(Arc::new(Named(len, weights.map(<[f64]>::to_vec)))).unwrap()
}

/// How often each photo comes in an epoch.
fn counts(photos: Photos, sizes: &[usize]) -> Vec<usize> {
    let epoch = Arc::new(photos).epoch(4, 2);
    let mut counts: Vec<Vec<usize>> = sizes.iter().map(|size| vec![0; *size]).collect();
    for position in 0..epoch.len() {
        let id = epoch.photo(position).unwrap();
        counts[id.source][id.photo] += 1;
    }
    assert_eq!(epoch.photo(epoch.len()), None);
    counts.concat()
}

#[test]
fn each_photo_comes_once_in_an_order_of_its_own() {
    let sources = vec![source(5, None), source(7, None)];
    let photos = Arc::new(Photos::new(sources, Mix::Concatenated, None).unwrap());
    let order = |epoch: u64| -> Vec<PhotoId> {
        let epoch = Arc::clone(&photos).epoch(1, epoch);
        (0..epoch.len()).map(|position| epoch.photo(position).unwrap()).collect()
    };
    let mut first = order(0);
    assert_eq!(first, order(0));
    assert_ne!(first, order(1));
    first.sort_unstable_by_key(|id| (id.source, id.photo));
    first.dedup();
    assert_eq!(first.len(), 12);
}

#[test]
fn draws_are_uniform_where_an_epoch_has_a_length() {
    let sources = vec![source(5, None), source(7, None)];
    let photos = Photos::new(sources, Mix::Concatenated, Some(20_000)).unwrap();
    assert_likely(&counts(photos, &[5, 7]), &[1.0 / 12.0; 12]);
}

/// The published mixes forget them.
#[test]
fn weights_are_kept_in_mixes() {
    let mixed = |mix| {
        let sources = vec![source(3, Some(&[1.0, 0.0, 3.0])), source(3, None)];
        counts(Photos::new(sources, mix, Some(20_000)).unwrap(), &[3, 3])
    };
    let expected = [0.125, 0.0, 0.375, 1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0];
    assert_likely(&mixed(Mix::Concatenated), &expected);
    let expected = [0.05, 0.0, 0.15, 0.8 / 3.0, 0.8 / 3.0, 0.8 / 3.0];
    assert_likely(&mixed(Mix::Proportional(vec![0.2, 0.8])), &expected);
}

/// A set with weights is drawn from, as long as it is.
#[test]
fn an_epoch_with_weights_is_as_long_as_its_sets() {
    let photos = Photos::new(vec![source(3, Some(&[1.0, 0.0, 0.0]))], Mix::Concatenated, None);
    assert_eq!(counts(photos.unwrap(), &[3]), [3, 0, 0]);
    let unweighted = source(3, Some(&[1.0, 0.0, 0.0])).unweighted();
    let photos = Photos::new(vec![unweighted], Mix::Concatenated, None).unwrap();
    assert_eq!(counts(photos, &[3]), [1, 1, 1]);
}

#[test]
fn photos_can_be_left_out() {
    let left = source(4, Some(&[1.0, 2.0, 3.0, 4.0])).without(&[1, 3]).unwrap();
    let photos = Photos::new(vec![left], Mix::Concatenated, Some(8000)).unwrap();
    assert_likely(&counts(photos, &[4]), &[0.25, 0.0, 0.75, 0.0]);
    let left = source(4, None).without(&[1, 3]).unwrap();
    let photos = Photos::new(vec![left], Mix::Concatenated, None).unwrap();
    assert_eq!(counts(photos, &[4]), [1, 0, 1, 0]);
}

#[test]
fn bad_mixes_are_refused() {
    let refused = |sources, mix| Photos::new(sources, mix, None).unwrap_err().to_string();
    let none = refused(vec![source(0, None)], Mix::Concatenated);
    assert_eq!(
        none,
        "there is no photo to train on; every set needs at least one with an object in it"
    );
    let shares = |shares: &[f64]| Mix::Proportional(shares.to_vec());
    assert_eq!(
        refused(vec![source(1, None)], shares(&[0.5, 0.5])),
        "2 shares for 1 sets, expected one share for each set"
    );
    for bad in [&[0.5, 0.6], &[1.5, -0.5], &[f64::NAN, 1.0]] {
        let refused = refused(vec![source(1, None), source(1, None)], shares(bad));
        assert!(refused.ends_with("expected numbers above 0 that sum to 1"), "{refused}");
    }
    let empty = vec![source(1, None), source(0, None)];
    assert!(refused(empty, shares(&[0.5, 0.5])).starts_with("there is no photo"));
    for weights in [&[1.0][..], &[1.0, -1.0], &[f64::INFINITY, 1.0], &[0.0, 0.0]] {
        let refused = Source::new(Arc::new(Named(2, Some(weights.to_vec()))));
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("expected one weight for each photo"), "{refused}");
    }
}

#[test]
fn easy_photos_weigh_little() {
    let weights = score_weights(&[0.049, 0.889, 1.0], 1.25);
    assert!((weights[0] - 0.939_137).abs() < 1e-5, "{weights:?}");
    assert!(weights[1] < 0.1 && weights[2] == 0.0);
}
