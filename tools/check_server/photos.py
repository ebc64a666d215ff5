"""Photos and clicks of the checks."""

import functools
import io
import re
import struct
import zlib

import numpy as np
from PIL import Image

from server import ROOT

PHOTO = ROOT / "tests/golden/photos/000000000030.jpg"
OTHERS = [ROOT / f"tests/golden/predictions/photos/{name}.webp"
          for name in ("000000000370", "000000165518")]


def readme():
    """The clicks of the README's first command."""
    text = (ROOT / "README.md").read_text()
    command = text[text.index("fbrs -- segment"):].split("```")[0]
    return [(float(x), float(y), sign == "pos")
            for sign, x, y in re.findall(r"--(pos|neg) (\d+),(\d+)", command)]


# Six clicks, positive ones first.
CLICKS = readme()


@functools.cache
def small():
    """A photo of 64 by 64, whose object is in its middle."""
    with Image.open(PHOTO) as image:
        return encoded(image.convert("RGB").crop((300, 90, 364, 154)), "png")


def resized(width, height):
    """The photo in another size, as JPEG, and its first click."""
    with Image.open(PHOTO) as image:
        scale = width / image.width, height / image.height
        data = encoded(image.convert("RGB").resize((width, height)), "jpeg", quality=85)
    x, y, _ = CLICKS[0]
    return data, (round(x * scale[0]), round(y * scale[1]), True)


def encoded(image, kind, **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def plain(width, height):
    """A gray photo as PNG, small as a file."""
    return encoded(Image.new("RGB", (width, height), (90, 90, 90)), "png", compress_level=9)


def png_header(width, height):
    """A PNG's signature and header, and pixels that are not there."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)


def ring(width, height):
    """A mask with a hole, an island in it, and a speck at the corner."""
    rows, columns = np.mgrid[:height, :width]
    far = np.hypot(rows - height / 2, columns - width / 2) / min(width, height)
    mask = ((far > 0.2) & (far < 0.4)) | (far < 0.05)
    mask[0, 0] = mask[-1, -1] = True
    return np.where(mask, 255, 0).astype(np.uint8)


def speckles(width, height):
    """A mask with many parts and holes."""
    random = np.random.default_rng(7)
    coarse = random.random((height // 4 + 1, width // 4 + 1)) < 0.5
    mask = np.kron(coarse, np.ones((4, 4), bool))[:height, :width]
    return np.where(mask, 255, 0).astype(np.uint8)
