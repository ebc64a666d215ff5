//! Progress bars, on standard error and for watchers alone.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

use crate::print::Voice;

/// How often a bar is redrawn.
const TICK: Duration = Duration::from_millis(100);

/// A line that says what is being done.
pub(crate) fn spinner(voice: Voice) -> ProgressBar {
    bar(voice, None, "{spinner} {wide_msg} {elapsed}")
}

/// A bar that fills, beside a line that says what is being done.
pub(crate) fn steps(voice: Voice, total: u64) -> ProgressBar {
    bar(voice, Some(total), "{spinner} {bar:24} {wide_msg} {elapsed}")
}

/// A bar of bytes.
pub(crate) fn bytes(voice: Voice) -> ProgressBar {
    bar(voice, None, "{spinner} {msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}")
}

fn bar(voice: Voice, total: Option<u64>, template: &str) -> ProgressBar {
    let target = match voice.is_watched() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    // Gone when dropped: a failure's sentence stands alone.
    let bar = ProgressBar::with_draw_target(total, target)
        .with_style(style)
        .with_finish(ProgressFinish::AndClear);
    if voice.is_watched() {
        bar.enable_steady_tick(TICK);
    }
    bar
}
