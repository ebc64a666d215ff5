#!/usr/bin/env python3
"""Compares a journal of `fbrs eval` with the published implementation's run of the same objects.

    tools/compare_noc_with_golden.py JOURNAL NOC_JSON MODE

NOC_JSON holds, per mode, clicks and IoUs of each object (`noc.json`). Shows NoC, the objects whose
first five clicks differ with the IoUs before the first other click, and the time per click.
"""

import json
import sys


def needed(ious, threshold):
    return next((number + 1 for number, iou in enumerate(ious) if iou >= threshold), 20)


def after(ious, clicks):
    return ious[min(clicks, len(ious)) - 1]


def main(journal, golden, mode):
    run = next(run for run in json.load(open(golden))["runs"] if run["mode"] == mode)
    golden = {entry["id"]: entry for entry in run["objects"]}
    here = {}
    for line in open(journal).read().splitlines()[1:]:
        record = json.loads(line)
        if "result" in record:
            name = record["image"].split(".")[0]
            here[f"{name}_{record['object']}"] = record["result"]
    names = [name for name in golden if name in here]
    print(f"{len(names)} of {len(golden)} objects")
    pairs = [(here[name], golden[name]) for name in names]
    mean = lambda values: sum(values) / len(names)
    for threshold in (0.8, 0.85, 0.9):
        ours = mean(needed(a["iou"], threshold) for a, _ in pairs)
        theirs = mean(needed(b["iou"], threshold) for _, b in pairs)
        print(f"NoC@{threshold * 100:.0f}: here {ours:.3f}, golden {theirs:.3f}, {ours - theirs:+.3f}")
    for clicks in (1, 3, 5, 10):
        ours = mean(after(a["iou"], clicks) for a, _ in pairs)
        theirs = mean(after(b["iou"], clicks) for _, b in pairs)
        print(f"mean IoU after {clicks}: here {ours:.4f}, golden {theirs:.4f}")
    same = 0
    for name, (a, b) in zip(names, pairs):
        ours = [[bool(click[0]), *click[1:]] for click in a["clicks"][:5]]
        theirs = b["clicks_positive_row_col"][:5]
        if ours == theirs:
            same += 1
            continue
        both = list(zip(ours, theirs))
        number = next((at for at, (x, y) in enumerate(both) if x != y), len(both))
        at = lambda clicks: clicks[number] if number < len(clicks) else None
        print(f"other: {name}, click {number + 1}: here {at(ours)}, golden {at(theirs)}")
        print(f"    IoU before: here {a['iou'][:number]}, golden {b['iou'][:number]}")
    print(f"the same first five clicks: {same} of {len(names)}")
    seconds = [click["total"] for a, _ in pairs for click in a["seconds"]]
    forward = run["seconds_of_one_forward_2x3x400x400"]
    per_click = run["seconds_per_click"]
    print(f"seconds per click: here {sum(seconds) / len(seconds):.3f}; golden {per_click:.3f}, "
          f"{per_click / forward:.2f} times its forward pass of 2x3x400x400")


if __name__ == "__main__":
    main(*sys.argv[1:])
