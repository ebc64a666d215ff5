//! Depthwise convolution: every channel on its own.

use pulp::Arch;

use super::padded::Padded;

/// What the taps are added to.
pub(super) struct Start<'a> {
    pub(super) bias: f32,
    /// Shaped like the output.
    pub(super) addend: Option<&'a [f32]>,
}

/// Computes one channel of one image; `index` counts channels over the whole batch.
pub(super) fn plane(
    padded: &Padded<'_>,
    index: usize,
    weight: &[f32],
    start: Start<'_>,
    relu: bool,
    out: &mut [f32],
) {
    let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
    let base = index * padded.channel;
    let width = padded.out_width;
    Arch::new().dispatch(|| {
        for (line, out) in out.chunks_mut(width.max(1)).enumerate() {
            out.fill(start.bias);
            if let Some(addend) = start.addend.and_then(|addend| addend.get(line * width..)) {
                out.iter_mut().zip(addend).for_each(|(out, addend)| *out += addend);
            }
            for (tap, &weight) in padded.taps.iter().zip(weight) {
                let from = base + tap.offset + line * padded.row;
                let x = &padded.values[from..from + out.len()];
                out.iter_mut().zip(x).for_each(|(out, x)| *out += weight * x);
            }
            out.iter_mut().for_each(|out| *out = out.max(floor));
        }
    });
}
