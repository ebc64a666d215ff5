//! What is counted, in Prometheus' text form. No session, photo or token is named.

use std::fmt;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

type Labels = Vec<(&'static str, String)>;

/// Bounds of a click's time, in seconds.
const CLICK_SECONDS: [f64; 12] =
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 60.0];

pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    clicks: Family<Labels, Histogram>,
    rejections: Family<Labels, Counter>,
    lists: Family<Labels, Counter>,
    waiting: Gauge,
    running: Gauge,
    sessions: Gauge,
    memory: Gauge,
    /// Sessions and photos that gave way to others or were not asked for.
    pub(crate) evictions: Counter,
    /// Clicks that were called off.
    pub(crate) cancellations: Counter,
    /// Sessions that were made again from their logs.
    pub(crate) rebuilt: Counter,
}

/// What is read off when somebody asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Levels {
    pub(crate) waiting: usize,
    pub(crate) running: usize,
    pub(crate) sessions: usize,
    pub(crate) memory: u64,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("fbrs");
        let clicks = Family::new_with_constructor((|| Histogram::new(CLICK_SECONDS)) as fn() -> _);
        let metrics = Self {
            requests: Family::default(),
            clicks,
            rejections: Family::default(),
            lists: Family::default(),
            waiting: Gauge::default(),
            running: Gauge::default(),
            sessions: Gauge::default(),
            memory: Gauge::default(),
            evictions: Counter::default(),
            cancellations: Counter::default(),
            rebuilt: Counter::default(),
            registry: Registry::default(),
        };
        registry.register("requests", "Requests, by method, route and status", {
            metrics.requests.clone()
        });
        registry.register("click_seconds", "Time of a click, by mode", metrics.clicks.clone());
        registry.register("rejections", "Requests turned away, by code", {
            metrics.rejections.clone()
        });
        registry.register("lists", "Requests with all their clicks, by what was known of them", {
            metrics.lists.clone()
        });
        registry.register("queue", "Clicks that wait", metrics.waiting.clone());
        registry.register("running", "Clicks that are being answered", metrics.running.clone());
        registry.register("sessions", "Sessions", metrics.sessions.clone());
        registry.register("memory_bytes", "Memory of photos and sessions", metrics.memory.clone());
        registry.register("evictions", "Sessions given up", metrics.evictions.clone());
        registry.register("cancellations", "Clicks called off", metrics.cancellations.clone());
        registry.register("rebuilt", "Sessions made again from their logs", {
            metrics.rebuilt.clone()
        });
        Self { registry, ..metrics }
    }

    pub(crate) fn request(&self, method: &str, route: &str, status: u16) {
        let labels = vec![
            ("method", method.to_owned()),
            ("route", route.to_owned()),
            ("status", status.to_string()),
        ];
        self.requests.get_or_create(&labels).inc();
    }

    pub(crate) fn rejected(&self, code: &str) {
        self.rejections.get_or_create(&vec![("code", code.to_owned())]).inc();
    }

    pub(crate) fn click(&self, mode: &str, seconds: f64) {
        self.clicks.get_or_create(&vec![("mode", mode.to_owned())]).observe(seconds);
    }

    pub(crate) fn list(&self, known: &str) {
        self.lists.get_or_create(&vec![("cache", known.to_owned())]).inc();
    }

    /// Everything, as text.
    pub(crate) fn text(&self, levels: Levels) -> Result<String, fmt::Error> {
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.waiting.set(gauge(levels.waiting as u64));
        self.running.set(gauge(levels.running as u64));
        self.sessions.set(gauge(levels.sessions as u64));
        self.memory.set(gauge(levels.memory));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}
