"""A16: pictures of the window, light and dark, at scale 1 and 2. Somebody has to look at them."""

import shutil

from PIL import Image

import masks
from engine import FIRST, SECOND, blobs, clicks
from window import PHOTO, expect


def a16(program):
    names = []
    for theme in ["dark", "light"]:
        for scale in [1, 2]:
            names += pictures(program, theme, scale)
    print(f"  {len(names)} pictures in {program.work / 'pictures'}")


def pictures(program, theme, scale):
    place = program.work / f"a16-{theme}-{scale}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name in ["beach.jpg", "garden.jpg", "harbor at night with a very long name.jpg", "zoo.jpg"]:
        shutil.copy(PHOTO, place / name)
    (place / "broken.jpg").write_bytes(PHOTO.read_bytes()[:9000])
    (place / "empty.jpg").write_bytes(b"")
    with Image.open(PHOTO) as image:
        size = image.size
    masks.write_document(place / "zoo.jpg", list(blobs(12, *size)), "done")
    begin = f"scale {100 * scale}\nframes 3\nsize {1280 * scale} {800 * scale}\n"
    settings = {"hints_done": False, "theme": theme}
    name = f"a16-{theme}-{scale}"
    first = (begin + "until ready\nframes 10\npicture 01-first-run\nflowers\nidle\n"
             "picture 02-first-photo\nclick 320 240\nuntil answered\nframes 5\npicture 03-first-click\n"
             "negative 560 330\nuntil answered\nframes 5\npicture 04-third-hint\nkey Space\nidle\n"
             "picture 05-first-object\nkey R\nkey J\nkey Delete\nidle\nquit\n")
    home = program.work / f"home-{name}"
    shutil.rmtree(home, ignore_errors=True)
    program.play([], first, name, settings=settings, environment=program.environment(home))
    settings["hints_done"] = True
    second = (
        begin + "idle\npicture 10-opened\nclass vase\nclass wall\nclass flowers\nkey 1\nmode RGB-BRS\n"
        + clicks(FIRST[:1]) + "until answered\n" + clicks(FIRST[1:2])
        + "until live\nframes 2\npicture 11-live\n" + clicks(FIRST[2:]) + "frames 3\n"
        "picture 12-queue\nkey Escape\nidle\npicture 13-escaped\nkey R\nmode f-BRS-B\n"
        + clicks(FIRST) + "key Space\nidle\npicture 14-finished\nkey Escape\nkey 2\n"
        + clicks(SECOND) + "key Space\nidle\nkey Escape\nkey 3\nclick 425 150\nuntil answered\n"
        "key Space\nidle\npicture 15-overlap\nkey H\nframes 5\npicture 16-others-hidden\nkey H\n"
        "key Escape\nkey G\nclick 60 60\nclick 180 40\nclick 220 160\nclick 100 200\npoint 60 150\n"
        "frames 5\npicture 17-polygon\nkey Enter\nidle\npicture 18-polygon-closed\nkey G\nkey B\n"
        "drag 120 300 300 380\npoint 320 300\nframes 5\npicture 19-brush\nkey B\nkey Escape\n"
        "press Which photos are listed\nframes 8\npicture 20-filter\nkey Escape\nframes 3\n"
        "press Parameters\nframes 30\npicture 21-parameters\npress Parameters\nframes 20\nkey F1\n"
        "frames 10\npicture 22-keys\nkey F1\nframes 5\nkey C\nframes 10\npicture 23-search-class\n"
        "key Escape\nframes 5\nkey Ctrl E\nframes 10\npicture 24-export\n"
        "press Export\nwait 1500\npicture 25-export-report\nkey Escape\nframes 5\n"
        "photo broken.jpg\nuntil said\nframes 10\npicture 26-broken\nphoto empty.jpg\nwait 500\n"
        "picture 27-empty\nphoto zoo.jpg\nidle\nwait 300\npicture 28-many\nwheel 5\nwheel 5\n"
        "wheel 5\nidle\npicture 29-zoomed\nkey Ctrl Enter\nwait 500\nidle\npicture 30-next\nquit\n")
    program.play([place], second, name + "-2", settings=settings)
    out = program.work / "pictures" / f"{theme}-{scale}"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    found = [*(program.work / "out" / name).glob("*.png"),
             *(program.work / "out" / f"{name}-2").glob("*.png")]
    for picture in found:
        shutil.copy(picture, out)
        with Image.open(picture) as image:
            expect(image.size == (1280 * scale, 800 * scale), f"{picture.name} is {image.size}")
    return found


CHECKS = {"a16": a16}
