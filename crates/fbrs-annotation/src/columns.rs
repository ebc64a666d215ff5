//! Runs down the columns, as files have them, as runs along the rows, as programs use them: in time and
//! memory of the runs, however large the photo is.
//!
//! A few letters of a file may be a run along each of 16,384 rows, or 60 million runs where every other
//! column is object. [`cost`] tells beforehand, so that whoever reads many masks stays within bounds.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use fbrs_data::annotations::rle::Rle;
use serde::Deserialize;
use serde_json::Value;

use crate::mask::{Mask, Run, unpack};

/// Rows, columns and runs of all masks that are read of one file: room for tens of thousands of objects,
/// and half a GiB of memory.
pub(crate) const MOST: u64 = 1 << 26;

/// Runs along lines of one direction: where those of each line of the other direction begin, from line
/// `first` on, and all of them.
struct Turned {
    first: usize,
    begins: Vec<usize>,
    runs: Vec<Run>,
}

impl Turned {
    /// `lines` calls what it is given as [`columns`] does, twice with the same. All runs are within
    /// `first` and `count` lines behind it.
    fn new(
        first: usize,
        count: usize,
        lines: impl Fn(&mut dyn FnMut(usize, &[Run], &[Run])),
    ) -> Self {
        // Where each line's runs begin, and behind them where those end that are known already.
        let mut next = vec![0usize; count];
        let at = |line: u32| (line as usize).saturating_sub(first);
        lines(&mut |_, before, here| {
            minus(here, before, |from, to| {
                for next in next.get_mut(at(from)..at(to)).unwrap_or_default() {
                    *next = next.saturating_add(1);
                }
            });
        });
        let mut total = 0usize;
        for next in &mut next {
            let count = std::mem::replace(next, total);
            total = total.saturating_add(count);
        }
        let begins = next.clone();
        let mut runs: Vec<Run> = vec![[0, 0]; total];
        lines(&mut |place, before, here| {
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            minus(before, here, |from, to| {
                for next in next.get_mut(at(from)..at(to)).unwrap_or_default() {
                    if let Some([_, end]) = runs.get_mut(*next) {
                        *end = place;
                    }
                    *next = next.saturating_add(1);
                }
            });
            minus(here, before, |from, to| {
                for next in next.get(at(from)..at(to)).unwrap_or_default() {
                    if let Some([first, _]) = runs.get_mut(*next) {
                        *first = place;
                    }
                }
            });
        });
        Self { first, begins, runs }
    }

    fn of(&self, line: usize) -> &[Run] {
        let Some(index) = line.checked_sub(self.first) else { return &[] };
        let begin = |index: usize| self.begins.get(index).copied().unwrap_or(self.runs.len());
        self.runs.get(begin(index)..begin(index.saturating_add(1))).unwrap_or_default()
    }
}

/// The mask that runs down the columns are.
pub(crate) fn mask(rle: &Rle) -> Mask {
    let size = rle.size();
    let Some([_, top, _, bottom]) = rle.bounds() else { return Mask::empty(size) };
    let rows = Turned::new(top, bottom.saturating_sub(top), |each| columns(rle, each));
    Mask::from_rows(size, top..bottom, |row, given| given.extend_from_slice(rows.of(row)))
}

/// The runs down the columns of a mask; `None` for more than 2^32 pixels.
pub(crate) fn runs(mask: &Mask) -> Option<Rle> {
    let size = mask.size();
    let area = u32::try_from(size.height.checked_mul(size.width)?).ok()?;
    let Some(bounds) = mask.bounds() else { return Rle::new(size, vec![area]).ok() };
    let columns = Turned::new(bounds.left(), bounds.size().width, |each| {
        let mut before: &[Run] = &[];
        for row in bounds.rows() {
            each(row, before, mask.row(row));
            before = mask.row(row);
        }
        each(bounds.bottom().saturating_add(1), before, &[]);
    });
    let mut runs: Vec<u32> = Vec::new();
    // Where the next run begins.
    let mut done = 0u32;
    for col in bounds.left()..=bounds.right() {
        let begin = u32::try_from(col.checked_mul(size.height)?).ok()?;
        for [from, to] in columns.of(col) {
            let (from, to) = (begin.saturating_add(*from), begin.saturating_add(*to));
            match runs.last_mut() {
                // It goes on from the foot of the column before.
                Some(last) if from == done => *last = last.saturating_add(to.saturating_sub(from)),
                _ => runs.extend([from.saturating_sub(done), to.saturating_sub(from)]),
            }
            done = to;
        }
    }
    if done < area {
        runs.push(area.saturating_sub(done));
    }
    Rle::new(size, runs).ok()
}

/// What the masks of a file take: rows, columns and runs, found without unpacking any.
pub(crate) fn cost(value: &Value) -> u64 {
    let inner = |values: &mut dyn Iterator<Item = &Value>| {
        values.fold(0u64, |sum, value| sum.saturating_add(cost(value)))
    };
    match value {
        Value::Array(values) => inner(&mut values.iter()),
        Value::Object(fields) => match (fields.get("size"), fields.get("counts")) {
            (Some(size), Some(Value::String(counts))) => {
                let size = <[usize; 2]>::deserialize(size).ok();
                let rle = size.and_then(|size| unpack(size, counts).ok());
                rle.map_or(0, |rle| of_mask(&rle))
            }
            _ => inner(&mut fields.values()),
        },
        _ => 0,
    }
}

