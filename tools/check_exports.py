#!/usr/bin/env python3
"""Compares what `fbrs annotate export` writes with what other programs read of it.

    python3 -m venv venv
    venv/bin/pip install labelme==5.5.0 numpy opencv-python-headless pillow pycocotools
    venv/bin/python tools/check_exports.py [--masks 100] [--seed 1] [--eval] [target/release/fbrs]

Random masks (holes, parts, single pixels, lines, whole photos, overlaps) go into a folder of photos
in all EXIF orientations with documents; each format is exported and read by pycocotools, by labelme's
own code, by OpenCV and by Pillow, and imported again. A line for each says how many masks came back bit
for bit. Then the same with `--photos`, of PNGs and JPEGs: copies are found by the names in the files,
lie upright for programs that know no EXIF, and keep every byte where nothing had to be turned. With
`--eval` it also has `fbrs eval` read them. Exits with 1 where a format is not as exact as it should be.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import cv2
import labelme
import numpy as np
from PIL import Image, ImageOps
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

CLASSES = ["cat", "the dog/2", "Ünï 写真", "removed"]
PER_PHOTO = 5
# How an upright photo is stored in each EXIF orientation.
STORED = dict(
    zip(
        range(2, 9),
        "FLIP_LEFT_RIGHT ROTATE_180 FLIP_TOP_BOTTOM TRANSPOSE ROTATE_90 TRANSVERSE ROTATE_270".split(),
    )
)


def random_mask(rng, height, width):
    """One of the kinds that formats go wrong with."""
    kind = rng.integers(9)
    mask = np.zeros((height, width), bool)
    y, x = rng.integers(height), rng.integers(width)
    if kind == 0:
        mask[y, x] = True
    elif kind == 1:
        mask[y, : x + 1] = True
        mask[: y + 1, x] = True
    elif kind == 2:
        mask[:] = True
        mask[y, x] = False
    elif kind == 3:
        mask = rng.random((height, width)) < rng.choice([0.02, 0.3, 0.5, 0.7, 0.98])
    elif kind == 4:
        corners = rng.integers(-5, [width + 5, height + 5], (rng.integers(3, 9), 2))
        mask = cv2.fillPoly(mask.astype(np.uint8), [corners.astype(np.int32)], 1).astype(bool)
    elif kind == 5:
        yy, xx = np.ogrid[:height, :width]
        far = (yy - y) ** 2 + (xx - x) ** 2
        radius = rng.integers(3, 30)
        mask = (far < radius**2) & (far >= (radius * rng.random()) ** 2)
    else:
        noise = rng.random((height, width)).astype(np.float32)
        noise = cv2.GaussianBlur(noise, (0, 0), rng.uniform(0.8, 5))
        mask = noise > np.quantile(noise, rng.uniform(0.3, 0.95))
    if not mask.any():
        mask[y, x] = True
    return mask


def packed(mask):
    runs = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": list(mask.shape), "counts": runs["counts"].decode()}


def make(folder, rng, count, ending="png"):
    """Photos with documents; the masks by photo and id, lowest first."""
    expected = {}
    for number in range(-(-count // PER_PHOTO)):
        height, width = (int(side) for side in rng.integers(20, 150, 2))
        name = f"Ünï/photo {number}.{ending}" if number % 3 == 0 else f"{number}.{ending}"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        values = rng.integers(0, 256, (height, width, 3), np.uint8)
        if ending == "jpg":
            # What JPEG is made for.
            values = cv2.normalize(cv2.GaussianBlur(values, (0, 0), 6), None, 0, 255, cv2.NORM_MINMAX)
        photo = Image.fromarray(values)
        orientation = number % 8 + 1
        if orientation > 1:
            photo = photo.transpose(Image.Transpose[STORED[orientation]])
        exif = Image.Exif()
        exif[0x0112] = orientation
        photo.save(path, exif=exif, **({"quality": 95, "subsampling": 0} if ending == "jpg" else {}))
        masks = [random_mask(rng, height, width) for _ in range(min(PER_PHOTO, count - number * PER_PHOTO))]
        classes = [int(one) for one in rng.integers(1, len(CLASSES) + 1, len(masks))]
        expected[name] = list(zip(masks, classes))
        data = path.read_bytes()
        document = {
            "format": "fbrs-annotation", "version": 1, "state": "in_progress", "count": len(masks),
            "photo": {
                "file": path.name, "width": width, "height": height, "orientation": orientation,
                "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data),
            },
            "seq": 1,
            "objects": [
                {"id": id, "class": of, "mask": packed(mask)}
                for id, (mask, of) in enumerate(zip(masks, classes), 1)
            ],
        }
        path.with_name(path.name + ".fbrs.json").write_text(json.dumps(document))
    project = {
        "format": "fbrs-project", "version": 1,
        "classes": [{"id": id, "name": name, "color": "#0072b2", "removed": name == "removed"} for id, name in enumerate(CLASSES, 1)],
    }
    (folder / "fbrs-project.json").write_text(json.dumps(project))
    return expected


def read_coco(out):
    coco = COCO(out / "instances.json")
    found = {image["file_name"]: [] for image in coco.imgs.values()}
    for annotation in coco.anns.values():
        mask = coco.annToMask(annotation).astype(bool)
        rows, cols = np.where(mask)
        box = [cols.min(), rows.min(), np.ptp(cols) + 1, np.ptp(rows) + 1]
        assert annotation["bbox"] == box and annotation["area"] == mask.sum(), annotation["id"]
        found[coco.imgs[annotation["image_id"]]["file_name"]].append((mask, annotation["category_id"]))
    return {name.removeprefix("images/"): masks for name, masks in found.items()}


def read_labelme(out, expected):
    found = {}
    for name, objects in expected.items():
        size = objects[0][0].shape
        sheet = labelme.LabelFile(str((out / name).with_suffix(".json")))
        # The photo was found and loaded by the relative path.
        assert labelme.utils.img_data_to_arr(sheet.imageData).shape[:2] == size
        groups = {}
        for place, shape in enumerate(sheet.shapes):
            mask = np.zeros(size, bool)
            if shape["shape_type"] == "mask":
                (x1, y1), (x2, y2) = np.asarray(shape["points"]).astype(int)
                mask[y1 : y2 + 1, x1 : x2 + 1] = shape["mask"]
            else:
                mask = labelme.utils.shape_to_mask(size, shape["points"], shape["shape_type"])
            group = shape["group_id"]
            key = (shape["label"], ("alone", place) if group is None else group)
            groups[key] = groups.get(key, np.zeros(size, bool)) | mask
        found[name] = [(mask, CLASSES.index(label) + 1) for (label, _), mask in groups.items()]
    return found


def read_yolo(out, expected):
    found = {}
    for name, objects in expected.items():
        height, width = objects[0][0].shape
        found[name] = []
        for line in (out / "labels" / name).with_suffix(".txt").read_text().splitlines():
            of, *numbers = line.split()
            corners = np.array(numbers, np.float32).reshape(-1, 2) * [width, height]
            mask = np.zeros((height, width), np.uint8)
            cv2.fillPoly(mask, [corners.astype(np.int32)], 1)
            found[name].append((mask.astype(bool), int(of) + 1))
    return found


def imread(path):
    # Unchanged means without EXIF, too.
    return cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)


def yolo_labels(image):
    """Where Ultralytics looks for the labels of a photo."""
    return Path("/labels/".join(str(image).rsplit("/images/", 1))).with_suffix(".txt")


def check_photos(photos, out, expected):
    """Copies that are upright without EXIF; those of upright photos that keep every byte; names of
    copies that COCO, labelme and YOLO's lists have."""
    upright, kept, named = [], [], []
    coco = {image["file_name"] for image in json.loads((out / "instances.json").read_text())["images"]}
    lists = [line for one in ("train.txt", "val.txt") for line in (out / one).read_text().splitlines()]
    for name in expected:
        copy = out / "images" / name
        with Image.open(photos / name) as photo, Image.open(copy) as written:
            is_turned = photo.getexif().get(0x0112, 1) != 1
            seen = np.array(ImageOps.exif_transpose(photo).convert("RGB"))
            told = written.getexif().get(0x0112, 1)
        found = imread(copy)[..., ::-1]
        far = np.abs(found.astype(int) - seen).mean() if found.shape == seen.shape else np.inf
        # What a second JPEG of quality 95 costs; a wrong turn is 30 and more.
        enough = 0 if name.endswith("png") else 3
        upright.append(told == 1 and far <= enough)
        if not is_turned:
            kept.append(copy.read_bytes() == (photos / name).read_bytes())
        sheet = (out / name).with_suffix(".json")
        path = (sheet.parent / json.loads(sheet.read_text())["imagePath"]).resolve()
        listed = out / f"./images/{name}"
        named.append(
            f"images/{name}" in coco
            and path == copy.resolve()
            and f"./images/{name}" in lists
            and yolo_labels(listed).exists()
        )
    return {"upright (OpenCV, Pillow)": upright, "kept byte for byte": kept, "named": named}


