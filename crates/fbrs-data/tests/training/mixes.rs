//! Several sets as one, and weights by scores.

use std::sync::Arc;

use fbrs_data::training::{
    Chosen, LabelledPhoto, Mixed, PUBLISHED_GAMMA, Score, Scored, Scores, TrainingName,
    TrainingSet, mix,
};

use crate::support::{Draws, Made};

/// Photos of a name and a number each.
#[derive(Debug)]
struct Numbers(&'static str, usize, Option<Vec<f64>>);

impl TrainingSet for Numbers {
    fn len(&self) -> usize {
        self.1
    }

    fn name(&self, index: usize) -> String {
        format!("{}{index}.jpg", self.0)
    }

    fn read(
        &self,
        index: usize,
        _: &mut dyn rand::Rng,
    ) -> Result<LabelledPhoto, fbrs_data::sets::Problem> {
        Err(fbrs_data::sets::Problem::new(self.name(index)))
    }

    fn weights(&self) -> Option<Vec<f64>> {
        self.2.clone()
    }
}

fn plain(name: &'static str, count: usize) -> Arc<dyn TrainingSet> {
    Arc::new(Numbers(name, count, None))
}

fn weighed(name: &'static str, weights: &[f64]) -> Arc<dyn TrainingSet> {
    Arc::new(Numbers(name, weights.len(), Some(weights.to_vec())))
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
}

#[test]
fn shares_are_of_sets_and_weights_of_photos_are_kept() {
    let sets = vec![(plain("a", 4), 1.0), (weighed("b", &[1.0, 3.0]), 3.0)];
    let mixed = Mixed::in_proportion(sets).unwrap();
    close(&mixed.weights().unwrap(), &[0.25, 0.25, 0.25, 0.25, 0.75, 2.25]);
    assert_eq!((mixed.len(), mixed.name(5)), (6, "b1.jpg".to_owned()));
    let read = mixed.read(3, &mut Draws::always(0)).unwrap_err().to_string();
    assert_eq!(read, "a3.jpg");
    assert!(mixed.read(6, &mut Draws::always(0)).is_err());
}

#[test]
fn joined_sets_keep_weights_too() {
    let joined = Mixed::joined(vec![plain("a", 2), weighed("b", &[1.0, 3.0])]).unwrap();
    close(&joined.weights().unwrap(), &[1.0, 1.0, 0.5, 1.5]);
    let joined = Mixed::joined(vec![plain("a", 2), plain("b", 3)]).unwrap();
    assert_eq!((joined.len(), joined.weights()), (5, None));
    // Weights follow the photos that are chosen.
    let set: Arc<dyn TrainingSet> = Arc::new(
        Mixed::in_proportion(vec![(plain("a", 2), 1.0), (weighed("b", &[1.0, 3.0]), 1.0)]).unwrap(),
    );
    let chosen = Chosen::new(set, vec![3, 0, 99]);
    assert_eq!((chosen.len(), chosen.name(0)), (2, "b1.jpg".to_owned()));
    close(&chosen.weights().unwrap(), &[0.75, 0.5]);
}

#[test]
fn shares_that_make_no_sense_are_refused() {
    for share in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(Mixed::in_proportion(vec![(plain("a", 1), 1.0), (plain("b", 1), share)]).is_err());
    }
    assert!(Mixed::in_proportion(vec![(plain("a", 1), 0.0)]).is_err());
    assert!(Mixed::in_proportion(vec![(plain("a", 0), 1.0)]).is_err());
    assert!(Mixed::joined(vec![weighed("a", &[1.0, -1.0])]).is_err());
    assert!(mix(vec![(plain("a", 1), Some(1.0)), (plain("b", 1), None)]).is_err());
    assert_eq!(mix(vec![(plain("a", 1), None), (plain("b", 1), None)]).unwrap().weights(), None);
    assert_eq!(mix(vec![(plain("a", 1), Some(0.3))]).unwrap().weights(), None);
}

