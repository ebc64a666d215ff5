use std::path::Path;

use anyhow::Result;
use fbrs_data::text::printable;
use fbrs_train::config::Config;
use fbrs_train::{Scored, Scoring};

use super::{failure, looking, shown, tell};
use crate::outputs::{Place, write_all};
use crate::print::Voice;
use crate::progress;

/// Photos that are named, of the hardest.
const NAMED: usize = 5;

/// Writes how well the weights answer every photo.
pub(super) fn score(config: &Config, file: &Path, voice: Voice) -> Result<()> {
    let place = Place::try_out(file)?;
    let scoring = looking(voice, |seen| Scoring::open(config, seen))?;
    tell(scoring.understood(), voice);
    let bar = progress::steps(voice, 0);
    let scored = scoring.run(&mut |done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
        bar.set_message(format!("{done} of {total} samples"));
    });
    bar.finish_and_clear();
    let Scored { scores, without } = scored.map_err(failure)?;
    write_all(vec![(&place, Box::new(|draft| scores.write(draft)))])?;
    if !without.is_empty() {
        let first = without.first().map(|name| printable(name)).unwrap_or_default();
        voice.warn(format!(
            "{} photos have no score, no sample of them could be made; the first is {first}",
            without.len()
        ));
    }
    let mut hardest: Vec<_> = scores.scores.iter().collect();
    hardest.sort_by(|one, other| one.score.total_cmp(&other.score));
    let hardest = hardest.iter().take(NAMED);
    let hardest = hardest.map(|it| format!("{} ({:.3})", printable(&it.photo), it.score));
    let hardest = hardest.collect::<Vec<_>>().join(", ");
    let count = scores.scores.len();
    voice.warn(format!("{count} scores are in {}; the hardest: {hardest}", shown(file)));
    Ok(())
}
