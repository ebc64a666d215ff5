use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use fbrs_models::{Network, Observed};
use fbrs_weights::{Checkpoint, Fingerprint, InputScaling};

use crate::device::ChosenDevice;
use crate::error::{Error, Result};
use crate::options::Options;

/// What all sessions of a segmenter share.
pub(crate) struct Loaded {
    pub(crate) network: Network,
    pub(crate) scaling: InputScaling,
    pub(crate) device: ChosenDevice,
    source: Arc<Source>,
}

/// Weights that stay open, so that they can be loaded again and be told from others.
struct Source {
    checkpoint: Mutex<Checkpoint>,
    fingerprint: OnceLock<Fingerprint>,
}

impl Loaded {
    pub(crate) fn new(
        checkpoint: Checkpoint,
        device: ChosenDevice,
        on_progress: impl FnMut(usize, usize),
    ) -> Result<Self> {
        let (checkpoint, fingerprint) = (Mutex::new(checkpoint), OnceLock::new());
        Self::onto(Arc::new(Source { checkpoint, fingerprint }), device, on_progress)
    }

    /// The same weights on another device, or on the same one after it was lost.
    pub(crate) fn again(&self, device: ChosenDevice) -> Result<Self> {
        Self::onto(self.source.clone(), device, |_, _| {})
    }

    fn onto(
        source: Arc<Source>,
        device: ChosenDevice,
        on_progress: impl FnMut(usize, usize),
    ) -> Result<Self> {
        let mut checkpoint = source.checkpoint.lock().unwrap_or_else(PoisonError::into_inner);
        let architecture = checkpoint.architecture();
        let scaling = checkpoint.scaling();
        let parameters = architecture.parameters();
        let mut observed = Observed::new(&mut *checkpoint, &parameters, on_progress);
        let network = Network::build(&architecture, &mut observed, device.burn())?;
        drop(checkpoint);
        Ok(Self { network, scaling, device, source })
    }

    /// The same weights, but answered by another network.
    #[cfg(feature = "testing")]
    pub(crate) fn with_network(&self, network: Network) -> Self {
        let (scaling, device) = (self.scaling, self.device.clone());
        Self { network, scaling, device, source: self.source.clone() }
    }

    pub(crate) fn fingerprint(&self) -> Result<Fingerprint> {
        if let Some(known) = self.source.fingerprint.get() {
            return Ok(*known);
        }
        let mut checkpoint = self.source.checkpoint.lock().unwrap_or_else(PoisonError::into_inner);
        let found = checkpoint.fingerprint()?;
        Ok(*self.source.fingerprint.get_or_init(|| found))
    }

    /// Whether the network can be used with these options.
    pub(crate) fn check(&self, options: &Options) -> Result<()> {
        options.check()?;
        let mode = options.refine.mode;
        match mode.cut() {
            Some(cut) if !self.network.has_cut(cut) => Err(Error::Parameter {
                name: "mode",
                expected: "another mode: this network has no object attention, in front of whose \
                           head f-BRS-C acts",
                found: mode.to_string(),
            }),
            _ => Ok(()),
        }
    }
}
