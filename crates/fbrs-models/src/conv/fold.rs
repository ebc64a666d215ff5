//! A convolution's values as they are read, and its batch normalization folded into them.

use super::Folding;
use super::reading::Reading;
use super::spec::{ConvSpec, NORM_PARAMETERS, NormPlace};
use crate::build::ParameterError;

/// `x · scale + shift` per channel: a batch normalization with running statistics.
pub(super) struct Affine {
    pub(super) scale: Vec<f32>,
    pub(super) shift: Vec<f32>,
}

impl Affine {
    fn read(
        name: &str,
        channels: usize,
        epsilon: f64,
        reading: &mut Reading,
    ) -> Result<Self, ParameterError> {
        let mut part = |part| reading.values(format!("{name}.{part}"), &[channels]);
        let [gamma, beta, mean, variance] = NORM_PARAMETERS;
        let (gamma, beta, mean, variance) =
            (part(gamma)?, part(beta)?, part(mean)?, part(variance)?);
        if let Some((channel, &value)) =
            variance.iter().enumerate().find(|(_, value)| **value < 0.0)
        {
            let name = format!("{name}.running_var");
            return Err(ParameterError::NegativeVariance { name, channel, value });
        }
        let mut affine = Self { scale: gamma, shift: beta };
        let statistics = mean.iter().zip(&variance);
        let parts = affine.scale.iter_mut().zip(&mut affine.shift);
        for ((scale, shift), (&mean, &variance)) in parts.zip(statistics) {
            let factor = f64::from(*scale) / (f64::from(variance) + epsilon).sqrt();
            *shift = (f64::from(*shift) - f64::from(mean) * factor) as f32;
            *scale = factor as f32;
        }
        check_finite(&affine.scale, || format!("{name}.weight"))?;
        check_finite(&affine.shift, || format!("{name}.bias"))?;
        Ok(affine)
    }
}

/// A convolution's values before they go to a device.
pub(super) struct Values {
    pub(super) weight: Vec<f32>,
    pub(super) bias: Option<Vec<f32>>,
    pub(super) before: Option<Affine>,
    pub(super) after: Option<Affine>,
}

impl Values {
    /// Reads them, and folds the normalization in where that is asked for. What comes out is finite.
    pub(super) fn read(spec: &ConvSpec, reading: &mut Reading) -> Result<Self, ParameterError> {
        let before = match &spec.norm {
            NormPlace::Before(name) => {
                Some(Affine::read(name, spec.input, spec.norm_epsilon, reading)?)
            }
            _ => None,
        };
        let mut weight = reading.values(format!("{}.weight", spec.name), &spec.weight_shape())?;
        let mut bias = match spec.bias {
            true => Some(reading.values(format!("{}.bias", spec.name), &[spec.output])?),
            false => None,
        };
        let after = match &spec.norm {
            NormPlace::After(name) => {
                Some(Affine::read(name, spec.output, spec.norm_epsilon, reading)?)
            }
            _ => None,
        };
        // A factor of the whole layer is never an operation of its own.
        if let Some(name) = &spec.scale {
            let scale =
                reading.values(name.clone(), &[1])?.first().map_or(1.0, |scale| scale.abs());
            weight.iter_mut().chain(bias.iter_mut().flatten()).for_each(|value| *value *= scale);
            check_finite(&weight, || format!("{}.weight", spec.name))?;
        }
        if reading.folding == Folding::Separate {
            return Ok(Self { weight, bias, before, after });
        }
        if let Some(affine) = before {
            fold_before(&mut weight, &mut bias, &affine, spec.output);
        }
        if let Some(affine) = after {
            fold_after(&mut weight, &mut bias, affine);
        }
        // A factor and a kernel can be finite and their product not.
        check_finite(&weight, || format!("{}.weight", spec.name))?;
        check_finite(bias.as_deref().unwrap_or_default(), || format!("{}.bias", spec.name))?;
        Ok(Self { weight, bias, before: None, after: None })
    }

    /// Two convolutions, of the first `channels` input channels and of the others, whose outputs
    /// add up to this one's.
    pub(super) fn split(self, spec: &ConvSpec, channels: usize) -> [Self; 2] {
        let area = spec.kernel * spec.kernel;
        let rows = || self.weight.chunks(spec.input * area);
        let first = rows().flat_map(|row| row.iter().take(channels * area).copied()).collect();
        let second = rows().flat_map(|row| row.iter().skip(channels * area).copied()).collect();
        // The normalization's shift belongs to the sum, so only one of the two carries it.
        let unshifted = self.after.as_ref().map(|affine| Affine {
            scale: affine.scale.clone(),
            shift: vec![0.0; affine.shift.len()],
        });
        [
            Self { weight: first, bias: self.bias, before: None, after: self.after },
            Self { weight: second, bias: None, before: None, after: unshifted },
        ]
    }
}

