/// Offsets of tiles of `tile` pixels along an axis of `length` pixels, so that neighbors overlap by
/// at least `min_overlap` (a fraction of a tile) and the last tile ends at the axis' end.
///
/// An axis that is not longer than a tile has one tile, at 0.
pub fn tile_offsets(length: usize, tile: usize, min_overlap: f64) -> Vec<usize> {
    if length <= tile || tile == 0 {
        return vec![0];
    }
    let ratio = length as f64 / tile as f64;
    let count = ((ratio - min_overlap) / (1.0 - min_overlap)).ceil();
    let overlap = (tile as f64 * ((count - ratio) / (count - 1.0))) as usize;
    let step = (tile - overlap.min(tile)).max(1);
    (0..count as usize).map(|index| (index * step).min(length - tile)).collect()
}
