use std::fmt::Write;

use anyhow::Result;
use clap::Args;
use fbrs::weights::{Checkpoint, ExtraKeys, InputScaling, printable};
use serde::Serialize;

use super::places;
use crate::print;

/// Say what a file of weights is
///
/// Reads its table of tensors, not their values, so that any file answers at once.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// A file, a name (`fbrs weights list`), or `default`
    #[arg(value_name = "FILE|NAME")]
    weights: String,
    /// List all tensors too
    #[arg(long)]
    tensors: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Inspected {
    file: String,
    format: String,
    bytes: u64,
    architecture: String,
    parameters: usize,
    norm_radius: f32,
    /// What clicks become for the network: distance maps or discs.
    clicks: &'static str,
    sees_previous_mask: bool,
    mean: [f32; 3],
    deviation: [f32; 3],
    training_set: Option<String>,
    terms: Option<String>,
    source_file: Option<String>,
    source_sha256: Option<String>,
    created_by: Option<String>,
    /// Tensors that the network does not have.
    ignored: Vec<String>,
    /// Which network was taken, where the file holds several.
    #[serde(skip_serializing_if = "Option::is_none")]
    remark: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tensors: Option<Vec<Tensor>>,
}

#[derive(Serialize)]
struct Tensor {
    name: String,
    element: String,
    shape: Vec<usize>,
}

pub(crate) fn run(args: InspectArgs) -> Result<()> {
    let checkpoint = places().locate(&args.weights)?.open(ExtraKeys::Ignore)?;
    let inspected = inspect(&checkpoint, args.tensors);
    match args.json {
        true => print::print_json(&inspected),
        false => print::print(&inspected.text()),
    }
}

fn inspect(checkpoint: &Checkpoint, tensors: bool) -> Inspected {
    let provenance = checkpoint.provenance().clone();
    let architecture = checkpoint.architecture();
    let tensor = |tensor: &fbrs::weights::TensorInfo| Tensor {
        name: tensor.name.clone(),
        element: tensor.element.to_string(),
        shape: tensor.shape.clone(),
    };
    Inspected {
        file: checkpoint.file().to_owned(),
        format: checkpoint.container().to_string(),
        bytes: checkpoint.file_size(),
        architecture: architecture.to_string(),
        parameters: checkpoint.parameter_count(),
        norm_radius: checkpoint.norm_radius(),
        clicks: match architecture.guidance() {
            Some(guidance) if guidance.discs => "discs",
            _ => "distance maps",
        },
        sees_previous_mask: architecture.sees_previous_mask(),
        mean: checkpoint.scaling().mean,
        deviation: checkpoint.scaling().deviation,
        training_set: provenance.training_set,
        terms: provenance.terms,
        source_file: provenance.source_file,
        source_sha256: provenance.source_sha256,
        created_by: provenance.created_by,
        ignored: checkpoint.ignored().to_vec(),
        remark: checkpoint.remark().map(str::to_owned),
        tensors: tensors.then(|| checkpoint.tensors().iter().map(tensor).collect()),
    }
}

impl Inspected {
    fn text(&self) -> String {
        let mut rows = vec![
            ["file".to_owned(), printable(&self.file)],
            ["format".to_owned(), format!("{}, {}", self.format, print::megabytes(self.bytes))],
            ["network".to_owned(), self.architecture.clone()],
            ["parameters".to_owned(), self.parameters.to_string()],
            ["norm radius".to_owned(), format!("{} pixels", self.norm_radius)],
            ["clicks".to_owned(), self.clicks.to_owned()],
        ];
        if self.sees_previous_mask {
            rows.push(["also sees".to_owned(), "its previous mask".to_owned()]);
        }
        let usual = InputScaling::PUBLISHED;
        if (self.mean, self.deviation) != (usual.mean, usual.deviation) {
            let colors = format!("mean {:?}, deviation {:?}", self.mean, self.deviation);
            rows.push(["colors".to_owned(), colors]);
        }
        for (key, value) in [
            ("trained on", &self.training_set),
            ("terms", &self.terms),
            ("imported from", &self.source_file),
            ("its SHA-256", &self.source_sha256),
            ("created by", &self.created_by),
        ] {
            rows.extend(value.as_deref().map(|value| [key.to_owned(), printable(value)]));
        }
        if !self.ignored.is_empty() {
            let names: Vec<_> = self.ignored.iter().map(|name| printable(name)).collect();
            rows.push(["not of the network".to_owned(), names.join(", ")]);
        }
        rows.extend(self.remark.clone().map(|remark| ["remark".to_owned(), remark]));
        let mut text = print::table(&rows);
        if let Some(tensors) = &self.tensors {
            let rows: Vec<_> = tensors
                .iter()
                .map(|Tensor { name, element, shape }| {
                    [printable(name), element.clone(), format!("{shape:?}")]
                })
                .collect();
            // Writing to a String cannot fail.
            let _ = write!(text, "\n{}", print::table(&rows));
        }
        text
    }
}
