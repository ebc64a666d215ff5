//! A window's worker: clicks are answered on a thread of their own, their progress is shown, and a
//! click that takes too long is called off.
//!
//! `cargo run --release --example live_view -- PHOTO X,Y X,Y [SECONDS]`

use std::error::Error;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use fbrs::{CancelToken, Click, Event, ImageSpace, Mode, Options, RefineOptions, Segmenter, Watch};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [photo, first, second, rest @ ..] = arguments.as_slice() else {
        return Err("expected PHOTO X,Y X,Y [SECONDS]".into());
    };
    let patience = rest.first().map_or(Ok(5.0), |seconds| seconds.parse())?;
    let patience = Duration::try_from_secs_f64(patience)?;
    let clicks = [Click::positive(place(first)?), Click::negative(place(second)?)];
    let refine = RefineOptions::default().with_mode(Mode::RgbBrs);
    let segmenter = Segmenter::built_in()?;
    let mut session =
        segmenter.session(image::open(photo)?, Options::default().with_refine(refine))?;

    for click in clicks {
        // The token belongs to this click: whenever it is cancelled, even before the worker begins,
        // this click ends and no other.
        let token = CancelToken::new();
        let (show, shown) = mpsc::sync_channel(1);
        let answered = thread::scope(|scope| {
            let worker = scope.spawn(|| {
                let mut see = |event: &Event<'_>| {
                    if let Event::Evaluation { number, loss, answer } = event {
                        // The newest view wins: where the window is busy, this one is left out. A
                        // prediction is as large as what the network saw, whatever the photo's size.
                        let _ = show.try_send((*number, *loss, answer.prediction()));
                    }
                };
                let mut watch = Watch::new().cancelled_by(&token).seen_by(&mut see);
                let answered = session.click_with(click, &mut watch);
                drop(show);
                answered
            });
            loop {
                match shown.recv_timeout(patience) {
                    Ok((number, loss, prediction)) => {
                        let region = prediction.bounding_box(0.5);
                        println!("evaluation {number}, loss {loss:.4}, object in {region:?}");
                    }
                    Err(mpsc::RecvTimeoutError::Timeout) => token.cancel(),
                    Err(mpsc::RecvTimeoutError::Disconnected) => break,
                }
            }
            worker.join()
        });
        match answered {
            Ok(Ok(_)) => println!("answered: {:?}", session.report().map(|r| r.refine.ending)),
            Ok(Err(error)) if error.is_cancelled() => println!("called off"),
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => return Err("the worker panicked".into()),
        }
    }
    Ok(())
}

fn place(text: &str) -> Result<fbrs::Position<ImageSpace>, Box<dyn Error>> {
    let (x, y) = text.split_once(',').ok_or("expected X,Y")?;
    Ok(fbrs::Position::at_xy(x.parse()?, y.parse()?))
}
