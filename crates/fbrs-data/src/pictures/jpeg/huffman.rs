use super::Fault;
use super::bits::Bits;

/// Bits that are looked up at once.
const FAST_BITS: u32 = 9;

/// A table of Huffman codes (annex C), for decoding.
#[derive(Debug)]
pub(super) struct Huffman {
    /// By the next [`FAST_BITS`] bits: length and value of a code; length 0 where it is longer.
    fast: [(u8, u8); 1 << FAST_BITS],
    /// By length: what is behind the last code of it, at the upper end of 16 bits.
    ends: [u32; 17],
    /// By length: what to add to a code to find its value.
    offsets: [i32; 17],
    values: Vec<u8>,
}

impl Huffman {
    /// From the number of codes of each length, and the values in the order of the codes.
    /// `None` where there are more codes than fit.
    pub(super) fn new(counts: &[u8; 16], values: &[u8]) -> Option<Self> {
        let mut table = Self {
            fast: [(0, 0); 1 << FAST_BITS],
            ends: [0; 17],
            offsets: [0; 17],
            values: values.to_vec(),
        };
        let (mut code, mut index) = (0_u32, 0_usize);
        for (length, count) in (1_u32..).zip(counts) {
            let at = length as usize;
            *table.offsets.get_mut(at)? = (index as i32).checked_sub(code as i32)?;
            for value in values.get(index..index.checked_add(usize::from(*count))?)? {
                if let Some(free) = FAST_BITS.checked_sub(length) {
                    let first = (code << free) as usize;
                    let last = first.checked_add(1 << free)?;
                    let entry = (length as u8, *value);
                    table.fast.get_mut(first..last)?.fill(entry);
                }
                code = code.checked_add(1)?;
                index = index.checked_add(1)?;
            }
            let end = code.checked_shl(16_u32.checked_sub(length)?)?;
            if end > 1 << 16 {
                return None;
            }
            *table.ends.get_mut(at)? = end;
            code = code.checked_shl(1)?;
        }
        Some(table)
    }

    /// The value of the next code.
    #[inline]
    pub(super) fn decode(&self, bits: &mut Bits<'_>) -> Result<u8, Fault> {
        let next = bits.peek();
        let key = usize::from(next >> 16_u32.wrapping_sub(FAST_BITS));
        if let Some((length @ 1.., value)) = self.fast.get(key) {
            bits.skip(u32::from(*length))?;
            return Ok(*value);
        }
        let ends = (0_u32..).zip(&self.ends).skip(FAST_BITS as usize);
        for (length, end) in ends {
            if u32::from(next) < *end {
                bits.skip(length)?;
                let code = i32::from(next >> 16_u32.saturating_sub(length));
                let offset = self.offsets.get(length as usize).ok_or(Fault::Broken)?;
                let index = usize::try_from(code.wrapping_add(*offset));
                let value = index.ok().and_then(|index| self.values.get(index));
                return value.copied().ok_or(Fault::Broken);
            }
        }
        // Behind the end stand zeros, which are the beginning of a code in every table.
        Err(Fault::Broken)
    }
}