def painted(objects, value):
    picture = np.zeros(objects[0][0].shape, np.uint16)
    for place, (mask, of) in enumerate(objects, 1):
        picture[mask] = value(place, of)
    return picture


def check_pictures(out, expected):
    """Of each format: pictures that are as they should be, and their number."""
    ids = [
        np.array_equal(imread((out / "ids" / name).with_suffix(".png")), painted(objects, lambda place, of: place))
        for name, objects in expected.items()
    ]
    classes = [
        np.array_equal(np.array(Image.open((out / "classes" / name).with_suffix(".png"))), painted(objects, lambda place, of: of))
        for name, objects in expected.items()
    ]
    masks, cutouts = [], []
    for name, objects in expected.items():
        photo = np.array(ImageOps.exif_transpose(Image.open(out.parent / "photos" / name)))
        for id, (mask, of) in enumerate(objects, 1):
            safe = "".join(c if c.isalnum() or c == "-" else "_" for c in CLASSES[of - 1])
            own = f"{name.removesuffix('.png')}_{id}_{safe}.png"
            masks.append(np.array_equal(imread(out / "objects" / own), mask * np.uint8(255)))
            rows, cols = np.where(mask)
            box = np.s_[rows.min() : rows.max() + 1, cols.min() : cols.max() + 1]
            alpha = mask[box] * np.uint8(255)
            whole = np.dstack([photo[box] * mask[box][..., None], alpha])
            cutouts.append(np.array_equal(np.array(Image.open(out / "cutouts" / own)), whole))
    return {"ids (OpenCV)": ids, "classes (Pillow)": classes, "objects (OpenCV)": masks, "cutouts (Pillow)": cutouts}


