"""Pictures whose pixels tell where they are, and where a photo and a mask's border are on the screen."""

import numpy as np
from PIL import Image

from server import expect

# The first object's color, as the screen has it.
FIRST_COLOR = (0, 114, 178)


def places(width, height):
    """A picture whose colors tell each pixel's place."""
    rows, columns = np.mgrid[:height, :width]
    rest = 40 + columns // 256 + 4 * (rows // 256)
    return np.stack([columns % 256, rows % 256, rest], 2).astype("uint8")


def place_of_color(color):
    x, y, rest = (int(part) for part in color)
    return x + 256 * ((rest - 40) % 4), y + 256 * ((rest - 40) // 4)


def is_place(color):
    return 40 <= color[2] <= 41


def slopes(width, height):
    """The same in colors that JPEG keeps."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([4 * columns, 5 * rows, np.full_like(rows, 128)], 2).astype("uint8")


def place_of_slope(color):
    return round(color[0] / 4), round(color[1] / 5)


def corner(page, photo):
    """Where the photo's corner is on the screen, at 100 %: where its pixels agree with the screen's."""
    page.tab.mouse.move(5, 5)
    page.tab.wait_for_timeout(100)
    with Image.open(photo) as image:
        known = np.asarray(image.convert("RGB")).astype(int)
    seen = page.picture()
    left, top, width, height = page.canvas()
    expect(page.percent() == 100, f"{page.percent()} %, not 100")
    best = None
    for x in range(-2, 3):
        for y in range(-2, 3):
            across = round(left + (width - known.shape[1]) / 2) + x
            down = round(top + (height - known.shape[0]) / 2) + y
            part = seen[down:down + 300, across:across + known.shape[1]]
            differs = np.abs(part - known[:300]).mean()
            if best is None or differs < best[0]:
                best = differs, across, down
    expect(best[0] < 2, f"the photo is not seen as it is: {best[0]:.1f} of 255 differ")
    return best[1], best[2]


def outline_holds(seen, mask, clicks):
    """The border's pixels have the outline's color, and few others have it."""
    height, width = mask.shape
    wide = np.pad(mask, 1, mode="edge")
    border = mask & ~(wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:])
    rows, columns = np.mgrid[:height, :width]
    clear = np.ones_like(mask)
    for x, y, _ in clicks:
        clear &= np.hypot(columns - x, rows - y) > 12
    colored = np.abs(seen - FIRST_COLOR).max(axis=2) <= 6
    near = border.copy()
    for _ in range(3):
        wide = np.pad(near, 1)
        near = wide[:-2, 1:-1] | wide[2:, 1:-1] | wide[1:-1, :-2] | wide[1:-1, 2:] | near
    expect(border.sum() > 200, "the mask has hardly a border")
    share, elsewhere = colored[border & clear].mean(), colored[~near & clear].mean()
    expect(share > 0.97, f"only {share:.1%} of the mask's border have the outline's color")
    expect(elsewhere < 0.01, f"{elsewhere:.1%} beside the border have the outline's color")
    return f"{share:.1%} of {border.sum()} border pixels, {elsewhere:.2%} of the others"
