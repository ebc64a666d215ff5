//! Refinement on small networks of every family: gradients against central differences, exact
//! savings against doing without them, and what every click must keep.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use burn::tensor::{Tensor, TensorData};
use fbrs_clicks::{Click, CropSpace, Position, Size};
use fbrs_models::testing::{Formula, device, image, values};
use fbrs_models::{
    BoxError, CancelToken, ClickInput, ClickPoints, Cut, Interrupt, Network, ParameterSource,
    resize_bilinear,
};

use crate::error::RefineError;
use crate::frame::Frame;
use crate::lbfgs::Evaluation;
use crate::logits::Logits;
use crate::mode::Mode;
use crate::objective::Discs;
use crate::options::{NetClicks, RefineOptions, ScaleActivation};
use crate::refiner::{Refiner, Told};
use crate::search::Search;
use crate::state::RefineState;
use crate::trace::{ClickTrace, Ending};
use crate::variables::Variables;
use crate::watch::{Progress, Watch};

const NETWORKS: [&str; 4] = ["resnet34_dh8", "resnet50_dh4_nofusion", "hrnet4s_ocr4", "lite0_dh4"];
const SIZE: Size = Size { height: 76, width: 92 };
/// With maps of even size, for which GPUs use wider loads.
const EVEN: Size = Size { height: 80, width: 96 };
const SMALL: Size = Size { height: 36, width: 44 };

/// Options under which neither ending test ever holds while there is a positive click.
fn endless(mode: Mode) -> RefineOptions {
    RefineOptions { mode, threshold: 0.9999, min_iou_diff: 0.0, ..RefineOptions::default() }
}

/// The formula's parameters with the last layer scaled and shifted, so that the logits of the
/// formula's image have mean 0 and deviation 2 at most: probabilities that are neither 0 nor 1.
struct Tamed {
    scale: f32,
    shift: f32,
}

impl ParameterSource for Tamed {
    fn read(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, BoxError> {
        let mut values = values(name, shape);
        let last = ["cls_head.", "head.layers.2.", "head.layers.1.weight", "head.layers.1.bias"];
        if last.iter().any(|layer| name.contains(layer)) {
            values.iter_mut().for_each(|value| *value *= self.scale);
            if name.ends_with("bias") {
                values.iter_mut().for_each(|value| *value += self.shift);
            }
        }
        Ok(values)
    }
}

fn network(name: &str) -> Network {
    let device = device();
    let architecture = name.parse().unwrap();
    let plain = Network::build(&architecture, &mut Formula, &device).unwrap();
    let image = TensorData::new(image(SIZE.height, SIZE.width), [1, 3, SIZE.height, SIZE.width]);
    let maps = Tensor::ones([1, 2, SIZE.height, SIZE.width], &device) * 0.4;
    let points = ClickPoints { positive: vec![[30.0, 40.0]], negative: vec![[5.0, 5.0]] };
    let told = ClickInput { maps, previous_mask: None, points: [points].into() };
    let image = Tensor::from_data(image, &device);
    let logits: Vec<f32> = plain.forward(image, told).into_data().iter::<f32>().collect();
    let count = logits.len() as f32;
    let mean = logits.iter().sum::<f32>() / count;
    let deviation = (logits.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / count).sqrt();
    // Where clicks stand out against all else, deviations say little.
    let farthest = logits.iter().map(|x| (x - mean).abs()).fold(0.0, f32::max);
    let scale = (2.0 / deviation.max(1e-6)).min(2.0 / farthest.max(1e-6));
    Network::build(&architecture, &mut Tamed { scale, shift: -mean * scale }, &device).unwrap()
}

fn frame(flip: bool) -> Frame {
    frame_of(SIZE, flip)
}

fn frame_of(size: Size, flip: bool) -> Frame {
    Frame::new(Arc::new(vec![image(size.height, size.width)]), 1, size, flip, &device())
}

fn click(positive: bool, row: f64, col: f64) -> Click<CropSpace> {
    let position = Position::from_row_col(row, col);
    if positive { Click::positive(position) } else { Click::negative(position) }
}

/// Clicks that follow from a seed.
fn clicks(seed: u64, count: usize) -> Vec<Click<CropSpace>> {
    clicks_in(SIZE, seed, count)
}

fn clicks_in(size: Size, seed: u64, count: usize) -> Vec<Click<CropSpace>> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f64 / (1u64 << 24) as f64
    };
    (0..count)
        .map(|index| {
            let positive = index == 0 || next() < 0.5;
            click(positive, next() * (size.height - 1) as f64, next() * (size.width - 1) as f64)
        })
        .collect()
}

