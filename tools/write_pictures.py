#!/usr/bin/env python3
"""Writes the pictures of tests/bad/pictures, which must be refused, and of tests/golden/pictures,
which are odd but sound.

    python3 tools/write_pictures.py

Needs Pillow and, for kinds of JPEG that Pillow does not write, cjpeg of libjpeg-turbo. Every bad
file comes with the words that its error must contain.
"""

import io
import json
import random
import struct
import subprocess
import tempfile
import zlib
from pathlib import Path

from PIL import Image

TESTS = Path(__file__).resolve().parent.parent / "tests"
BAD, SOUND = TESTS / "bad/pictures", TESTS / "golden/pictures"
EXPECTED = {}


def bad(name, data, *words):
    (BAD / name).write_bytes(data)
    EXPECTED[name] = words


def sound(name, data):
    (SOUND / name).write_bytes(data)


# --- What is drawn ------------------------------------------------------------------------------

noise = random.Random(1)
PIXELS = bytes(
    min(255, max(0, base + noise.randint(-9, 9)))
    for y in range(40)
    for x in range(56)
    for base in ((200, 60, 40) if 12 < x < 40 and 9 < y < 30 else (40, 90 + x, 60 + 2 * y))
)
PHOTO = Image.frombytes("RGB", (56, 40), PIXELS)


