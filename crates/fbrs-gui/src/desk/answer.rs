//! What the engine is asked, and what it answers.

use fbrs::weights::Fingerprint;
use fbrs::{DeviceChoice, Mode, Options, Region};
use fbrs_annotation::{Current, Mask, Origin, Weights};
use serde_json::Value;

use super::{Desk, Remedy};
use crate::engine::{Choice, Cost, Engine, Event, PhotoKey, Wanted};

/// What is known of the answer to the object in hand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    /// What was asked last.
    pub(crate) revision: u64,
    /// The object in hand as it stands; of earlier clicks while later ones are being answered.
    pub(crate) mask: Option<Mask>,
    /// Clicks that the mask answers.
    pub(crate) answered: usize,
    /// Whether the engine is at work.
    pub(crate) is_busy: bool,
    /// The click that is being answered, its evaluation and loss.
    pub(crate) live: Option<(usize, usize, Option<f64>)>,
    pub(crate) region: Option<Region>,
    pub(crate) cost: Option<Cost>,
    /// Whether a search was ended by its time, so that its answer is not sure to come again.
    by_time: bool,
    /// The clicks of the object in hand when all of them were answered last, and what they came on top
    /// of.
    settled: Option<Current>,
    /// Whether the engine gave up.
    has_failed: bool,
    /// What was asked last, but for its revision.
    question: Option<Question>,
    /// The first question since which each only added clicks to the one before: answers to all of them
    /// are answers to the first clicks of this one.
    since: u64,
}

impl Answer {
    /// Of another object. Revisions only grow: what is heard of earlier ones is known by them.
    pub(super) fn next(&self) -> Self {
        let revision = self.revision + 1;
        Self { revision, since: revision, ..Self::default() }
    }

    /// This object was answered before, in another window or before a restart.
    pub(super) fn settle(&mut self, current: Current) {
        self.settled = Some(plain(&current));
    }
}

/// What the answer depends on.
#[derive(Debug, Clone, PartialEq)]
struct Question {
    key: PhotoKey,
    current: Current,
    threshold: f32,
}

/// What of an object is the engine's: not its class, nor which object it will be.
fn plain(current: &Current) -> Current {
    Current { class: None, object: None, ..current.clone() }
}

/// What is to be said to the engine.
pub(super) enum Asked {
    For(Box<Wanted>),
    /// Nothing is in hand.
    Aside(PhotoKey),
}

impl Asked {
    pub(super) fn say(self, engine: &Engine) {
        match self {
            Self::For(wanted) => engine.want(*wanted),
            Self::Aside(key) => engine.put_aside(key),
        }
    }
}

impl Desk {
    /// Answers the object in hand anew where anything changed.
    pub(crate) fn ask(&mut self) {
        self.answer.question = None;
        if let Some(asked) = self.prepare_question() {
            self.tell(asked);
        }
    }

    /// Says it to the engine, behind everything that is being written: the last thing that is asked is
    /// the one that holds.
    fn tell(&self, asked: Asked) {
        let engine = self.engine.clone();
        self.disk.work(move || asked.say(&engine));
    }

    /// What the engine is to be asked after a change; `None` where what it was asked still holds.
    pub(super) fn prepare_question(&mut self) -> Option<Asked> {
        let open = self.open.as_ref()?;
        let key = open.key;
        let current = open.annotation.as_ref()?.document().current.clone();
        let Some(current) = current.filter(|current| !current.is_untouched()) else {
            let was_asked = self.answer.question.is_some();
            self.answer = self.answer.next();
            self.drawn += 1;
            return was_asked.then_some(Asked::Aside(key));
        };
        let threshold = self.threshold_of(&current);
        let question = Question { key, current: plain(&current), threshold };
        if self.answer.question.as_ref() == Some(&question) {
            return None;
        }
        // What was answered of other clicks is no beginning of this.
        let before = self.answer.question.as_ref();
        let continues = before.is_some_and(|before| {
            before.key == key
                && before.current.start == question.current.start
                && before.current.parts == question.current.parts
        });
        let revision = self.answer.revision + 1;
        let first = before.filter(|_| continues).map_or(0, |before| {
            let pairs = before.current.clicks.iter().zip(&current.clicks);
            pairs.take_while(|(a, b)| a == b).count()
        });
        let only_added = continues
            && before.is_some_and(|before| {
                first == before.current.clicks.len()
                    && before.threshold == question.threshold
                    && before.current.options == question.current.options
            });
        if !continues {
            self.answer = self.answer.next();
            self.answer.mask.clone_from(&current.start);
        }
        if !only_added {
            self.answer.since = revision;
        }
        self.answer.revision = revision;
        self.answer.answered = self.answer.answered.min(first);
        self.answer.is_busy = true;
        self.answer.has_failed = false;
        self.answer.by_time &= first > 0;
        self.answer.question = Some(question);
        let wanted = Wanted {
            revision,
            key,
            photo: open.photo.clone(),
            options: self.options_of(&current),
            start: current.start,
            parts: current.parts,
            clicks: current.clicks,
            threshold,
        };
        Some(Asked::For(Box::new(wanted)))
    }