#[test]
fn names_have_a_kind_a_path_and_a_share() {
    let parsed = |text: &str| text.parse::<TrainingName>();
    for (text, kind, path, share) in [
        ("sbd:data/SBD=0.5", "sbd", "data/SBD", Some(0.5)),
        ("COCO_LVIS:x", "coco-lvis", "x", None),
        ("data", "", "data", None),
        ("C:\\data", "", "C:\\data", None),
        ("folder:C:/a=b", "folder", "C:/a=b", None),
        ("./a:b=2", "", "./a:b", Some(2.0)),
    ] {
        let name = parsed(text).unwrap();
        assert_eq!(name.kind.map_or("", |kind| kind.name()), kind, "{text}");
        assert_eq!((name.path.to_str().unwrap(), name.share), (path, share), "{text}");
    }
    for text in ["sdb:data", "sbd:", "", "sbd:x=0", "x=-1", "x=inf"] {
        assert!(parsed(text).is_err(), "{text}");
    }
    // What is there is meant.
    let made = Made::new();
    made.photo("a=2/images/x.jpg");
    let path = made.path("a=2").display().to_string();
    assert_eq!(parsed(&path).unwrap().path.to_str(), Some(path.as_str()));
}

fn scores(list: &[(&str, f64)]) -> Scores {
    let score = |(photo, score): &(&str, f64)| Score { photo: (*photo).to_owned(), score: *score };
    Scores { scores: list.iter().map(score).collect() }
}

/// Published scores, and how often the published code draws these photos, times 8498: the first three,
/// the hardest, the easiest.
#[test]
fn weights_by_scores_are_as_published() {
    let published = [
        ("a0", 0.974_304_676, 0.144_675_97),
        ("a1", 0.914_899_766, 0.646_386_385),
        ("a2", 0.950_375_915, 0.329_377_86),
        ("a3", 0.049_401_9, 13.2),
        ("a4", 0.994_865, 0.019_331_6),
    ];
    let list: Vec<_> = published.iter().map(|(name, score, _)| (*name, *score)).collect();
    let set = Scored::new(plain("a", 5), &scores(&list), PUBLISHED_GAMMA).unwrap();
    let weights = set.weights().unwrap();
    for (weight, (_, _, probability)) in weights.iter().zip(published) {
        let found = weight / weights[0] * published[0].2;
        // Both are told with six digits at least.
        assert!((found / probability - 1.0).abs() < 2e-4, "{found}, expected {probability}");
    }
    for (weight, (_, _, probability)) in weights.iter().zip(published).take(3) {
        let found = weight / weights[0] * published[0].2;
        assert!((found / probability - 1.0).abs() < 1e-7, "{found}, expected {probability}");
    }
}

#[test]
fn photos_without_scores_have_the_mean_weight() {
    let set = Scored::new(plain("a", 3), &scores(&[("a0.jpg", 0.5), ("a2", 0.0), ("z", 1.0)]), 1.0);
    let set = set.unwrap();
    close(&set.weights().unwrap(), &[0.5, 0.75, 1.0]);
    let remarks = set.remarks().join("\n");
    assert!(remarks.contains("a1.jpg") && remarks.contains("1 scores"), "{remarks}");
    for wrong in [&[("b0", 0.5)][..], &[("a0", 1.0)], &[("a0", 0.5), ("a0.jpg", 0.4)]] {
        assert!(Scored::new(plain("a", 3), &scores(wrong), 1.0).is_err());
    }
    assert!(Scored::new(plain("a", 3), &scores(&[("a0", 0.5)]), f64::NAN).is_err());
}

#[test]
fn files_of_scores_are_json_or_pickles() {
    let made = Made::new();
    let list = scores(&[("2008_000002", 0.25), ("b", 1.0)]);
    let mut json = Vec::new();
    list.write(&mut json).unwrap();
    made.file("scores.json", json);
    assert_eq!(Scores::read(&made.path("scores.json")).unwrap(), list);
    // [(0, "a", 0.5)]
    made.file("scores.pickle", b"\x80\x02](K\0X\x01\0\0\0aG?\xe0\0\0\0\0\0\0\x87e.");
    assert_eq!(Scores::read(&made.path("scores.pickle")).unwrap(), scores(&[("a", 0.5)]));
    for (bytes, words) in [
        (&b"{\"scores\": [{\"photo\": \"a\", \"score\": 1.5}]}"[..], "expected 0 to 1"),
        (b"{\"scores\": [{\"photo\": \"a\"}]}", "expected {"),
        (b"{\"points\": []}", "expected {"),
        (b"cos\nsystem\n(X\x01\0\0\0atR.", "os.system"),
        (b"\x80\x02](K\0K\0K\0\x87e.", "expected JSON, or a pickle"),
        (b"a text", "expected JSON, or a pickle"),
    ] {
        made.file("wrong", bytes);
        let error = Scores::read(&made.path("wrong")).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