fn of_mask(rle: &Rle) -> u64 {
    let Some([left, top, right, bottom]) = rle.bounds() else { return 0 };
    let (width, height) = (right.saturating_sub(left), bottom.saturating_sub(top));
    let mut cost = (width as u64).saturating_add(height as u64);
    columns(rle, |_, before, here| {
        minus(here, before, |from, to| {
            cost = cost.saturating_add(u64::from(to.saturating_sub(from)));
        });
    });
    cost
}

/// Calls `each` for every column in which something may begin or end along the rows, with the runs of
/// the column before it and its own: from their first rows to before their ends.
fn columns(rle: &Rle, mut each: impl FnMut(usize, &[Run], &[Run])) {
    let height = rle.size().height;
    let (mut before, mut here): (Vec<Run>, Vec<Run>) = (Vec::new(), Vec::new());
    // The column whose runs `here` is.
    let mut col = 0usize;
    let mut go_to = |to: usize, before: &mut Vec<Run>, here: &mut Vec<Run>| {
        if to == col {
            return;
        }
        each(col, before, here);
        std::mem::swap(before, here);
        here.clear();
        col = col.saturating_add(1);
        if to != col {
            each(col, before, &[]);
            before.clear();
            col = to;
        }
    };
    let row_of = |row: usize| u32::try_from(row).unwrap_or(u32::MAX);
    let mut first = 0usize;
    for (index, run) in rle.runs().iter().enumerate() {
        let end = first.saturating_add(*run as usize);
        while index % 2 == 1 && first < end {
            let (Some(at), Some(row)) = (first.checked_div(height), first.checked_rem(height))
            else {
                return;
            };
            go_to(at, &mut before, &mut here);
            let until = end.min(first.saturating_add(height.saturating_sub(row)));
            let (row, last) =
                (row_of(row), row_of(row.saturating_add(until.saturating_sub(first))));
            match here.last_mut() {
                // An empty run of background lies between.
                Some([_, end]) if *end == row => *end = last,
                _ => here.push([row, last]),
            }
            first = until;
        }
        first = end;
    }
    go_to(usize::MAX, &mut before, &mut here);
}

/// Calls `each` for what is in runs of `a` and in none of `b`.
fn minus(a: &[Run], b: &[Run], mut each: impl FnMut(u32, u32)) {
    let mut rest = b;
    for [from, to] in a {
        let mut from = *from;
        while let [[other, end], behind @ ..] = rest
            && from < *to
            && *other < *to
        {
            if from < *other {
                each(from, *other);
            }
            from = from.max(*end);
            // It may reach into the next one of `a`.
            if end > to {
                break;
            }
            rest = behind;
        }
        if from < *to {
            each(from, *to);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use fbrs_clicks::Size;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn masks_are_as_they_were(
            (size, pixels) in (1usize..14, 1usize..14).prop_flat_map(|(height, width)| {
                let pixels = prop_oneof![
                    prop::collection::vec(any::<bool>(), height * width),
                    prop::collection::vec(prop::bool::weighted(0.9), height * width),
                    prop::collection::vec(prop::bool::weighted(0.1), height * width),
                    Just(vec![true; height * width]),
                ];
                (Just(Size { height, width }), pixels)
            }),
            split in 0usize..20,
        ) {
            let rle = Rle::encode(&pixels, size).unwrap();
            let expected = Mask::from_bools(size, &pixels).unwrap();
            prop_assert_eq!(&mask(&rle), &expected);
            prop_assert_eq!(&runs(&expected), &Some(rle.clone()));
            let json = serde_json::to_value(&expected).unwrap();
            let runs: usize = expected.rows().map(|row| expected.row(row).len()).sum();
            let bounds = expected.bounds().map_or(0, |b| b.size().width + b.size().height) as u64;
            let cost = cost(&json);
            // The box of what goes on in another column is as high as the photo.
            let slack = size.height as u64;
            prop_assert!((bounds + runs as u64..=bounds + slack + runs as u64).contains(&cost));
            // Runs that are cut into two by an empty one.
            let mut runs = rle.runs().to_vec();
            if let Some(run) = runs.get_mut(split).filter(|run| **run > 1) {
                *run -= 1;
                runs.splice(split + 1..split + 1, [0, 1]);
                prop_assert_eq!(mask(&Rle::new(size, runs).unwrap()), expected);
            }
        }
    }

    #[test]
    fn the_cost_of_stripes_is_told_without_painting_them() {
        let (height, width) = (10_000usize, 12_000usize);
        let runs = vec![height as u32; width];
        let rle = Rle::new(Size { height, width }, runs).unwrap();
        assert_eq!(of_mask(&rle), (width / 2 * height + width - 1 + height) as u64);
        let json = serde_json::json!([{"size": [height, width], "counts": rle.pack()}]);
        assert_eq!(cost(&json), of_mask(&rle));
        assert!(rle.pack().len() < 13_000 && cost(&json) * 2 > MOST);
    }
}
