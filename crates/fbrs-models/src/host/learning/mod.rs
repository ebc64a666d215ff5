//! Layers of a network that learns, as operations on Burn's tensors: what has gradients with respect to
//! parameters too. Each is one step of the graph, which keeps what its gradient reads and nothing else.

mod conv;
mod norm;
mod pool;

pub(crate) use conv::convolve;
pub(crate) use norm::{Normalizing, normalize};
pub(crate) use pool::max_pool;
