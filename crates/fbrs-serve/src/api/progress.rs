//! What is seen of a click while it is answered: server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use fbrs::Watch;
use futures_util::future::BoxFuture;
use futures_util::stream;
use serde::Serialize;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::Job;
use crate::answer::{ClickResult, Wanted, preview};
use crate::desk::Turn;
use crate::problem::Result;

/// Previews are at least this far apart.
const BETWEEN_PREVIEWS: Duration = Duration::from_millis(200);

/// How often a silent connection is tried.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// An evaluation of a click's search.
#[derive(Debug, Serialize)]
struct Evaluation {
    n: usize,
    loss: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<String>,
}

/// Who is told.
#[derive(Debug, Clone)]
pub(crate) struct Told(Option<UnboundedSender<Event>>);

impl Told {
    pub(crate) fn nobody() -> Self {
        Self(None)
    }

    /// Whether a request wants to be told, and what it is told by.
    pub(crate) fn by(headers: &HeaderMap) -> (Self, Option<UnboundedReceiver<Event>>) {
        let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        let wanted = accept.is_some_and(|accept| {
            accept.split(',').any(|kind| kind.trim().starts_with("text/event-stream"))
        });
        match wanted {
            true => {
                let (sender, receiver) = mpsc::unbounded_channel();
                (Self(Some(sender)), Some(receiver))
            }
            false => (Self(None), None),
        }
    }

    /// Does something with a watch that tells.
    pub(crate) fn watching<T>(
        &self,
        turn: &mut Turn<'_>,
        wanted: &Wanted,
        act: impl FnOnce(&mut Turn<'_>, &mut Watch<'_>) -> Result<T>,
    ) -> Result<T> {
        let token = turn.token.clone();
        let Some(sender) = &self.0 else {
            return act(turn, &mut Watch::new().cancelled_by(&token));
        };
        let threshold = wanted.threshold.unwrap_or(turn.session.options().refine.threshold);
        let mut shown: Option<Instant> = None;
        let mut see = |event: &fbrs::Event<'_>| {
            if let fbrs::Event::Evaluation { number, loss, answer } = event {
                let is_time = shown.is_none_or(|shown| shown.elapsed() >= BETWEEN_PREVIEWS);
                let side = wanted.preview.filter(|_| is_time);
                // A preview that cannot be made is left out: the result comes in any case.
                let preview =
                    side.and_then(|side| preview(&answer.prediction(), side, threshold).ok());
                if preview.is_some() {
                    shown = Some(Instant::now());
                }
                // Nobody may listen any more: the job is called off then.
                let _ = sender
                    .send(event_of("evaluation", &Evaluation { n: *number, loss: *loss, preview }));
            }
        };
        act(turn, &mut Watch::new().cancelled_by(&token).seen_by(&mut see))
    }
}

fn event_of(name: &str, value: &impl Serialize) -> Event {
    let event = Event::default().event(name);
    event.json_data(value).unwrap_or_else(|_| Event::default().event("error"))
}

/// A job's answer: as a whole, or event by event. Whoever stops reading calls the job off.
pub(crate) async fn respond(
    job: Job<ClickResult>,
    receiver: Option<UnboundedReceiver<Event>>,
    request_id: String,
) -> Result<Response> {
    let Some(receiver) = receiver else {
        return Ok(axum::Json(job.done.await?).into_response());
    };
    #[derive(Serialize)]
    struct Queued {
        ahead: usize,
    }
    let queued = event_of("queued", &Queued { ahead: job.ahead });
    let telling =
        Telling { next: VecDeque::from([queued]), receiver, done: Some(job.done), request_id };
    let events = stream::unfold(telling, |mut telling| async move {
        telling.next().await.map(|event| (Ok::<_, Infallible>(event), telling))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

/// The events of a job on their way.
struct Telling {
    next: VecDeque<Event>,
    receiver: UnboundedReceiver<Event>,
    done: Option<BoxFuture<'static, Result<ClickResult>>>,
    request_id: String,
}

impl Telling {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.next.pop_front() {
                return Some(event);
            }
            let done = self.done.as_mut()?;
            tokio::select! {
                biased;
                Some(event) = self.receiver.recv() => self.next.push_back(event),
                answer = done => {
                    self.done = None;
                    // What was told before the end comes before the end.
                    while let Ok(event) = self.receiver.try_recv() {
                        self.next.push_back(event);
                    }
                    self.next.push_back(match answer {
                        Ok(result) => event_of("result", &result),
                        Err(problem) => event_of("error", &problem.body(&self.request_id)),
                    });
                }
            }
        }
    }
}
