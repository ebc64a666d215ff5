//! Which inputs an output reads.

use super::HostShape;

/// Position of a tap relative to `output position · stride`: rows down, columns to the right.
pub(super) type Offset = [isize; 2];

/// A convolution's taps, in the order of its weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stencil {
    pub(super) taps: Vec<Offset>,
    pub(super) stride: usize,
}

impl Stencil {
    pub(super) fn new(shape: &HostShape) -> Self {
        let at = |tap: usize| (tap * shape.dilation) as isize - shape.padding as isize;
        let rows = 0..shape.kernel;
        let taps = rows.flat_map(|row| (0..shape.kernel).map(move |col| [at(row), at(col)]));
        Self { taps: taps.collect(), stride: shape.stride }
    }

    /// The transposed convolution, for the inputs at `phase` of every `stride` rows and columns: its
    /// stencil over the outputs, and which of these taps each of its taps stands for. What lies the other way round
    /// is turned, so that a kernel's taps are again row by row.
    ///
    /// Input `stride·i + phase` is read by output `o` through tap `t` where `stride·o + t` is that
    /// input, so that `o - i = (phase - t) / stride`, if that is whole.
    pub(super) fn transposed(&self, phase: [usize; 2]) -> (Self, Vec<usize>) {
        let stride = self.stride as isize;
        let mut taps = Vec::new();
        let mut which = Vec::new();
        for (index, tap) in self.taps.iter().enumerate().rev() {
            let distance = [phase[0] as isize - tap[0], phase[1] as isize - tap[1]];
            if distance.iter().all(|distance| distance % stride == 0) {
                taps.push(distance.map(|distance| distance / stride));
                which.push(index);
            }
        }
        (Self { taps, stride: 1 }, which)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kernels look for squares of taps that lie row by row.
    #[test]
    fn transposed_taps_lie_row_by_row() {
        for (kernel, stride, dilation) in [(3, 1, 1), (3, 1, 12), (5, 2, 1), (1, 1, 1)] {
            let (input, output, depthwise) = (1, 1, false);
            let padding = dilation * (kernel / 2);
            let shape = HostShape { input, output, kernel, stride, padding, dilation, depthwise };
            let (transposed, which) = Stencil::new(&shape).transposed([0, 0]);
            assert!(transposed.taps.is_sorted(), "{shape:?}");
            assert_eq!(transposed.taps.len(), which.len());
        }
    }
}
