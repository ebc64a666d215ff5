"""Times a Lite network's click by part on the CPU: what is computed once for a crop, and what every click
computes; the same work as `lite_parts`. JSON on standard output.

    python bench_lite.py --threads 2 --repeats 10 [--size 400] [--compiled]
"""

import argparse
import json
import time

import torch

import formula
import lite
import machine


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size", type=int, default=400, help="height and width")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--compiled", action="store_true", help="the encoder through TorchScript, folded")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    network = lite.LiteDeepLab()
    network.load_state_dict(formula.state_dict(network))
    network.eval()
    side = args.size
    image = formula.image(side, side)
    image = torch.cat([image, image.flip(3)])
    points = torch.tensor([[[0.5, 0.5], [0.4, 0.6], [0.1, 0.15], [0.8, 0.8]]]).expand(2, -1, -1) * side
    maps = torch.full((2, 2, side, side), 0.3)
    encode = network.encode
    least = {"once_per_crop_s": float("inf"), "click_s": float("inf")}
    with torch.inference_mode():
        if args.compiled:
            encoder = network.feature_extractor.backbone
            encoder = torch.jit.freeze(torch.jit.trace(encoder, image))
            encode = lambda image: network.neck(encoder(image))
        for _ in range(2 + args.repeats):
            start = time.perf_counter()
            crop = encode(image)
            encoded = time.perf_counter()
            network.decode(crop, maps, points)
            end = time.perf_counter()
            least["once_per_crop_s"] = min(least["once_per_crop_s"], encoded - start)
            least["click_s"] = min(least["click_s"], end - encoded)
    print(json.dumps({"machine": machine.describe(), "side": side, **least}))


if __name__ == "__main__":
    main()