/// Refuses infinities and what is no number: kernels may turn either into a mask.
fn check_finite(values: &[f32], name: impl Fn() -> String) -> Result<(), ParameterError> {
    match values.iter().find(|value| !value.is_finite()) {
        None => Ok(()),
        Some(&value) => Err(ParameterError::Overflow { name: name(), value }),
    }
}

/// `norm(W·x + c)` = `(scale·W)·x + (scale·c + shift)`.
fn fold_after(weight: &mut [f32], bias: &mut Option<Vec<f32>>, affine: Affine) {
    let per_output = weight.len() / affine.scale.len();
    for (row, &scale) in weight.chunks_mut(per_output).zip(&affine.scale) {
        row.iter_mut().for_each(|weight| *weight *= scale);
    }
    *bias = Some(match bias.take() {
        None => affine.shift,
        Some(mut bias) => {
            for ((bias, scale), shift) in bias.iter_mut().zip(&affine.scale).zip(&affine.shift) {
                *bias = *bias * scale + shift;
            }
            bias
        }
    });
}

/// `W·norm(x) + c` = `(W·scale)·x + (W·shift + c)`.
fn fold_before(weight: &mut [f32], bias: &mut Option<Vec<f32>>, affine: &Affine, outputs: usize) {
    let bias = bias.get_or_insert_with(|| vec![0.0; outputs]);
    let per_output = weight.len() / outputs;
    let per_input = per_output / affine.scale.len();
    for (row, bias) in weight.chunks_mut(per_output).zip(bias) {
        let mut shifted = f64::from(*bias);
        let affines = affine.scale.iter().zip(&affine.shift);
        for (kernel, (&scale, &shift)) in row.chunks_mut(per_input).zip(affines) {
            for weight in kernel {
                shifted += f64::from(*weight) * f64::from(shift);
                *weight *= scale;
            }
        }
        *bias = shifted as f32;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use burn::tensor::Device;

    use super::*;
    use crate::build::{BoxError, ParameterSource};
    use crate::testing;

    /// The formula's values, but for these parameters, of which only the first value is kept.
    struct Spoilt<'a>(&'a [(&'a str, f32)]);

    impl ParameterSource for Spoilt<'_> {
        fn read(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, BoxError> {
            let mut values = testing::values(name, shape);
            if let Some((_, value)) = self.0.iter().find(|(spoilt, _)| *spoilt == name) {
                values[1..].fill(*value);
            }
            Ok(values)
        }
    }

    /// What reading says: of a layer with its normalization behind or before it, folded or not.
    fn errors(spoilt: &[(&str, f32)]) -> Vec<(Folding, String)> {
        let layer = || ConvSpec::new("conv", 4, 4, 1).bias();
        let mut errors = Vec::new();
        for spec in [layer().norm("bn"), layer().norm_before("bn")] {
            for folding in [Folding::Folded, Folding::Separate] {
                let (source, device) = (&mut Spoilt(spoilt), &Device::flex());
                let mut reading = Reading { source, device, folding };
                let said = Values::read(&spec, &mut reading).err();
                errors.push((folding, said.map_or(String::new(), |error| error.to_string())));
            }
        }
        errors
    }

    fn assert_all_say(spoilt: &[(&str, f32)], words: &str) {
        for (folding, error) in errors(spoilt) {
            assert!(error.contains(words), "{spoilt:?}, {folding:?}: {error}");
        }
    }

    #[test]
    fn sound_statistics_are_read() {
        for variance in [0.0, 1e-12, 3e38] {
            let errors = errors(&[("bn.running_var", variance)]);
            assert!(errors.iter().all(|(_, error)| error.is_empty()), "{errors:?}");
        }
    }

    #[test]
    fn a_negative_variance_is_refused_with_its_name() {
        for value in [-1.0, -1e-6, -3e38] {
            let words = format!("bn.running_var holds {value} for channel 1");
            assert_all_say(&[("bn.running_var", value)], &words);
        }
    }

    #[test]
    fn values_that_are_no_numbers_are_refused_from_any_source() {
        for name in ["conv.weight", "conv.bias", "bn.bias", "bn.running_mean", "bn.running_var"] {
            assert_all_say(&[(name, f32::NAN)], &format!("{name} holds NaN"));
            assert_all_say(&[(name, f32::INFINITY)], &format!("{name} holds inf"));
        }
    }

    #[test]
    fn a_normalization_that_overflows_is_refused_with_its_name() {
        let flat = ("bn.running_var", 0.0);
        assert_all_say(&[flat, ("bn.weight", 3e38)], "bn.weight becomes inf");
        assert_all_say(&[flat, ("bn.running_mean", -3e38)], "bn.bias becomes inf");
    }

    #[test]
    fn a_product_that_overflows_is_refused_where_it_is_folded() {
        for (folding, error) in errors(&[("bn.weight", 1e30), ("conv.weight", 1e30)]) {
            match folding {
                Folding::Folded => assert!(error.contains("conv.weight becomes inf"), "{error}"),
                Folding::Separate => assert_eq!(error, ""),
            }
        }
    }
}
