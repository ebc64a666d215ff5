//! Two runs on the same objects, side by side.

use std::collections::{HashMap, VecDeque};

use fbrs_data::sets::ObjectKey;
use fbrs_data::text::printable;
use serde::Serialize;

use crate::journal::Results;
use crate::noc::clicks_needed;
use crate::report::aligned;
use crate::result::ObjectResult;

/// Differences between two runs, over the objects that both evaluated.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The thresholds of the number of clicks.
    pub thresholds: Vec<f64>,
    /// Each object.
    pub objects: Vec<ObjectDifference>,
    /// Number of clicks at each threshold, then the IoU after the last click of both.
    pub tests: Vec<PairedTest>,
    /// Objects that only the first run evaluated.
    pub only_first: usize,
    /// Objects that only the second run evaluated.
    pub only_second: usize,
}

/// One object in both runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObjectDifference {
    /// Its data set.
    pub data: String,
    /// Its name.
    #[serde(flatten)]
    pub key: ObjectKey,
    /// Clicks needed at each threshold: in the first run, in the second.
    pub clicks: Vec<(usize, usize)>,
    /// IoU after the last click that both runs made: in the first run, in the second.
    pub iou: (f64, f64),
    /// The first click, from 1, that is not the same in both.
    pub first_other_click: Option<usize>,
}

/// A paired test of one quantity: Wilcoxon's signed-rank test, two-sided.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairedTest {
    /// What is compared.
    pub quantity: String,
    /// Mean in the first run.
    pub first: f64,
    /// Mean in the second run.
    pub second: f64,
    /// Objects for which the first run's is smaller, both are equal, the second's is smaller.
    pub smaller_equal_larger: (usize, usize, usize),
    /// Probability of a difference at least as large, were there none.
    pub p: f64,
}

impl Comparison {
    /// Compares two runs; objects are the same where data set and name are. Of several with one
    /// name the first of one run is the first of the other.
    pub fn new(first: &Results, second: &Results, thresholds: &[f64]) -> Self {
        let max = |results: &Results| results.configuration.settings.max_clicks;
        let mut others: HashMap<_, VecDeque<&ObjectResult>> = HashMap::new();
        for (record, result) in second.evaluated() {
            others.entry((&record.data, &record.key)).or_default().push_back(result);
        }
        let mut objects = Vec::new();
        let mut only_first = 0;
        for (record, a) in first.evaluated() {
            let of_name = others.get_mut(&(&record.data, &record.key));
            let Some(b) = of_name.and_then(VecDeque::pop_front) else {
                only_first += 1;
                continue;
            };
            let needed = |at: f64| {
                (clicks_needed(&a.iou, at, max(first)), clicks_needed(&b.iou, at, max(second)))
            };
            let common = a.iou.len().max(b.iou.len());
            let last = |iou: &[f64]| iou.get(common - 1).or(iou.last()).copied().unwrap_or(0.0);
            let mut pairs = a.clicks.iter().zip(&b.clicks);
            objects.push(ObjectDifference {
                data: record.data.clone(),
                key: record.key.clone(),
                clicks: thresholds.iter().map(|at| needed(*at)).collect(),
                iou: if common == 0 { (0.0, 0.0) } else { (last(&a.iou), last(&b.iou)) },
                first_other_click: pairs.position(|(a, b)| a != b).map(|index| index + 1),
            });
        }
        let mut tests: Vec<PairedTest> = thresholds
            .iter()
            .enumerate()
            .map(|(index, at)| {
                let clicks = objects.iter().filter_map(|object| object.clicks.get(index));
                let pairs: Vec<_> = clicks.map(|(a, b)| (*a as f64, *b as f64)).collect();
                PairedTest::new(format!("NoC@{}", crate::report::percent(*at)), &pairs)
            })
            .collect();
        let ious: Vec<_> = objects.iter().map(|object| object.iou).collect();
        tests.push(PairedTest::new("last IoU".to_owned(), &ious));
        let thresholds = thresholds.to_vec();
        let only_second = others.values().map(VecDeque::len).sum();
        Self { thresholds, objects, tests, only_first, only_second }
    }

    /// As text: the tests, then the objects that differ in clicks, most first.
    pub fn table(&self) -> String {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let mut rows = vec![row(&["", "A", "B", "B−A", "A<B", "A=B", "A>B", "p (Wilcoxon)"])];
        for test in &self.tests {
            let (smaller, equal, larger) = test.smaller_equal_larger;
            let digits = if test.quantity.starts_with("NoC") { 2 } else { 4 };
            rows.push(vec![
                test.quantity.clone(),
                format!("{:.digits$}", test.first),
                format!("{:.digits$}", test.second),
                format!("{:+.digits$}", test.second - test.first),
                smaller.to_string(),
                equal.to_string(),
                larger.to_string(),
                if test.p < 0.0001 { "< 0.0001".to_owned() } else { format!("{:.4}", test.p) },
            ]);
        }
        let mut text = format!("{} objects in both runs", self.objects.len());
        for (count, run) in [(self.only_first, "A"), (self.only_second, "B")] {
            if count > 0 {
                text += &format!(", {count} in {run} alone");
            }
        }
        text += "\n\n";
        text += &aligned(&rows);
        let mut different: Vec<_> = self
            .objects
            .iter()
            .filter(|object| object.clicks.iter().any(|(a, b)| a != b))
            .collect();
        let distance = |object: &ObjectDifference| -> usize {
            object.clicks.iter().map(|(a, b)| a.abs_diff(*b)).sum()
        };
        different.sort_by_key(|object| std::cmp::Reverse(distance(object)));
        if different.is_empty() {
            return text + "\nevery object needs the same number of clicks in both\n";
        }
        let mut rows = vec![row(&["object"])];
        let names = self.thresholds.iter().map(|at| format!("NoC@{}", crate::report::percent(*at)));
        rows.iter_mut().for_each(|row| {
            row.extend(names.clone());
            row.extend(["last IoU".to_owned(), "same clicks".to_owned()]);
        });
        for object in different {
            let mut row = vec![format!("{} {}", printable(&object.data), object.key)];
            row.extend(object.clicks.iter().map(|(a, b)| match a == b {
                true => a.to_string(),
                false => format!("{a} → {b}"),
            }));
            row.push(format!("{:.4} → {:.4}", object.iou.0, object.iou.1));
            row.push(match object.first_other_click {
                Some(click) => (click - 1).to_string(),
                None => "all".to_owned(),
            });
            rows.push(row);
        }
        text + "\n" + &aligned(&rows)
    }
}