fn refining() -> impl Iterator<Item = Mode> {
    Mode::ALL.into_iter().filter(|mode| mode.cut().is_some())
}

/// One evaluation at `z`, gradients from patches or from the whole map.
fn evaluate(
    network: &Network,
    frame: &Frame,
    options: &RefineOptions,
    list: &[Click<CropSpace>],
    z: Option<&[f64]>,
    patched: bool,
) -> Evaluation {
    let refiner = Refiner::new(network, 260.0, options);
    let clicks = [list.to_vec()];
    evaluate_with(&refiner, frame, &clicks, z, patched)
}

fn evaluate_with(
    refiner: &Refiner<'_>,
    frame: &Frame,
    clicks: &[Vec<Click<CropSpace>>],
    z: Option<&[f64]>,
    patched: bool,
) -> Evaluation {
    let (network, told) = (refiner.network, Told { frame, clicks, previous: None });
    let cut = refiner.options.mode.cut().unwrap();
    let at_cut = refiner.at_cut(cut, told, &Interrupt::never()).unwrap();
    let variables = Variables::at(cut, network.channels_at(cut), frame);
    let zeros = vec![0.0; variables.len()];
    let (mut trace, mut watch) = (ClickTrace::default(), Watch::none());
    let mut search = Search::new(refiner, told, &at_cut, variables, &mut trace, &mut watch);
    if !patched {
        search.use_no_patches();
    }
    search.evaluate(z.unwrap_or(&zeros)).unwrap()
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[test]
fn gradients_agree_with_central_differences() {
    // The narrow ResNet-50's last layer is scaled up a thousandfold to have any spread: too steep for
    // differences. Its gradients are those of the other tests.
    for name in ["resnet34_dh8", "hrnet4s_ocr4", "lite0_dh4", "hrnet4s_ocr4_itermask"] {
        let network = network(name);
        for (flip, size) in [(true, EVEN), (false, SIZE)] {
            let frame = frame_of(size, flip);
            let list = clicks_in(size, 7, 4);
            for mode in refining() {
                for scale_activation in
                    [ScaleActivation::Linear, ScaleActivation::Tanh, ScaleActivation::Sin]
                {
                    if scale_activation != ScaleActivation::Linear && mode != Mode::FBrsB {
                        continue;
                    }
                    let options = RefineOptions { scale_activation, ..endless(mode) };
                    let at = |z: &[f64]| evaluate(&network, &frame, &options, &list, Some(z), true);
                    let length =
                        evaluate(&network, &frame, &options, &list, None, true).gradient.len();
                    // Away from zero, where the regularization has a gradient as well.
                    let z: Vec<f64> =
                        (0..length).map(|i| 0.02 * ((i * 7919) as f64).sin()).collect();
                    let gradient = at(&z).gradient;
                    let size = norm(&gradient);
                    assert!(size > 1e-6, "{name} {mode}: no gradient");
                    // Along the gradient the slope is its norm; rounding is smallest there. Long
                    // steps cross kinks of the rectifiers, short ones drown in rounding: one of the
                    // lengths must agree.
                    let slope = |length: f64| {
                        let step = length / size;
                        let moved = |sign: f64| -> f64 {
                            let along = z.iter().zip(&gradient);
                            let point: Vec<f64> =
                                along.map(|(z, g)| z + sign * step * g / size).collect();
                            at(&point).value
                        };
                        (moved(1.0) - moved(-1.0)) / (2.0 * step)
                    };
                    let slopes = [2e-3, 5e-4, 1e-4, 2e-5].map(slope);
                    let error = slopes
                        .map(|slope| (slope - size).abs() / size)
                        .into_iter()
                        .fold(1.0, f64::min);
                    assert!(error < 0.02, "{name} {mode} flip {flip}: {slopes:?} {size}");
                }
            }
        }
    }
}

#[test]
fn patches_give_the_whole_map_s_gradient() {
    for name in NETWORKS {
        let network = network(name);
        let frame = frame(true);
        // At the edges and corners too, where patches end at the map's own edge.
        let list = [
            click(true, 40.0, 50.0),
            click(false, 0.0, 0.0),
            click(true, 75.0, 91.0),
            click(false, 2.0, 60.0),
        ];
        for mode in [Mode::FBrsB, Mode::FBrsC] {
            if network.neighborhood(mode.cut().unwrap()).is_none() {
                continue;
            }
            let options = endless(mode);
            for list in [&list[..1], &list[..]] {
                let whole = evaluate(&network, &frame, &options, list, None, false);
                let patched = evaluate(&network, &frame, &options, list, None, true);
                let apart = (whole.value - patched.value).abs() / whole.value;
                assert!(apart < 1e-5, "{name} {mode}: {apart}");
                let difference: Vec<f64> =
                    whole.gradient.iter().zip(&patched.gradient).map(|(a, b)| a - b).collect();
                let error = norm(&difference) / norm(&whole.gradient);
                assert!(error < 1e-5, "{name} {mode}: {error}");
            }
        }
    }
}

#[test]
fn reading_logits_at_pixels_is_resizing_them() {
    let (map, crop) = (Size { height: 7, width: 9 }, Size { height: 25, width: 33 });
    let values: Vec<f32> = (0..2 * map.area()).map(|i| (i as f32 * 1.7).sin() * 5.0).collect();
    let tensor = Tensor::from_data(TensorData::new(values.clone(), [2, 1, 7, 9]), &device());
    let resized: Vec<f32> = resize_bilinear(tensor, [25, 33]).into_data().iter::<f32>().collect();
    let logits = Logits::new(values, map, crop);
    for image in 0..2 {
        for (pixel, value) in logits.at_crop_size(image).into_iter().enumerate() {
            let expected = resized[image * crop.area() + pixel];
            assert!((value - expected).abs() < 1e-5);
            assert!((logits.at(image, pixel) - expected).abs() < 1e-5);
            let weights: f32 = logits.taps(pixel).iter().map(|(_, weight)| weight).sum();
            assert!((weights - 1.0).abs() < 1e-6);
        }
    }
    // A pair of equal maps, the second mirrored, is its own mean.
    let row: Vec<f32> = vec![1.0, 2.0, 4.0, 8.0];
    let pair: Vec<f32> = row.iter().chain(row.iter().rev()).copied().collect();
    let size = Size { height: 1, width: 4 };
    assert_eq!(Logits::new(pair, size, size).unflipped().values(), row);
}

/// Answers a list of clicks one after the other and hands every state on.
fn play(
    network: &Network,
    frame: &Frame,
    options: &RefineOptions,
    list: &[Click<CropSpace>],
    forget: bool,
) -> Vec<crate::Answer> {
    let refiner = Refiner::new(network, 260.0, options);
    let mut state = RefineState::default();
    let mut answers = Vec::new();
    for count in 1..=list.len() {
        let clicks = [list[..count].to_vec()];
        if forget {
            state.features = None;
        }
        let answer = refiner.click(frame, &clicks, &state, &mut Watch::none()).unwrap();
        state = answer.state.clone();
        answers.push(answer);
    }
    answers
}

#[test]
fn cached_features_change_nothing() {
    for name in NETWORKS {
        let network = network(name);
        for mode in [Mode::FBrsA, Mode::FBrsB, Mode::FBrsC] {
            let options = RefineOptions {
                mode,
                net_clicks: NetClicks::First(2),
                max_evaluations: 3,
                ..RefineOptions::default()
            };
            let list = clicks_in(SMALL, 11, 5);
            let cached = play(&network, &frame_of(SMALL, true), &options, &list, false);
            let recomputed = play(&network, &frame_of(SMALL, true), &options, &list, true);
            // Features of a network that sees its previous mask hold an older one.
            let keeps = !network.architecture().sees_previous_mask();
            assert_eq!(cached[4].trace.cached_features, keeps, "{name} {mode}");
            assert!(!recomputed[4].trace.cached_features);
            assert!(!cached[1].trace.cached_features, "the second click is told to the network");
            for (cached, recomputed) in cached.iter().zip(&recomputed) {
                assert_eq!(cached.logits, recomputed.logits, "{name} {mode}");
                assert_eq!(cached.state.z(), recomputed.state.z(), "{name} {mode}");
            }
        }
    }
}

/// 200 random sequences over all modes and networks: no loss above the first one's, nothing that is
/// not finite.
#[test]
fn refinement_never_makes_a_click_worse() {
    let networks = NETWORKS.map(network);
    let modes: Vec<Mode> = refining().collect();
    for seed in 0..200u64 {
        let network = &networks[seed as usize % networks.len()];
        let mode = modes[(seed as usize / networks.len()) % modes.len()];
        let options = RefineOptions {
            mode,
            net_clicks: NetClicks::First(1 + seed as usize % 3),
            max_evaluations: 3,
            ..RefineOptions::default()
        };
        let list = clicks_in(SMALL, seed + 1, 2 + seed as usize % 2);
        let frame = frame_of(SMALL, true);
        for (count, answer) in play(network, &frame, &options, &list, false).iter().enumerate() {
            let losses = &answer.trace.losses;
            assert_eq!(losses.is_empty(), count == 0, "seed {seed} {mode}");
            assert!(losses.iter().all(|loss| loss.is_finite()), "seed {seed} {mode}: {losses:?}");
            assert!(answer.logits.values().iter().all(|x| x.is_finite()), "seed {seed} {mode}");
            assert!(answer.state.z().iter().all(|z| z.is_finite()), "seed {seed} {mode}");
            if count == 0 {
                continue;
            }
            // The answer's own loss, from its logits and without the regularization, is bounded by
            // the best loss of the search.
            let clicks = [list[..=count].to_vec()];
            let discs = Discs::new(&frame, &clicks, options.discs);
            let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
            let loss = discs.agreement(&answer.logits, f64::from(options.threshold)).loss;
            assert!(best <= losses[0]);
            assert!(loss <= best + 1e-12, "seed {seed} {mode}: {loss} {losses:?}");
        }
    }
}

#[test]
fn budgets_end_a_click_early() {
    let network = network("hrnet4s_ocr4");
    let list = clicks_in(SMALL, 3, 2);
    let frame = frame_of(SMALL, true);
    let run = |options: RefineOptions| {
        play(&network, &frame, &options, &list, false).remove(1).trace.losses.len()
    };
    let endless = endless(Mode::FBrsB);
    let long = run(endless.clone());
    assert!(long > 4, "{long}");
    // The budget is looked at between iterations, and a search may end past it.
    let short = run(RefineOptions { max_evaluations: 2, ..endless.clone() });
    assert!((2..long).contains(&short), "{short}");
    assert_eq!(run(RefineOptions { max_time: Some(Duration::ZERO), ..endless.clone() }), 1);
    assert_eq!(run(RefineOptions { max_evaluations: 0, ..endless.clone() }), 0);
    assert_eq!(run(RefineOptions { optimize_after: 2, ..endless }), 0);
}

#[test]
fn watching_sees_every_step_and_cancels() {
    let network = network("resnet34_dh8");
    let options = endless(Mode::FBrsB);
    let refiner = Refiner::new(&network, 260.0, &options);
    let frame = frame(true);
    let list = [clicks(5, 2)];
    let (mut seen, mut features) = (Vec::new(), 0);
    let mut note = |progress: &Progress<'_>| match progress {
        Progress::Features { cached } => features += usize::from(!cached),
        Progress::Plain { .. } => panic!("this click is searched for"),
        Progress::Evaluation { number, loss, .. } => seen.push((*number, *loss)),
    };
    let mut watch = Watch::none().seen_by(&mut note);
    let answer = refiner.click(&frame, &list, &RefineState::default(), &mut watch).unwrap();
    let expected: Vec<_> =
        answer.trace.losses.iter().copied().enumerate().map(|(i, l)| (i + 1, l)).collect();
    assert_eq!(seen, expected);
    assert_eq!(features, 1);
    // At every step the token ends the click there.
    for last in 0..3 {
        let token = CancelToken::new();
        let mut steps = 0;
        let mut stop = |_: &Progress<'_>| {
            if steps == last {
                token.cancel();
            }
            steps += 1;
        };
        let mut watch = Watch::none().cancelled_by(&token).seen_by(&mut stop);
        let cancelled = refiner.click(&frame, &list, &RefineState::default(), &mut watch);
        assert!(matches!(cancelled, Err(RefineError::Cancelled)));
        assert_eq!(steps, last + 1);
    }
}

