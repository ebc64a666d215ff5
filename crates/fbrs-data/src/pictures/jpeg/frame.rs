use fbrs_clicks::Size;

/// A color of the picture.
#[derive(Debug)]
pub(super) struct Component {
    pub(super) id: u8,
    /// Blocks to the right and down in a unit of an interleaved scan.
    pub(super) across: usize,
    pub(super) down: usize,
    /// Which quantization table.
    pub(super) quantization: usize,
    /// Blocks side by side and below each other, those of its own area.
    pub(super) width: usize,
    pub(super) height: usize,
    /// Blocks side by side in all units: `width` and what fills up the last unit.
    pub(super) stride: usize,
    /// Which coefficients of each block are other than zero so far, bit k for the k-th of the
    /// zigzag; empty for sequential JPEGs.
    pub(super) nonzero: Vec<u64>,
    /// For each coefficient of the zigzag, the lower bits that are missing yet; all where nothing
    /// was seen.
    missing: [u8; 64],
}

/// What a frame header says (B.2.2), and how much of it was seen.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) is_progressive: bool,
    /// Units side by side and below each other in an interleaved scan.
    pub(super) units_across: usize,
    pub(super) units_down: usize,
    pub(super) components: Vec<Component>,
}

/// Nothing of a coefficient was seen.
const ALL: u8 = u8::MAX;

impl Frame {
    /// Reads a frame header; `None` where it makes no sense or tells another size.
    pub(super) fn read(header: &[u8], size: Size, is_progressive: bool) -> Option<Self> {
        let [_, h1, h0, w1, w0, count, list @ ..] = header else { return None };
        let height = usize::from(u16::from_be_bytes([*h1, *h0]));
        let width = usize::from(u16::from_be_bytes([*w1, *w0]));
        let list = list.as_chunks::<3>().0;
        let is_size = size == Size { height, width };
        if !is_size || !(1..=4).contains(count) || list.len() < (*count).into() {
            return None;
        }
        let list = list.get(..usize::from(*count))?;
        let factors =
            |component: &[u8; 3]| (usize::from(component[1] >> 4), usize::from(component[1] & 15));
        if list.iter().map(factors).any(|(h, v)| !(1..=4).contains(&h) || !(1..=4).contains(&v)) {
            return None;
        }
        let most_across = list.iter().map(|component| factors(component).0).max()?;
        let most_down = list.iter().map(|component| factors(component).1).max()?;
        let units_across = width.div_ceil(most_across.checked_mul(8)?);
        let units_down = height.div_ceil(most_down.checked_mul(8)?);
        let component = |entry: &[u8; 3]| {
            let (across, down) = factors(entry);
            let stride = units_across.checked_mul(across)?;
            let blocks = stride.checked_mul(units_down)?.checked_mul(down)?;
            Some(Component {
                id: entry[0],
                across,
                down,
                quantization: entry[2].into(),
                width: width.checked_mul(across)?.div_ceil(most_across).div_ceil(8),
                height: height.checked_mul(down)?.div_ceil(most_down).div_ceil(8),
                stride,
                nonzero: if is_progressive { vec![0; blocks] } else { Vec::new() },
                missing: [ALL; 64],
            })
        };
        let components = list.iter().map(component).collect::<Option<_>>()?;
        Some(Self { is_progressive, units_across, units_down, components })
    }

    /// Whether all bits of all coefficients were seen.
    pub(super) fn is_complete(&self) -> bool {
        self.components.iter().all(|component| component.missing == [0; 64])
    }

    /// Whether at least the mean of every block was seen.
    pub(super) fn is_seen(&self) -> bool {
        self.components.iter().all(|component| component.missing.first() != Some(&ALL))
    }
}

impl Component {
    /// Notes that the coefficients `first..=last` were seen but for their `missing` lower bits.
    pub(super) fn note(&mut self, first: u8, last: u8, missing: u8) {
        let seen = usize::from(first)..=usize::from(last);
        self.missing.get_mut(seen).unwrap_or_default().fill(missing);
    }
}
