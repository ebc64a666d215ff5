//! Reads arbitrary bytes as COCO instances, fills every shape, and writes and reads them again.
#![no_main]

use fbrs_clicks::Size;
use fbrs_data::annotations::coco::{self, Shape};
use libfuzzer_sys::fuzz_target;

const SIZE: Size = Size { height: 48, width: 64 };

fuzz_target!(|bytes: &[u8]| match coco::read(bytes) {
    Err(error) => assert!(!error.to_string().is_empty()),
    Ok(mut instances) => {
        // The last digit of an area may differ.
        instances.annotations.iter_mut().for_each(|annotation| annotation.area = None);
        for shape in instances.annotations.iter().filter_map(|one| one.shape.as_ref()) {
            let size = match shape {
                Shape::Runs(runs) if runs.size.area() < 1 << 20 => runs.size,
                _ => SIZE,
            };
            if let Ok(mask) = shape.mask(size) {
                assert_eq!(mask.len(), size.area());
            }
            let _ = shape.area();
        }
        let mut written = Vec::new();
        coco::write(&instances, &mut written).expect("a vector takes all");
        instances.faults.clear();
        assert_eq!(coco::read(&written[..]).expect("what was written"), instances);
    }
});