def read_documents(folder, expected):
    found = {}
    for name in expected:
        path = folder / (name + ".fbrs.json")
        objects = json.loads(path.read_text())["objects"] if path.exists() else []
        found[name] = [(coco_mask.decode(one["mask"]).astype(bool), one.get("class")) for one in objects]
    return found


class Check:
    def __init__(self):
        self.failed = False

    def line(self, what, exact, count, enough, more=""):
        verdict = "ok" if exact >= enough else "WRONG"
        self.failed |= exact < enough
        print(f"{what:42} {exact:4} of {count:4} exact  {verdict}{more}")

    def masks(self, what, expected, found, of_class=True, wider=False):
        """`wider`: masks of several parts may have more pixels."""
        exact = count = single = subset = 0
        worst = 1.0
        for name, objects in expected.items():
            assert len(found[name]) == len(objects), (what, name, len(found[name]), len(objects))
            for (mask, of), (other, other_of) in zip(objects, found[name]):
                assert not of_class or of == other_of, (what, name)
                count += 1
                same = np.array_equal(mask, other)
                exact += same
                parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] - 1
                single += parts == 1
                assert not wider or same or (parts > 1 and not (mask & ~other).any()), (what, name)
                worst = min(worst, (mask & other).sum() / (mask | other).sum())
        more = f"; all {single} of one part, worst IoU {worst:.3f}" if wider else ""
        self.line(what, exact, count, single if wider else count, more)


