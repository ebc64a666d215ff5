//! Sums over long vectors.

/// Elements added side by side; the rest is added one by one.
const LANES: usize = 32;

/// The scalar product of two vectors of one length.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for (x, y) in a_chunks.iter().zip(b_chunks) {
        for ((lane, x), y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += x * y;
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).fold(0.0, |sum, (x, y)| sum + x * y);
    lanes.iter().sum::<f64>() + rest
}

/// The largest absolute value; NaN where an element is NaN.
pub(super) fn largest(a: &[f64]) -> f64 {
    a.iter().fold(
        0.0,
        |largest: f64, x| {
            if largest.is_nan() || x.abs() <= largest { largest } else { x.abs() }
        },
    )
}

/// The Euclidean length, right to the last bit or nearly so: squares and sums
/// carry their rounding errors along.
pub(super) fn norm(a: &[f64]) -> f64 {
    let (mut sum, mut error) = (0.0_f64, 0.0_f64);
    for &x in a {
        let square = x * x;
        let square_error = x.mul_add(x, -square);
        let next = sum + square;
        let part = next - sum;
        error += (sum - (next - part)) + (square - part) + square_error;
        sum = next;
    }
    let root = (sum + error).sqrt();
    if root == 0.0 || !root.is_finite() {
        return root;
    }
    // One Newton step for what the rounding of the sum and of the root left out.
    let rest = root.mul_add(-root, sum) + error;
    root + rest / (2.0 * root)
}
