//! Requests that carry all their clicks: most add one to the request before.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue};
use fbrs::Watch;

use crate::desk::Turn;
use crate::desk::log::ClickAt;
use crate::problem::Result;

/// What was known of a request's clicks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// All that were there before are in it: only the new ones are answered.
    Extend,
    /// The latest are gone: nothing is answered.
    Undo,
    /// Something else: all are answered.
    Miss,
}

impl Known {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Extend => "extend",
            Self::Undo => "undo",
            Self::Miss => "miss",
        }
    }

    /// Says so in an answer.
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        headers.insert("x-fbrs-cache", HeaderValue::from_static(self.name()));
    }
}

/// Clicks of a request.
#[derive(Debug, Clone)]
pub(crate) enum Clicks {
    /// In the order of clicking.
    InOrder(Vec<ClickAt>),
    /// Positive ones and negative ones, each in the order of clicking.
    BySign { positive: Vec<(f64, f64)>, negative: Vec<(f64, f64)> },
}

impl Clicks {
    /// The clicks in the order in which they are answered, after those that were there before.
    pub(crate) fn after(self, before: &[ClickAt]) -> (Vec<ClickAt>, Known) {
        match self {
            Self::InOrder(clicks) => {
                let same = before.iter().zip(&clicks).take_while(|(old, new)| old == new).count();
                let known = known(same, before.len(), clicks.len());
                (clicks, known)
            }
            Self::BySign { positive, negative } => by_sign(&positive, &negative, before),
        }
    }
}

fn known(same: usize, before: usize, now: usize) -> Known {
    match (same == before && before > 0, same == now) {
        (true, _) => Known::Extend,
        (false, true) if before > 0 => Known::Undo,
        _ => Known::Miss,
    }
}

/// The order between the lists is lost, but for those of the request before.
fn by_sign(
    positive: &[(f64, f64)],
    negative: &[(f64, f64)],
    before: &[ClickAt],
) -> (Vec<ClickAt>, Known) {
    let at = |positive: bool| move |(x, y): &(f64, f64)| ClickAt { x: *x, y: *y, positive };
    let (mut rest_positive, mut rest_negative) = (positive, negative);
    let same = before.iter().take_while(|click| {
        let rest = if click.positive { &mut rest_positive } else { &mut rest_negative };
        match rest.split_first() {
            Some((first, others)) if *first == (click.x, click.y) => {
                *rest = others;
                true
            }
            _ => false,
        }
    });
    let same = same.count();
    let new = rest_positive.iter().map(at(true)).chain(rest_negative.iter().map(at(false)));
    let order: Vec<_> = before.iter().take(same).copied().chain(new).collect();
    match known(same, before.len(), order.len()) {
        Known::Miss => {
            let all = positive.iter().map(at(true)).chain(negative.iter().map(at(false)));
            (all.collect(), Known::Miss)
        }
        known => (order, known),
    }
}

/// Makes these the clicks of a list's session.
pub(crate) fn replay(turn: &mut Turn<'_>, clicks: Clicks, watch: &mut Watch<'_>) -> Result<Known> {
    let (clicks, known) = clicks.after(&turn.log().clicks());
    turn.replay(&clicks, watch)?;
    Ok(known)
}

/// Where a job says what was known.
pub(crate) type Note = Arc<std::sync::OnceLock<Known>>;

#[cfg(test)]
mod tests {
    use super::*;

    fn click(x: f64, positive: bool) -> ClickAt {
        ClickAt { x, y: 0.0, positive }
    }

    fn signed(positive: &[f64], negative: &[f64]) -> Clicks {
        let at = |xs: &[f64]| xs.iter().map(|x| (*x, 0.0)).collect();
        Clicks::BySign { positive: at(positive), negative: at(negative) }
    }

    #[test]
    fn a_new_click_follows_those_before_whatever_its_sign() {
        let before = [click(1.0, true), click(9.0, false), click(2.0, true)];
        let (order, known) = signed(&[1.0, 2.0], &[9.0, 8.0]).after(&before);
        assert_eq!(known, Known::Extend);
        assert_eq!(order, [&before[..], &[click(8.0, false)]].concat());
        let (order, known) = signed(&[1.0], &[9.0]).after(&before);
        assert_eq!((&order[..], known), (&before[..2], Known::Undo));
        let (order, known) = signed(&[1.0, 2.0], &[9.0]).after(&before);
        assert_eq!((&order[..], known), (&before[..], Known::Extend));
    }

    #[test]
    fn other_clicks_come_in_the_order_of_the_lists() {
        let before = [click(1.0, true), click(9.0, false)];
        let (order, known) = signed(&[1.0, 3.0], &[8.0]).after(&before);
        assert_eq!(known, Known::Miss);
        assert_eq!(order, [click(1.0, true), click(3.0, true), click(8.0, false)]);
        assert_eq!(signed(&[1.0], &[]).after(&[]).1, Known::Miss);
        // Taking back is only for what came last.
        assert_eq!(
            signed(&[1.0], &[]).after(&[click(9.0, false), click(1.0, true)]).1,
            Known::Miss
        );
    }

    #[test]
    fn ordered_clicks_are_compared_in_order() {
        let before = vec![click(1.0, true), click(2.0, true)];
        let after = |clicks: &[ClickAt]| Clicks::InOrder(clicks.to_vec()).after(&before).1;
        assert_eq!(after(&[click(1.0, true), click(2.0, true), click(3.0, true)]), Known::Extend);
        assert_eq!(after(&[click(1.0, true)]), Known::Undo);
        assert_eq!(after(&[click(2.0, true)]), Known::Miss);
    }
}
