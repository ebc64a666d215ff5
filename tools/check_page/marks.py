"""Clicks, masks and labels: that they are where and what they should be."""

import base64
import hashlib
import re

import numpy as np
from PIL import Image, ImageOps

from hands import shift_click
from pictures import corner, is_place, outline_holds, place_of_color, place_of_slope, places, slopes
from server import PHOTO, Failed, expect, segment

# Clicks on the vase.
VASE = [(320, 250, True), (228, 300, False)]


def policy(bench):
    """The policy names this page's style and script by their hashes, and nothing is let in beside."""
    body, headers = bench.server.ask("/")
    policy = headers["content-security-policy"]
    expect("default-src 'none'" in policy and "unsafe" not in policy, f"the policy is {policy}")
    for tag in ["style", "script"]:
        found = re.findall(f"<{tag}[^>]*>(.*?)</{tag}>", body.decode(), re.DOTALL)
        expect(len(found) == 1, f"{len(found)} elements {tag}")
        name = base64.b64encode(hashlib.sha256(found[0].encode()).digest()).decode()
        expect(f"{tag}-src 'sha256-{name}'" in policy, f"the policy does not name the {tag}")
    return f"{len(body)} bytes"


def outline(bench):
    """A photo, two clicks: the outline lies on the mask's border, the saved mask is the program's."""
    with bench.browser.page(bench.server.url) as page:
        page.load(PHOTO)
        page.key("0")
        left, top = corner(page, PHOTO)
        for number, (x, y, positive) in enumerate(VASE):
            page.tab.mouse.click(left + x, top + y, button="left" if positive else "right")
            page.holds(number + 1)
        expect(bench.server.clicks(page.session) == VASE, f"{bench.server.clicks(page.session)}")
        name, saved = page.save("saveMask")
        expect(name == "000000000030-mask.png", f"it is saved as {name}")
        mask = segment(bench.fbrs, PHOTO, VASE, bench.work)
        expect(saved.dtype == mask.dtype and np.array_equal(saved, mask),
               f"the saved mask is not the program's: {np.mean(saved != mask):.4%} differ")
        page.tab.mouse.move(5, 5)
        seen = page.picture()[top:top + mask.shape[0], left:left + mask.shape[1]]
        return outline_holds(seen, mask > 127, VASE)


def pixels_at_any_zoom(bench):
    """Clicks land on the pixel that is seen under the pointer, at 100 % and at 400 % and more."""
    photo = bench.work / "places.png"
    Image.fromarray(places(300, 200)).save(photo)
    landed = []
    with bench.browser.page(bench.server.url) as page:
        page.load(photo)
        page.key("0")
        landed.append(land(bench, page, place_of_color, beside=True))
        for wheel in [8, 7]:
            page.tab.mouse.move(*page.spot(0.55, 0.45))
            for _ in range(wheel):
                page.tab.mouse.wheel(0, -100)
            page.tab.wait_for_timeout(100)
            expect(page.percent() >= 400, f"{page.percent()} % after the wheel")
            page.key("r")
            page.holds(0)
            landed.append(land(bench, page, place_of_color))
    with bench.browser.page(bench.server.url, device_scale_factor=1.5) as page:
        page.load(photo)
        page.key("F", "+", "ArrowRight")
        landed.append(land(bench, page, place_of_color, ratio=1.5))
    return "; ".join(landed)


def turned(bench):
    """Clicks land on the right pixel of photos that the camera stored turned."""
    upright = Image.fromarray(slopes(60, 50))
    turns = Image.Transpose
    jpeg, webp = {"quality": 100, "subsampling": 0}, {"lossless": True}
    landed = []
    # Chromium turns JPEG and PNG itself, but not WebP.
    for kind, options, orientation, turn in [
            ("jpg", jpeg, 3, turns.ROTATE_180), ("jpg", jpeg, 6, turns.ROTATE_90),
            ("jpg", jpeg, 7, turns.TRANSVERSE), ("png", {}, 8, turns.ROTATE_270),
            ("webp", webp, 2, turns.FLIP_LEFT_RIGHT), ("webp", webp, 3, turns.ROTATE_180),
            ("webp", webp, 4, turns.FLIP_TOP_BOTTOM), ("webp", webp, 5, turns.TRANSPOSE),
            ("webp", webp, 6, turns.ROTATE_90), ("webp", webp, 7, turns.TRANSVERSE),
            ("webp", webp, 8, turns.ROTATE_270)]:
        photo = bench.work / f"turned-{orientation}.{kind}"
        exif = Image.Exif()
        exif[0x0112] = orientation
        upright.transpose(turn).save(photo, exif=exif, **options)
        with Image.open(photo) as image:
            expect(ImageOps.exif_transpose(image).size == upright.size, "the photo is stored wrongly")
        with bench.browser.page(bench.server.url) as page:
            page.load(photo)
            page.key("F")
            expect(page.text("#size") == "60×50", f"it is shown with {page.text('#size')} pixels")
            try:
                land(bench, page, place_of_slope)
            except Failed as fault:
                raise Failed(f"{photo.name}: {fault}") from fault
            landed.append(f"{kind} {orientation}")
    return ", ".join(landed)