def saved(format, image=PHOTO, **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def cjpeg(*options, scans=None):
    with tempfile.NamedTemporaryFile("w") as script:
        script.write(scans or "")
        script.flush()
        command = ["cjpeg", *options, *(["-scans", script.name] if scans else [])]
        return subprocess.run(command, input=saved("PPM"), capture_output=True, check=True).stdout


PLAIN = saved("JPEG", quality=90)
PROGRESSIVE = saved("JPEG", quality=90, progressive=True)
RESTARTS = saved("JPEG", quality=90, restart_marker_blocks=3)


def behind_header(jpeg):
    """Where the first scan's data begin."""
    start = jpeg.index(b"\xff\xda")
    return start + 2 + struct.unpack(">H", jpeg[start + 2 : start + 4])[0]


# --- JPEGs of which a part is missing -------------------------------------------------------------

for kind, jpeg in [("plain", PLAIN), ("progressive", PROGRESSIVE), ("restarts", RESTARTS)]:
    start, damaged = behind_header(jpeg), "is damaged"
    for percent in (50, 99):
        cut = start + (len(jpeg) - 2 - start) * percent // 100
        bad(f"{kind}_cut_{percent}.jpg", jpeg[:cut], damaged, "ends before its picture is complete")
    middle = start + (len(jpeg) - start) // 2
    bad(f"{kind}_cut_but_ended.jpg", jpeg[:middle] + b"\xff\xd9", damaged)
    bad(f"{kind}_zeros_behind.jpg", jpeg[:middle] + bytes(len(jpeg) - middle), damaged)
    other = random.Random(2).randbytes(400)
    bad(f"{kind}_overwritten.jpg", jpeg[:middle] + other + jpeg[middle + 400 :], damaged)
    bad(f"{kind}_block_lost.jpg", jpeg[:middle] + jpeg[middle + 128 :], damaged)
bad("line_ends.jpg", PLAIN.replace(b"\n", b"\r\n"), damaged)
bad("scan_missing.jpg", cjpeg(scans="0;\n1;\n2;\n").rsplit(b"\xff\xda", 1)[0] + b"\xff\xd9", "is damaged")

# --- Sound pictures of kinds that are not read ---------------------------------------------------

plainly = "save it as an ordinary JPEG or as PNG"
bad("arithmetic.jpg", cjpeg("-arithmetic"), "a JPEG with arithmetic coding is not read", plainly)
frame = PLAIN.index(b"\xff\xc0")
as_frame = lambda marker: PLAIN[:frame] + bytes([0xFF, marker]) + PLAIN[frame + 2 :]
twelve = bytearray(as_frame(0xC1))
twelve[frame + 4] = 12
bad("twelve_bits.jpg", bytes(twelve), "a JPEG of more than 8 bits per value is not read", plainly)
bad("lossless.jpg", as_frame(0xC3), "a lossless JPEG is not read", plainly)
bad("hierarchical.jpg", as_frame(0xC5), "a hierarchical JPEG is not read", plainly)
no_height = bytearray(PLAIN)
no_height[frame + 5 : frame + 7] = b"\0\0"
bad("height_behind.jpg", bytes(no_height), "tells its height behind the picture is not read", plainly)
bad("finer_color.jpg", cjpeg("-progressive", "-sample", "1x1,2x1,1x1"), "this kind of JPEG is not read", plainly)

convert = "save it as PNG or JPEG"
box = lambda brand: struct.pack(">I", 24) + b"ftyp" + brand + b"\0\0\0\0mif1" + brand
for name, start, kind in [
    ("photo.heic", box(b"heic"), "HEIC"),
    ("photo.avif", box(b"avif"), "AVIF"),
    ("photo.cr3", box(b"crx "), "a raw photo of a camera (CR3)"),
    ("photo.cr2", b"II*\0\x10\0\0\0CR\x02\0", "a raw photo of a camera (CR2)"),
    ("photo.jxl", b"\xff\x0a\xfa\x1f", "JPEG XL"),
    ("boxes.jxl", b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    ("photo.jp2", b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    ("stream.j2k", b"\xff\x4f\xff\x51\0\x2f", "JPEG 2000"),
    ("paper.pdf", b"%PDF-1.7\n", "PDF"),
    ("layers.psd", b"8BPS\0\1", "a Photoshop document"),
    ("light.exr", b"\x76\x2f\x31\x01\2\0\0\0", "OpenEXR"),
    ("scan.dcm", bytes(128) + b"DICM", "DICOM"),
    ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
]:
    bad(name, start + bytes(40), f"{kind} is not read; {convert}")
bad("photo.tga", saved("TGA"), f"TGA is not read; {convert}")
bad("palette.tif", saved("TIFF", PHOTO.quantize(16)), f"this kind of TIFF is not read; {convert}")


def tiff(big, values, bits, format):
    """An RGB TIFF of 8×6 pixels, of fractional (3) or whole (1) values, in one strip."""
    offset, count = ("<Q", "<Q") if big else ("<I", "<H")
    data = b"".join(values)
    entries = [
        (256, 4, 1, 8), (257, 4, 1, 6), (259, 3, 1, 1), (262, 3, 1, 2), (277, 3, 1, 3),
        (278, 4, 1, 6), (279, 4, 1, len(data)),
    ]
    head = b"II" + (struct.pack("<HHHQ", 43, 8, 0, 16) if big else struct.pack("<HI", 42, 8))
    width, total = (20, 10) if big else (12, 10)
    start = len(head) + struct.calcsize(count) + width * total + struct.calcsize(offset)
    triples = struct.pack("<6H", *[bits] * 3, *[format] * 3)
    if big:
        small = lambda numbers: struct.pack("<3HH", *numbers, 0)
        entries += [(258, 3, 3, small([bits] * 3)), (339, 3, 3, small([format] * 3)), (273, 4, 1, start)]
        triples = b""
    else:
        entries += [(258, 3, 3, start), (339, 3, 3, start + 6), (273, 4, 1, start + 12)]
    table = struct.pack(count, len(entries))
    for tag, kind, number, value in sorted(entries, key=lambda entry: entry[0]):
        value = value if isinstance(value, bytes) else struct.pack(offset, value)
        table += struct.pack("<HH", tag, kind) + struct.pack(offset, number) + value
    return head + table + struct.pack(offset, 0) + triples + data


numbers = [noise.random() for _ in range(8 * 6 * 3)]
floats = lambda scale: [struct.pack("<f", number * scale) for number in numbers]
bad("fractions_to_255.tif", tiff(False, floats(255), 32, 3), "fractional values from", "expected values from 0 to 1")
bad("fractions_below_0.tif", tiff(False, floats(-1), 32, 3), "fractional values from", "expected values from 0 to 1")
sound("fractions.tif", tiff(False, floats(1), 32, 3))
sound("big_tiff.tif", tiff(True, [bytes([int(number * 255)]) for number in numbers], 8, 1))

# --- Damaged pictures of other formats -----------------------------------------------------------

small = PHOTO.resize((12, 8))
for format, ending in [("PNG", "png"), ("WebP", "webp"), ("TIFF", "tif"), ("BMP", "bmp"), ("GIF", "gif"), ("PPM", "ppm")]:
    data = saved(format, small)
    bad(f"cut.{ending}", data[: len(data) * 2 // 3], "is damaged")
    sound(f"small.{ending}", data)
sound("small.jpg", saved("JPEG", small))
wrong = bytearray(saved("PNG"))
wrong[200] ^= 0xFF
bad("flipped.png", bytes(wrong), "is damaged")

# --- What is no picture, too large or too small ---------------------------------------------------

no_picture = "is not an image but"
bad("page.jpg", b"<!DOCTYPE html>\n<html><title>Sign in</title></html>", no_picture, "a web page")
bad("pointer.png", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", no_picture, "a Git LFS pointer")
bad("archive.jpg", b"PK\x03\x04" + bytes(60), no_picture, "a zip archive")
bad("empty.png", b"", no_picture, "an empty file")
bad("text.png", b"this is no picture, whatever its name", no_picture, "something else")


def png_header(width, height, color=2):
    chunks = [b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0), b"IDAT" + zlib.compress(bytes(64))]
    chunks = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


bad("bomb.png", png_header(30000, 30000), "30000×30000", "16384", "120 megapixels", "make it smaller")
bad("long.png", png_header(20000, 10), "20000×10", "16384")
bad("point.png", saved("PNG", PHOTO.resize((1, 1))), "1×1", "at least 2")

# --- Odd but sound --------------------------------------------------------------------------------

sound("no_end.jpg", PLAIN[:-2])
sound("more_behind.jpg", PLAIN + b"another picture, or a camera's notes" * 20)
sound("filled_up.jpg", PLAIN[:-2] + bytes(14) + b"\xff\xff\xff\xd9")
sound("progressive.jpg", PROGRESSIVE)
sound("progressive_no_end.jpg", PROGRESSIVE[:-2])
sound("restarts.jpg", RESTARTS)
sound("one_color_a_scan.jpg", cjpeg(scans="0;\n1;\n2;\n"))
sound("own_progression.jpg", cjpeg("-sample", "2x2", "-restart", "1", scans=(
    "0,1,2: 0-0, 0, 1;\n0: 1-5, 0, 2;\n2: 1-63, 0, 1;\n1: 1-63, 0, 1;\n0: 6-63, 0, 2;\n"
    "0: 1-63, 2, 1;\n0,1,2: 0-0, 1, 0;\n2: 1-63, 1, 0;\n1: 1-63, 1, 0;\n0: 1-63, 1, 0;\n")))
sound("gray.jpg", saved("JPEG", PHOTO.convert("L")))
sound("inks.jpg", saved("JPEG", PHOTO.convert("CMYK")))
twelve = PHOTO.convert("L").point(lambda value: value * 16, "I").convert("I;16")
sound("twelve_in_sixteen.png", saved("PNG", twelve))

(BAD / "expected.json").write_text(json.dumps(EXPECTED, indent=1, ensure_ascii=False) + "\n")
