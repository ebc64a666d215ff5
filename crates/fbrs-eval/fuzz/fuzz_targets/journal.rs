//! Reads arbitrary bytes as a journal, reports on it and compares it with itself.
#![no_main]

use fbrs_eval::{Comparison, Report, Results, table};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| match Results::read_bytes(bytes) {
    Err(reason) => assert!(!reason.is_empty()),
    Ok(None) => {}
    Ok(Some(results)) => {
        for (_, result) in results.evaluated() {
            if result.size[0] * result.size[1] < 1 << 20 {
                let _ = result.mask();
            }
        }
        let report = Report::new(&results, &[0.8, 0.9]);
        assert!(!table(&report).contains('\u{1b}'));
        let comparison = Comparison::new(&results, &results, &[0.9]);
        assert_eq!(comparison.objects.len(), results.evaluated().count());
    }
});
