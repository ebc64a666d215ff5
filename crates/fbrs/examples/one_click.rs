//! A click on an object, and its mask.
//!
//! `cargo run --release --example one_click -- PHOTO X Y MASK.png`

use std::error::Error;

use fbrs::{Click, Segmenter};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [photo, x, y, output] = arguments.as_slice() else {
        return Err("expected PHOTO X Y MASK.png".into());
    };
    let segmenter = Segmenter::built_in()?;
    let photo = image::open(photo)?;
    let click = Click::positive_at(x.parse()?, y.parse()?);
    let prediction = segmenter.segment(photo, &[click], &segmenter.options())?;
    prediction.mask(0.5)?.save(output)?;
    match prediction.bounding_box(0.5)? {
        Some(region) => println!("found something in {region:?}"),
        None => println!("found nothing there"),
    }
    Ok(())
}
