"""A1, A4, A6, A7, A12: what clicks give, and how soon."""

import json
import shutil

import numpy as np
from PIL import Image

import masks
from window import PHOTO, Failed, expect

FIRST = [(320, 240, 1), (330, 120, 1), (425, 120, 1), (325, 335, 1), (225, 345, 0)]
SECOND = [(120, 390, 1), (500, 400, 1)]


def clicks(points):
    return "".join(f"{'click' if positive else 'negative'} {x} {y}\n" for x, y, positive in points)


def folder(program, name, photo=PHOTO):
    place = program.work / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    shutil.copy(photo, place)
    return place


def segment(program, photo, points, threads=None):
    """The mask of `fbrs segment` with the same clicks."""
    place = program.work / "segment"
    place.mkdir(exist_ok=True)
    file, mask = place / "clicks.json", place / "mask.png"
    listed = [{"x": x, "y": y, "positive": bool(positive)} for x, y, positive in points]
    file.write_text(json.dumps(listed))
    more = {"RAYON_NUM_THREADS": threads} if threads else {}
    program.run("segment", photo, "--clicks", file, "-o", mask, "--device", "cpu", "--quiet",
                environment=program.environment(**more))
    return np.asarray(Image.open(mask)) > 127


def two_objects(program, name, threads=None):
    """A1's script; returns the folder."""
    place = folder(program, name)
    script = (
        "idle\nclass flowers\nclass wall\nkey 1\n" + clicks(FIRST) + "key Space\nidle\n"
        "expect objects 1\nkey 2\n" + clicks(SECOND) + "key Space\nidle\nexpect objects 2\nkill\n")
    more = {"RAYON_NUM_THREADS": threads} if threads else {}
    environment = program.environment(**more)
    program.play([place], script, name + "-killed", environment=environment)
    program.play([place], "idle\nexpect objects 2\npicture reopened\nquit\n", name + "-reopened",
                 environment=environment)
    return place


def a1(program):
    place = two_objects(program, "a1")
    photo = place / PHOTO.name
    wanted = [segment(program, photo, points) for points in [FIRST, SECOND]]
    out = place / "out"
    program.run("annotate", "export", place, "--format", "coco,labelme", "-o", out)
    own, text = masks.document(place / f"{PHOTO.name}.fbrs.json")
    found = {"document": own, "COCO": masks.coco(out / "instances.json", PHOTO.name),
             "labelme": masks.labelme(next(out.rglob(f"{PHOTO.stem}.json")))}
    for name, got in found.items():
        expect(len(got) == 2, f"{name} has {len(got)} objects")
        for at, (mask, other) in enumerate(zip(got, wanted)):
            differ = int((mask != other).sum())
            expect(differ == 0, f"{name}, object {at + 1}: {differ} pixels differ from segment's")
    classes = [o["class"] for o in text["objects"]]
    expect(classes == [1, 2], f"the classes are {classes}")
    areas = [int(mask.sum()) for mask in own]
    print(f"  masks of {areas} pixels in document, COCO, labelme as segment's; classes {classes}")


def a4(program):
    known = None
    for threads in [1, 2, 4]:
        place = two_objects(program, f"a4-{threads}", threads)
        own, _ = masks.document(place / f"{PHOTO.name}.fbrs.json")
        if known is None:
            known = own
        same = all((a == b).all() for a, b in zip(known, own)) and len(own) == 2
        expect(same, f"{threads} threads give other masks")
    print(f"  1, 2 and 4 threads: the same masks, {[int(mask.sum()) for mask in known]} pixels")


def a6(program):
    place = folder(program, "a6")
    points = FIRST + [(440, 335, 0), (300, 180, 1), (400, 180, 1)]
    script = "idle\nwait 500\npicture before\n" + clicks(points[:1])
    script += "expect clicks 1\npicture after\nuntil live\nuntil answered\nmark first\n"
    for count, point in enumerate(points[1:], 2):
        script += clicks([point]) + f"expect clicks {count}\nuntil live\nuntil answered\nwait 100\n"
    run = program.play([place], script + "quit\n", "a6")
    out = program.work / "out/a6"
    before, after = [np.asarray(Image.open(out / f"{name}.png").convert("RGB")).astype(int)
                     for name in ["before", "after"]]
    x, y = next(entry["screen"] for entry in run.log if "click" in entry)
    box = np.s_[int(y) - 6:int(y) + 7, int(x) - 6:int(x) + 7]
    changed = int((np.abs(before[box] - after[box]).sum(-1) > 60).sum())
    live = [entry["after"] for entry in run.waits("Live")]
    answered = [entry["after"] for entry in run.waits("Answered")]
    print(f"  the frame after the click shows it ({changed} of 169 pixels); first click answered in "
          f"{answered[0]:.2f} s; later ones: first live answer {max(live[1:]):.2f} s at most, "
          f"answered in {max(answered[1:]):.2f} s at most")
    expect(changed > 60, "the click is not drawn in the next frame")
    expect(answered[0] <= 2, "the first click took longer than 2 s")
    expect(max(live[1:]) <= 1, "a live answer came later than 1 s")


