#!/usr/bin/env python3
"""Writes test checkpoints with PyTorch, their values from the formula of the golden data.

    python3 tools/write_checkpoints.py resnet101_dh256 OUT.pth
    python3 tools/write_checkpoints.py hrnet1s_ocr1 OUT.pth --container stream --dtype mixed \
        --module-prefix --nested state_dict --no-fusion

Names, shapes and order come from the golden architectures.json. An HRNet may have any width and
OCR width (hrnetW[s]_ocrK): its shapes are those of the listed network of the same depth, scaled.
Every value follows from its tensor's name (without prefixes) and its index, so that a reader can
be compared with the formula and needs no second file. Half-precision values are those of the
formula, rounded by PyTorch.

Needs PyTorch (`pip install torch numpy`); written with 2.8.
"""

import argparse
import json
import re
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16, "f64": torch.float64}


def formula(name, shape):
    """The value of every element of a tensor, in f32."""
    count = int(np.prod(shape, dtype=np.int64))
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) % 2**64
    with np.errstate(over="ignore"):
        z = np.arange(count, dtype=np.uint64) + np.uint64((h + 0x9E3779B97F4A7C15) % 2**64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    u = (z >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)
    one, two = np.float32(1), np.float32(2)
    if len(shape) == 4:
        scale = np.float32(np.sqrt(6.0 / (shape[1] * shape[2] * shape[3])))
        values = (two * u - one) * scale
    elif name.endswith("running_var"):
        values = np.float32(0.75) + np.float32(0.5) * u
    elif name.endswith(".weight"):
        values = np.float32(0.6) + np.float32(0.2) * u
    else:
        values = np.float32(0.1) * (two * u - one)
    return torch.from_numpy(values.reshape(shape))


def shapes(golden, architecture):
    """Names and shapes of a network's state dict, in order."""
    if architecture in golden:
        return [(name, shape) for name, shape, _ in golden[architecture]["state_dict"]]
    match = re.fullmatch(r"hrnet(\d+)(s?)_ocr(\d+)", architecture)
    if not match:
        raise SystemExit(f"{architecture}: expected one of {', '.join(golden)} or hrnetW[s]_ocrK")
    width, small, key = int(match[1]), match[2], int(match[3])
    branches = {18: width, 36: 2 * width, 72: 4 * width, 144: 8 * width, 270: 15 * width}
    ocr = {64: key, 128: 2 * key, 256: 4 * key} | branches

    def scaled(name, shape):
        table = ocr if re.search("ocr|cls_head|aux_head", name) else branches
        return [table.get(extent, extent) for extent in shape[:2]] + shape[2:]

    listed = golden["hrnet18s_ocr64" if small else "hrnet18_ocr64"]["state_dict"]
    return [(name, scaled(name, shape)) for name, shape, _ in listed]


def dtype_of(index, count, choice):
    """The type of the `index`-th tensor: with "mixed" the large ones are f16, the others vary."""
    if choice != "mixed":
        return DTYPES[choice]
    if count > 1024:
        return torch.float16
    return [torch.float32, torch.float16, torch.bfloat16, torch.float64][index % 4]


def state_dict(golden, options):
    result = OrderedDict()
    for index, (name, shape) in enumerate(shapes(golden, options.architecture)):
        if options.no_fusion and name.startswith("rgb_conv."):
            continue
        key = f"module.{name}" if options.module_prefix else name
        if name.endswith("num_batches_tracked"):
            result[key] = torch.tensor(0, dtype=torch.int64)
        else:
            values = formula(name, shape)
            result[key] = values.to(dtype_of(index, values.numel(), options.dtype))
    if options.aspp_dropout:
        result["aspp_dropout"] = torch.tensor(0.5)
    # As Module.state_dict() leaves it.
    result._metadata = OrderedDict([("", {"version": 1})])
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("architecture")
    parser.add_argument("out", type=Path)
    parser.add_argument("--container", choices=["zip", "stream"], default="zip")
    parser.add_argument("--dtype", choices=[*DTYPES, "mixed"], default="f32")
    parser.add_argument("--module-prefix", action="store_true", help="as DataParallel names them")
    parser.add_argument("--nested", metavar="KEY", help="put the state dict under this key")
    parser.add_argument("--no-fusion", action="store_true", help="leave rgb_conv out")
    parser.add_argument("--aspp-dropout", action="store_true", help="add the scalar aspp_dropout")
    parser.add_argument("--protocol", type=int, default=2, help="of the pickle")
    parser.add_argument(
        "--golden", type=Path, default=ROOT / "tests/golden/architectures.json",
        help="the golden architectures.json",
    )
    options = parser.parse_args()

    saved = state_dict(json.loads(options.golden.read_text()), options)
    if options.nested:
        saved = {"epoch": 120, "lr": 1e-4, "note": "a training program's file", options.nested: saved}
    torch.save(
        saved, options.out, pickle_protocol=options.protocol,
        _use_new_zipfile_serialization=options.container == "zip",
    )
    print(f"{options.out}: {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
