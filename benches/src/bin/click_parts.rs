//! Clicks 2 to 10 of a refined object, time by part: the same work as
//! `tools/pytorch_baseline/bench_click.py --fixed-evaluations`, to be run beside it.
//!
//! `click_parts [EVALUATIONS] [NETWORK[=WEIGHTS]…] [MODE…]`: a 400×400 crop of the golden formula's
//! image with its mirror image, ending tests off, at most that many evaluations a click (8). All
//! networks and modes where none is named; networks have the formula's parameters where no weights
//! are. Prints a JSON object per network and mode; `peak_mib` is the process's peak so far, so name
//! one of each to learn theirs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use burn::tensor::Device;
use fbrs::weights::{ExtraKeys, Places};
use fbrs_benches::SIDE;
use fbrs_clicks::{Click, Position, Size};
use fbrs_models::{Network, testing};
use fbrs_refine::{Frame, Mode, RefineOptions, RefineState, Refiner, Watch};
use serde_json::json;

type Error = Box<dyn std::error::Error + Send + Sync>;

const NETWORKS: [&str; 5] =
    ["resnet34_dh128", "resnet50_dh128", "hrnet18s_ocr64", "hrnet18_ocr64", "lite0_dh64"];

/// (row, col), positive and negative in turn.
const CLICKS: [(f64, f64); 10] = [
    (200.0, 200.0),
    (40.0, 60.0),
    (150.0, 260.0),
    (350.0, 330.0),
    (260.0, 140.0),
    (60.0, 350.0),
    (120.0, 180.0),
    (370.0, 80.0),
    (240.0, 290.0),
    (20.0, 210.0),
];

fn main() -> Result<(), Error> {
    // As the program does.
    fbrs::keep_memory();
    let mut evaluations = 8;
    let (mut networks, mut modes) = (Vec::new(), Vec::new());
    for argument in std::env::args().skip(1) {
        if let Ok(number) = argument.parse() {
            evaluations = number;
        } else if let Ok(mode) = argument.parse() {
            modes.push(mode);
        } else {
            match argument.split_once('=') {
                Some((network, weights)) => {
                    networks.push((network.to_owned(), Some(weights.to_owned())));
                }
                None => networks.push((argument, None)),
            }
        }
    }
    if networks.is_empty() {
        networks = NETWORKS.map(|network| (network.to_owned(), None)).to_vec();
    }
    if modes.is_empty() {
        modes = Mode::ALL.to_vec();
    }
    let device = Device::flex();
    for (name, weights) in networks {
        let network = match weights {
            Some(weights) => {
                let mut weights = Places::default().locate(&weights)?.open(ExtraKeys::Refuse)?;
                Network::build(&weights.architecture(), &mut weights, &device)?
            }
            None => fbrs_benches::network(&name, &device)?,
        };
        for &mode in &modes {
            let row = session(&network, mode, evaluations, &device)?;
            println!("{}", json!({ "network": name, "mode": mode.name(), "clicks_2_to_10": row }));
        }
    }
    Ok(())
}

fn session(
    network: &Network,
    mode: Mode,
    evaluations: u64,
    device: &Device,
) -> Result<serde_json::Value, Error> {
    // A threshold that positive clicks do not reach, and no test of the mask: only the budget ends.
    let options = RefineOptions::default()
        .with_mode(mode)
        .with_threshold(0.9999)
        .with_min_iou_diff(0.0)
        .with_max_evaluations(evaluations);
    let refiner = Refiner::new(network, 260.0, &options);
    let size = Size { height: SIDE, width: SIDE };
    let frame = Frame::new(Arc::new(vec![testing::image(SIDE, SIDE)]), 1, size, true, device);
    let clicks: Vec<_> = CLICKS
        .iter()
        .enumerate()
        .map(|(index, &(row, col))| {
            let position = Position::from_row_col(row, col);
            if index % 2 == 0 { Click::positive(position) } else { Click::negative(position) }
        })
        .collect();
    let mut state = RefineState::default();
    let (mut total, mut parts, mut count) = (Duration::ZERO, [Duration::ZERO; 5], 0);
    for number in 1..=clicks.len() {
        let told: Vec<_> = clicks.iter().take(number).copied().collect();
        let started = Instant::now();
        let answer = refiner.click(&frame, &[told], &state, &mut Watch::none())?;
        let elapsed = started.elapsed();
        state = answer.state;
        if number == 1 {
            continue;
        }
        total += elapsed;
        let trace = &answer.trace;
        let spent = [
            trace.backbone,
            trace.head_forward,
            trace.head_backward,
            trace.objective,
            trace.optimizer,
        ];
        parts.iter_mut().zip(spent).for_each(|(part, spent)| *part += spent);
        count += trace.losses.len();
    }
    let [backbone, forward, backward, objective, optimizer] = parts.map(|part| part.as_secs_f64());
    let per_evaluation = (total.as_secs_f64() - backbone) / count.max(1) as f64;
    Ok(json!({
        "total_s": total.as_secs_f64(),
        "evaluations": count,
        "backbone_s": backbone,
        "head_forward_s": forward,
        "head_backward_s": backward,
        "objective_s": objective,
        "optimizer_s": optimizer,
        "s_per_evaluation": per_evaluation,
        "peak_mib": fbrs_benches::peak_mib(),
    }))
}
