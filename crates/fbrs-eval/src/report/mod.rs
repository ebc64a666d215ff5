//! What an evaluation found: as numbers, as a table, as a page.

mod gallery;
mod html;
mod plots;
mod table;

use fbrs_data::sets::{Layout, ObjectKey, Problem};
use serde::Serialize;

use crate::journal::Results;
use crate::noc::{Noc, clicks_needed, mean_iou_after};
use crate::published::{Published, published};
use crate::result::{ClickSeconds, ObjectResult};
use crate::settings::{Network, Settings};

pub use html::{Page, page};
pub(crate) use table::aligned;
pub use table::table;

/// The published thresholds of the number of clicks.
pub const PUBLISHED_THRESHOLDS: [f64; 3] = [0.8, 0.85, 0.9];

/// Clicks that are told of; settings allow no more.
const MOST_CLICKS: usize = 1000;

/// What an evaluation found, in numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What was evaluated.
    pub network: Network,
    /// How.
    pub settings: Settings,
    /// Each data set.
    pub data: Vec<DataReport>,
    /// Objects that could not be evaluated.
    pub problems: Vec<ObjectProblem>,
    /// Objects of which nothing is known yet: the run was interrupted, or shards are missing.
    pub missing: usize,
}

/// An object that could not be evaluated.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObjectProblem {
    /// Its data set.
    pub data: String,
    /// Its name.
    #[serde(flatten)]
    pub key: ObjectKey,
    /// Why.
    pub problem: Problem,
}

/// What an evaluation found on one data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataReport {
    /// Its name.
    pub name: String,
    /// Its layout.
    pub layout: Layout,
    /// Objects that were evaluated.
    pub objects: usize,
    /// NoC at each threshold.
    pub noc: Vec<Noc>,
    /// Mean IoU after 1, 2, 3, … clicks.
    pub mean_iou: Vec<f64>,
    /// How many objects need 1, 2, 3, … clicks for the highest threshold.
    pub histogram: Vec<usize>,
    /// Clicks on all objects.
    pub clicks: usize,
    /// Seconds of all clicks.
    pub seconds: f64,
    /// Seconds per click.
    pub seconds_per_click: f64,
    /// Mean seconds of the first, second, … click, by part.
    pub click_seconds: Vec<ClickSeconds>,
    /// The published numbers, where network, mode and data set are published ones.
    pub published: Option<Published>,
}

impl Report {
    /// Computes all numbers; NoC at these thresholds.
    pub fn new(results: &Results, thresholds: &[f64]) -> Self {
        let configuration = &results.configuration;
        let data = configuration.data.iter().map(|data| {
            let records = results.evaluated().filter(|(record, _)| record.data == data.name);
            let objects: Vec<_> = records.map(|(_, result)| result).collect();
            let settings = &configuration.settings;
            let mut report =
                DataReport::new(data.name.clone(), data.layout, &objects, settings, thresholds);
            report.published = data
                .layout
                .published_name()
                .and_then(|name| published(&configuration.network.weights, &settings.mode, name));
            report
        });
        let problems = results.records.values().filter_map(|record| {
            let (data, key) = (record.data.clone(), record.key.clone());
            Some(ObjectProblem { data, key, problem: record.problem.clone()? })
        });
        Self {
            network: configuration.network.clone(),
            settings: configuration.settings.clone(),
            data: data.collect(),
            problems: problems.collect(),
            missing: results.missing(),
        }
    }

    /// Whether every object was evaluated.
    pub fn is_complete(&self) -> bool {
        self.missing == 0 && self.problems.is_empty()
    }
}

impl DataReport {
    fn new(
        name: String,
        layout: Layout,
        objects: &[&ObjectResult],
        settings: &Settings,
        thresholds: &[f64],
    ) -> Self {
        let max = settings.max_clicks.min(MOST_CLICKS);
        let ious = || objects.iter().map(|object| object.iou.as_slice());
        let highest = thresholds.iter().copied().fold(0.0, f64::max);
        let mut histogram = vec![0; max];
        for ious in ious() {
            let needed = clicks_needed(ious, highest, max);
            if let Some(count) = histogram.get_mut(needed.saturating_sub(1)) {
                *count += 1;
            }
        }
        let clicks: usize = objects.iter().map(|object| object.clicks.len()).sum();
        let seconds: f64 = objects.iter().map(|object| object.total_seconds()).sum();
        let nth = |n: usize| mean(objects.iter().filter_map(move |object| object.seconds.get(n)));
        Self {
            name,
            layout,
            objects: objects.len(),
            noc: thresholds.iter().map(|at| Noc::new(ious(), *at, max)).collect(),
            mean_iou: (1..=max).map(|clicks| mean_iou_after(ious(), clicks)).collect(),
            histogram,
            clicks,
            seconds,
            seconds_per_click: seconds / clicks.max(1) as f64,
            click_seconds: (0..max).map_while(nth).collect(),
            published: None,
        }
    }
}

fn mean<'a>(seconds: impl Iterator<Item = &'a ClickSeconds>) -> Option<ClickSeconds> {
    let (mut count, mut sum) = (0, ClickSeconds::default());
    for click in seconds {
        count += 1;
        sum.total += click.total;
        sum.backbone += click.backbone;
        sum.head_forward += click.head_forward;
        sum.head_backward += click.head_backward;
        sum.objective += click.objective;
        sum.optimizer += click.optimizer;
        sum.transforms += click.transforms;
        sum.evaluations += click.evaluations;
    }
    let each = |seconds: f64| seconds / f64::from(count);
    (count > 0).then(|| ClickSeconds {
        total: each(sum.total),
        backbone: each(sum.backbone),
        head_forward: each(sum.head_forward),
        head_backward: each(sum.head_backward),
        objective: each(sum.objective),
        optimizer: each(sum.optimizer),
        transforms: each(sum.transforms),
        evaluations: sum.evaluations / count as usize,
    })
}

/// Seconds as people read them: `12 s`, `3:05`, `1:02:03`.
fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, _) if seconds < 10.0 => format!("{seconds:.1} s"),
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// A threshold as NoC's names have it: 90 for 0.9.
pub(crate) fn percent(threshold: f64) -> String {
    let percent = format!("{:.1}", threshold * 100.0);
    percent.strip_suffix(".0").unwrap_or(&percent).to_owned()
}
