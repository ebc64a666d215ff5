use std::ops::Range;

use crate::{Error, Result};

/// Does work on `count` samples, at most so many at once; fewer from where the memory does not suffice for
/// them, and no fewer than `least`. What was done before is kept.
pub(super) fn in_portions<T>(
    count: usize,
    at_once: &mut Option<usize>,
    least: usize,
    mut work: impl FnMut(Range<usize>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut done = Vec::new();
    let mut from = 0;
    while from < count {
        let left = count - from;
        let portions = at_once.map_or(1, |most| left.div_ceil(most.max(1)));
        let length = left.div_ceil(portions.min(left / least.max(1)).max(1));
        match work(from..from + length) {
            Ok(part) => {
                done.push(part);
                from += length;
            }
            Err(Error::Memory(_)) if length / 2 >= least.max(1) => *at_once = Some(length / 2),
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Portions that were done and that were tried, with memory for so many samples.
    fn done(
        count: usize,
        at_once: &mut Option<usize>,
        least: usize,
        memory: usize,
    ) -> (Result<Vec<Range<usize>>>, usize) {
        let mut tried = 0;
        let done = in_portions(count, at_once, least, |range| {
            tried += 1;
            match range.len() > memory {
                true => Err(Error::Memory("none left".to_owned())),
                false => Ok(range),
            }
        });
        (done, tried)
    }

    #[test]
    fn portions_are_halved_until_they_fit_and_stay_so() {
        let mut at_once = None;
        let (ranges, tried) = done(8, &mut at_once, 1, 3);
        assert_eq!(ranges.unwrap(), [0..2, 2..4, 4..6, 6..8]);
        assert_eq!((at_once, tried), (Some(2), 6));
        let (ranges, tried) = done(8, &mut at_once, 1, 3);
        assert_eq!((ranges.unwrap().len(), at_once, tried), (4, Some(2), 4));
        assert_eq!(done(8, &mut None, 1, 8).0.unwrap().len(), 1);
        assert!(done(0, &mut None, 1, 8).0.unwrap().is_empty());
    }

    /// Whatever the numbers: every sample once, no portion too large or too small, an end.
    #[test]
    fn every_sample_is_in_one_portion() {
        for (count, least) in
            (1..40).flat_map(|count| (1..=count.min(3)).map(move |it| (count, it)))
        {
            for memory in 0..=count {
                let (ranges, tried) = done(count, &mut None, least, memory);
                assert!(tried <= count + 8, "{count} {least} {memory}");
                let Ok(ranges) = ranges else {
                    assert!(memory < 2 * least, "{count} {least} {memory}");
                    continue;
                };
                assert!(ranges.iter().all(|it| it.len() >= least && it.len() <= memory));
                let all: Vec<usize> = ranges.into_iter().flatten().collect();
                assert_eq!(all, (0..count).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn other_failures_end_it() {
        let failed = in_portions(4, &mut None, 1, |_| Err::<(), _>(Error::Exploded));
        assert!(matches!(failed, Err(Error::Exploded)));
    }
}
