//! Weights of one's own: a PyTorch checkpoint is opened, looked at, used, and saved as a native file,
//! which opens faster and is half as large.
//!
//! `cargo run --release --example own_weights -- WEIGHTS.pth NATIVE.safetensors PHOTO X,Y [DEVICE]`

use std::error::Error;

use fbrs::weights::{Checkpoint, ExtraKeys, Precision, Provenance};
use fbrs::{Click, DeviceChoice, Segmenter};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [weights, native, photo, place, rest @ ..] = arguments.as_slice() else {
        return Err("expected WEIGHTS.pth NATIVE.safetensors PHOTO X,Y [DEVICE]".into());
    };
    let device = rest.first().map_or(Ok(DeviceChoice::Auto), |device| device.parse())?;
    // Nothing in the file is executed. A tensor that its network does not have is an error here.
    let mut checkpoint = Checkpoint::open(weights, ExtraKeys::Refuse)?;
    println!("{}: {} numbers", checkpoint.architecture(), checkpoint.parameter_count());
    let provenance = Provenance::of_file(weights.as_ref())?;
    checkpoint.save_native(native, Precision::F16, &provenance)?;

    let segmenter = Segmenter::from_checkpoint(checkpoint, device.open()?)?;
    let (x, y) = place.split_once(',').ok_or("expected X,Y")?;
    let click = Click::positive_at(x.parse()?, y.parse()?);
    let prediction = segmenter.segment(image::open(photo)?, &[click], &segmenter.options())?;
    println!("{:?} answered in {:?}", segmenter, prediction.bounding_box(0.5)?);
    Ok(())
}