def visible(expected):
    """What is left of each object where later ones are on top; without those that are hidden."""
    left = {}
    for name, objects in expected.items():
        picture = painted(objects, lambda place, of: place)
        parts = [(picture == place, of) for place, (_, of) in enumerate(objects, 1)]
        left[name] = [(mask, of) for mask, of in parts if mask.any()]
    return left


def by_class(expected):
    left = {}
    for name, objects in expected.items():
        picture = painted(objects, lambda place, of: of)
        left[name] = [(picture == of, of) for of in range(1, len(CLASSES) + 1) if (picture == of).any()]
    return left


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", nargs="?", default="target/release/fbrs")
    parser.add_argument("--masks", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--eval", action="store_true")
    args = parser.parse_args()
    program = str(Path(args.program).resolve())
    check = Check()
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        photos = place / "photos"
        expected = make(photos, np.random.default_rng(args.seed), args.masks)

        def run(*arguments):
            done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, cwd=place)
            assert done.returncode == 0, (arguments, done.stdout[-2000:], done.stderr)
            return json.loads(done.stdout)

        def export(to, formats, *more, of=photos):
            run("annotate", "export", of, "--format", formats, "-o", place / to, "--json", *more)
            return place / to

        def reimport(what, out, wanted, *more, of=photos, **how):
            documents = place / f"documents {what.replace(':', '')}"
            run("annotate", "import", of, "--documents", documents, "--from", out, "--json", *more)
            check.masks(f"{what}: import", wanted, read_documents(documents, wanted), **how)

        coco = export("coco", "coco")
        check.masks("coco (pycocotools)", expected, read_coco(coco))
        reimport("coco", coco, expected)
        coco = export("rle", "coco", "--always-rle")
        check.masks("coco --always-rle (pycocotools)", expected, read_coco(coco))
        sheets = export("sheets", "labelme")
        check.masks("labelme (labelme 5.5)", expected, read_labelme(sheets, expected))
        # Labelme knows names alone: ids are those of a project of its own.
        reimport("labelme", sheets, expected, of_class=False)
        sheets = export("polygons", "labelme", "--labelme", "polygon")
        check.masks("labelme --labelme polygon (labelme 5.5)", expected, read_labelme(sheets, expected))
        reimport("labelme polygon", sheets, expected, of_class=False)
        yolo = export("yolo", "yolo")
        check.masks("yolo (OpenCV fillPoly)", expected, read_yolo(yolo, expected), wider=True)
        reimport("yolo", yolo, expected, wider=True)
        pictures = export("pictures", "ids,classes,objects,cutouts")
        for what, exact in check_pictures(pictures, expected).items():
            check.line(what, sum(exact), len(exact), len(exact))
        reimport("ids", pictures, visible(expected), "--format", "ids", of_class=False)
        reimport("classes", pictures, by_class(expected), "--format", "classes")
        reimport("objects", pictures, expected, "--format", "objects")
        whole = args.masks // PER_PHOTO // 8 * 8 * PER_PHOTO or 8 * PER_PHOTO
        for ending, folder in (("png", photos), ("jpg", place / "jpegs")):
            if ending == "jpg":
                expected = make(folder, np.random.default_rng(args.seed + 1), whole, ending)
            out = export(f"with {ending}", "coco,labelme,yolo", "--photos", of=folder)
            for what, exact in check_photos(folder, out, expected).items():
                check.line(f"--photos {ending}: {what}", sum(exact), len(exact), len(exact))
            check.masks(f"--photos {ending}: coco", expected, read_coco(out))
            check.masks(f"--photos {ending}: labelme", expected, read_labelme(out, expected))
            check.masks(f"--photos {ending}: yolo", expected, read_yolo(out, expected), wider=True)
            reimport(f"--photos {ending}: coco", out, expected, "--format", "coco", of=folder)
        if args.eval:
            few = ("--device", "cpu", "--mode", "NoBRS", "--max-clicks", "1", "--json")
            read = run("eval", "--data", f"coco={coco / 'instances.json'}", "--images", photos, *few)
            objects = sum(one["objects"] for one in read["data"])
            check.line("coco (fbrs eval, read without problem)", objects - len(read["problems"]), args.masks, args.masks)
    sys.exit(int(check.failed))


if __name__ == "__main__":
    main()
