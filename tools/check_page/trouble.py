"""What goes wrong: slow clicks, a server or a session that is gone, tokens, files that are no photos."""

import re

import numpy as np
from PIL import Image

from server import PHOTO, Server, expect


def live(bench):
    """A slow click: evaluations are told, the mask grows, clicks wait, Esc calls all of it off."""
    server = Server(bench.fbrs, "--mode", "RGB-BRS")
    try:
        with bench.browser.page(server.url) as page:
            page.load(PHOTO)
            page.tab.mouse.click(*page.spot(0.5, 0.6))
            page.holds(1)
            before = page.picture()
            # Background right beside the object is what refinement works longest on.
            x, y = page.spot(0.5, 0.6)
            page.tab.mouse.click(x + 10, y, button="right")
            page.tab.mouse.click(*page.spot(0.3, 0.3), button="right")
            doing = re.compile(r"click 2: evaluation \d+, loss \d.*1 queued")
            page.until("an evaluation is told", lambda: doing.search(page.text("#doing")))
            told = page.text("#doing")
            page.tab.wait_for_timeout(400)
            during = page.picture(bench.work / "running.png")
            # More than the marks of two clicks, without what is written at the bottom.
            top, bottom = (int(page.spot(0, down)[1]) for down in (0.05, 0.85))
            changed = np.count_nonzero(np.any(before != during, axis=2)[top:bottom])
            expect(changed > 2000, f"only {changed} pixels change while a click runs")
            page.key("Escape")
            page.until("it is called off", lambda: not page.is_busy())
            page.tab.wait_for_timeout(500)
            # Where the machine is slow, the first of the two may have been answered before Esc.
            held = len(server.clicks(page.session))
            expect(held in (1, 2), f"after Esc, {held} of three clicks are held")
            page.holds(held)
            page.tab.mouse.click(*page.spot(0.55, 0.7))
            page.holds(held + 1)
            expect(len(server.clicks(page.session)) == held + 1, "no click holds after one was called off")
            return told
    finally:
        server.close()


def stopped(bench):
    """The server is gone: the page says so within 2 s, keeps the clicks, and goes on when it is back."""
    server = Server(bench.fbrs)
    try:
        with bench.browser.page(server.url, fails=True) as page:
            page.load(PHOTO)
            spots = [page.spot(*at) for at in [(0.5, 0.6), (0.55, 0.3), (0.3, 0.3), (0.6, 0.65)]]
            page.tab.mouse.click(*spots[0])
            page.key("Enter")
            page.holds(0, 1)
            page.tab.mouse.click(*spots[1])
            page.holds(1, 1)
            before, was = server.clicks(page.session), page.session
            server.kill()
            said = page.until("it says so", lambda: "does not answer" in page.text("#messages"), 2)
            page.tab.mouse.click(*spots[2], button="right")
            page.tab.mouse.click(*spots[3])
            page.tab.wait_for_timeout(300)
            page.picture(bench.work / "stopped.png")
            expect("1 queued" in page.text("#doing"), f"clicks are not kept: {page.text('#doing')}")
            server.start()
            page.holds(3, 1)
            expect("does not answer" not in page.text("#messages"), "it still says that nobody answers")
            held = server.state(page.session)
            expect(page.session != was and held["finished"] == 1, f"the new session is {held}")
            expect(server.clicks(page.session)[:1] == before, "the click before is another one")
            expect([positive for *_, positive in server.clicks(page.session)] == [True, False, True],
                   f"{server.clicks(page.session)}")
            server.freeze(True)
            froze = page.until("a server that hangs", lambda: "does not answer" in page.text("#messages"), 2)
            server.freeze(False)
            page.until("it is back", lambda: "does not answer" not in page.text("#messages"), 10)
            return f"said after {said:.2f} s, where it hangs after {froze:.2f} s"
    finally:
        server.close()


def session_gone(bench):
    """The session is gone: the page begins another one and does its clicks again."""
    with bench.browser.page(bench.server.url, fails=True) as page:
        page.load(PHOTO)
        page.tab.mouse.click(*page.spot(0.5, 0.6))
        page.holds(1)
        was = page.session
        held = bench.server.clicks(was)
        bench.server.ask(f"/v1/sessions/{was}", "DELETE")
        page.tab.mouse.click(*page.spot(0.55, 0.3))
        page.holds(2)
        expect(page.session != was and bench.server.clicks(page.session)[:1] == held,
               "the clicks were not done again")
        expect("done again" in page.text("#messages"), "it does not say that clicks were done again")


def token(bench):
    """The token: asked for, refused, taken from the address and out of it."""
    secret = bench.work / "token"
    secret.write_text("a secret of at least thirty-two letters\n")
    server = Server(bench.fbrs, "--token-file", str(secret), token=secret.read_text().strip())
    try:
        with bench.browser.page(server.url, fails=True) as page:
            page.tab.set_input_files("#file", PHOTO)
            page.until("it asks for the token", lambda: page.tab.locator("#token").is_visible())
            page.tab.fill("#token-text", "another one")
            page.key("Enter")
            page.tab.wait_for_timeout(500)
            expect(page.tab.locator("#token").is_visible(), "a wrong token is taken")
            page.picture(bench.work / "token.png")
            page.tab.fill("#token-text", server.token)
            page.key("Enter")
            page.until("it goes on", lambda: page.sessions)
        with bench.browser.page(f"{server.url}/#token={server.token.replace(' ', '%20')}") as page:
            expect(page.tab.url == server.url + "/", f"the address is {page.tab.url}")
            page.load(PHOTO)
    finally:
        server.close()


def refused(bench):
    """What cannot be shown is told in a sentence."""
    tiff, broken = bench.work / "scan.tif", bench.work / "broken.jpg"
    with Image.open(PHOTO) as image:
        image.save(tiff)
    broken.write_bytes(b"no picture at all")
    with bench.browser.page(bench.server.url, fails=True) as page:
        for file in [tiff, broken]:
            page.tab.set_input_files("#file", file)
            page.until("it says so", lambda file=file: f"cannot show “{file.name}”" in page.text("#messages"))
        expect("JPEG, PNG, WebP" in page.text("#messages"), page.text("#messages"))
        expect(page.tab.locator("#welcome").is_visible(), "something is open")
        page.picture(bench.work / "refused.png")


CHECKS = {check.__name__: check for check in [
    live, stopped, session_gone, token, refused]}
