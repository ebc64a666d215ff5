use std::any::Any;
use std::num::NonZeroUsize;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use fbrs::{Options, Segmenter};
use fbrs_data::sets::{ObjectKey, OpenedData, Problem, Sample};

use crate::error::Result;
use crate::journal::{Journal, Record, Results};
use crate::result::{ClickSeconds, ObjectResult};
use crate::settings::Settings;
use crate::user::SimulatedUser;

/// Clicks on one object until its IoU is good enough or the clicks are used up.
///
/// # Errors
/// As [`fbrs::Segmenter::session`] and [`fbrs::Session::click`].
pub fn evaluate(
    segmenter: &Segmenter,
    sample: Sample,
    options: Options,
    settings: &Settings,
) -> Result<ObjectResult, fbrs::Error> {
    let Sample { photo, truth } = sample;
    let size = truth.size();
    let mut session = segmenter.session(photo, options)?;
    let mut user = SimulatedUser::new(&truth);
    let mut result = ObjectResult::new(size);
    let threshold = settings.threshold as f32;
    let mut mask = vec![false; size.area()];
    for _ in 0..settings.max_clicks {
        let click = user.next_click(&mask);
        let prediction = session.click(click)?;
        mask.clear();
        mask.extend(prediction.mask(threshold)?.as_raw().iter().map(|value| *value > 0));
        let iou = truth.iou(&mask);
        let (row, col) = (click.position.row as usize, click.position.col as usize);
        result.clicks.push((click.is_positive(), row, col));
        result.iou.push(iou);
        result.seconds.push(session.report().map(ClickSeconds::from).unwrap_or_default());
        if iou >= settings.target_iou {
            break;
        }
    }
    result.set_mask(&mask);
    Ok(result)
}

/// An object that is still to be evaluated.
struct Task<'a> {
    number: usize,
    data: &'a OpenedData,
    in_data: usize,
    key: &'a ObjectKey,
    options: &'a Options,
}

impl Task<'_> {
    fn run(&self, segmenter: &Segmenter, settings: &Settings) -> Record {
        let work = || {
            let sample = self.data.set.read(self.in_data)?;
            evaluate(segmenter, sample, self.options.clone(), settings)
                .map_err(|error| Problem::new(error.to_string()))
        };
        // Nothing that a panic may leave half done is used again: sample and session are gone.
        let evaluated = panic::catch_unwind(AssertUnwindSafe(work))
            .unwrap_or_else(|fault| Err(fault_in_the_program(fault.as_ref())));
        let (result, problem) = match evaluated {
            Ok(result) => (Some(result), None),
            Err(problem) => (None, Some(problem)),
        };
        let (data, key) = (self.data.name.clone(), self.key.clone());
        Record { number: self.number, data, key, result, problem }
    }
}

fn fault_in_the_program(fault: &(dyn Any + Send)) -> Problem {
    let words = fault.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| fault.downcast_ref::<&str>().copied()).unwrap_or("no words");
    Problem::new(format!("fault in the program, please report it: {words}"))
}

/// Stops the other threads when one of them is ended by a panic.
struct StopsOthers<'a>(&'a AtomicBool);

impl Drop for StopsOthers<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// Evaluates the objects of `results`' shard that it does not hold yet, and those that had a
/// problem; each goes into the journal and into `results`.
///
/// `jobs` objects are worked on at a time, which changes no result: objects know nothing of each
/// other. `watch` sees every record as it comes, in no certain order. A panic while an object is
/// evaluated is that object's problem.
///
/// # Errors
/// Where the journal cannot be written, or the settings do not fit; what is wrong with one object
/// is part of its record.
pub fn run(
    segmenter: &Segmenter,
    data: &[OpenedData],
    results: &mut Results,
    journal: &mut Journal,
    jobs: NonZeroUsize,
    watch: impl FnMut(&Record) + Send,
) -> Result<()> {
    let settings = results.configuration.settings.clone();
    let options = data.iter().map(|data| settings.options(data.layout));
    let options = options.collect::<Result<Vec<_>>>()?;
    let objects = data.iter().zip(&options).flat_map(|(data, options)| {
        let objects = data.objects.iter().enumerate();
        objects.map(move |(in_data, key)| (data, options, in_data, key))
    });
    let tasks: Vec<_> = objects
        .enumerate()
        .map(|(number, (data, options, in_data, key))| Task { number, data, in_data, key, options })
        .filter(|task| results.shard.holds(task.number))
        .filter(|task| results.records.get(&task.number).is_none_or(|r| r.problem.is_some()))
        .collect();
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let shared = Mutex::new((journal, results, watch, Ok(())));
    let work = || {
        let _stops_others = StopsOthers(&failed);
        while !failed.load(Ordering::Relaxed) {
            let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
            let record = task.run(segmenter, &settings);
            // A thread that panicked in between left whole values behind.
            let mut shared = shared.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let (journal, results, watch, outcome) = &mut *shared;
            if let Err(error) = journal.append(&record) {
                failed.store(true, Ordering::Relaxed);
                *outcome = Err(error);
                return;
            }
            watch(&record);
            results.records.insert(record.number, record);
        }
    };
    thread::scope(|scope| {
        for _ in 1..jobs.get() {
            scope.spawn(work);
        }
        work();
    });
    let (_, _, _, outcome) = shared.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    outcome
}
