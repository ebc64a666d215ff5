#!/usr/bin/env python3
"""Writes tests/bad/mat, masks, coco, labelme, yolo, journals, documents and document_journals: files of
annotations and results that must be refused. Every file comes with words that its error must contain, in
`expected.json`; those of `document_journals` with how much of them can be followed.

    python3 tools/write_bad_data.py

Needs Python alone. What would be large is made by the tests themselves.
"""

import base64
import json
import struct
import zlib
from pathlib import Path

BAD = Path(__file__).resolve().parent.parent / "tests/bad"
EXPECTED = {}


def bad(folder, name, data, *words):
    data = data.encode() if isinstance(data, str) else data
    (BAD / folder).mkdir(parents=True, exist_ok=True)
    (BAD / folder / name).write_bytes(data)
    EXPECTED.setdefault(folder, {})[name] = words


# --- MATLAB files: "MAT-File Format", The MathWorks, level 5 --------------------------------------

INT8, UINT8, INT32, UINT32, SINGLE, DOUBLE, MATRIX, COMPRESSED = 1, 2, 5, 6, 7, 9, 14, 15
CELL, STRUCT, CHAR, DOUBLES, BYTES = 1, 2, 4, 6, 9
MAT_HEADER = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"


def element(kind, data):
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def array(kind, extents, name, rest, flags=0):
    return element(
        MATRIX,
        element(UINT32, struct.pack("<II", kind | flags, 0))
        + element(UINT32 if max(extents) >> 31 else INT32, struct.pack(f"<{len(extents)}I", *extents))
        + element(INT8, name)
        + rest,
    )


def struct_of(fields, extents=(1, 1), name=b"GTinst"):
    names = b"".join(field.ljust(32, b"\0") for field, _ in fields)
    head = element(INT32, struct.pack("<i", 32)) + element(INT8, names)
    return array(STRUCT, extents, name, head + b"".join(value for _, value in fields))


def instances(extents, data, kind=BYTES, values=UINT8, flags=0):
    matrix = array(kind, extents, b"", element(values, data), flags)
    return MAT_HEADER + struct_of([(b"Segmentation", matrix)])


def compressed(data):
    packed = zlib.compress(data, 9)
    return MAT_HEADER + struct.pack("<II", COMPRESSED, len(packed)) + packed


bad("mat", "empty.mat", b"", "too short")
bad("mat", "text.mat", b"%PDF-1.7 " * 40, "no MATLAB v5 file")
bad("mat", "hdf5.mat", (b"MATLAB 7.3 MAT-file, Platform: GLNXA64").ljust(512) + b"\x89HDF\r\n", "-v7")
bad("mat", "rows_by_nothing.mat", instances((0xFFFFFFFF, 0), b""), "4294967295×0")
bad("mat", "nothing_by_columns.mat", instances((0, 0xFFFFFFFF), b""), "0×4294967295")
bad("mat", "larger_than_its_numbers.mat", instances((4000, 4000), bytes(16)), "expected 4000×4000")
bad("mat", "longer_than_any_photo.mat", instances((20000, 1), bytes(16)), "20000×1")
bad("mat", "more_numbers_than_extents.mat", instances((2, 2), bytes(16)), "found 16")
bad("mat", "three_extents.mat", instances((2, 2, 2), bytes(8)), "3 extents")
bad("mat", "negative.mat", instances((1, 2), b"\x01\xff", values=INT8), "found -1")
bad("mat", "fraction.mat", instances((1, 1), struct.pack("<d", 0.5), DOUBLES, DOUBLE), "found 0.5")
bad("mat", "not_a_number.mat", instances((1, 1), struct.pack("<f", float("nan")), 7, SINGLE), "NaN")
bad("mat", "complex.mat", instances((1, 1), b"\x01", flags=0x800), "real numbers")
bad("mat", "letters.mat", instances((1, 1), b"\x01", kind=CHAR), "real numbers")
bad("mat", "other_variable.mat", MAT_HEADER + array(BYTES, (1, 1), b"x", element(UINT8, b"\1")), "GTinst")
bad("mat", "no_struct.mat", MAT_HEADER + array(BYTES, (1, 1), b"GTinst", element(UINT8, b"\1")), "struct")
bad("mat", "array_of_structs.mat", MAT_HEADER + struct_of([], (2, 1)), "one struct")
boundaries = array(BYTES, (1, 1), b"", element(UINT8, b"\1"))
bad("mat", "other_fields.mat", MAT_HEADER + struct_of([(b"Bounds\x1b[2J", boundaries)]), "Bounds\\u{1b}[2J")
bad("mat", "field_is_text.mat", MAT_HEADER + struct_of([(b"Segmentation", element(INT8, b"x"))]), "no matrix")
bad("mat", "long_names.mat", MAT_HEADER + array(STRUCT, (1, 1), b"GTinst", element(INT32, struct.pack("<i", 1 << 30))), "256")
bad("mat", "element_longer_than_file.mat", MAT_HEADER + struct.pack("<II", MATRIX, 0xFFFFFFF0), "too early")
bad("mat", "small_element.mat", MAT_HEADER + struct.pack("<II", (9 << 16) | MATRIX, 0), "damaged")
bad("mat", "compressed_noise.mat", MAT_HEADER + struct.pack("<II", COMPRESSED, 40) + bytes(range(40)), "damaged")
bad("mat", "compressed_nothing.mat", compressed(b""), "too early")

