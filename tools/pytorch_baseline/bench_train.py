"""Times training steps on the CPU; JSON on standard output.

    python bench_train.py --threads 2 --networks resnet34_dh128 hrnet18s_ocr64

A step: forward with batch statistics, normalized focal loss (and 0.4 times the binary cross-entropy of the
auxiliary output, for an HRNet), backward, Adam. Each network runs in a process of its own, so that its
peak memory is its own.
"""

import argparse
import json
import subprocess
import sys
import time

import torch
from torch.nn import functional as F

import machine
import networks
from hrnet import HrNet
from layers import resize

SIZE = (320, 480)


def focal(logits, target):
    """Normalized focal loss, alpha 0.5, gamma 2."""
    p = torch.sigmoid(logits)
    pt = torch.where(target > 0.5, p, 1 - p)
    q = (1 - pt) ** 2
    with torch.no_grad():
        factor = q[0].numel() / (q.sum(dim=(1, 2, 3), keepdim=True) + 1e-12)
    loss = -0.5 * factor * q * torch.log(torch.clamp(pt + 1e-12, max=1.0))
    return loss.mean(dim=(1, 2, 3)).mean()


def logits_of(network, image, maps):
    """Main and, where there is one, auxiliary logits, at the image's size."""
    if not isinstance(network, HrNet):
        return network(image, maps), None
    extractor = network.feature_extractor
    features, _ = network.encode(image, maps, "A")
    aux = extractor.aux_head(features)
    pixels = extractor.conv3x3_ocr(features)
    context = extractor.ocr_gather_head(pixels, aux)
    out = extractor.cls_head(extractor.ocr_distri_head(pixels, context))
    return resize(out, image.shape[2:]), resize(aux, image.shape[2:])


def run(args, name):
    """Seconds per step: the least, and the parts of that step."""
    network = networks.load(name).train().requires_grad_(True)
    if args.channels_last:
        network = network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-5)
    height, width = SIZE
    torch.manual_seed(0)
    image = torch.randn(args.batch, 3, height, width)
    maps = torch.rand(args.batch, 2, height, width)
    target = (torch.rand(args.batch, 1, height // 32, width // 32) > 0.5).float()
    target = F.interpolate(target, size=SIZE)
    steps = []
    for _ in range(args.steps + 1):
        times = [time.perf_counter()]
        main, aux = logits_of(network, image, maps)
        loss = focal(main, target)
        if aux is not None:
            loss = loss + 0.4 * F.binary_cross_entropy_with_logits(aux, target)
        times.append(time.perf_counter())
        optimizer.zero_grad()
        loss.backward()
        times.append(time.perf_counter())
        optimizer.step()
        times.append(time.perf_counter())
        steps.append([b - a for a, b in zip(times, times[1:])])
    best = min(steps[1:], key=sum)
    return {
        "network": name,
        "batch": args.batch,
        "s_per_step": sum(best),
        "images_per_s": args.batch / sum(best),
        "parts_s": dict(zip(["forward", "backward", "adam"], best)),
        "peak_rss_bytes": machine.peak_memory(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--networks", nargs="+", default=["resnet34_dh128", "hrnet18s_ocr64"])
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.one:
        print(json.dumps(run(args, args.one)))
        return
    rows = []
    for name in args.networks:
        row = subprocess.run([sys.executable, *sys.argv, "--one", name], check=True, capture_output=True)
        rows.append(json.loads(row.stdout))
    print(json.dumps({"machine": machine.describe(), "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