    /// How an object's clicks are answered; what cannot be read is answered as new objects are.
    pub(crate) fn options_of(&self, current: &Current) -> Options {
        match &current.options {
            Value::Null => self.options.clone(),
            options => serde_json::from_value(options.clone()).unwrap_or(self.options.clone()),
        }
    }

    /// Whether the object in hand is answered in another way than new ones are.
    pub(crate) fn has_other_options(&self) -> bool {
        self.current().is_some_and(|current| {
            !current.is_untouched() && self.options_of(current) != self.options
        })
    }

    /// Answers the object in hand as new ones are.
    pub(crate) fn recompute(&mut self) {
        let options = serde_json::to_value(&self.options).unwrap_or_default();
        self.change("options", |document| {
            if let Some(current) = &mut document.current {
                current.options = options;
            }
        });
    }

    /// Another way to answer new objects.
    pub(crate) fn set_options(&mut self, options: Options) {
        if options != self.options {
            self.options = options;
            self.options_chosen = true;
            self.project.options = serde_json::to_value(&self.options).unwrap_or_default();
            self.write_project();
        }
    }

    /// As suits the network.
    pub(crate) fn usual_options(&mut self) {
        if let Some(ready) = &self.ready {
            self.options = ready.options.clone();
            self.options_chosen = false;
            self.project.options = Value::Null;
            self.write_project();
        }
    }

    /// The probability above which a pixel is object: the mask in hand changes at once.
    pub(crate) fn set_threshold(&mut self, threshold: f32) {
        if threshold != self.threshold_in_use() && threshold > 0.0 && threshold < 1.0 {
            let open = self.open.as_mut().and_then(|open| open.annotation.as_ref());
            let own = open.and_then(|annotation| annotation.document().current.as_ref());
            if own.is_some_and(|current| current.threshold.is_some()) {
                self.change("threshold", |document| {
                    if let Some(current) = &mut document.current {
                        current.threshold = Some(threshold);
                    }
                });
                return;
            }
            self.threshold = threshold;
            if let Some(asked) = self.prepare_question() {
                self.tell(asked);
            }
        }
    }

    /// The object's own threshold, or that of new objects.
    fn threshold_of(&self, current: &Current) -> f32 {
        let own = current.threshold.filter(|own| *own > 0.0 && *own < 1.0);
        own.unwrap_or(self.threshold)
    }

    /// The threshold of the object in hand, or that of the next one.
    pub(crate) fn threshold_in_use(&self) -> f32 {
        self.current().map_or(self.threshold, |current| self.threshold_of(current))
    }

    /// Whether all clicks are answered.
    pub(crate) fn is_settled(&self) -> bool {
        let clicks = self.current().map_or(0, |current| current.clicks.len());
        let answer = &self.answer;
        !answer.is_busy && !answer.has_failed && answer.mask.is_some() && answer.answered == clicks
    }

    /// Clicks of the object in hand that are not answered yet.
    pub(crate) fn queued(&self) -> usize {
        let clicks = self.current().map_or(0, |current| current.clicks.len());
        if self.answer.is_busy { clicks.saturating_sub(self.answer.answered) } else { 0 }
    }

