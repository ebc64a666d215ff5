use anyhow::Result;
use fbrs_eval::{Comparison, Results};

use super::args::{CompareArgs, shares};
use super::failure;
use crate::exit::Exit;
use crate::print;

pub(super) fn run(args: CompareArgs) -> Result<()> {
    let read = |path| Results::read(path).map_err(failure);
    let comparison = Comparison::new(&read(&args.a)?, &read(&args.b)?, &shares(&args.thresholds));
    if comparison.objects.is_empty() {
        return Err(Exit::Usage.because("the two runs have no object in common"));
    }
    match args.json {
        true => print::print_json(&comparison),
        false => print::print(&comparison.table()),
    }
}
