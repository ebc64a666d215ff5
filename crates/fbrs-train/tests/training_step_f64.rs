//! Steps of training in f64, where rounding hides nothing: what the networks that learn compute is what the
//! published code computes, batch statistics and their gradients included.
//!
//! The device's numbers are set for the whole process, so that this is a test of its own. The processor's own
//! kernels are for f32 and stand aside; they are compared with Burn's elsewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stepping;

use burn::tensor::{Device, FloatDType};
use fbrs_models::Statistics;
use fbrs_train::optimizer::{Optimization, OptimizerOptions};

use stepping::{
    Batch, MODELS, adam_step, compare_gradients, compare_losses, compare_statistics,
    forward_backward, golden, network, relative,
};

#[test]
fn three_steps_in_f64() {
    Device::flex().configure(FloatDType::F64).unwrap();
    let golden = golden();
    for (model, architecture) in MODELS {
        // An HRNet is resized many times, with weights that are of f32 as PyTorch's are in an f32 run; RITM's
        // clicks come in where a difference of f32's rounding (5e-3 between the published runs) shows most.
        let exact = match model {
            "resnet34_dh16" => 1e-6,
            "hrnet18s_ocr16" => 2e-5,
            _ => 1e-3,
        };
        let published = &golden["models"][model];
        let batch = Batch::new(&golden, model.starts_with("ritm"));
        let frozen = network(architecture, Statistics::Frozen);
        let stepped = forward_backward(&frozen, &batch);
        let own = &published["frozen_bn"];
        compare_losses(&stepped, &own["step_f64"], exact, model);
        compare_gradients(&frozen, &stepped, &own["grad_norms"], |_, _| exact, model);

        let network = network(architecture, Statistics::OfBatch);
        let mut optimization = Optimization::new(&OptimizerOptions::PUBLISHED, true);
        for step in 0..3 {
            let stepped = forward_backward(&network, &batch);
            let losses = &published["steps_f64"][step];
            let off = relative(stepped.total, losses["total"].as_f64().unwrap());
            // Adam makes steps of full length of gradients that are nothing but rounding.
            let (whole, each) = match (step, model.starts_with("resnet")) {
                (0, _) => (exact, exact),
                (1, true) => (1e-6, 1e-6),
                (_, true) => (5e-5, 1e-4),
                (_, false) => (5e-4, 5e-3),
            };
            assert!(off < whole, "{model} step {step}: {} {off:e}", stepped.total);
            compare_losses(&stepped, losses, each, model);
            if step == 0 {
                let norms = &published["grad_norms"]["by_name"];
                compare_gradients(&network, &stepped, norms, |_, _| exact, model);
                compare_statistics(&network, &published["bn_after_1_step"], exact);
            }
            adam_step(&network, &stepped, &mut optimization);
        }
        compare_statistics(&network, &published["bn_after_3_steps"], 1e-4);
    }
}