    pub(super) fn hear_engine(&mut self, event: Event) {
        let now = self.answer.revision;
        match event {
            Event::Loading(share) => self.loading_weights = Some(share),
            Event::Ready(ready) => {
                self.loading_weights = None;
                let is_other = self
                    .ready
                    .as_ref()
                    .is_some_and(|before| before.fingerprint != ready.fingerprint);
                if !self.options_chosen {
                    self.options = ready.options.clone();
                    self.threshold = ready.options.refine.threshold;
                }
                // Refinement in front of a head that this network does not have.
                let cannot =
                    ready.network.contains("ocr0") && self.options.refine.mode == Mode::FBrsC;
                if cannot {
                    self.options = ready.options.clone();
                }
                self.ready = Some(*ready);
                if is_other && self.current().is_some_and(|current| !current.is_untouched()) {
                    self.ask();
                }
                self.look_ahead();
            }
            Event::NotLoaded(problem) => {
                self.loading_weights = None;
                if let Some(ready) = &self.ready {
                    self.choice = ready.choice.clone();
                }
                self.settings.weights = None;
                self.settings.device = None;
                let is_default = self.choice.weights == "default";
                let remedy = (!is_default || self.ready.is_none()).then_some(Remedy::BuiltIn);
                self.problem(problem, remedy);
            }
            Event::View { revision, region } if revision == now => self.answer.region = region,
            Event::Live(live) if live.revision == now => {
                self.answer.live = Some((live.click, live.evaluation, live.loss));
                self.answer.mask = Some(live.mask);
                self.drawn += 1;
            }
            // Or a click that an earlier question had and the newer one has too.
            Event::Answered(answered) if answered.revision == now || self.leads_here(&answered) => {
                self.answer.mask = Some(answered.mask);
                self.answer.answered = answered.clicks;
                self.answer.cost = answered.cost;
                self.answer.live = None;
                self.answer.by_time |= answered.by_time;
                self.drawn += 1;
            }
            Event::Live(live)
                if live.revision >= self.answer.since && self.is_ahead_of(live.click) =>
            {
                self.answer.live = Some((live.click, live.evaluation, live.loss));
                self.answer.mask = Some(live.mask);
                self.drawn += 1;
            }
            Event::Idle { revision } if revision == now => {
                self.answer.is_busy = false;
                self.answer.live = None;
                self.answer.settled = self.current().map(plain);
                self.finish_what_waits();
            }
            Event::Failed { revision, problem } if revision == now => {
                self.answer.is_busy = false;
                self.answer.has_failed = true;
                self.answer.live = None;
                self.waiting = None;
                self.later.clear();
                self.problem_here(problem, Some(Remedy::AskAgain));
            }
            Event::Fault(fault) => self.problem(fault, None),
            _ => {}
        }
    }

    /// Whether an answer to an earlier question is one to this question's first clicks: questions that
    /// were not led to were called off, and their answers carry more clicks than are shared.
    fn leads_here(&self, answered: &crate::engine::Answered) -> bool {
        let clicks = self.current().map_or(0, |current| current.clicks.len());
        self.answer.is_busy
            && answered.revision >= self.answer.since
            && answered.clicks <= clicks
            && answered.clicks > self.answer.answered
    }

    fn is_ahead_of(&self, click: usize) -> bool {
        self.answer.is_busy
            && click >= self.answer.answered
            && self.answer.live.is_none_or(|(known, ..)| click >= known)
    }

    /// Calls off what is being answered: the clicks are again those that were answered last, as one
    /// change, which can be taken back.
    pub(super) fn call_off(&mut self) {
        self.waiting = None;
        self.later.clear();
        // At once, however busy the disk is.
        self.engine.want_nothing();
        let settled = self.answer.settled.clone();
        let changed = self.change("cancel", |document| {
            document.current = match (settled, document.current.take()) {
                (Some(settled), Some(now)) => {
                    let Current { class, object, .. } = now;
                    Some(Current { class, object, ..settled })
                }
                // Nothing was answered yet: a part that is finished stays, and so does a mask.
                (None, Some(now)) if now.start.is_some() || !now.parts.is_empty() => {
                    Some(Current { clicks: Vec::new(), ..now })
                }
                (None, _) | (_, None) => None,
            };
        });
        if !changed {
            // The clicks are as they were: they are answered when somebody asks again.
            self.answer.is_busy = false;
            self.answer.live = None;
            self.answer.question = None;
            self.answer.has_failed = true;
        }
    }

    /// How the mask in hand came about.
    pub(super) fn origin(&self, current: &Current) -> Origin {
        let options = serde_json::to_value(self.options_of(current)).unwrap_or_default();
        let weights = self.ready.as_ref().map(|ready| Weights {
            name: ready.choice.weights.clone(),
            sha256: ready
                .fingerprint
                .map_or_else(String::new, |print: Fingerprint| print.to_string()),
        });
        Origin {
            options,
            threshold: Some(self.threshold_of(current)),
            weights,
            device: self.ready.as_ref().map(|ready| ready.device.clone()),
            engine: Some(concat!("fbrs ", env!("CARGO_PKG_VERSION")).to_owned()),
            repeatable: !self.answer.by_time,
        }
    }

    /// Answers with other weights, or on another device.
    pub(crate) fn load(&mut self, weights: String, device: DeviceChoice) {
        self.choice = Choice { weights, device };
        self.loading_weights = Some(0.0);
        self.settings.weights = Some(self.choice.weights.clone()).filter(|name| name != "default");
        self.settings.device = Some(device).filter(|device| *device != DeviceChoice::Auto);
        self.keep_settings();
        let (engine, choice) = (self.engine.clone(), self.choice.clone());
        self.disk.work(move || engine.load(choice));
        self.ask();
    }

    pub(crate) fn choice(&self) -> &Choice {
        &self.choice
    }

    /// Looks at the open photo while nobody clicks.
    pub(super) fn look_ahead(&self) {
        if let (Some(open), Some(_)) = (&self.open, &self.ready) {
            self.engine.prepare(open.key, open.photo.clone(), self.options.clone());
        }
    }
}
