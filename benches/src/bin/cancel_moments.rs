//! Cancels clicks at random moments: `cancel_moments [COUNT [SIDE [MODE…]]]`.
//!
//! Per mode, COUNT (default 100) clicks on a photo, seen at SIDE pixels (default 400), are cancelled
//! from another thread at a moment drawn evenly over 1.1 times the time that such a click takes:
//! before, in and after the network's first pass, in the search, and after the click. It fails where a
//! cancel is lost or leaves a trace in the session. Prints, as a JSON line per mode, the time of one
//! network pass and how long the worker still worked after the cancel.

use std::thread;
use std::time::{Duration, Instant};

use fbrs::{
    CancelToken, Click, Mode, NetClicks, Options, Prediction, RefineOptions, Segmenter, Session,
    View, Watch, ZoomIn,
};
use image::{Rgb, RgbImage};
use serde_json::json;

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let count: usize = arguments.first().map_or(Ok(100), |text| text.parse())?;
    let side: usize = arguments.get(1).map_or(Ok(400), |text| text.parse())?;
    let named: Vec<Mode> =
        arguments.iter().skip(2).map(|text| text.parse()).collect::<Result<_, _>>()?;
    let modes = if named.is_empty() { Mode::ALL.to_vec() } else { named };
    let segmenter = Segmenter::built_in()?;
    for (mode, seed) in modes.into_iter().zip(1..) {
        println!("{}", cancel(&segmenter, mode, count, side, seed)?);
    }
    Ok(())
}

fn cancel(
    segmenter: &Segmenter,
    mode: Mode,
    count: usize,
    side: usize,
    seed: u64,
) -> Result<serde_json::Value, Error> {
    let photo = RgbImage::from_fn(2 * side as u32, 2 * side as u32, |x, y| {
        let inside = (side / 2..side).contains(&(x as usize)) && y as usize > side / 2;
        Rgb(if inside { [200, (x % 64) as u8, 40] } else { [40, 90, (y % 64) as u8] })
    });
    let refine = RefineOptions::default()
        .with_mode(mode)
        .with_min_iou_diff(0.0)
        .with_threshold(0.9999)
        .with_net_clicks(NetClicks::First(8))
        .with_max_evaluations(3);
    let zoom = ZoomIn::default().with_target_size(side);
    let options = Options::default()
        .with_view(View::ZoomIn(zoom))
        .with_max_size(Some(side))
        .with_refine(refine);
    let middle = side as f64;
    let first = Click::positive_at(0.7 * middle, 0.9 * middle);
    let click = Click::negative_at(0.1 * middle, 0.1 * middle);
    let mut session = segmenter.session(photo, options.clone())?;

    // One pass: the second time a first click is answered.
    session.click(first)?;
    session.undo();
    let started = Instant::now();
    let before = session.click(first)?;
    let pass = started.elapsed();
    let started = Instant::now();
    let answer = session.click(click)?;
    let whole = started.elapsed();
    session.undo();

    let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 40) as f64 / (1u64 << 24) as f64
    };
    let (mut late, mut finished) = (Vec::new(), 0);
    for _ in 0..count {
        let moment = whole.mul_f64(1.1 * next());
        match one(&mut session, click, moment)? {
            Some(worked) => late.push(worked.as_secs_f64()),
            None => {
                finished += 1;
                expect(&session.prediction(), &answer, "an uncancelled click")?;
                session.undo();
            }
        }
        expect(&session.prediction(), &before, "the session behind a cancelled click")?;
    }
    late.sort_by(f64::total_cmp);
    let at = |share: f64| late.get((share * (late.len().max(1) - 1) as f64) as usize).copied();
    Ok(json!({
        "mode": mode.name(),
        "side": side,
        "moments": count,
        "cancelled": late.len(),
        "click_was_done": finished,
        "pass_s": pass.as_secs_f64(),
        "click_s": whole.as_secs_f64(),
        "worked_on_s": { "median": at(0.5), "p99": at(0.99), "most": at(1.0) },
    }))
}

/// Answers a click that is cancelled after `moment`. How long it went on; `None` where it was done.
fn one(
    session: &mut Session,
    click: Click<fbrs::ImageSpace>,
    moment: Duration,
) -> Result<Option<Duration>, Error> {
    let token = CancelToken::new();
    thread::scope(|scope| {
        let canceller = scope.spawn(|| {
            thread::sleep(moment);
            token.cancel();
            Instant::now()
        });
        let answered = session.click_with(click, &mut Watch::new().cancelled_by(&token));
        let ended = Instant::now();
        let cancelled = canceller.join().map_err(|_| "the canceller panicked")?;
        match answered {
            // Done before the cancel came; nobody can cancel what is over.
            Ok(_) if ended <= cancelled + Duration::from_millis(1) => Ok(None),
            Ok(_) => Err(format!("a cancel after {moment:?} was lost").into()),
            Err(error) if error.is_cancelled() => {
                Ok(Some(ended.saturating_duration_since(cancelled)))
            }
            Err(error) => Err(error.into()),
        }
    })
}

fn expect(found: &Option<Prediction>, expected: &Prediction, what: &str) -> Result<(), Error> {
    match found.as_ref() == Some(expected) {
        true => Ok(()),
        false => Err(format!("{what} is not what it was, to the bit").into()),
    }
}
