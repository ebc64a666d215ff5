use std::collections::HashMap;
use std::path::Path;

use fbrs_data::text::printable;
use fbrs_models::{Architecture, BoxError, ParameterSource};

use crate::entry::{Contents, Entry, Header};
use crate::reading::Reading;
use crate::state_dict::{MARK, StateDict, state_dict};
use crate::{
    Container, Element, Fingerprint, InputScaling, Precision, Provenance, WeightsError, config,
    native, open, provenance, recognize,
};

/// Of a file of RITM's kind without a configuration.
const GUESSED: &str = "it does not say how it is told the clicks: discs of 5 pixels, LeakyReLU and an \
                       unthresholded mask are taken for granted, as in the published RITM networks";

/// What to do with tensors that the network does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ExtraKeys {
    /// They are an error.
    #[default]
    Refuse,
    /// They are skipped; [`Checkpoint::ignored`] names them.
    Ignore,
}

/// One tensor of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorInfo {
    /// Published name.
    pub name: String,
    /// Type of its elements in the file.
    pub element: Element,
    /// Shape; convolutions are `[out, in / groups, height, width]`.
    pub shape: Vec<usize>,
}

/// An opened file of weights that is known to be exactly one network.
///
/// Names, shapes and number formats of all its tensors have been checked; values are read when
/// [`ParameterSource::read`] asks for them, one tensor at a time, and never kept.
#[derive(Debug)]
pub struct Checkpoint {
    file: String,
    reading: Reading,
    architecture: Architecture,
    scaling: InputScaling,
    provenance: Provenance,
    entries: Vec<Entry>,
    tensors: Vec<TensorInfo>,
    by_name: HashMap<String, usize>,
    ignored: Vec<String>,
    remark: Option<String>,
}

impl Checkpoint {
    /// Opens a PyTorch checkpoint (either container) or a native file, told apart by content.
    ///
    /// A checkpoint may hold its state dict under a key, beside anything else, and under any
    /// prefix that wrappers of a network put before its names; [`Checkpoint::remark`] tells where
    /// there was a choice.
    ///
    /// # Errors
    /// [`WeightsError::Io`] where the file cannot be read, [`Changed`](WeightsError::Changed) where
    /// somebody writes to it; [`WeightsError::UnknownFormat`],
    /// [`Damaged`](WeightsError::Damaged), [`Forbidden`](WeightsError::Forbidden),
    /// [`Unsupported`](WeightsError::Unsupported) where it is no sound file of weights;
    /// [`WeightsError::Unrecognized`] or [`Mismatch`](WeightsError::Mismatch) where its tensors
    /// are not those of a network.
    pub fn open(path: impl AsRef<Path>, extra: ExtraKeys) -> Result<Self, WeightsError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let mut checkpoint = Self::of_contents(name, open::open(path)?, extra)?;
        if checkpoint.container() != Container::Safetensors {
            checkpoint.provenance.source_file = provenance::file_name(path);
        }
        Ok(checkpoint)
    }

    /// Opens a native file that lies in memory; `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn from_static(
        name: &str,
        bytes: &'static [u8],
        extra: ExtraKeys,
    ) -> Result<Self, WeightsError> {
        Self::of_contents(name.to_owned(), open::in_memory(name, bytes)?, extra)
    }

    fn of_contents(
        file: String,
        contents: Contents,
        extra: ExtraKeys,
    ) -> Result<Self, WeightsError> {
        let Contents { container, source, entries, header } = contents;
        let shown = printable(&file);
        let StateDict { entries, beside, remark } = state_dict(entries, MARK);
        let seen = match recognize::architecture(&entries) {
            Ok(architecture) => architecture,
            Err(reason) => return Err(WeightsError::Unrecognized { file: shown, reason }),
        };
        let said =
            Said::of(&header, seen).map_err(|fault| fault.of_file(shown.clone(), container))?;
        let Said { architecture, scaling, guessed } = said;
        let remark = match (remark, guessed) {
            (None, true) => Some(GUESSED.to_owned()),
            (Some(remark), true) => Some(format!("{remark}; {GUESSED}")),
            (remark, false) => remark,
        };
        let (entries, ignored) =
            recognize::parameters(&shown, &architecture, entries, beside, extra)?;
        let tensors = entries.iter().map(|entry| TensorInfo {
            name: entry.name.clone(),
            element: entry.element,
            shape: entry.shape.clone(),
        });
        let by_name = entries.iter().enumerate().map(|(index, entry)| (entry.name.clone(), index));
        Ok(Self {
            file,
            reading: Reading { shown, container, source },
            architecture,
            scaling,
            provenance: header.provenance,
            tensors: tensors.collect(),
            by_name: by_name.collect(),
            entries,
            ignored,
            remark,
        })
    }

    /// The file's path, or what stands for it. Print it through [`printable`]; messages do.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The file's format.
    pub fn container(&self) -> Container {
        self.reading.container
    }

    /// The file's length in bytes.
    pub fn file_size(&self) -> u64 {
        self.reading.source.length()
    }

    /// The network.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// How the network's inputs are scaled: what the file says, and as in the published networks of
    /// its kind where it does not say.
    pub fn scaling(&self) -> InputScaling {
        self.scaling
    }

    /// The radius of the network's click maps, in pixels: by which distance maps are normalized, or
    /// that discs have. 260 and 5 in the published networks.
    pub fn norm_radius(&self) -> f32 {
        self.scaling.norm_radius
    }

    /// States the `norm_radius` of a network whose file does not say it, in pixels.
    ///
    /// # Errors
    /// [`WeightsError::NormRadius`] where click maps cannot be made with it.
    pub fn with_norm_radius(mut self, pixels: f32) -> Result<Self, WeightsError> {
        if !InputScaling::holds_radius(pixels) {
            return Err(WeightsError::NormRadius { value: pixels });
        }
        self.scaling.norm_radius = pixels;
        Ok(self)
    }

    /// Where the weights come from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Every tensor, in network order.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// Number of parameters: elements of all tensors, running statistics included.
    pub fn parameter_count(&self) -> usize {
        self.tensors.iter().map(|tensor| tensor.shape.iter().product::<usize>()).sum()
    }

    /// Names of tensors that were skipped because the network does not have them, as they are in
    /// the file: print them through [`printable`].
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// What is worth telling the user: which network was taken where the file holds several, what was
    /// taken for granted where it does not say. One sentence, safe to print.
    pub fn remark(&self) -> Option<&str> {
        self.remark.as_deref()
    }

    /// What the network is, whatever file it lies in; see there. Reads all of the file.
    ///
    /// # Errors
    /// Whatever reading meets.
    pub fn fingerprint(&mut self) -> Result<Fingerprint, WeightsError> {
        let (architecture, scaling) = (self.architecture, self.scaling);
        Fingerprint::of(self, &architecture, &scaling)
    }

    /// Writes a native file as [`save_native`](crate::save_native) does: whole or not at all. The
    /// file that is being read may be replaced.
    ///
    /// # Errors
    /// [`WeightsError::Overflow`] where half precision cannot hold a value;
    /// [`WeightsError::Write`]; whatever reading meets.
    pub fn save_native(
        &mut self,
        path: impl AsRef<Path>,
        precision: Precision,
        provenance: &Provenance,
    ) -> Result<(), WeightsError> {
        let (architecture, scaling) = (self.architecture, self.scaling);
        native::save_native(path, self, &architecture, &scaling, precision, provenance)
    }

    /// The values of one parameter, row-major.
    fn values(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let entry = self.by_name.get(name).and_then(|index| self.entries.get(*index));
        let Some(entry) = entry.filter(|entry| entry.shape == shape) else {
            return Err(WeightsError::NoSuchParameter {
                file: self.reading.shown.clone(),
                architecture: self.architecture.to_string(),
                tensor: name.to_owned(),
                shape: shape.to_vec(),
            });
        };
        self.reading.values(name, entry)
    }
}

