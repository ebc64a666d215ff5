//! What a person waits for, step by step: the first click on a photo, a further click in the same crop,
//! the click after an undo, the first click on another object, each the least of some sessions; and the
//! process's peak memory.
//!
//! `session_steps PHOTO [WEIGHTS] [MODE] [WIDTHxHEIGHT]`: with the options that suit the network, and the
//! photo resized where a size is given. Clicks are in the middle of the photo and around it. Prints a
//! JSON object.

use std::time::{Duration, Instant};

use fbrs::weights::{ExtraKeys, Places};
use fbrs::{Click, DeviceChoice, Options, Photo, Segmenter, Session, Watch};
use image::imageops::FilterType;
use serde_json::json;

type Error = Box<dyn std::error::Error + Send + Sync>;

const SESSIONS: usize = 5;

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("expected a photo")?;
    let weights = arguments.next().unwrap_or_else(|| "default".to_owned());
    let begun = Instant::now();
    let checkpoint = Places::default().locate(&weights)?.open(ExtraKeys::Refuse)?;
    let segmenter = Segmenter::from_checkpoint(checkpoint, DeviceChoice::Cpu.open()?)?;
    let loading = begun.elapsed();
    let mut options = segmenter.options();
    let mut photo = image::open(path)?.into_rgb8();
    for argument in arguments {
        match argument.split_once('x') {
            Some((width, height)) => {
                let (width, height) = (width.parse()?, height.parse()?);
                photo = image::imageops::resize(&photo, width, height, FilterType::Triangle);
            }
            None => options.refine.mode = argument.parse()?,
        }
    }
    let photo = Photo::from(photo);
    let mut least = [Duration::MAX; 6];
    for _ in 0..SESSIONS {
        let steps = session(&segmenter, &photo, &options)?;
        least.iter_mut().zip(steps).for_each(|(least, step)| *least = step.min(*least));
    }
    let [first, zoomed, further, undone, other, prepared] = least.map(|step| step.as_secs_f64());
    let report = json!({
        "network": segmenter.architecture().to_string(),
        "mode": options.refine.mode.name(),
        "photo": photo.size().to_string(),
        "load_s": loading.as_secs_f64(),
        "first_click_s": first,
        "second_click_new_crop_s": zoomed,
        "further_click_s": further,
        "click_after_undo_s": undone,
        "second_object_s": other,
        "first_click_prepared_s": prepared,
        "peak_mib": fbrs_benches::peak_mib(),
    });
    println!("{report}");
    Ok(())
}

fn session(
    segmenter: &Segmenter,
    photo: &Photo,
    options: &Options,
) -> Result<[Duration; 6], Error> {
    let size = photo.size();
    let (width, height) = (size.width as f64, size.height as f64);
    let at = |x: f64, y: f64| (x * width, y * height);
    let mut session = segmenter.session(photo.clone(), options.clone())?;
    let click = |session: &mut Session, positive: bool, (x, y): (f64, f64)| {
        let click = if positive { Click::positive_at(x, y) } else { Click::negative_at(x, y) };
        let begun = Instant::now();
        session.click(click)?.mask(0.5)?;
        Ok::<_, Error>(begun.elapsed())
    };
    let first = click(&mut session, true, at(0.5, 0.5))?;
    let zoomed = click(&mut session, true, at(0.52, 0.45))?;
    let further = click(&mut session, false, at(0.53, 0.62))?;
    session.undo();
    let undone = click(&mut session, false, at(0.47, 0.60))?;
    session.finish(0.5)?;
    let other = click(&mut session, true, at(0.3, 0.4))?;
    let mut session = segmenter.session(photo.clone(), options.clone())?;
    session.prepare(&mut Watch::new())?;
    let prepared = click(&mut session, true, at(0.5, 0.5))?;
    Ok([first, zoomed, further, undone, other, prepared])
}
