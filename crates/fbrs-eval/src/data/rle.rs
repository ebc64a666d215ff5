//! Masks as COCO writes them: lengths of runs down the columns, background first; as numbers or
//! packed into a text of 6 bits a letter.

/// The run lengths that a packed text holds.
pub(crate) fn unpack(text: &str) -> Result<Vec<u64>, String> {
    let mut runs: Vec<i64> = Vec::new();
    let mut letters = text.bytes();
    while let Some(first) = letters.next() {
        let mut letter = first;
        let (mut value, mut shift) = (0i64, 0u32);
        loop {
            let bits = i64::from(letter.wrapping_sub(48));
            if bits > 63 || shift > 50 {
                return Err("its runs are damaged".to_owned());
            }
            value |= (bits & 0x1f) << shift;
            shift += 5;
            if bits & 0x20 == 0 {
                if bits & 0x10 != 0 {
                    value |= -1 << shift;
                }
                break;
            }
            letter = letters.next().ok_or("its runs end in the middle of a number")?;
        }
        if runs.len() > 2 {
            let before = runs.get(runs.len() - 2).copied().unwrap_or(0);
            value = value.checked_add(before).ok_or("its runs are damaged")?;
        }
        runs.push(value);
    }
    runs.into_iter().map(|run| u64::try_from(run).map_err(|_| "a run is negative".into())).collect()
}

/// Packs run lengths into a text; the inverse of [`unpack`].
pub(crate) fn pack(runs: &[u64]) -> String {
    let mut text = String::new();
    for (index, run) in runs.iter().enumerate() {
        let before = if index > 2 { runs.get(index - 2).copied().unwrap_or(0) } else { 0 };
        let mut value = *run as i64 - before as i64;
        loop {
            let bits = (value & 0x1f) as u8;
            value >>= 5;
            let more = if bits & 0x10 != 0 { value != -1 } else { value != 0 };
            text.push(char::from(48 + bits + if more { 0x20 } else { 0 }));
            if !more {
                break;
            }
        }
    }
    text
}

/// The mask of these runs, row-major.
pub(crate) fn decode(runs: &[u64], height: usize, width: usize) -> Result<Vec<bool>, String> {
    let area = height.checked_mul(width).ok_or("its size is too large")?;
    let sum = runs.iter().try_fold(0u64, |sum, run| sum.checked_add(*run));
    if sum != Some(area as u64) {
        return Err(format!("its runs do not fill {width}×{height} pixels"));
    }
    let mut mask = vec![false; area];
    let mut pixel = 0;
    for (index, run) in runs.iter().enumerate() {
        let end = pixel + *run as usize;
        if index % 2 == 1 {
            for pixel in pixel..end {
                let (col, row) = (pixel / height, pixel % height);
                if let Some(value) = mask.get_mut(row * width + col) {
                    *value = true;
                }
            }
        }
        pixel = end;
    }
    Ok(mask)
}

/// The runs of a row-major mask.
pub(crate) fn encode(mask: &[bool], height: usize, width: usize) -> Vec<u64> {
    let mut runs = Vec::new();
    let (mut current, mut length) = (false, 0);
    for col in 0..width {
        for row in 0..height {
            let value = mask.get(row * width + col).copied().unwrap_or(false);
            if value != current {
                runs.push(length);
                (current, length) = (value, 0);
            }
            length += 1;
        }
    }
    runs.push(length);
    runs
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn runs_come_back() {
        let mask: Vec<bool> = (0..35 * 20).map(|i| (i * i / 7) % 5 < 2 || i > 600).collect();
        let runs = encode(&mask, 35, 20);
        assert_eq!(unpack(&pack(&runs)).unwrap(), runs);
        assert_eq!(decode(&runs, 35, 20).unwrap(), mask);
    }

    #[test]
    fn long_runs_come_back() {
        let runs = [0, 1_000_000, 3, 999_999, 17, 0, 2, 40];
        assert_eq!(unpack(&pack(&runs)).unwrap(), runs);
    }

    #[test]
    fn damaged_texts_are_refused() {
        for text in ["~", "\u{1}", "ooooooooooooooo", "P", "0O"] {
            let runs = unpack(text);
            assert!(runs.is_err() || decode(&runs.unwrap(), 3, 3).is_err(), "{text}");
        }
    }
}
