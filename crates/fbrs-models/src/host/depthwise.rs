//! Depthwise convolution: every channel on its own.

use pulp::Arch;

use super::padded::Padded;
use super::{Finish, within};

/// Computes one channel of one image; `index` counts channels over the whole batch.
pub(super) fn plane(
    padded: &Padded<'_>,
    index: usize,
    weight: &[f32],
    bias: f32,
    finish: Finish<'_>,
    out: &mut [f32],
) {
    let range = finish.range();
    let base = index * padded.channel;
    let width = padded.out_width;
    Arch::new().dispatch(|| {
        for (line, out) in out.chunks_mut(width.max(1)).enumerate() {
            out.fill(bias);
            if let Some(addend) = finish.addend.and_then(|addend| addend.get(line * width..)) {
                out.iter_mut().zip(addend).for_each(|(out, addend)| *out += addend);
            }
            for (tap, &weight) in padded.taps.iter().zip(weight) {
                let from = base + tap.offset + line * padded.row;
                let x = &padded.values[from..from + out.len()];
                out.iter_mut().zip(x).for_each(|(out, x)| *out += weight * x);
            }
            out.iter_mut().for_each(|out| *out = within(range, *out));
        }
    });
}
