//! Reads arbitrary bytes as packed runs of a small mask; what is read is packed and comes back.
#![no_main]

use fbrs_clicks::Size;
use fbrs_data::annotations::rle::Rle;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u8, &str)| {
    let (height, width, text) = input;
    let size = Size { height: height.into(), width: width.into() };
    match Rle::unpack(text, size) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(rle) => {
            let mask = rle.decode();
            assert_eq!(mask.len(), size.area());
            let again = Rle::encode(&mask, size).expect("a small mask");
            assert_eq!(Rle::unpack(&again.pack(), size).expect("what was packed"), again);
        }
    }
});
