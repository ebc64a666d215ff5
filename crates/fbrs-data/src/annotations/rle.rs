//! Masks as COCO writes them: lengths of runs down the columns, background first; as numbers or
//! packed into a text of 6 bits a letter.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use fbrs_clicks::Size;

use super::FormatError;

/// A mask as run lengths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rle {
    size: Size,
    /// Their sum is the size's area.
    runs: Vec<u32>,
}

impl Rle {
    /// Run lengths of a mask of `size`, background first.
    ///
    /// # Errors
    /// [`FormatError::Damaged`] where they do not fill it.
    pub fn new(size: Size, runs: Vec<u32>) -> Result<Self, FormatError> {
        let area = size.height.checked_mul(size.width).and_then(|area| u64::try_from(area).ok());
        let sum = runs.iter().try_fold(0u64, |sum, run| sum.checked_add(u64::from(*run)));
        match area.is_some() && area == sum {
            true => Ok(Self { size, runs }),
            false => Err(FormatError::Damaged(format!("its runs do not fill {size} pixels"))),
        }
    }

    /// The run lengths that a packed text holds.
    ///
    /// # Errors
    /// [`FormatError::Damaged`] for letters that mean nothing and for runs that do not fill `size`.
    pub fn unpack(text: &str, size: Size) -> Result<Self, FormatError> {
        Self::new(size, unpacked(text)?)
    }

    /// The runs of a row-major mask, true where the object is; `None` where there are not
    /// `height · width` pixels or more than 2^32.
    pub fn encode(mask: &[bool], size: Size) -> Option<Self> {
        let area = size.height.checked_mul(size.width)?;
        if area != mask.len() || u32::try_from(area).is_err() {
            return None;
        }
        let mut runs = Vec::new();
        let (mut current, mut length) = (false, 0u32);
        for col in 0..size.width {
            for value in mask.iter().skip(col).step_by(size.width) {
                if *value != current {
                    runs.push(length);
                    (current, length) = (*value, 0);
                }
                length = length.saturating_add(1);
            }
        }
        runs.push(length);
        Some(Self { size, runs })
    }

    /// Height and width of the mask.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The run lengths, background first.
    pub fn runs(&self) -> &[u32] {
        &self.runs
    }

    /// Number of pixels of the object.
    pub fn area(&self) -> u64 {
        self.runs.iter().skip(1).step_by(2).map(|run| u64::from(*run)).sum()
    }

    /// The smallest box that holds every pixel of the object: its first column and row, and those
    /// behind its last; `None` where there is no pixel.
    pub fn bounds(&self) -> Option<[usize; 4]> {
        let height = self.size.height;
        let place = |at: usize| at.checked_div(height).zip(at.checked_rem(height));
        let mut found: Option<[usize; 4]> = None;
        let mut first = 0usize;
        for (index, run) in self.runs.iter().enumerate() {
            let end = first.saturating_add(*run as usize);
            if index % 2 == 1 && first < end {
                let ((left, row), (right, last)) = (place(first)?, place(end.saturating_sub(1))?);
                // What goes on in another column touches the photo's lower and upper edge.
                let (top, bottom) = if left == right { (row, last) } else { (0, height) };
                let (right, bottom) =
                    (right.saturating_add(1), bottom.saturating_add(1).min(height));
                let [a, b, c, d] = found.unwrap_or([left, top, right, bottom]);
                found = Some([a.min(left), b.min(top), c.max(right), d.max(bottom)]);
            }
            first = end;
        }
        found
    }

    /// The mask, row-major, true where the object is: one byte for each pixel of [`Rle::size`].
    pub fn decode(&self) -> Vec<bool> {
        // Down the columns first, then turned.
        let area = self.runs.iter().fold(0usize, |sum, run| sum.saturating_add(*run as usize));
        let mut mask = vec![false; area];
        let mut is_object = false;
        let (mut row, mut col) = (0usize, 0usize);
        for run in &self.runs {
            for _ in 0..*run {
                if is_object {
                    let at = row.saturating_mul(self.size.width).saturating_add(col);
                    if let Some(pixel) = mask.get_mut(at) {
                        *pixel = true;
                    }
                }
                row = row.saturating_add(1);
                if row == self.size.height {
                    (row, col) = (0, col.saturating_add(1));
                }
            }
            is_object = !is_object;
        }
        mask
    }