impl ParameterSource for Checkpoint {
    fn read(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, BoxError> {
        Ok(self.values(name, shape)?)
    }
}

/// What a file is, from what it says of itself and what its tensors say.
struct Said {
    architecture: Architecture,
    scaling: InputScaling,
    /// Whether something was taken for granted that neither of them tells.
    guessed: bool,
}

/// Why a file's own words cannot hold, as a clause.
enum SaidFault {
    Contradicted(String),
    Unsupported(String),
}

impl SaidFault {
    fn of_file(self, file: String, container: Container) -> WeightsError {
        match self {
            Self::Contradicted(reason) => WeightsError::Damaged { file, container, reason },
            Self::Unsupported(reason) => WeightsError::Unsupported { file, reason },
        }
    }
}

impl Said {
    /// `seen`: the network that names and shapes of the tensors are closest to.
    fn of(header: &Header, seen: Architecture) -> Result<Self, SaidFault> {
        let described = match header.config.as_ref().map(config::describe).transpose() {
            Ok(described) => described.flatten(),
            // A description of anything else beside a network that needs none.
            Err(_) if seen.guidance().is_none() => None,
            Err(reason) => return Err(SaidFault::Unsupported(reason)),
        };
        let claimed = match (header.architecture.as_deref(), &described) {
            (Some(claimed), _) => Some(claimed.parse().map_err(|_| printable(claimed))),
            (None, Some(described)) => Some(Ok(described.architecture)),
            (None, None) => None,
        };
        let contradicted = |claimed: String| {
            let reason = format!("it says it is {claimed}, its tensors say {seen}");
            SaidFault::Contradicted(reason)
        };
        let (architecture, guessed) = match claimed {
            None => (seen, seen.guidance().is_some()),
            Some(Ok(claimed)) if recognize::are_alike(&claimed, &seen) => (claimed, false),
            Some(Ok(claimed)) => return Err(contradicted(claimed.to_string())),
            Some(Err(claimed)) => return Err(contradicted(claimed)),
        };
        let mut scaling = match (described, seen.guidance()) {
            (Some(described), _) => described.scaling,
            (None, Some(_)) => InputScaling::RITM,
            (None, None) => InputScaling::PUBLISHED,
        };
        scaling.norm_radius = header.norm_radius.unwrap_or(scaling.norm_radius);
        (scaling.mean, scaling.deviation) =
            header.colors.unwrap_or((scaling.mean, scaling.deviation));
        Ok(Self { architecture, scaling, guessed })
    }
}
