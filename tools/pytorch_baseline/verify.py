"""Compares every network with the published implementation's numbers.

    python verify.py tests/golden/architectures.json [NETWORK ...]
"""

import argparse
import json
import sys

import torch

import clicks
import formula
import networks


def capture(network, names):
    """Outputs of the modules with these names, filled by the next forward."""
    outputs = {}
    for name, module in network.named_modules():
        if name in names:
            def keep(_, __, output, name=name):
                outputs[name] = output[-1] if isinstance(output, tuple) else output

            module.register_forward_hook(keep)
    return outputs


def tensors(network, case):
    """Every tensor that the golden case names."""
    image = formula.image(case["h"], case["w"])
    maps = clicks.distance_maps(torch.tensor([case["points"]]), case["h"], case["w"])
    outputs = capture(network, set(case["tensors"]))
    if "hrnet_feats" in case["tensors"]:
        extractor = network.feature_extractor
        extractor.conv3x3_ocr.register_forward_pre_hook(
            lambda _, inputs: outputs.__setitem__("hrnet_feats", inputs[0])
        )
    with torch.no_grad():
        outputs["logits"] = network(image, maps)
    outputs["dist_maps"] = maps
    return outputs


def error(tensor, golden):
    """Largest difference of the samples over the largest absolute value."""
    if list(tensor.shape) != golden["shape"]:
        raise SystemExit(f"shape {list(tensor.shape)}, expected {golden['shape']}")
    samples = tensor.flatten()[golden["sample_index"]].double()
    scale = golden["absmax"]
    expected = torch.tensor(golden["sample"], dtype=torch.float64)
    whole = torch.tensor([
        tensor.double().mean() - golden["mean"],
        tensor.double().std(unbiased=False) - golden["std"],
        tensor.double().abs().max() - golden["absmax"],
    ])
    return max((samples - expected).abs().max().item(), whole.abs().max().item()) / scale


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("golden")
    parser.add_argument("networks", nargs="*")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    args = parser.parse_args()
    with open(args.golden, encoding="utf-8") as file:
        golden = json.load(file)
    failed = False
    for name in args.networks or golden:
        network = networks.load(name)
        listed = {key: tuple(shape) for key, shape, _ in golden[name]["state_dict"]}
        built = {key: tuple(value.shape) for key, value in network.state_dict().items()}
        if listed != built:
            raise SystemExit(f"{name}: parameters differ: {set(listed.items()) ^ set(built.items())}")
        for case in golden[name]["cases"]:
            outputs = tensors(network, case)
            errors = {key: error(outputs[key], value) for key, value in case["tensors"].items()}
            worst = max(errors, key=errors.get)
            failed |= errors[worst] > args.tolerance
            print(
                f"{name} {case['h']}x{case['w']}: {len(errors)} tensors, "
                f"worst {errors[worst]:.1e} ({worst})"
            )
    sys.exit(failed)


if __name__ == "__main__":
    main()
