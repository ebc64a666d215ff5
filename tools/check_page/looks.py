"""Ways in, large photos, phones, pictures of the page; and that nobody else was asked in all of it."""

from PIL import Image

from hands import bring, hold, pinch
from server import PHOTO, expect

# The longest time between two frames since this was asked last.
PAUSES = """() => {
    let [last, longest] = [performance.now(), 0];
    const frame = (now) => {
        longest = Math.max(longest, now - last);
        last = now;
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    window.pauses = () => { const told = longest; longest = 0; return told; };
}"""


def ways_in(bench):
    """Photos that are dropped and pasted are opened; what is not saved is not lost by that."""
    with bench.browser.page(bench.server.url) as page:
        bring(page, "drop")
        page.until("the dropped photo is open", lambda: page.sessions)
        page.tab.mouse.click(*page.spot(0.5, 0.6))
        page.holds(1)
        bring(page, "paste")
        page.until("it asks", lambda: "would be lost" in page.text("#leave"))
        page.key("Escape")
        page.holds(1)
        bring(page, "paste")
        page.until("it asks again", lambda: "would be lost" in page.text("#leave"))
        page.tab.click("#leave-yes")
        page.until("the pasted photo is open", lambda: len(page.sessions) == 2)
        page.holds(0)


def large(bench):
    """A photo of nearly 50 megapixels is opened, clicked and looked at closely."""
    photo = bench.work / "large.jpg"
    with Image.open(PHOTO) as image:
        image.resize((8600, 5750), Image.Resampling.BICUBIC).save(photo, quality=80)
    with bench.browser.page(bench.server.url) as page:
        page.tab.evaluate(PAUSES)
        page.load(photo)
        page.tab.mouse.click(*page.spot(0.5, 0.6))
        page.holds(1)
        opened = page.tab.evaluate("pauses()")
        page.tab.mouse.move(*page.spot(0.5, 0.4))
        for _ in range(20):
            page.tab.mouse.wheel(0, -100)
            page.tab.wait_for_timeout(30)
        page.tab.screenshot(path=bench.work / "large.png")
        expect(page.percent() >= 400, f"{page.percent()} % after the wheel")
        return (f"longest pause {opened:.0f} ms while it was opened and clicked, "
                f"{page.tab.evaluate('pauses()'):.0f} ms while it was zoomed")


def phone(bench):
    """A phone: nothing is beside the screen, buttons are large, fingers click on both."""
    with bench.browser.page(bench.server.url, size=(360, 740), has_touch=True, is_mobile=True,
                           device_scale_factor=2) as page:
        page.load(PHOTO)
        page.tab.touchscreen.tap(*page.spot(0.5, 0.52))
        page.holds(1)
        page.tab.tap("[data-do=background]")
        page.tab.touchscreen.tap(*page.spot(0.2, 0.5))
        page.holds(2)
        page.tab.tap("[data-do=object]")
        hold(page, *page.spot(0.85, 0.5))
        page.holds(3)
        signs = [positive for *_, positive in bench.server.clicks(page.session)]
        expect(signs == [True, False, False], f"the clicks' signs are {signs}")
        page.tab.screenshot(path=bench.work / "phone.png")
        wide, high = page.tab.evaluate(
            "(({ scrollWidth, scrollHeight }) => [scrollWidth, scrollHeight])(document.documentElement)")
        expect(wide <= 360 and high <= 740, f"the page is larger than the screen: {wide}×{high}")
        for button in page.tab.locator("button:visible").all():
            box = button.bounding_box()
            expect(box["height"] >= 44 and box["x"] >= 0 and box["x"] + box["width"] <= 360,
                   f"the button {button.inner_text()} is at {box}")
        before = page.percent()
        pinch(page, *page.spot(0.5, 0.5))
        expect(page.percent() > 1.5 * before, f"two fingers: from {before} to {page.percent()} %")
        expect(len(bench.server.clicks(page.session)) == 3, "two fingers clicked")
        page.tab.tap("[data-do=list]")
        page.tab.screenshot(path=bench.work / "phone-objects.png")


def looks(bench):
    """Pictures of the page, dark and light, at which somebody has to look."""
    for scheme in ["dark", "light"]:
        with bench.browser.page(bench.server.url, scheme=scheme) as page:
            page.tab.screenshot(path=bench.work / f"{scheme}-welcome.png")
            page.load(PHOTO)
            for across, down, button in [(0.5, 0.6, "left"), (0.4, 0.35, "right")]:
                page.tab.mouse.click(*page.spot(across, down), button=button)
            page.holds(2)
            page.key("Enter")
            page.holds(0, 1)
            page.tab.mouse.click(*page.spot(0.58, 0.28))
            page.holds(1, 1)
            page.tab.screenshot(path=bench.work / f"{scheme}.png")
            page.key("?")
            page.tab.screenshot(path=bench.work / f"{scheme}-keys.png")
    return f"in {bench.work}"


def nobody_else(bench):
    """No other host was asked, and nothing was complained about, in all of the above."""
    others = {asked for url, asked in bench.browser.asked
              if not asked.startswith((url.split("#")[0].rstrip("/") + "/", "blob:", "data:"))}
    expect(not others, f"asked: {', '.join(sorted(others))}")
    expect(not bench.browser.complaints, f"complaints: {'; '.join(bench.browser.complaints[:5])}")
    return f"{len(bench.browser.asked)} requests"


CHECKS = {check.__name__: check for check in [
    ways_in, large, phone, looks, nobody_else]}
