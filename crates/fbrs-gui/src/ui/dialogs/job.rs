//! Work that takes a while, and what came of it.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use egui::{Context, ProgressBar, ScrollArea, Ui};
use fbrs_annotation::export::Report;

type Outcome = Result<Report, String>;

/// An export or an import. Dropped, it is called off.
#[derive(Default)]
pub(super) struct Job {
    running: Option<Arc<Running>>,
    outcome: Option<Outcome>,
}

#[derive(Default)]
struct Running {
    done: AtomicUsize,
    all: AtomicUsize,
    is_called_off: AtomicBool,
    outcome: Mutex<Option<Outcome>>,
}

impl Job {
    /// Work for another thread; `work` is given what hears how far it is, and says whether to go on.
    pub(super) fn begin(
        &mut self,
        ctx: &Context,
        work: impl FnOnce(&mut dyn FnMut(usize, usize) -> bool) -> Outcome + Send + 'static,
    ) -> Box<dyn FnOnce() + Send> {
        let running = Arc::new(Running::default());
        self.running = Some(running.clone());
        self.outcome = None;
        let ctx = ctx.clone();
        Box::new(move || {
            let mut go_on = |done: usize, all: usize| {
                running.done.store(done, Ordering::Relaxed);
                running.all.store(all, Ordering::Relaxed);
                !running.is_called_off.load(Ordering::Relaxed)
            };
            // Whatever happens in there, it is over then.
            let outcome = panic::catch_unwind(AssertUnwindSafe(|| work(&mut go_on)))
                .unwrap_or_else(|_| Err("a fault in the program, please report it".to_owned()));
            *running.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            ctx.request_repaint();
        })
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// What came of it no longer holds.
    pub(super) fn forget(&mut self) {
        self.outcome = None;
    }

    /// Hears whether it is over; `true` once.
    pub(super) fn is_just_over(&mut self) -> bool {
        let Some(running) = &self.running else { return false };
        let outcome = running.outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
        if outcome.is_some() {
            self.outcome = outcome;
            self.running = None;
            return true;
        }
        false
    }

    /// Draws how far it is, or what came of it.
    pub(super) fn show(&mut self, ui: &mut Ui) {
        match (&self.running, &self.outcome) {
            (Some(running), _) => {
                let done = running.done.load(Ordering::Relaxed);
                let all = running.all.load(Ordering::Relaxed);
                ui.horizontal(|ui| {
                    let bar = ProgressBar::new(done as f32 / all.max(1) as f32);
                    ui.add(bar.text(format!("{done} of {all}")).desired_width(360.0));
                    if ui.button("Stop").clicked() {
                        running.is_called_off.store(true, Ordering::Relaxed);
                    }
                });
                ui.ctx().request_repaint_after(Duration::from_millis(100));
            }
            (None, Some(Ok(report))) => {
                let area = ScrollArea::vertical().max_height(200.0).auto_shrink([false, true]);
                area.show(ui, |ui| {
                    for line in report.lines() {
                        ui.label(line);
                    }
                });
            }
            (None, Some(Err(problem))) => {
                ui.colored_label(ui.visuals().error_fg_color, problem);
            }
            (None, None) => {}
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.is_called_off.store(true, Ordering::Relaxed);
        }
    }
}
