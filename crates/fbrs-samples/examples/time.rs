use fbrs_data::sets::Problem;
use fbrs_data::training::*;
use fbrs_samples::*;
use image::{Luma, RgbImage};
use std::num::NonZero;
use std::sync::Arc;
#[derive(Debug)]
struct Set(LabelledPhoto);
impl TrainingSet for Set {
    fn len(&self) -> usize {
        200
    }
    fn name(&self, _: usize) -> String {
        String::new()
    }
    fn read(&self, _: usize, _: &mut dyn rand::Rng) -> Result<LabelledPhoto, Problem> {
        Ok(self.0.clone())
    }
}
fn main() {
    for (w, h) in [(500u32, 375u32), (4000, 3000)] {
        let map = LabelMap::from_fn(w, h, |x, y| Luma([(x * 4 / w + 4 * (y * 3 / h)) as u16]));
        let objects = (1..12).map(|value| Object::alone(Region { layer: 0, value })).collect();
        let photo = RgbImage::from_fn(w, h, |x, y| image::Rgb([x as u8, y as u8, (x * y) as u8]));
        let set =
            Arc::new(Set(LabelledPhoto { photo, layers: vec![map], objects, ignored: vec![] }));
        for (name, options) in [
            ("fbrs", SampleOptions::fbrs()),
            ("ritm", SampleOptions::ritm()),
            ("sbd", SampleOptions::ritm_sbd()),
        ] {
            let photos = Arc::new(
                Photos::new(vec![Source::new(set.clone()).unwrap()], Mix::Concatenated, None)
                    .unwrap(),
            );
            let plan = Plan { threads: NonZero::<usize>::MIN, ..Plan::new(NonZero::<usize>::MIN) };
            let start = std::time::Instant::now();
            let n = if w > 1000 { 20 } else { 100 };
            let mut next = Vec::new();
            for batch in Loader::start(photos.epoch(1, 0), options, plan).unwrap().take(n) {
                next.push(batch.unwrap().samples.remove(0));
            }
            println!("{w} {name} {:?}", start.elapsed() / n as u32);
            let start = std::time::Instant::now();
            let mut s = Stream::new(0, 0, 0, Purpose::NextClicks);
            for sample in &next {
                let p: Vec<f32> = sample
                    .target
                    .iter()
                    .enumerate()
                    .map(|(i, t)| if i % 480 < 200 { 0.9 } else { 0.4 * t })
                    .collect();
                next_click(&p, &sample.target, sample.size(), &mut s);
            }
            println!("   next click {:?}", start.elapsed() / n as u32);
        }
    }
}