impl PairedTest {
    fn new(quantity: String, pairs: &[(f64, f64)]) -> Self {
        let count = pairs.len().max(1) as f64;
        let differences: Vec<f64> = pairs.iter().map(|(a, b)| b - a).collect();
        let how_many = |sign: fn(f64) -> bool| differences.iter().filter(|d| sign(**d)).count();
        Self {
            quantity,
            first: pairs.iter().map(|pair| pair.0).sum::<f64>() / count,
            second: pairs.iter().map(|pair| pair.1).sum::<f64>() / count,
            smaller_equal_larger: (
                how_many(|d| d > 0.0),
                how_many(|d| d == 0.0),
                how_many(|d| d < 0.0),
            ),
            p: wilcoxon(&differences),
        }
    }
}

/// Differences up to this many are counted through exactly; beyond, the sum of ranks is as good as
/// normally distributed.
const EXACT_BELOW: usize = 100;

/// Two-sided p-value of Wilcoxon's signed-rank test (Wilcoxon 1945) of paired differences.
///
/// Zeros are left out, ties get the mean of their ranks. Exact: under the null hypothesis every
/// difference is as likely positive as negative, and all sign patterns are counted by the sum of
/// their ranks, ties included. From 100 differences on by the normal approximation,
/// its variance corrected for ties, with a continuity correction. 1 where nothing differs.
pub fn wilcoxon(differences: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    sorted.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let count = sorted.len();
    if count == 0 {
        return 1.0;
    }
    // Twice each rank: a mean of neighboring ranks is then a whole number.
    let mut doubled = Vec::with_capacity(count);
    let mut ties = 0.0;
    for group in sorted.chunk_by(|a, b| a.abs() == b.abs()) {
        let first = doubled.len() + 1;
        let size = group.len();
        doubled.extend(std::iter::repeat_n(2 * first + size - 1, size));
        ties += (size * size * size - size) as f64;
    }
    let positive = doubled.iter().zip(&sorted).filter(|(_, d)| **d > 0.0);
    let positive: usize = positive.map(|(rank, _)| rank).sum();
    let total: usize = doubled.iter().sum();
    let smaller = positive.min(total - positive);
    if count < EXACT_BELOW {
        // Shares of all sign patterns by the doubled sum of their positive ranks.
        let mut shares = vec![0.0f64; total + 1];
        if let Some(none) = shares.first_mut() {
            *none = 1.0;
        }
        for rank in doubled {
            for sum in (0..=total).rev() {
                let with = sum.checked_sub(rank).and_then(|rest| shares.get(rest)).copied();
                if let Some(share) = shares.get_mut(sum) {
                    *share = (*share + with.unwrap_or(0.0)) / 2.0;
                }
            }
        }
        let tail: f64 = shares.iter().take(smaller + 1).sum();
        return (2.0 * tail).min(1.0);
    }
    let n = count as f64;
    let mean = n * (n + 1.0) / 4.0;
    let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - ties / 48.0;
    let distance = (mean - smaller as f64 / 2.0 - 0.5).max(0.0);
    libm::erfc(distance / variance.sqrt() / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SciPy's `wilcoxon` with `method="exact"`; with ties, all sign patterns counted.
    #[test]
    fn p_values_are_those_of_scipy() {
        let without_ties =
            [6., 8., 14., 16., 23., 24., 28., 29., 41., -48., 49., 56., 60., -67., 75.];
        assert!((wilcoxon(&without_ties) - 0.041259765625).abs() < 1e-12);
        assert_eq!(wilcoxon(&[0.0, 0.0]), 1.0);
        assert_eq!(wilcoxon(&[1.0]), 1.0);
        assert_eq!(wilcoxon(&[1.0, 1.0, 1.0, 1.0, 1.0]), 2.0 / 32.0);
        let ties = [1., 1., -1., 2., 2., 3., -3., 4., 0., 5.];
        let many: Vec<f64> = (1..=150).map(|i| f64::from(i % 17 - 7)).collect();
        assert!((wilcoxon(&ties) - SCIPY_TIES).abs() < 1e-12, "{}", wilcoxon(&ties));
        assert!((wilcoxon(&many) - SCIPY_MANY).abs() < 1e-9, "{}", wilcoxon(&many));
    }

    const SCIPY_TIES: f64 = 0.12109375;
    const SCIPY_MANY: f64 = 0.020256604230639727;
}
