use rand::Rng;

use super::areas::{Beside, area};
use super::{Counts, Pixel, Target, click};
use crate::options::ClickOptions;
use crate::stream::Draw;

/// f-BRS's clicks. Of several objects each draws its own list: all first clicks are kept, and of the others as
/// many as there is place for. All clicks beside the target follow one strategy.
pub(super) fn draw(
    target: &Target,
    beside: &Beside,
    counts: &Counts,
    options: &ClickOptions,
    draw: &mut impl Rng,
) -> (Vec<Pixel>, Vec<Pixel>) {
    let (mut on, mut others) = (Vec::new(), Vec::new());
    for mask in &target.on {
        let area = area(mask);
        let count = counts.on(draw);
        let mut clicks = (0..count).filter_map(|_| click(&area, draw));
        on.extend(clicks.next());
        others.extend(clicks);
    }
    if target.on.len() > 1 {
        let free = options.slots.saturating_sub(on.len());
        on.extend(draw.distinct(&others, free));
        draw.shuffle(&mut on);
    } else {
        on.extend(others);
    }
    let area = beside.draw(draw);
    let off = (0..counts.beside(draw)).filter_map(|_| click(area, draw)).collect();
    (on, off)
}