#[test]
fn first_clicks_and_clicks_without_refinement_can_be_cancelled() {
    let network = network("hrnet4s_ocr4");
    for mode in Mode::ALL {
        let options = RefineOptions { mode, ..RefineOptions::default() };
        let refiner = Refiner::new(&network, 260.0, &options);
        let token = CancelToken::new();
        token.cancel();
        let mut watch = Watch::none().cancelled_by(&token);
        let list = [clicks(5, 1)];
        let answer = refiner.click(&frame(true), &list, &RefineState::default(), &mut watch);
        assert!(matches!(answer, Err(RefineError::Cancelled)), "{mode}");
    }
}

#[test]
fn a_search_says_why_it_ended() {
    let network = network("hrnet4s_ocr4");
    let list = clicks_in(SMALL, 3, 2);
    let frame = frame_of(SMALL, true);
    let ending = |options: RefineOptions| {
        play(&network, &frame, &options, &list, false).remove(1).trace.ending
    };
    let endless = endless(Mode::FBrsB);
    let zero = Some(Duration::ZERO);
    assert_eq!(ending(endless.clone().with_max_time(zero)), Some(Ending::Time));
    assert_eq!(ending(endless.clone().with_max_evaluations(2)), Some(Ending::Evaluations));
    assert_eq!(ending(endless.clone().with_max_evaluations(0)), None);
    // A mask that may change as it likes is steady once it is not empty.
    let steady = [0.6, 0.7, 0.8, 0.9]
        .map(|threshold| ending(endless.clone().with_threshold(threshold).with_min_iou_diff(1.0)));
    assert!(steady.contains(&Some(Ending::Steady)), "{steady:?}");
    // Every answer agrees with clicks whose threshold it cannot miss.
    let positive = clicks_in(SMALL, 3, 1);
    let twice = [positive[0], positive[0]];
    let easy = RefineOptions::default().with_threshold(1e-6);
    let answer = play(&network, &frame, &easy, &twice, false).remove(1);
    assert_eq!(answer.trace.ending, Some(Ending::Agreed));
    // No duration is too long for a limit.
    let forever = ending(endless.with_max_time(Some(Duration::MAX)).with_max_evaluations(2));
    assert_eq!(forever, Some(Ending::Evaluations));
}

