//! One network for many threads: each has a session of its own, all share the weights and the photo.
//!
//! `cargo run --release --example threads -- PHOTO X,Y [X,Y…]`: each place is answered on a thread.

use std::error::Error;
use std::thread;

use fbrs::{Click, Photo, Segmenter};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [photo, places @ ..] = arguments.as_slice() else {
        return Err("expected PHOTO X,Y [X,Y…]".into());
    };
    let segmenter = Segmenter::built_in()?;
    let photo = Photo::from(image::open(photo)?);
    let answers = thread::scope(|scope| {
        let threads: Vec<_> = places
            .iter()
            .map(|place| {
                let (segmenter, photo) = (segmenter.clone(), photo.clone());
                scope.spawn(move || answer(&segmenter, photo, place).map_err(|e| e.to_string()))
            })
            .collect();
        threads.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    for (place, answer) in places.iter().zip(answers) {
        let area = answer.map_err(|_| "a thread panicked")??;
        println!("{place}: {area} pixels are object");
    }
    Ok(())
}

fn answer(segmenter: &Segmenter, photo: Photo, place: &str) -> Result<usize, Box<dyn Error>> {
    let (x, y) = place.split_once(',').ok_or("expected X,Y")?;
    let mut session = segmenter.session(photo, segmenter.options())?;
    let prediction = session.click(Click::positive_at(x.parse()?, y.parse()?))?;
    Ok(prediction.mask(0.5)?.as_raw().iter().filter(|pixel| **pixel > 0).count())
}
