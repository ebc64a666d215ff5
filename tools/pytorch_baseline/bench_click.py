"""Times whole clicks with refinement on the CPU; JSON on standard output.

    python bench_click.py --threads 2 --networks hrnet18s_ocr64 --modes f-BRS-B

Every pair of network and mode runs in a process of its own, so that its peak
memory is its own. The image and the clicks are fixed (see README.md).
"""

import argparse
import json
import subprocess
import sys

import torch

import formula
import machine
import networks
import refinement

DEFAULT_NETWORKS = ["resnet34_dh128", "resnet50_dh128", "hrnet18s_ocr64", "hrnet18_ocr64"]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

# (row, col, positive) in a crop of 400x400, positive and negative in turn.
CLICKS = [
    (200, 200, True), (40, 60, False), (150, 260, True), (350, 330, False), (260, 140, True),
    (60, 350, False), (120, 180, True), (370, 80, False), (240, 290, True), (20, 210, False),
]


def read_image(path, size):
    """A photo as a normalised square crop, [1, 3, size, size]."""
    import numpy
    from PIL import Image

    photo = Image.open(path).convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(numpy.array(photo)).permute(2, 0, 1).float() / 255
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    return ((pixels - mean) / std)[None]


def read_clicks(path):
    """A JSON list of [row, col, positive]."""
    with open(path, encoding="utf-8") as file:
        return [(row, col, bool(positive)) for row, col, positive in json.load(file)]


def run(args, network_name, mode):
    """One row: a session of clicks, repeated, the quickest repeat kept."""
    network = networks.load(network_name, args.checkpoint)
    image = read_image(args.image, args.size) if args.image else formula.image(args.size, args.size)
    clicks = read_clicks(args.clicks) if args.clicks else CLICKS
    sessions = []
    for _ in range(args.repeats + 1):
        refiner = refinement.Refiner(
            network, mode, image, fixed_evaluations=args.fixed_evaluations
        )
        sessions.append([refiner.click(clicks[:n])[1] for n in range(1, len(clicks) + 1)])
    total = lambda session: sum(record["total_s"] for record in session[1:])
    # The first session warms up, unless it is the only one.
    session = min(sessions[1:] or sessions, key=total)[1:]
    evaluations = sum(record["evaluations"] for record in session)
    parts = {}
    for record in session:
        for part, seconds in record["parts_s"].items():
            parts[part] = parts.get(part, 0.0) + seconds
    return {
        "network": network_name,
        "mode": mode,
        "clicks": len(session),
        "evaluations": evaluations,
        "s_per_click": total([None, *session]) / len(session),
        "s_per_evaluation": evaluations and total([None, *session]) / evaluations,
        "parts_s_per_click": {part: s / len(session) for part, s in parts.items()},
        "peak_rss_bytes": machine.peak_memory(),
        "per_click": session,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=DEFAULT_NETWORKS)
    parser.add_argument("--modes", nargs="+", default=list(refinement.MODES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size", type=int, default=400, help="height and width of the crop")
    parser.add_argument("--repeats", type=int, default=1, help="sessions, besides a first one; 0: that one is timed")
    parser.add_argument("--fixed-evaluations", type=int,
                        help="ending tests off, exactly this many evaluations a click")
    parser.add_argument("--image", help="a photo in place of the formula's image")
    parser.add_argument("--clicks", help="a JSON file: [[row, col, positive], …] in the crop")
    parser.add_argument("--checkpoint", help="a .pth for the one network named")
    parser.add_argument("--one-row", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.checkpoint and len(args.networks) != 1:
        parser.error("--checkpoint goes with exactly one network")
    torch.set_num_threads(args.threads)
    if args.one_row:
        json.dump(run(args, args.networks[0], args.modes[0]), sys.stdout)
        return
    rows = []
    for network_name in args.networks:
        for mode in args.modes:
            print(f"{network_name} {mode}", file=sys.stderr)
            # Of repeated options the last one holds.
            command = [sys.executable, __file__, *sys.argv[1:],
                       "--networks", network_name, "--modes", mode, "--one-row"]
            rows.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
    print(json.dumps({"machine": machine.describe(), "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
