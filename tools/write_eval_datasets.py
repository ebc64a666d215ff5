#!/usr/bin/env python3
"""Writes tests/golden/datasets: a tiny data set for each layout, in its published form.

Photos are 64x48 pixels with a few coloured shapes on a textured ground; masks are the shapes. The
instance files of SBD are true MATLAB v5 files, written by SciPy with compressed elements. One photo
in `folder` has no mask, one mask is empty, one has another size, one photo is cut short: what a run
has to name and to go on from.

Needs NumPy, SciPy and Pillow. The same seed gives the same pictures.
"""

import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

ROOT = Path(__file__).resolve().parent.parent / "tests" / "golden" / "datasets"
HEIGHT, WIDTH = 48, 64
ROWS, COLS = np.mgrid[0:HEIGHT, 0:WIDTH]


def ellipse(row, col, height, width):
    return ((ROWS - row) / height) ** 2 + ((COLS - col) / width) ** 2 <= 1


def box(top, left, bottom, right):
    return (ROWS >= top) & (ROWS < bottom) & (COLS >= left) & (COLS < right)


def photo(seed, shapes):
    """A photo of these shapes (mask, colour)."""
    random = np.random.default_rng(seed)
    picture = np.empty((HEIGHT, WIDTH, 3))
    picture[:] = random.integers(60, 120, 3)
    picture += 12 * np.sin(ROWS / 3 + seed)[..., None] + 8 * np.cos(COLS / 5)[..., None]
    for mask, colour in shapes:
        picture[mask] = colour
    picture += random.normal(0, 5, picture.shape)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def save(image, *path):
    path = ROOT.joinpath(*path)
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"quality": 92} if path.suffix == ".jpg" else {}
    image.save(path, **options)


def gray(mask, *path):
    save(Image.fromarray(np.asarray(mask).astype(np.uint8)), *path)


RED, BLUE, YELLOW = (205, 60, 50), (50, 80, 210), (225, 200, 60)
LEFT, RIGHT, LOW = ellipse(22, 18, 13, 11), box(10, 38, 34, 58), ellipse(40, 32, 6, 20)


def two_level(folder, photos, masks):
    """GrabCut and Berkeley: 0 background, 128 ignore, 255 object."""
    for number, shape in enumerate([LEFT, RIGHT]):
        save(photo(number, [(shape, RED)]), folder, photos, f"shape{number}.jpg")
        grown = np.pad(shape, 1)
        edge = (grown[:-2, 1:-1] | grown[2:, 1:-1] | grown[1:-1, :-2] | grown[1:-1, 2:]) & ~shape
        mask = np.where(shape, 255, np.where(edge, 128, 0))
        ending = "bmp" if folder == "grabcut" else "png"
        gray(mask, folder, masks, f"shape{number}.{ending}")


def coloured(folder):
    """DAVIS and COCO_MVal: any channel above 0 is object."""
    for number, shape in enumerate([LEFT, LOW]):
        save(photo(10 + number, [(shape, BLUE)]), folder, "img", f"{number:05}.jpg")
        mask = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        mask[shape] = (0, 0, 128) if number else (200, 0, 0)
        save(Image.fromarray(mask), folder, "gt", f"{number:05}.png")


def sbd():
    names = ["2008_000002", "2008_000001"]
    for number, name in enumerate(names):
        shapes = [(LEFT, RED), (RIGHT, YELLOW)][: 2 - number]
        save(photo(20 + number, shapes), "sbd", "img", f"{name}.jpg")
        instances = np.zeros((HEIGHT, WIDTH), np.uint8)
        for index, (shape, _) in enumerate(shapes):
            instances[shape] = index + 1
        boundaries = np.empty((len(shapes), 1), object)
        for index, (shape, _) in enumerate(shapes):
            boundaries[index, 0] = shape.astype(np.uint8)
        categories = np.arange(1, len(shapes) + 1, dtype=np.uint8).reshape(-1, 1)
        (ROOT / "sbd" / "inst").mkdir(parents=True, exist_ok=True)
        content = {"Segmentation": instances, "Boundaries": boundaries, "Categories": categories}
        path = ROOT / "sbd" / "inst" / f"{name}.mat"
        savemat(path, {"GTinst": content}, do_compression=True)
        # The header's text has the date in it; without, the same pictures give the same file.
        path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(116) + path.read_bytes()[116:])
    (ROOT / "sbd" / "val.txt").write_text("\n".join(names) + "\n")


