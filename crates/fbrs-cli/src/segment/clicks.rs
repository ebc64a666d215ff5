//! Clicks as a user gives them, in the order of clicking.

use std::io;
use std::path::Path;

use anyhow::Result;
use clap::ArgMatches;
use fbrs::{Click, ImageSpace, Position, Size};
use fbrs_data::clicks;

use super::args::SegmentArgs;
use crate::exit::Exit;

/// A place in the photo, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spot {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// Reads `X,Y`; spaces are as good as the comma.
pub(super) fn parse_spot(text: &str) -> Result<Spot, String> {
    let inner = text.trim().trim_start_matches('(').trim_end_matches(')');
    let parts: Vec<_> =
        inner.split([',', ' ', '\t']).map(str::trim).filter(|part| !part.is_empty()).collect();
    if let [x, y] = parts.as_slice()
        && let (Ok(x), Ok(y)) = (x.parse::<f64>(), y.parse::<f64>())
    {
        return match x.is_finite() && y.is_finite() {
            true => Ok(Spot { x, y }),
            false => Err("expected two finite numbers".to_owned()),
        };
    }
    let numbers: Vec<_> = inner
        .split(|letter: char| !matches!(letter, '0'..='9' | '.' | '-' | '+'))
        .filter(|part| !part.is_empty())
        .collect();
    let hint = match numbers.as_slice() {
        [x, y] if x.parse::<f64>().is_ok() && y.parse::<f64>().is_ok() => {
            format!("; did you mean {x},{y}?")
        }
        [_, _, _, _] => "; write fractions with a point: 10.5,20".to_owned(),
        _ => String::new(),
    };
    Err(format!("expected X,Y in pixels, such as 120,80{hint}"))
}

/// The clicks of the command line or of the file that it names.
pub(super) fn collect(
    args: &SegmentArgs,
    matches: &ArgMatches,
    sees_mask: bool,
) -> Result<Vec<Click<ImageSpace>>> {
    let clicks = match &args.clicks {
        Some(path) => read(path)?,
        None => in_order(args, matches),
    };
    // A network that sees the mask that was started from knows the object.
    let has_object = sees_mask && args.start_mask.is_some() && !clicks.is_empty();
    if has_object || clicks.iter().any(Click::is_positive) {
        return Ok(clicks);
    }
    Err(Exit::Usage.because(match &args.clicks {
        Some(path) => format!(
            "{}: expected at least one click on the object (\"positive\": true), got {} clicks, \
             none of them positive",
            path.display(),
            clicks.len()
        ),
        None => "expected at least one click on the object: --pos X,Y".to_owned(),
    }))
}

/// Clap gathers each option by itself; the places of the values in the command line tell the order.
fn in_order(args: &SegmentArgs, matches: &ArgMatches) -> Vec<Click<ImageSpace>> {
    let placed =
        |name: &str, spots: &[Spot], click: fn(Position<ImageSpace>) -> Click<ImageSpace>| {
            let places = matches.indices_of(name).into_iter().flatten();
            let clicks = spots.iter().map(|spot| click(Position::from_row_col(spot.y, spot.x)));
            places.zip(clicks).collect::<Vec<_>>()
        };
    let mut clicks = placed("positive", &args.positive, Click::positive);
    clicks.extend(placed("negative", &args.negative, Click::negative));
    clicks.sort_by_key(|(place, _)| *place);
    clicks.into_iter().map(|(_, click)| click).collect()
}

fn read(path: &Path) -> Result<Vec<Click<ImageSpace>>> {
    let clicks = match is_standard_input(path) {
        true => clicks::read_from(io::stdin().lock(), "standard input"),
        false => clicks::read(path),
    };
    clicks.map_err(|error| Exit::Input.because(error.to_string()))
}

pub(super) fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Refuses clicks outside the photo before any work is done.
pub(super) fn check(clicks: &[Click<ImageSpace>], size: Size) -> Result<()> {
    let outside = clicks.iter().enumerate().find(|(_, click)| !click.position.is_inside(size));
    let Some((index, click)) = outside else { return Ok(()) };
    let (x, y) = (click.position.col, click.position.row);
    Err(Exit::Usage.because(format!(
        "click {} at {x},{y} is outside the photo of {size} pixels: expected x from 0 to {} and y \
         from 0 to {}",
        index + 1,
        size.width.saturating_sub(1),
        size.height.saturating_sub(1)
    )))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn spots_are_read() {
        for (text, x, y) in [
            ("10,20", 10.0, 20.0),
            (" 10 , 20 ", 10.0, 20.0),
            ("10 20", 10.0, 20.0),
            ("(10, 20)", 10.0, 20.0),
            ("10.5,2e1", 10.5, 20.0),
            ("-3,5", -3.0, 5.0),
            ("0,-0.25", 0.0, -0.25),
        ] {
            assert_eq!(parse_spot(text), Ok(Spot { x, y }), "{text}");
        }
    }

    #[test]
    fn other_texts_get_a_hint() {
        for text in ["10x20", "10;20", "10:20", "10/20", "10×20", "x=10,y=20"] {
            let hint = parse_spot(text).unwrap_err();
            assert!(hint.ends_with("did you mean 10,20?"), "{text}: {hint}");
        }
        assert!(parse_spot("10,5,20,5").unwrap_err().contains("10.5,20"));
        for text in ["", "10", ",", "a,b", "NaN,1", "1,inf", "1,2,3"] {
            assert!(parse_spot(text).unwrap_err().starts_with("expected"), "{text}");
        }
    }
}
