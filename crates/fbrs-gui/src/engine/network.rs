//! Clicks answered by a network.

use std::collections::VecDeque;

use fbrs::weights::{ExtraKeys, Places};
use fbrs::{
    CancelToken, Click, Event, ImageSpace, LiveAnswer, Options, Photo, Prediction, Segmenter,
    Session, Watch, Work,
};
use fbrs_annotation::Mask;

use super::answerer::{Answerer, Load, Progress, Unanswered};
use super::wanted::{Answered, Choice, Cost, PhotoKey, Ready, Wanted};

/// Photos whose sessions are kept.
const SESSIONS: usize = 2;
/// Objects of a photo that can be gone on with without being answered again.
const ASIDE: usize = 8;
/// Bytes that a session may hold beside its photo.
const MEMORY: usize = 384 << 20;

/// Loads networks.
pub(crate) struct Networks;

impl Load for Networks {
    fn load(
        &mut self,
        choice: &Choice,
        on_progress: &mut dyn FnMut(f32),
    ) -> Result<Box<dyn Answerer>, String> {
        let sentence = |error: fbrs::Error| error.to_string();
        let device = choice.device.open().map_err(sentence)?;
        let place = Places::default().looking_first_in("weights");
        let checkpoint = place
            .locate(&choice.weights)
            .and_then(|place| place.open(ExtraKeys::Refuse))
            .map_err(|error| error.to_string())?;
        let on_progress = |done: usize, all: usize| on_progress(done as f32 / all.max(1) as f32);
        let segmenter = Segmenter::from_checkpoint_with(checkpoint, device, on_progress);
        let segmenter = segmenter.map_err(sentence)?;
        Ok(Box::new(Network { segmenter, choice: choice.clone(), desks: VecDeque::new() }))
    }
}

/// A network, and the photos that it works on.
struct Network {
    segmenter: Segmenter,
    choice: Choice,
    /// The last is the one that was used last.
    desks: VecDeque<Desk>,
}

/// Work on one photo.
struct Desk {
    key: PhotoKey,
    session: Session,
    base: Base,
    /// Whether a search of the object's finished parts was ended by its time.
    by_time: bool,
    /// Objects that were put aside, the last one last.
    aside: VecDeque<(Base, Work)>,
}

/// What an object's clicks come on top of.
#[derive(Debug, Clone, PartialEq, Default)]
struct Base {
    start: Option<Mask>,
    parts: Vec<Vec<Click<ImageSpace>>>,
}

impl Base {
    fn of(wanted: &Wanted) -> Self {
        Self { start: wanted.start.clone(), parts: wanted.parts.clone() }
    }
}

impl Network {
    fn desk(&mut self, key: PhotoKey, photo: &Photo, options: &Options) -> fbrs::Result<&mut Desk> {
        let desk = match self.desks.iter().position(|desk| desk.key == key) {
            Some(place) => self.desks.remove(place),
            None => None,
        };
        let desk = match desk {
            Some(desk) => desk,
            None => {
                let mut session = self.segmenter.session(photo.clone(), options.clone())?;
                session.set_memory_limit(MEMORY);
                Desk { key, session, base: Base::default(), by_time: false, aside: VecDeque::new() }
            }
        };
        while self.desks.len() >= SESSIONS {
            self.desks.pop_front();
        }
        self.desks.push_back(desk);
        // The one that was just put there.
        self.desks.back_mut().ok_or(fbrs::Error::State("no photo is open"))
    }
}

impl Desk {
    /// Puts the object in hand aside.
    fn put_aside(&mut self) {
        self.by_time = false;
        if let Some(work) = self.session.take() {
            let base = std::mem::take(&mut self.base);
            self.aside.retain(|(known, old)| {
                !(*known == base
                    && old.clicks().eq(work.clicks())
                    && old.options() == work.options())
            });
            self.aside.push_back((base, work));
            while self.aside.len() > ASIDE {
                self.aside.pop_front();
            }
        }
        self.base = Base::default();
        // The window has a history of its own.
        self.session.forget_history();
    }

    /// Makes the object in hand one on the same base as what is wanted.
    fn take_base(&mut self, wanted: &Wanted, watch: &mut Watch<'_>) -> fbrs::Result<()> {
        let base = Base::of(wanted);
        let same_options = *self.session.options() == wanted.options;
        let in_hand: Vec<_> = self.session.clicks().collect();
        let shares = |clicks: &[Click<ImageSpace>]| {
            clicks.iter().zip(&wanted.clicks).take_while(|(a, b)| a == b).count()
        };
        let best = self.best_aside(&base, wanted, &shares);
        if self.base == base && same_options {
            let mine = shares(&in_hand);
            let theirs = best.map_or(0, |(_, shared)| shared);
            if mine >= theirs && (in_hand.is_empty() || mine > 0) {
                return Ok(());
            }
        }
        // The part that was just finished.
        let is_next_part = base.start == self.base.start
            && base.parts.split_last().is_some_and(|(last, before)| {
                *last == in_hand && before == self.base.parts && !last.is_empty()
            });
        if is_next_part && same_options {
            self.session.finish_partially()?;
            self.base = base;
            return Ok(());
        }
        self.put_aside();
        let best = self.best_aside(&base, wanted, &shares);
        let resumed = best.and_then(|(place, _)| self.aside.remove(place));
        if let Some((base, work)) = resumed {
            self.session.resume(work)?;
            self.base = base;
            return Ok(());
        }
        if !same_options {
            self.session.set_options(wanted.options.clone(), watch)?;
        }
        if let Some(start) = &base.start {
            self.session.start_from_mask(&start.to_gray())?;
        }
        self.base.start.clone_from(&base.start);
        for part in base.parts {
            // One click after the other, so that each one's ending is known.
            for count in 1..=part.len() {
                self.session.replay(part.get(..count).unwrap_or(&part), watch)?;
                let ending = self.session.report().and_then(|report| report.refine.ending);
                self.by_time |= ending == Some(fbrs::Ending::Time);
            }
            self.session.finish_partially()?;
            self.base.parts.push(part);
        }
        Ok(())
    }
}