    /// The runs packed into a text; the inverse of [`Rle::unpack`].
    pub fn pack(&self) -> String {
        let mut text = String::new();
        for (index, run) in self.runs.iter().enumerate() {
            // From the fourth on, it is the difference to the run two before.
            let before = index.checked_sub(2).filter(|before| *before > 0);
            let before = before.and_then(|before| self.runs.get(before)).copied().unwrap_or(0);
            let mut value = i64::from(*run).saturating_sub(i64::from(before));
            loop {
                let bits = (value & 0x1f) as u8;
                value >>= 5;
                let more = if bits & 0x10 != 0 { value != -1 } else { value != 0 };
                let letter = bits.saturating_add(if more { 0x20 } else { 0 });
                text.push(char::from(letter.saturating_add(48)));
                if !more {
                    break;
                }
            }
        }
        text
    }
}

fn unpacked(text: &str) -> Result<Vec<u32>, FormatError> {
    let damaged = || FormatError::damaged("its packed runs are damaged");
    let mut runs: Vec<u32> = Vec::new();
    let mut letters = text.bytes();
    while let Some(first) = letters.next() {
        let mut letter = first;
        let (mut value, mut shift) = (0i64, 0u32);
        loop {
            let bits = letter.checked_sub(48).filter(|bits| *bits <= 63).ok_or_else(damaged)?;
            let bits = i64::from(bits);
            // Nine letters hold 45 bits, more than any run needs.
            if shift > 40 {
                return Err(damaged());
            }
            value |= (bits & 0x1f) << shift;
            shift = shift.saturating_add(5);
            if bits & 0x20 == 0 {
                if bits & 0x10 != 0 {
                    value |= -1 << shift;
                }
                break;
            }
            letter = letters.next().ok_or_else(|| {
                FormatError::damaged("its packed runs end in the middle of a number")
            })?;
        }
        if let Some(before) = runs.len().checked_sub(2).filter(|before| *before > 0) {
            let before = runs.get(before).copied().unwrap_or(0);
            value = value.checked_add(i64::from(before)).ok_or_else(damaged)?;
        }
        runs.push(u32::try_from(value).map_err(|_| damaged())?);
    }
    Ok(runs)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const SIZE: Size = Size { height: 35, width: 20 };

    proptest! {
        #[test]
        fn masks_come_back(
            height in 1usize..40,
            width in 1usize..40,
            seed in prop::collection::vec(any::<bool>(), 1600),
        ) {
            let size = Size { height, width };
            let mask = &seed[..size.area()];
            let rle = Rle::encode(mask, size).unwrap();
            prop_assert_eq!(&rle.decode(), mask);
            prop_assert_eq!(rle.area(), mask.iter().filter(|pixel| **pixel).count() as u64);
            let on = |at: &usize| mask[*at];
            let cols = || (0..size.area()).filter(on).map(|at| at % width);
            let rows = || (0..size.area()).filter(on).map(|at| at / width);
            let expected = cols().min().map(|left| {
                [left, rows().min().unwrap(), cols().max().unwrap() + 1, rows().max().unwrap() + 1]
            });
            prop_assert_eq!(rle.bounds(), expected);
            prop_assert_eq!(Rle::unpack(&rle.pack(), size).unwrap(), rle);
        }

        #[test]
        fn any_text_is_runs_or_an_error(text in "[\\x00-\\x7f]{0,40}") {
            if let Ok(rle) = Rle::unpack(&text, SIZE) {
                prop_assert_eq!(rle.decode().len(), SIZE.area());
            }
        }
    }

    #[test]
    fn long_runs_come_back() {
        let runs = vec![0, 1_000_000, 3, 999_999, 17, 0, 2, 40];
        let area = runs.iter().sum::<u32>() as usize;
        let rle = Rle::new(Size { height: 1, width: area }, runs.clone()).unwrap();
        assert_eq!(unpacked(&rle.pack()).unwrap(), runs);
    }

    #[test]
    fn damaged_texts_are_refused() {
        for text in ["~", "\u{1}", "ooooooooooooooo", "P", "0O", "日"] {
            assert!(Rle::unpack(text, Size { height: 3, width: 3 }).is_err(), "{text}");
        }
    }

    #[test]
    fn runs_of_two_to_the_54_pixels_are_refused_and_nothing_is_reserved_for_them() {
        // A packed number of eleven letters.
        assert!(Rle::unpack("PPPPPPPPPP4", SIZE).is_err());
        let huge = Size { height: 1 << 40, width: 1 << 40 };
        assert!(Rle::new(huge, vec![u32::MAX, u32::MAX]).is_err());
    }
}
