"""What hands do beside plain clicks and keys."""

import base64
import time

from server import PHOTO

BRING = """([kind, base64]) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const carried = new DataTransfer();
    carried.items.add(new File([bytes], 'brought.jpg', { type: 'image/jpeg' }));
    dispatchEvent(kind === 'paste' ? new ClipboardEvent(kind, { clipboardData: carried })
        : new DragEvent(kind, { dataTransfer: carried, cancelable: true }));
}"""


def bring(page, kind):
    """Drops or pastes the photo."""
    page.tab.evaluate(BRING, [kind, base64.b64encode(PHOTO.read_bytes()).decode()])


def shift_click(page, at):
    page.tab.keyboard.down("Shift")
    page.tab.mouse.click(*at)
    page.tab.keyboard.up("Shift")


def fingers(page, kind, *places):
    points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
    page.protocol.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def hold(page, x, y):
    """A finger that stays."""
    fingers(page, "touchStart", (x, y))
    page.tab.wait_for_timeout(700)
    fingers(page, "touchEnd")


def pinch(page, x, y):
    """Two fingers that go apart."""
    fingers(page, "touchStart", (x - 20, y))
    fingers(page, "touchStart", (x - 20, y), (x + 20, y))
    for far in range(20, 70, 5):
        fingers(page, "touchMove", (x - far, y), (x + far, y))
        time.sleep(0.03)
    fingers(page, "touchEnd")
    page.tab.wait_for_timeout(100)