impl Desk {
    /// Of the objects that were put aside, the one on this base that has the most of the wanted clicks
    /// in common: its place, and how many. One without any is of use where the base took work.
    fn best_aside(
        &self,
        base: &Base,
        wanted: &Wanted,
        shares: &impl Fn(&[Click<ImageSpace>]) -> usize,
    ) -> Option<(usize, usize)> {
        let known = self
            .aside
            .iter()
            .enumerate()
            .filter(|(_, (known, work))| known == base && *work.options() == wanted.options);
        let shared =
            known.map(|(place, (_, work))| (place, shares(&work.clicks().collect::<Vec<_>>())));
        let useful = shared.filter(|(_, shared)| *shared > 0 || *base != Base::default());
        useful.max_by_key(|(_, shared)| *shared)
    }
}

/// The pixels above the threshold of what a network answered.
fn mask_of(prediction: &Prediction, threshold: f32) -> fbrs::Result<Mask> {
    let size = prediction.size();
    Ok(match prediction.bounding_box(threshold)? {
        None => Mask::empty(size),
        Some(region) => Mask::from_gray_in(size, region, &prediction.mask_in(region, threshold)?),
    })
}

fn unanswered(error: fbrs::Error) -> Unanswered {
    match error {
        error if error.is_cancelled() => Unanswered::Cancelled,
        fbrs::Error::Fault(_) => Unanswered::Lost(error.to_string()),
        error => Unanswered::Problem(error.to_string()),
    }
}

impl Answerer for Network {
    fn ready(&self) -> Ready {
        let network = &self.segmenter;
        Ready {
            choice: self.choice.clone(),
            network: network.architecture().to_string(),
            fingerprint: network.fingerprint().ok(),
            device: network.device().to_string(),
            options: network.options(),
            sees_mask: network.architecture().sees_previous_mask(),
        }
    }

    fn step(
        &mut self,
        wanted: &Wanted,
        token: &CancelToken,
        see: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Answered, Unanswered> {
        let threshold = wanted.threshold;
        let desk = self.desk(wanted.key, &wanted.photo, &wanted.options).map_err(unanswered)?;
        let mut click = 0;
        let by_time = |session: &Session| {
            session.report().and_then(|report| report.refine.ending) == Some(fbrs::Ending::Time)
        };
        let mut on_event = |event: &Event<'_>| {
            let mut live = |evaluation, loss, answer: &LiveAnswer<'_>| {
                let mask = || {
                    let size = wanted.photo.size();
                    mask_of(&answer.prediction(), threshold).unwrap_or_else(|_| Mask::empty(size))
                };
                see(Progress::Live { click, evaluation, loss, mask: &mask });
            };
            match event {
                Event::Click { index, .. } => click = *index,
                Event::View { region, .. } => see(Progress::View(*region)),
                Event::Plain(answer) => live(0, None, answer),
                Event::Evaluation { number, loss, answer } => live(*number, Some(*loss), answer),
                _ => {}
            }
        };
        let mut watch = Watch::new().cancelled_by(token).seen_by(&mut on_event);
        desk.take_base(wanted, &mut watch).map_err(unanswered)?;
        let was_by_time = desk.by_time || by_time(&desk.session);
        let known = desk.session.clicks().zip(&wanted.clicks).take_while(|(a, b)| a == *b).count();
        let next = wanted.clicks.get(..known + 1).unwrap_or(&wanted.clicks);
        desk.session.replay(next, &mut watch).map_err(unanswered)?;
        let mask = match desk.session.prediction() {
            Some(prediction) => mask_of(&prediction, threshold).map_err(unanswered)?,
            None => Mask::empty(wanted.photo.size()),
        };
        let cost = desk.session.report().map(|report| Cost {
            time: report.total,
            evaluations: report.refine.losses.len(),
            ending: report.refine.ending,
        });
        let by_time = was_by_time || by_time(&desk.session);
        Ok(Answered { revision: wanted.revision, mask, clicks: next.len(), cost, by_time })
    }

    fn put_aside(&mut self, key: PhotoKey) {
        if let Some(desk) = self.desks.iter_mut().find(|desk| desk.key == key) {
            desk.put_aside();
        }
    }

    fn prepare(&mut self, key: PhotoKey, photo: &Photo, options: &Options, token: &CancelToken) {
        // Whatever goes wrong goes wrong again with the first click, and is told then.
        if let Ok(desk) = self.desk(key, photo, options) {
            let _ = desk.session.prepare(&mut Watch::new().cancelled_by(token));
        }
    }

    fn close(&mut self, key: PhotoKey) {
        self.desks.retain(|desk| desk.key != key);
    }
}
