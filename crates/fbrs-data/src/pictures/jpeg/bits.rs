use super::Fault;

/// The bits of entropy-coded data up to a marker (F.2.2.5).
#[derive(Debug)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The next bits, at the upper end; zeros behind them.
    buffer: u64,
    /// How many of them are there.
    count: u32,
}

/// What stands between the last code of an interval and the next marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Surplus {
    /// Whole bytes.
    pub(super) bytes: usize,
    /// Whether all of them are zero, or all are 255: what fills up words of memory.
    pub(super) is_filling: bool,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, buffer: 0, count: 0 }
    }

    /// The next byte of data; `None` at a marker and at the end.
    #[inline]
    fn byte(&mut self) -> Option<u8> {
        loop {
            let (byte, length) = match self.rest() {
                [0xff, 0, ..] => (Some(0xff), 2),
                // Any number of these may stand before a marker.
                [0xff, 0xff, ..] => (None, 1),
                [0xff, ..] | [] => return None,
                [byte, ..] => (Some(*byte), 1),
            };
            self.at = self.at.saturating_add(length);
            if byte.is_some() {
                return byte;
            }
        }
    }

    #[inline]
    fn fill(&mut self) {
        while self.count <= 56 {
            let Some(byte) = self.byte() else { return };
            self.buffer |= u64::from(byte) << 56_u32.wrapping_sub(self.count);
            self.count = self.count.wrapping_add(8);
        }
    }

    /// The next 16 bits, with zeros behind the end.
    #[inline]
    pub(super) fn peek(&mut self) -> u16 {
        if self.count < 16 {
            self.fill();
        }
        (self.buffer >> 48) as u16
    }

    /// Passes over up to 56 bits.
    #[inline]
    pub(super) fn skip(&mut self, count: u32) -> Result<(), Fault> {
        if self.count < count {
            self.fill();
        }
        self.count = self.count.checked_sub(count).ok_or(Fault::Ends)?;
        self.buffer = self.buffer.checked_shl(count).unwrap_or(0);
        Ok(())
    }

    /// The next up to 16 bits as a number.
    #[inline]
    pub(super) fn take(&mut self, count: u32) -> Result<u16, Fault> {
        let bits = self.peek().checked_shr(16_u32.saturating_sub(count)).unwrap_or(0);
        self.skip(count)?;
        Ok(bits)
    }

    /// Goes to the next marker, or to the end where there is none.
    pub(super) fn finish(&mut self) -> Surplus {
        // Less than a byte is what fills up the last one.
        let held = self.count / 8;
        let aligned = self.buffer.checked_shl(self.count % 8).unwrap_or(0);
        let held = (aligned.to_be_bytes().into_iter()).take(held as usize);
        let mut surplus = Surplus { bytes: 0, is_filling: true };
        let mut first = None;
        let mut see = |byte: u8| {
            surplus.bytes = surplus.bytes.saturating_add(1);
            surplus.is_filling &= matches!(byte, 0 | 0xff) && *first.get_or_insert(byte) == byte;
        };
        held.for_each(&mut see);
        while let Some(byte) = self.byte() {
            see(byte);
        }
        (self.buffer, self.count) = (0, 0);
        surplus
    }

    /// Goes behind a restart marker, if one is here.
    pub(super) fn restart(&mut self) -> bool {
        let is_here = matches!(self.rest(), [0xff, 0xd0..=0xd7, ..]);
        if is_here {
            self.at = self.at.saturating_add(2);
        }
        is_here
    }

    /// Whether nothing follows.
    pub(super) fn is_at_end(&self) -> bool {
        matches!(self.rest(), [] | [_])
    }

    /// Bytes that were passed.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }
}
