"""Masks: as documents, COCO and labelme have them; documents written from masks."""

import base64
import hashlib
import io
import json

import numpy as np
from PIL import Image


def unpack(counts, size):
    """A mask from COCO's packed run lengths."""
    height, width = size
    lengths, at = [], 0
    while at < len(counts):
        value, shift, more = 0, 0, True
        while more:
            char = ord(counts[at]) - 48
            value |= (char & 0x1F) << shift
            more = bool(char & 0x20)
            at += 1
            shift += 5
            if not more and char & 0x10:
                value |= -1 << shift
        if len(lengths) > 2:
            value += lengths[-2]
        lengths.append(value)
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(width, height).T


def pack(mask):
    """COCO's packed run lengths of a mask."""
    flat = np.asarray(mask, bool).T.ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    if flat.size and flat[0]:
        lengths.insert(0, 0)
    packed = []
    for place, length in enumerate(lengths):
        value = length - lengths[place - 2] if place > 2 else length
        more = True
        while more:
            char = value & 0x1F
            value >>= 5
            more = value != (-1 if char & 0x10 else 0)
            packed.append(chr((char | 0x20 if more else char) + 48))
    return "".join(packed)


def of_polygons(polygons, size):
    """A mask from polygons along pixels' edges."""
    toggles = np.zeros((size[0], size[1] + 1), np.int64)
    for polygon in polygons:
        points = np.asarray(polygon).reshape(-1, 2)
        for (x1, y1), (x2, y2) in zip(points, np.roll(points, -1, 0)):
            if x1 == x2:
                low, high = sorted([int(y1), int(y2)])
                toggles[low:high, int(x1)] ^= 1
    return (np.cumsum(toggles, 1)[:, :-1] % 2) == 1


def document(path):
    """A document's masks, and all of it."""
    text = json.loads(path.read_text())
    masks = [unpack(o["mask"]["counts"], o["mask"]["size"]) for o in text["objects"]]
    return masks, text


def coco(path, name):
    text = json.loads(path.read_text())
    image = next(image for image in text["images"] if image["file_name"] == name)
    masks = []
    for annotation in text["annotations"]:
        if annotation["image_id"] != image["id"]:
            continue
        how = annotation["segmentation"]
        if isinstance(how, dict):
            masks.append(unpack(how["counts"], how["size"]))
        else:
            masks.append(of_polygons(how, (image["height"], image["width"])))
    return masks


def labelme(path):
    text = json.loads(path.read_text())
    masks = []
    for shape in text["shapes"]:
        (left, top), (right, bottom) = [[int(value) for value in at] for at in shape["points"]]
        box = np.asarray(Image.open(io.BytesIO(base64.b64decode(shape["mask"])))) > 0
        mask = np.zeros((text["imageHeight"], text["imageWidth"]), bool)
        mask[top:bottom + 1, left:right + 1] = box
        masks.append(mask)
    return masks


def write_document(photo, masks, state="in_progress"):
    """Writes a document beside a photo."""
    data = photo.read_bytes()
    with Image.open(photo) as image:
        width, height = image.size
    objects = [{"id": at + 1, "class": None, "visible": True, "locked": False,
                "mask": {"size": [height, width], "counts": pack(mask)}, "clicks": [],
                "repeatable": True, "edited": True} for at, mask in enumerate(masks)]
    text = {"format": "fbrs-annotation", "version": 1, "state": state, "count": len(objects),
            "photo": {"file": photo.name, "width": width, "height": height,
                      "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data),
                      "orientation": 1},
            "seq": len(objects), "next_id": len(objects) + 1, "objects": objects}
    photo.with_name(photo.name + ".fbrs.json").write_text(json.dumps(text, separators=(",", ":")))