/// Tiles that go through the network in parts give what they give together.
#[test]
fn parts_of_a_frame_are_the_frame() {
    let network = network("hrnet4s_ocr4");
    let crops: Vec<_> = (0..5)
        .map(|tile| {
            let mut crop = image(SMALL.height, SMALL.width);
            crop.iter_mut().for_each(|value| *value *= 1.0 - 0.1 * tile as f32);
            crop
        })
        .collect();
    for flip in [true, false] {
        let whole = Frame::new(Arc::new(crops.clone()), 5, SMALL, flip, &device());
        assert!(whole.parts().len() > 1);
        let list: Vec<_> = (0..5).map(|tile| clicks_in(SMALL, 3 + tile, 2)).collect();
        for mode in Mode::ALL {
            let options = RefineOptions { max_evaluations: 2, ..endless(mode) };
            let refiner = Refiner::new(&network, 260.0, &options);
            let start = RefineState::default();
            let first = |frame: &Frame, clicks: &[Vec<Click<CropSpace>>]| {
                refiner.click(frame, clicks, &start, &mut Watch::none()).unwrap()
            };
            let all = first(&whole, &list);
            if mode == Mode::NoBrs {
                for (tile, clicks) in list.iter().enumerate() {
                    let source = Arc::new(vec![crops[tile].clone()]);
                    let alone = Frame::new(source, 1, SMALL, flip, &device());
                    let alone = first(&alone, std::slice::from_ref(clicks));
                    let (all, alone) =
                        (all.logits.at_crop_size(tile), alone.logits.at_crop_size(0));
                    // Sums of a batch are rounded in another order than those of one image.
                    let apart = all.iter().zip(&alone).map(|(a, b)| (a - b).abs());
                    let apart = apart.fold(0.0, f32::max);
                    assert!(apart < 1e-4, "tile {tile} flip {flip}: {apart}");
                }
                continue;
            }
            // The slope along the gradient is its norm: it is put together from the parts.
            let gradient = evaluate_with(&refiner, &whole, &list, None, true);
            let size = norm(&gradient.gradient);
            assert!(size > 1e-6, "{mode}");
            let slope = |step: f64| {
                let at = |sign: f64| -> f64 {
                    let z: Vec<f64> =
                        gradient.gradient.iter().map(|g| sign * step * g / size).collect();
                    evaluate_with(&refiner, &whole, &list, Some(&z), true).value
                };
                (at(1.0) - at(-1.0)) / (2.0 * step)
            };
            let error = [2e-3, 5e-4, 1e-4, 2e-5, 5e-6]
                .map(|length| (slope(length / size) - size).abs() / size)
                .into_iter()
                .fold(1.0, f64::min);
            assert!(error < 0.02, "{mode} flip {flip}: {error}");
        }
    }
}

