use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use fbrs::CancelToken;
use fbrs_train::config::Config;
use fbrs_train::{Data, Ended, Event, Training};
use indicatif::ProgressBar;

use super::{failure, looking, shown};
use crate::exit::Exit;
use crate::interrupt;
use crate::print::Voice;
use crate::progress;

pub(super) fn begin(config: Config, data: Data, voice: Voice) -> Result<()> {
    let (training, remarks) = Training::begin(config, data).map_err(failure)?;
    remarks.iter().for_each(|remark| voice.warn(remark));
    train(training, voice)
}

pub(super) fn resume(folder: &Path, voice: Voice) -> Result<()> {
    train(looking(voice, |seen| Training::resume(folder, seen))?, voice)
}

fn train(mut training: Training, voice: Voice) -> Result<()> {
    let folder = training.folder().to_owned();
    let [learned, all] = training.learned();
    voice.warn(format!("{}: {learned} of {all} numbers learn", shown(&folder)));
    let stop = CancelToken::new();
    let cancelled = stop.clone();
    interrupt::divert(move || {
        crate::print::say("finishing the step and saving; once more to end at once");
        cancelled.cancel();
    });
    let bar = progress::steps(voice, 0);
    let ended = training.run(&stop, &mut |event| tell(&event, &bar, voice));
    bar.finish_and_clear();
    let again = format!("fbrs train --resume {}", shown(&folder));
    match ended {
        Ok(Ended::Done) => voice.warn(format!("done: {}", best(&training))),
        Ok(Ended::NothingBetter) => {
            voice.warn(format!("no validation got better for a while: {}", best(&training)));
        }
        Ok(Ended::Stopped) => {
            voice.warn(format!("saved; `{again}` goes on"));
            return Err(interrupt::asked().unwrap_or(Exit::Interrupted).because("stopped"));
        }
        Err(error) => {
            if training.is_saved() {
                voice.warn(format!("what was saved is whole; `{again}` goes on from there"));
            }
            return Err(failure(error));
        }
    }
    Ok(())
}

fn best(training: &Training) -> String {
    match training.best() {
        Some((path, Some(found))) => match training.before() {
            Some(before) if before <= found => format!(
                "nothing got better than the weights it began with ({before:.4}); the best trained ones are \
                 {} ({found:.4})",
                shown(&path)
            ),
            Some(before) => {
                format!("the best weights are {} ({found:.4}, {before:.4} before)", shown(&path))
            }
            None => format!("the best weights are {} ({found:.4})", shown(&path)),
        },
        Some((path, None)) => format!("the weights are {}", shown(&path)),
        None => "there are no weights".to_owned(),
    }
}

fn tell(event: &Event, bar: &ProgressBar, voice: Voice) {
    match event {
        Event::Remark(text) => bar.suspend(|| voice.warn(text)),
        Event::Step { epoch, steps: [done, total], loss, iou, pace } => {
            bar.set_length(*total);
            bar.set_position(*done);
            let pace = pace.map_or_else(String::new, |pace| {
                let (speed, left) = (pace.images_per_second, rounded(pace.left));
                format!(", {speed:.2} images/s, {left} left")
            });
            bar.set_message(format!("epoch {}, loss {loss:.4}, IoU {iou:.3}{pace}", epoch + 1));
        }
        Event::Validated { epoch, found, best, took } => {
            let clicks = found
                .clicks
                .map_or_else(String::new, |clicks| format!(", {clicks:.2} clicks an object"));
            let best = if *best { ", the best so far" } else { "" };
            let (loss, iou, took) = (found.loss, found.iou, rounded(*took));
            let when = epoch.map_or_else(
                || "before training".to_owned(),
                |epoch| format!("epoch {}", epoch + 1),
            );
            bar.suspend(|| {
                voice.warn(format!(
                    "{when}: validation loss {loss:.4}, IoU {iou:.3}{clicks}{best} ({took})"
                ));
            });
        }
        _ => {}
    }
}

/// A duration in the two largest units.
fn rounded(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, seconds) => format!("{seconds} s"),
        (0, 0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (0, hours, minutes, _) => format!("{hours} h {minutes} min"),
        (days, hours, _, _) => format!("{days} d {hours} h"),
    }
}
