use std::fmt;
use std::sync::{Mutex, PoisonError};

use burn::tensor::{Gradients, Tensor};

use crate::build::BoxError;

/// What becomes of a parameter in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterRole {
    /// It has a gradient and is changed by the optimizer.
    Learned,
    /// A running statistic of a batch normalization: every step changes it, no gradient does.
    Statistic,
    /// It stays as it was read: it belongs to a frozen part, or nothing depends on it.
    Kept,
}

/// One parameter of a network that learns. Its values are flat, row-major.
pub struct Parameter {
    name: String,
    shape: Vec<usize>,
    role: ParameterRole,
    /// On the device with gradients; a leaf of the graph where it is learned.
    value: Mutex<Tensor<1>>,
}

impl Parameter {
    /// `value` lies on a device without gradients.
    pub(super) fn new(
        name: String,
        shape: Vec<usize>,
        role: ParameterRole,
        value: Tensor<1>,
    ) -> Self {
        Self { name, shape, role, value: Mutex::new(tracked(value, role)) }
    }

    /// Its published name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its shape, as [`ParameterShape`](crate::ParameterShape) gives it.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// What becomes of it.
    pub fn role(&self) -> ParameterRole {
        self.role
    }

    /// The values, `[shape.product()]`, without a graph.
    pub fn value(&self) -> Tensor<1> {
        self.leaf().inner()
    }

    /// The values on the host.
    ///
    /// # Errors
    /// Where the device cannot be read.
    pub fn read(&self) -> Result<Vec<f32>, BoxError> {
        self.value().try_into_vec_as::<f32>().map_err(|error| format!("{error:?}").into())
    }

    /// Takes other values of the same length, which lie on a device without gradients.
    ///
    /// # Panics
    /// Where the length is another one.
    pub fn set(&self, value: Tensor<1>) {
        let mut own = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(value.dims(), own.dims(), "values of {}", self.name);
        *own = tracked(value, self.role);
    }

    /// The gradient of what was differentiated; `None` where nothing depended on it.
    pub fn gradient(&self, gradients: &Gradients) -> Option<Tensor<1>> {
        match self.role {
            ParameterRole::Learned => self.leaf().grad(gradients),
            ParameterRole::Statistic | ParameterRole::Kept => None,
        }
    }

    /// On the device with gradients.
    pub(super) fn leaf(&self) -> Tensor<1> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn tracked(value: Tensor<1>, role: ParameterRole) -> Tensor<1> {
    let value = value.autodiff();
    if role == ParameterRole::Learned { value.require_grad() } else { value }
}

impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parameter")
            .field("name", &self.name)
            .field("shape", &self.shape)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}
