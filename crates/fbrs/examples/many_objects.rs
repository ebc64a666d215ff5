//! Several objects of one photo, into one image of labels: objects are finished, put aside, gone on
//! with, and taken back.
//!
//! `cargo run --release --example many_objects -- PHOTO LABELS.png X,Y [X,Y…]`: each place is a
//! click on an object of its own.

use std::error::Error;

use fbrs::{Click, Segmenter, Watch};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [photo, output, places @ ..] = arguments.as_slice() else {
        return Err("expected PHOTO LABELS.png X,Y [X,Y…]".into());
    };
    let segmenter = Segmenter::built_in()?;
    let mut session = segmenter.session(image::open(photo)?, segmenter.options())?;
    let mut put_aside = Vec::new();
    for place in places {
        let (x, y) = place.split_once(',').ok_or("expected X,Y")?;
        session.click(Click::positive_at(x.parse()?, y.parse()?))?;
        // Put aside, an object keeps its clicks and all that they cost.
        put_aside.extend(session.take());
    }
    for work in put_aside {
        session.resume(work)?;
        // A background click in the corner; should it make things worse, it is taken out again.
        let before = session.prediction().map(|prediction| prediction.bounding_box(0.5));
        session.click(Click::negative_at(0.0, 0.0))?;
        if before.is_some() && session.prediction().is_none() {
            session.remove_click(1, &mut Watch::new())?;
        }
        let number = session.finish(0.5)?;
        println!("object {number} is finished");
    }
    session.label_mask().save(output)?;
    // Finishing can be taken back like everything else.
    while session.undo() {}
    assert_eq!(session.finished(), 0);
    Ok(())
}