def blobs(count, width, height, seed=1):
    """Ellipses, as masks."""
    random = np.random.default_rng(seed)
    rows, cols = np.mgrid[:height, :width]
    for _ in range(count):
        y, x = random.integers(height), random.integers(width)
        a, b = random.integers(8, 60, 2)
        yield ((rows - y) / a) ** 2 + ((cols - x) / b) ** 2 <= 1


def a7(program):
    place = folder(program, "a7")
    photo = place / PHOTO.name
    with Image.open(photo) as image:
        large = image.resize((1920, 1284))
    large.save(photo, quality=90)
    masks.write_document(photo, blobs(1000, 1920, 1284))
    script = "idle\nuntil document\nexpect objects 1000\nuntil sharp\nmode RGB-BRS\nwheel 2\nwatch\n"
    for at, (x, y) in enumerate((200 + 83 * i % 1500, 200 + 71 * i % 900) for i in range(20)):
        sign = "negative" if at % 4 == 3 else "click"
        script += f"{sign} {x} {y}\npan 9 5 15\npan -9 -5 15\n"
    script += "watched clicks\nexpect clicks 20\nwatch\n" + "pan 6 3 30\npan -6 -3 30\n" * 5
    script += "watched answers\nmark end\nkey R\nframes 5\nquit\n"
    run = program.play([place], script, "a7")
    for name in ["clicks", "answers"]:
        took = run.watched(name)
        print(f"  {name}: {took['frames']} frames, median {took['median']:.1f} ms, 99 % within "
              f"{took['most']:.1f} ms, longest {took['longest']:.1f} ms; over 16 ms: "
              f"{took['over16']}, over 33 ms: {took['over33']}")
    for name in ["clicks", "answers"]:
        took = run.watched(name)
        expect(took["longest"] <= 33 and took["most"] <= 16, f"{name}: frames take too long")


TURNS = {1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
         4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
         6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
         8: Image.Transpose.ROTATE_270}


def a12(program):
    place = folder(program, "a12")
    photo = place / PHOTO.name
    with Image.open(photo) as image:
        upright = image.convert("RGB")
    photo.unlink()
    for turn, stored in TURNS.items():
        exif = Image.Exif()
        exif[0x0112] = turn
        turned = upright.transpose(stored) if stored is not None else upright
        turned.save(place / f"turned-{turn}.webp", lossless=True, exif=exif)
    script = "idle\n" + ("until document\n" + clicks(FIRST) + "key Space\nidle\nexpect objects 1\n"
                         "key ArrowRight\n") * 8
    program.play([place], script + "idle\nquit\n", "a12")
    program.run("annotate", "export", place, "--format", "coco,labelme", "-o", place / "out",
                codes=(0, 7))
    upright.save(program.work / "upright.png")
    wanted = segment(program, program.work / "upright.png", FIRST)
    for turn in TURNS:
        name = f"turned-{turn}.webp"
        own, text = masks.document(place / f"{name}.fbrs.json")
        expect(text["photo"]["orientation"] == turn, f"{name}: {text['photo']['orientation']}")
        exported = masks.coco(place / "out/instances.json", name)
        sheet = masks.labelme(next((place / "out").rglob(f"turned-{turn}.json")))
        for where, got in [("document", own), ("COCO", exported), ("labelme", sheet)]:
            expect((got[0] == wanted).all(), f"{name}: another mask in {where}")
    print(f"  eight orientations, document, COCO and labelme: the same upright mask of "
          f"{int(wanted.sum())} pixels")


CHECKS = {"a1": a1, "a4": a4, "a6": a6, "a7": a7, "a12": a12}
__all__ = ["CHECKS", "Failed"]