# --- Masks ----------------------------------------------------------------------------------------

GRAY, RGB, PALETTE, RGBA = 0, 2, 3, 6


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width, height, kind, lines, *before, bits=8):
    head = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + bytes(line) for line in lines), 9)
    chunks = [chunk(b"IHDR", head), *before, chunk(b"IDAT", data), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def soft(x, y):
    return max(0, min(255, int(255 * (9.5 - ((x - 16) ** 2 + (y - 12) ** 2) ** 0.5))))


def cutout(x, y):
    return [(x * 37 + y * 11) % 256, (x * 5 + y * 29) % 256, (x * y) % 256]


SIDE = 32, 24
COLORS = chunk(b"PLTE", bytes([0, 0, 0, 128, 0, 0]))
indices = [[(x // 8 + y // 8) % 2 for x in range(SIDE[0])] for y in range(SIDE[1])]
bad("masks", "soft.png", png(*SIDE, GRAY, [[soft(x, y) for x in range(32)] for y in range(24)]), "soft")
bad("masks", "soft_in_alpha.png", png(*SIDE, RGBA, [sum(([9, 9, 9, soft(x, y)] for x in range(32)), []) for y in range(24)]), "soft")
bad("masks", "photo.png", png(96, 64, RGB, [sum((cutout(x, y) for x in range(96)), []) for y in range(64)]), "different values")
bad("masks", "palette_bomb.png", png(60000, 60000, PALETTE, [], COLORS), "60000×60000")
bad("masks", "gray_bomb.png", png(60000, 60000, GRAY, []), "60000")
bad("masks", "palette_torn.png", png(*SIDE, PALETTE, indices[:9], COLORS), "missing")
bad("masks", "palette_missing.png", png(*SIDE, PALETTE, indices), "palette_missing.png")
bad("masks", "web_page.png", "<!doctype html><title>Sign in</title>", "web page")

# --- COCO -----------------------------------------------------------------------------------------

bad("coco", "empty.json", "", "too early")
bad("coco", "list.json", "[]", "no JSON object")
bad("coco", "number.json", "17", "no JSON object")
bad("coco", "no_lists.json", "{}", '"images"')
bad("coco", "no_annotations.json", '{"images": []}', '"annotations"')
bad("coco", "lists_are_numbers.json", '{"images": 3, "annotations": 4}', '"images"')
bad("coco", "empty_lists.json", '{"images": [], "annotations": [], "categories": []}', "is empty")
bad("coco", "torn.json", '{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"id"', "too early")
bad("coco", "two_files.json", '{"images": [], "annotations": []} {}', "column 35")
bad("coco", "comma.json", '{"images": [,], "annotations": []}', "column 13")
bad("coco", "deep.json", '{"images": ' + "[" * 20000, "64 deep")
bad("coco", "one_id_twice.json", '{"images": [{"id": 1, "file_name": "a.jpg"}, {"id": "1", "file_name": "\\u001b[2Jb.jpg"}], "annotations": [{"id": 1}]}', "a.jpg", "\\u{1b}[2Jb.jpg")
bad("coco", "web_page.json", "<!DOCTYPE html>\n<title>Sign in</title>", "web page")
bad("coco", "pointer.json", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS")
bad("coco", "utf16.json", '{"images": []}'.encode("utf-16"), "UTF-16")
bad("coco", "latin1.json", '{"images": [{"id": 1, "file_name": "caf\xe9.jpg"}], "annotations": []}'.encode("latin-1"), "damaged")

# --- labelme --------------------------------------------------------------------------------------


def sheet(*shapes, **more):
    return json.dumps({"version": "5.5.0", "imagePath": "a.jpg", "imageData": None, "shapes": shapes} | more)


def shape(points, kind="polygon", **more):
    return {"label": "cat\x1b[2J", "points": points, "shape_type": kind} | more


def masked(points, data):
    return sheet(shape(points, "mask", mask=base64.b64encode(data).decode()))


TRIANGLE = [[1, 1], [5, 1], [3, 4]]
BOX = [[2, 2], [33, 25]]
gray = png(*SIDE, GRAY, indices)
bad("labelme", "empty.json", "", "too early")
bad("labelme", "list.json", "[]", "no JSON object")
bad("labelme", "no_shapes.json", '{"version": "5.5.0"}', '"shapes"')
bad("labelme", "coco.json", '{"images": [], "annotations": []}', '"shapes"')
bad("labelme", "shapes_are_text.json", '{"shapes": "none"}', '"shapes"')
bad("labelme", "torn.json", sheet(shape(TRIANGLE))[:-40], "too early")
bad("labelme", "two_sheets.json", sheet(17) + sheet(17), "damaged at line 1")
bad("labelme", "deep.json", '{"shapes": ' + "[" * 20000, "64 deep")
bad("labelme", "deep_flags.json", '{"flags": ' + '{"a":' * 20000, "64 deep")
bad("labelme", "utf16.json", sheet().encode("utf-16"), "damaged")
bad("labelme", "shape_is_number.json", sheet(17), "number 1: it is 17")
bad("labelme", "no_label.json", sheet({"points": TRIANGLE}), "no label")
bad("labelme", "no_points.json", sheet(shape(None)), "points are nothing", "cat\\u{1b}[2J")
bad("labelme", "two_corners.json", sheet(shape(TRIANGLE[:2])), "2 points")
bad("labelme", "three_numbers.json", sheet(shape([[1, 2, 3]] * 4)), "3 numbers")
bad("labelme", "corner_is_nan.json", sheet(shape(TRIANGLE + [[float("nan"), 1]])), "is \"\"")
bad("labelme", "corner_is_text.json", sheet(shape(TRIANGLE + [["\x1b", 1]])), "\\u{1b}")
bad("labelme", "corner_is_list.json", sheet(shape([TRIANGLE])), "is a list")
bad("labelme", "line.json", sheet(shape(TRIANGLE[:2], "line")), "no area")
bad("labelme", "cuboid.json", sheet(shape(TRIANGLE, "cuboid")), "cuboid")
bad("labelme", "kind_is_number.json", sheet(shape(TRIANGLE, 4)), "shape_type is 4")
bad("labelme", "group_is_text.json", sheet(shape(TRIANGLE, group_id="b")), "group_id")
bad("labelme", "circle_of_three.json", sheet(shape(TRIANGLE, "circle")), "circle of 3")
bad("labelme", "no_mask.json", sheet(shape(BOX, "mask")), "mask is nothing")
bad("labelme", "mask_is_no_base64.json", sheet(shape(BOX, "mask", mask="\x1b[2J")), "no base64")
bad("labelme", "mask_far_away.json", masked([[1e30, 2], [1e30, 9]], gray), "outside")
bad("labelme", "mask_is_text.json", masked(BOX, b"mask"), "damaged")
bad("labelme", "mask_torn.json", masked(BOX, gray[:-30]), "damaged")
bad("labelme", "mask_of_other_size.json", masked([[2, 2], [9, 9]], gray), "32×24", "8×8")
bad("labelme", "mask_box_backwards.json", masked([BOX[1], BOX[0]], gray), "ends before")
bad("labelme", "mask_in_colors.json", masked(BOX, png(*SIDE, RGB, [[0] * 96] * 24)), "colors")
bad("labelme", "mask_bomb.json", masked([[0, 0], [59999, 59999]], png(60000, 60000, GRAY, [])), "60000×60000")

# --- YOLO -----------------------------------------------------------------------------------------

CORNERS = "0.1 0.1 0.5 0.1 0.3 0.4"
bad("yolo", "box.txt", "0 0.5 0.5 0.2 0.2\n", "line 1 is a box")
bad("yolo", "class_alone.txt", f"0 {CORNERS}\n1\n", "line 2", "0 numbers")
bad("yolo", "odd.txt", f"0 {CORNERS} 0.2\n", "7 numbers")
bad("yolo", "two_corners.txt", "0 0.1 0.1 0.5\n", "3 numbers")
bad("yolo", "class_is_name.txt", f"cat\x1b[2J {CORNERS}\n", "cat\\u{1b}[2J")
bad("yolo", "class_negative.txt", f"-1 {CORNERS}\n", "its class is")
bad("yolo", "class_2_to_the_32.txt", f"4294967296 {CORNERS}\n", "1048575")
bad("yolo", "pixels.txt", "0 100 100 200 100 150 250\n", "100", "from 0 to 1")
bad("yolo", "not_a_number.txt", f"0 {CORNERS} nan nan\n", "nan")
bad("yolo", "infinite.txt", f"0 {CORNERS} 1e999 0\n", "1e999")
bad("yolo", "commas.txt", "0,0.1,0.1,0.5,0.1,0.3,0.4\n", "its class is")
bad("yolo", "json.txt", '{"shapes": []}\n', "its class is")

# --- Journals -------------------------------------------------------------------------------------

SETTINGS = {
    "mode": "f-BRS-B", "threshold": 0.49, "target_iou": 0.9, "max_clicks": 20, "zoom_in": True,
    "zoom_size": None, "flip": True, "max_size": None, "net_clicks": None, "min_iou_diff": 0.01,
    "max_evaluations": 20, "reference_discs": False,
}
NETWORK = {"weights": "w", "sha256": None, "architecture": "hrnet18_ocr64", "device": "cpu"}
DATA = {"name": "GrabCut", "layout": "grab-cut", "objects": 3, "sha256": "11" * 32}
SECONDS = {
    "total": 0.5, "backbone": 0, "head_forward": 0, "head_backward": 0, "objective": 0,
    "optimizer": 0, "transforms": 0, "evaluations": 1,
}
RESULT = {"size": [2, 3], "clicks": [[True, 1, 2]], "iou": [0.9], "seconds": [SECONDS], "mask": "06"}


def header(data=(), shard=(1, 1), form=1, **settings):
    configuration = {
        "network": NETWORK,
        "settings": {**SETTINGS, **settings},
        "data": [{**DATA, **one} for one in (data or [{}])],
    }
    shard = {"number": shard[0], "count": shard[1]}
    first = {"fbrs_eval": form, "shard": shard, "configuration": configuration}
    return json.dumps(first, separators=(",", ":")) + "\n"


def record(number=0, data="GrabCut", problem=None, **changed):
    line = {"number": number, "data": data, "image": f"{number}.png"}
    line |= {"problem": problem} if problem else {"result": {**RESULT, **changed}}
    return json.dumps(line) + "\n"


bad("journals", "notes.txt", "my notes\n", "left alone")
bad("journals", "one_line.json", '{"images": [], "annotations": []}', "left alone")
bad("journals", "objects_10_to_the_12.jsonl", header([{"objects": 10**12}]), "objects")
bad("journals", "objects_2_to_the_63.jsonl", header([{"objects": 2**63}]), "objects")
bad("journals", "objects_that_overflow.jsonl", header([{"objects": 2**64 - 1}, {"name": "b", "objects": 2}]), "objects")
bad("journals", "clicks_10_to_the_12.jsonl", header(max_clicks=10**12), "max clicks")
bad("journals", "no_clicks.jsonl", header(max_clicks=0), "max clicks")
bad("journals", "mode_unknown.jsonl", header(mode="\x1b[2J"), "mode", "\\u{1b}[2J")
bad("journals", "shard_0.jsonl", header(shard=(0, 0)), "shard")
bad("journals", "shard_beyond.jsonl", header(shard=(3, 2)), "shard")
bad("journals", "shards_without_end.jsonl", header(shard=(1, 2**63)), "shard")
bad("journals", "one_name_twice.jsonl", header([{}, {}]), "one name")
bad("journals", "form_2.jsonl", header(form=2), "form 1")
bad("journals", "field_unknown.jsonl", header(warp=9), "first line")
bad("journals", "middle_damaged.jsonl", header() + record(0) + '{"number": 1, "da\n' + record(2), "line 3", "delete that line")
bad("journals", "size_2_to_the_54.jsonl", header() + record(size=[2**27, 2**27], mask="PPPPPPPPPP4"), "line 2")
bad("journals", "size_0.jsonl", header() + record(size=[0, 3]), "line 2")
bad("journals", "click_outside.jsonl", header() + record(clicks=[[True, 2, 0]]), "line 2")
bad("journals", "clicks_without_iou.jsonl", header() + record(clicks=[[True, 0, 0]] * 2), "line 2")
bad("journals", "iou_2.jsonl", header() + record(iou=[2.0]), "line 2")
bad("journals", "seconds_negative.jsonl", header() + record(seconds=[{**SECONDS, "total": -1}]), "line 2")
bad("journals", "number_beyond.jsonl", header() + record(3), "line 2")
bad("journals", "other_data.jsonl", header() + record(data="Berkeley"), "line 2")
bad("journals", "other_shard.jsonl", header(shard=(1, 2)) + record(1), "line 2")
bad("journals", "more_clicks_than_allowed.jsonl", header(max_clicks=1) + record(clicks=[[True, 0, 0]] * 2, iou=[0.1] * 2, seconds=[SECONDS] * 2), "line 2")

# --- Documents of the annotator, and their journals ------------------------------------------------

DAMAGED = "it is damaged"


def packed(*runs):
    """COCO's packed runs; from the fourth on, the difference to the run two before."""
    text = ""
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        while True:
            bits, value = value & 0x1F, value >> 5
            more = value != -1 if bits & 0x10 else value != 0
            text += chr(bits + 0x20 * more + 48)
            if not more:
                break
    return text


def mask(height, width, *runs):
    return {"size": [height, width], "counts": packed(*runs)}


def marked(id=1, mask=mask(20, 30, 100, 7, 493), **more):
    return {"id": id, "class": 1, "mask": mask, **more}


def document(*objects, width=30, height=20, **more):
    photo = {"file": "a.png", "width": width, "height": height, "sha256": "0" * 64, "bytes": 9}
    start = {"format": "fbrs-annotation", "version": 1, "state": "done", "count": 0}
    return json.dumps({**start, "photo": photo, "seq": 1, "objects": objects, **more}) + "\n"


# Every other column of a large photo: 60 million runs along its rows.
STRIPES = mask(10_000, 12_000, *[10_000] * 12_000)

bad("documents", "empty.fbrs.json", "", "no JSON")
bad("documents", "torn.fbrs.json", document(marked())[:-9], "no JSON")
bad("documents", "list.fbrs.json", "[]", "fbrs-annotation")
bad("documents", "sheet.fbrs.json", sheet(), "fbrs-annotation")
bad("documents", "deep.fbrs.json", "[" * 20_000, "no JSON")
bad("documents", "version_2.fbrs.json", document(version=2), "later version")
bad("documents", "no_photo.fbrs.json", document(photo=None), DAMAGED)
bad("documents", "photo_of_2_to_the_64.fbrs.json", document(width=2**32 - 1, height=2**32 - 1), "4294967295")
bad("documents", "photo_without_rows.fbrs.json", document(height=0), "0")
bad("documents", "mask_of_other_size.fbrs.json", document(marked(mask=mask(30, 20, 600))), "object 1", "20×30")
bad("documents", "mask_without_columns.fbrs.json", document(marked(mask=mask(99_999_999_999, 0))), "no photo has")
bad("documents", "mask_of_2_to_the_64.fbrs.json", document(marked(mask=mask(2**32, 2**32, 1))), "no photo has")
bad("documents", "mask_of_one_row.fbrs.json", document(marked(mask=mask(1, 2**26, 0, 2**26))), "no photo has")
bad("documents", "mask_torn.fbrs.json", document(marked(mask={"size": [20, 30], "counts": "o"})), DAMAGED)
bad("documents", "mask_too_short.fbrs.json", document(marked(mask=mask(20, 30, 5))), DAMAGED)
bad("documents", "stripes.fbrs.json", document(marked(1, STRIPES), marked(2, STRIPES), width=12_000, height=10_000), "runs")
bad("documents", "start_of_other_size.fbrs.json", document(current={"start": mask(30, 20, 600)}), "object in hand")
bad("documents", "two_of_one_id.fbrs.json", document(marked(), marked()), "id 1")
bad("documents", "id_0.fbrs.json", document(marked(0)), "id 0")
bad("documents", "id_2_to_the_64.fbrs.json", document(marked(2**64 - 1)), "next object")
bad("documents", "changes_2_to_the_64.fbrs.json", document(seq=2**64 - 1), "changes")
bad("documents", "click_outside.fbrs.json", document(marked(clicks=[{"x": 1e300, "y": 2, "positive": True}])), "click outside")


def line(seq, op="draw", **patch):
    return json.dumps({"seq": seq, "time": 1, "op": op, **({"patch": patch} if patch else {})}) + "\n"


def put(seq, *objects):
    return line(seq, objects={str(one["id"]): one for one in objects})


def followed(name, text, lines, objects):
    """A journal behind a document of 30×20 pixels with object 1 and one change."""
    bad("document_journals", name + ".journal", text, lines, objects)


followed("empty", "", 0, 1)
followed("sound", put(2, marked(5)) + line(3, "undo") + line(4, "redo"), 3, 2)
followed("torn", put(2, marked(5)) + put(3, marked(6))[:-1], 1, 2)
followed("middle_damaged", put(2, marked(5)) + "{\n" + put(3, marked(6)), 1, 2)
followed("no_json", "\0\n" * 9, 0, 1)
followed("undo_without_end", "".join(line(seq, "undo") for seq in range(2, 50)), 48, 1)
followed("seq_2_to_the_64", put(2**64 - 1, marked(5)) + put(2, marked(6)), 2, 2)
followed("id_2_to_the_64", put(2, marked(2**64 - 1)), 0, 1)
followed("id_0", put(2, {**marked(), "id": 0}), 1, 2)
followed("other_size", put(2, marked(5, mask(30, 20, 600))), 0, 1)
followed("order_of_nobody", line(2, order=[9, 9, 1, 2**64 - 1]), 1, 1)
followed("click_outside", line(2, current={"clicks": [{"x": -1, "y": 2, "positive": True}]}), 0, 1)
followed("stripes", put(2, marked(5, STRIPES), marked(6, STRIPES)), 0, 1)
followed("deep", "[" * 20_000 + "\n", 0, 1)

for folder, expected in EXPECTED.items():
    text = json.dumps(expected, indent=1, ensure_ascii=False)
    (BAD / folder / "expected.json").write_text(text + "\n")