def land(bench, page, place_of, *, beside=False, ratio=1):
    """Clicks here and there, and compares the session's clicks with the colors that were seen there."""
    page.tab.mouse.move(5, 5)
    seen = page.picture()
    left, top, width, height = page.canvas()
    told = len(bench.server.clicks(page.session))
    spots = []
    for across, down in [(0.5, 0.52), (0.41, 0.37), (0.63, 0.55), (0.46, 0.61)]:
        # Even places: with 1.5 pixels to each of CSS's, the others are between two pixels.
        x, y = (2 * round(place / 2) for place in (left + across * width, top + down * height))
        spots.append((x, y, place_of(seen[int(y * ratio), int(x * ratio)])))
    if beside:
        # A hand that slipped off the photo's edge means the pixel at the edge.
        row = round(top + height / 2)
        edge = next(x for x in range(int(left), int(left + width)) if is_place(seen[row, x + 1]))
        spots.append((edge - 2, row, (0, place_of(seen[row, edge + 2])[1])))
    for number, (x, y, expected) in enumerate(spots):
        page.tab.mouse.click(x, y)
        page.holds(told + number + 1)
        landed = bench.server.clicks(page.session)[-1][:2]
        expect(landed == expected, f"at {page.percent()} %, a click on {expected} is one on {landed}")
    return f"{len(spots)} clicks at {page.percent()} %"


def work_and_keys(bench):
    """Undo, redo, reset, finish and labels by keys; the label mask is the program's."""
    with bench.browser.page(bench.server.url) as page:
        page.load(PHOTO)
        at = [page.spot(*at) for at in [(0.5, 0.6), (0.4, 0.35), (0.55, 0.3)]]
        page.tab.mouse.click(*at[0])
        shift_click(page, at[1])
        page.holds(2)
        first = bench.server.clicks(page.session)
        expect([positive for *_, positive in first] == [True, False], f"the clicks are {first}")
        for keys, count in [("z", 1), ("Control+z", 0), ("y", 1), ("Control+Shift+Z", 2),
                            ("z", 1), ("Control+y", 2), ("r", 0), ("z", 2)]:
            page.key(keys)
            page.holds(count)
            held = bench.server.clicks(page.session)
            expect(held == first[:count], f"after {keys} the session has {held}")
        page.key("Enter")
        page.holds(0, 1)
        page.tab.mouse.click(*at[2])
        page.holds(1, 1)
        second = bench.server.clicks(page.session)
        page.key("Space")
        page.holds(0, 2)
        page.key("z")
        page.holds(1, 1)
        page.key("y")
        page.holds(0, 2)
        name, saved = page.save("saveLabels")
        expect(name == "000000000030-labels.png", f"it is saved as {name}")
        labels = np.zeros(saved.shape, int)
        for number, clicks in enumerate([first, second]):
            labels[segment(bench.fbrs, PHOTO, clicks, bench.work) > 127] = number + 1
        expect(np.array_equal(saved, labels), f"{np.mean(saved != labels):.4%} of the labels differ")
        keyboard_pointer(bench, page)
        return f"{np.count_nonzero(labels)} pixels in two objects"


def keyboard_pointer(bench, page):
    """Clicks without a mouse; and the sheet of keys."""
    page.key("0", "p", "ArrowLeft", "ArrowLeft", "Shift+ArrowDown")
    x, y = (int(number) for number in page.text("#place").split(","))
    with Image.open(PHOTO) as image:
        middle = image.width // 2, image.height // 2
    expect((x, y) == (middle[0] - 2, middle[1] + 10), f"the keyboard's pointer is at {x}, {y}")
    page.key(".")
    page.holds(1, 2)
    page.key("ArrowUp", ",")
    page.holds(2, 2)
    held = bench.server.clicks(page.session)
    expect(held == [(x, y, True), (x, y - 1, False)], f"by keys: {held}")
    page.key("F1")
    sheet = page.text("#keys")
    for word in ["Undo", "Ctrl+Z", "Finish the object", "Enter", "Right-click"]:
        expect(word in sheet, f"the sheet of keys does not have {word}")
    page.key("Escape")
    expect(not page.tab.locator("#keys").is_visible(), "Esc does not close the sheet of keys")


CHECKS = {check.__name__: check for check in [
    policy, outline, pixels_at_any_zoom, turned, work_and_keys]}