def folder():
    """0/255, label numbers of 8 and 16 bits, numbered masks, and what can be wrong."""
    both = [(LEFT, RED), (RIGHT, YELLOW)]
    labels = np.where(LEFT, 1, np.where(RIGHT, 2, 0))
    save(photo(30, both[:1]), "folder", "images", "a.jpg")
    gray(255 * LEFT, "folder", "masks", "a.png")
    save(photo(31, both), "folder", "images", "b.jpg")
    gray(labels, "folder", "masks", "b.png")
    save(photo(32, both), "folder", "images", "c.jpg")
    wide = np.where(LEFT, 300, np.where(RIGHT, 7, 0)).astype(np.uint16)
    save(Image.fromarray(wide), "folder", "masks", "c.png")
    save(photo(33, both), "folder", "images", "d.jpg")
    gray(255 * LEFT, "folder", "masks", "d_1.png")
    gray(255 * RIGHT, "folder", "masks", "d_2.png")

    for name in ["empty", "large", "lonely", "torn"]:
        save(photo(34, both), "faulty", "images", f"{name}.jpg")
        if name != "lonely":
            size = (HEIGHT, WIDTH + 2) if name == "large" else (HEIGHT, WIDTH)
            gray(np.full(size, 0 if name == "empty" else 255), "faulty", "masks", f"{name}.png")
    torn = ROOT / "faulty" / "images" / "torn.jpg"
    torn.write_bytes(torn.read_bytes()[:200])
    gray(255 * LEFT, "faulty", "masks", "nowhere.png")
    save(photo(35, both[:1]), "faulty", "images", "sound.jpg")
    gray(255 * LEFT, "faulty", "masks", "sound.png")


def runs(mask):
    flat = np.asarray(mask, np.uint8).flatten(order="F")
    ends = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff(np.concatenate([[0], ends, [flat.size]])).tolist()
    return ([0] if flat[0] else []) + counts


def packed(counts):
    text = ""
    for index, run in enumerate(counts):
        value = run - counts[index - 2] if index > 2 else run
        while True:
            bits, value = value & 0x1F, value >> 5
            more = value != -1 if bits & 0x10 else value != 0
            text += chr(48 + bits + (0x20 if more else 0))
            if not more:
                break
    return text


def coco():
    shapes = [(LEFT, RED), (RIGHT, YELLOW), (LOW, BLUE)]
    save(photo(40, shapes), "coco", "val", "shapes.jpg")
    polygon = [38, 10, 58, 10, 58, 34, 38, 34]
    size = [HEIGHT, WIDTH]

    def annotation(number, mask, segmentation, crowd=0):
        return {
            "id": number,
            "image_id": 7,
            "category_id": 1,
            "iscrowd": crowd,
            "area": float(mask.sum()),
            "segmentation": segmentation,
        }

    low = LOW & ~RIGHT
    instances = {
        "images": [{"id": 7, "file_name": "shapes.jpg", "height": HEIGHT, "width": WIDTH}],
        "categories": [{"id": 1, "name": "shape"}],
        "annotations": [
            annotation(1, RIGHT, [polygon]),
            annotation(2, LEFT, {"size": size, "counts": runs(LEFT)}),
            annotation(3, low, {"size": size, "counts": packed(runs(low))}),
            annotation(4, LEFT | low, {"size": size, "counts": runs(LEFT | low)}, crowd=1),
            annotation(5, box(0, 0, 3, 3), [[0, 0, 3, 0, 3, 3, 0, 3]]),
        ],
    }
    (ROOT / "coco" / "instances_val.json").write_text(json.dumps(instances) + "\n")


README = """\
# Data sets

One tiny data set for each layout that `fbrs eval` reads, and `faulty`, in which only one object is
sound. `tools/write_eval_datasets.py` wrote them; `sbd/inst/*.mat` are MATLAB v5 files with
compressed elements, written by SciPy. Tests: `crates/fbrs-data/tests/layouts.rs`,
`crates/fbrs-cli/tests/eval.rs`.
"""


if __name__ == "__main__":
    shutil.rmtree(ROOT, ignore_errors=True)
    ROOT.mkdir(parents=True)
    (ROOT / "README.md").write_text(README)
    two_level("grabcut", "data_GT", "boundary_GT")
    two_level("berkeley", "images", "masks")
    coloured("davis")
    coloured("coco_mval")
    sbd()
    folder()
    coco()
