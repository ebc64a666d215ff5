use super::Fault;
use super::bits::Bits;
use super::huffman::Huffman;

/// The coefficients that a scan has of each block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coefficients {
    /// The first one, by the zigzag.
    pub(super) first: u8,
    /// The last one.
    pub(super) last: u8,
    /// Whether upper bits came with an earlier scan.
    pub(super) known: bool,
    /// Lower bits that come with later scans.
    pub(super) missing: u8,
}

/// What a block's data are read with.
#[derive(Debug)]
pub(super) struct Block<'a> {
    /// Which component of the scan it belongs to.
    pub(super) slot: usize,
    pub(super) dc: Option<&'a Huffman>,
    pub(super) ac: Option<&'a Huffman>,
    /// Quantization step of the mean; 0 where it is not known.
    pub(super) step: u16,
}

/// Largest absolute mean, twice what 8-bit values can have: room for what encoders round.
const LARGEST_MEAN: i64 = 2 * 1024;

/// A walk through the blocks of a scan.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    pub(super) bits: Bits<'a>,
    coefficients: Coefficients,
    is_progressive: bool,
    /// Mean of the last block of each component, in quantization steps.
    means: [i32; 4],
    /// Blocks to come whose coefficients are all told already.
    run: u32,
}

impl<'a> Walk<'a> {
    pub(super) fn new(bits: Bits<'a>, coefficients: Coefficients, is_progressive: bool) -> Self {
        Self { bits, coefficients, is_progressive, means: [0; 4], run: 0 }
    }

    /// Begins anew, as behind a restart marker.
    pub(super) fn restart(&mut self) {
        self.means = [0; 4];
        self.run = 0;
    }

    /// Walks through one block. `nonzero`, which of its coefficients are other than zero, is there
    /// in progressive JPEGs.
    #[inline]
    pub(super) fn block(
        &mut self,
        block: &Block<'_>,
        nonzero: Option<&mut u64>,
    ) -> Result<(), Fault> {
        let ac = || block.ac.ok_or(Fault::Broken);
        let Coefficients { first, known, .. } = self.coefficients;
        match (self.is_progressive, first, known) {
            (false, ..) => {
                self.mean(block)?;
                self.rest(ac()?)
            }
            (true, 0, false) => self.mean(block),
            (true, 0, true) => self.bits.skip(1),
            (true, _, false) => self.first_bits(ac()?, nonzero.ok_or(Fault::Broken)?),
            (true, _, true) => self.further_bits(ac()?, nonzero.ok_or(Fault::Broken)?),
        }
    }

    /// The mean (F.2.2.1).
    #[inline]
    fn mean(&mut self, block: &Block<'_>) -> Result<(), Fault> {
        let size = u32::from(block.dc.ok_or(Fault::Broken)?.decode(&mut self.bits)?);
        if size > 11 {
            return Err(Fault::Broken);
        }
        let bits = i32::from(self.bits.take(size)?);
        // Numbers whose first bit is 0 are negative.
        let is_negative = size > 0 && bits >> size.saturating_sub(1) == 0;
        let difference =
            if is_negative { bits.wrapping_sub(1 << size).wrapping_add(1) } else { bits };
        let mean = self.means.get_mut(block.slot).ok_or(Fault::Broken)?;
        *mean = mean.saturating_add(difference);
        let scaled = i64::from(*mean) << self.coefficients.missing;
        let step = i64::from(block.step);
        if scaled.saturating_mul(step).saturating_abs() > LARGEST_MEAN.saturating_add(step) {
            return Err(Fault::Broken);
        }
        Ok(())
    }

    /// The other coefficients of a sequential block (F.2.2.2).
    #[inline]
    fn rest(&mut self, table: &Huffman) -> Result<(), Fault> {
        let mut place = 1_u32;
        while place < 64 {
            let code = table.decode(&mut self.bits)?;
            let (zeros, size) = (u32::from(code >> 4), u32::from(code & 15));
            match (zeros, size) {
                (15, 0) => place = place.wrapping_add(16),
                (_, 0) => return Ok(()),
                _ => {
                    place = place.wrapping_add(zeros).wrapping_add(1);
                    if place > 64 {
                        return Err(Fault::Broken);
                    }
                    self.bits.skip(size)?;
                }
            }
        }
        Ok(())
    }

    /// Upper bits of coefficients that come for the first time (G.1.2.2).
    fn first_bits(&mut self, table: &Huffman, nonzero: &mut u64) -> Result<(), Fault> {
        if self.run > 0 {
            self.run = self.run.saturating_sub(1);
            return Ok(());
        }
        let Coefficients { first, last, .. } = self.coefficients;
        let mut place = u32::from(first);
        while place <= u32::from(last) {
            let code = table.decode(&mut self.bits)?;
            let (zeros, size) = (u32::from(code >> 4), u32::from(code & 15));
            match (zeros, size) {
                (15, 0) => place = place.wrapping_add(16),
                (_, 0) => {
                    self.run = self.run_length(zeros)?.saturating_sub(1);
                    return Ok(());
                }
                _ => {
                    place = place.wrapping_add(zeros);
                    if place > u32::from(last) {
                        return Err(Fault::Broken);
                    }
                    self.bits.skip(size)?;
                    *nonzero |= 1 << place;
                    place = place.wrapping_add(1);
                }
            }
        }
        Ok(())
    }

    /// One more bit of each coefficient (G.1.2.3).
    fn further_bits(&mut self, table: &Huffman, nonzero: &mut u64) -> Result<(), Fault> {
        let mut place = u32::from(self.coefficients.first);
        let last = u32::from(self.coefficients.last);
        while self.run == 0 && place <= last {
            let code = table.decode(&mut self.bits)?;
            let (zeros, size) = (u32::from(code >> 4), u32::from(code & 15));
            match (zeros, size) {
                (15, 0) | (_, 1) => {
                    // The sign of what becomes other than zero.
                    self.bits.skip(size)?;
                    // Coefficients that are so already have a bit each, and are not counted.
                    let mut left = zeros;
                    while place <= last {
                        if *nonzero >> place & 1 == 1 {
                            self.bits.skip(1)?;
                        } else if left == 0 {
                            break;
                        } else {
                            left = left.saturating_sub(1);
                        }
                        place = place.wrapping_add(1);
                    }
                    if size == 1 {
                        if place > last {
                            return Err(Fault::Broken);
                        }
                        *nonzero |= 1 << place;
                    }
                    place = place.wrapping_add(1);
                }
                (_, 0) => self.run = self.run_length(zeros)?,
                _ => return Err(Fault::Broken),
            }
        }
        if self.run > 0 {
            self.run = self.run.saturating_sub(1);
            let from = u64::MAX.checked_shl(place).unwrap_or(0);
            let upto = u64::MAX >> 63_u32.saturating_sub(last);
            let count = (*nonzero & from & upto).count_ones();
            self.bits.skip(count.min(32))?;
            self.bits.skip(count.saturating_sub(32))?;
        }
        Ok(())
    }

    /// How many blocks end here, this one counted.
    fn run_length(&mut self, size: u32) -> Result<u32, Fault> {
        let more = u32::from(self.bits.take(size)?);
        Ok((1_u32 << size).saturating_add(more))
    }
}