/// z of f-BRS outlives a change of the frame; an offset of image or maps does not fit another one.
#[test]
fn offsets_are_reset_with_the_frame() {
    let network = network("hrnet4s_ocr4");
    let list = clicks(9, 3);
    for mode in refining() {
        let options = RefineOptions { max_evaluations: 3, ..endless(mode) };
        let refiner = Refiner::new(&network, 260.0, &options);
        let (first, second) = (frame(true), frame(true));
        let mut watch = Watch::none();
        let before = refiner
            .click(&first, &[list[..2].to_vec()], &RefineState::default(), &mut watch)
            .unwrap();
        assert!(before.trace.z_norm > 0.0, "{mode}");
        let again = |frame: &Frame| {
            let options = RefineOptions { max_evaluations: 0, ..options.clone() };
            let refiner = Refiner::new(&network, 260.0, &options);
            refiner
                .click(frame, std::slice::from_ref(&list), &before.state, &mut Watch::none())
                .unwrap()
                .trace
                .z_norm
        };
        assert_eq!(again(&first), before.trace.z_norm, "{mode}");
        let kept = matches!(mode.cut(), Some(Cut::Early | Cut::Middle | Cut::Late));
        assert_eq!(again(&second), if kept { before.trace.z_norm } else { 0.0 }, "{mode}");
    }
}
