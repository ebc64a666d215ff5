"""The page in a browser, used as a person would: by mouse, keys, fingers, and by what is read on it."""

import time
from contextlib import contextmanager

from server import expect, pixels

# Tells what the content security policy refused.
REPORTS = """addEventListener('securitypolicyviolation',
    (refused) => console.error(`CSP refused ${refused.violatedDirective} ${refused.blockedURI}`))"""


class Browser:
    """Opens pages and remembers what they complained about and whom they asked."""

    def __init__(self, chromium):
        self.chromium = chromium
        self.complaints, self.asked = [], []

    @contextmanager
    def page(self, url, *, size=(1280, 800), scheme="dark", fails=False, **looks):
        """A page of its own. `fails`: whether requests are to fail, which browsers write down."""
        context = self.chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, **looks)
        context.add_init_script(REPORTS)
        page = Page(context.new_page(), url)
        page.tab.on("console", lambda said: self.hear(said, fails))
        page.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        context.on("request", lambda request: self.asked.append((url, request.url)))
        page.tab.goto(url)
        try:
            yield page
        finally:
            context.close()

    def hear(self, said, fails):
        if said.type not in ("error", "warning"):
            return
        if fails and said.text.startswith("Failed to load resource"):
            return
        self.complaints.append(f"{said.type}: {said.text}")


class Page:
    """One page."""

    def __init__(self, tab, url):
        self.tab, self.url = tab, url
        self.sessions = []
        # What playwright does not have, such as two fingers, is told to the browser itself.
        self.protocol = tab.context.new_cdp_session(tab)
        tab.on("response", self.note)

    def note(self, response):
        """Sessions that the page began."""
        if response.url.endswith("/v1/sessions") and response.status == 201:
            self.sessions.append(response)

    @property
    def session(self):
        expect(self.sessions, "the page began no session")
        return self.sessions[-1].json()["session"]

    def text(self, selector):
        """What is written there and can be seen."""
        return " ".join(self.tab.locator(selector).all_inner_texts()).strip()

    def until(self, what, is_so, seconds=60):
        """Waits; returns how long it took."""
        began = time.monotonic()
        while not is_so():
            expect(time.monotonic() - began < seconds,
                   f"{what}: not within {seconds} s; messages: {self.text('#messages')!r}, "
                   f"status: {self.text('#status')!r}")
            self.tab.wait_for_timeout(20)
        return time.monotonic() - began

    def load(self, photo):
        began = len(self.sessions)
        self.tab.set_input_files("#file", photo)
        self.until("the photo is open", lambda: self.text("#size") and len(self.sessions) > began)

    def holds(self, clicks, objects=0):
        """Waits until the list of objects says so."""
        plural = "" if clicks == 1 else "s"
        in_hand = f"in hand: {clicks} click{plural} " if clicks else ""

        def is_so():
            listed = self.text("#side")
            return (f"Objects ({objects})" in listed and in_hand in listed
                    and (clicks > 0 or "in hand" not in listed) and not self.is_busy())

        self.until(f"{clicks} clicks in hand and {objects} objects", is_so)

    def is_busy(self):
        return self.tab.locator("#progress").is_visible()

    def canvas(self):
        box = self.tab.locator("#canvas").bounding_box()
        return box["x"], box["y"], box["width"], box["height"]

    def spot(self, across, down):
        """A place on the screen, by its shares of the canvas."""
        left, top, width, height = self.canvas()
        return left + across * width, top + down * height

    def percent(self):
        return int(self.text("#percent").split()[0])

    def key(self, *keys):
        for key in keys:
            self.tab.keyboard.press(key)

    def picture(self, to=None):
        """What is seen, as colors."""
        return pixels(self.tab.screenshot(path=to))[..., :3].astype(int)

    def save(self, button):
        """Presses a button that saves: the file's name and its values."""
        with self.tab.expect_download() as saving:
            self.tab.click(f"[data-do={button}]")
        return saving.value.suggested_filename, pixels(saving.value.path())
