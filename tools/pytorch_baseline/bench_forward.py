"""Times the forward of networks on the CPU; JSON on standard output.

    python bench_forward.py --threads 2 --repeats 10 [NETWORK ...]
"""

import argparse
import json
import statistics
import time

import torch

import clicks
import formula
import machine
import networks


def times(network, image, maps, warm_up, repeats):
    """Seconds of each repeat, after some that are not counted."""
    taken = []
    with torch.inference_mode():
        for _ in range(warm_up + repeats):
            start = time.perf_counter()
            network(image, maps)
            taken.append(time.perf_counter() - start)
    return taken[warm_up:]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", help="names; all seven where none is given")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--size", type=int, default=400, help="height and width")
    parser.add_argument("--warm-up", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=10)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    image = formula.image(args.size, args.size).expand(args.batch, -1, -1, -1).contiguous()
    centre = (args.size / 2, args.size / 2, True)
    points = clicks.network_points([[centre]] * args.batch)
    maps = clicks.distance_maps(points, args.size, args.size)
    rows = []
    for name in args.networks or networks.NETWORKS:
        taken = times(networks.load(name), image, maps, args.warm_up, args.repeats)
        rows.append({
            "network": name,
            "median_s": statistics.median(taken),
            "min_s": min(taken),
            "repeats_s": taken,
        })
    shape = [args.batch, 3, args.size, args.size]
    print(json.dumps({"machine": machine.describe(), "input": shape, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
