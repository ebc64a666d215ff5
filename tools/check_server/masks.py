"""Masks of the server's own interface: pixels as the program's, in every form."""

import base64
import json
import subprocess
import threading

import cv2
import numpy as np
from PIL import Image
from pycocotools import mask as coco

from client import Client, as_json, picture, same
from photos import CLICKS, OTHERS, PHOTO, ring, speckles
from server import expect


def curl(*arguments):
    """What curl prints; it fails where the server refuses."""
    done = subprocess.run(["curl", "-sS", "--fail-with-body", *map(str, arguments)],
                          capture_output=True, check=False)
    expect(done.returncode == 0, f"curl: {done.stderr} {done.stdout[:300]}")
    return done.stdout


def json_body(value):
    return ["-H", "content-type: application/json", "-d", json.dumps(value)]


def by_curl(program):
    """The README's clicks by session and at once: the pixels of `fbrs segment`."""
    expected = program.segment(PHOTO, CLICKS)
    with program.serve() as server:
        v1 = f"{server.url}/v1"
        name = json.loads(curl("--data-binary", f"@{PHOTO}", f"{v1}/images"))["image"]
        session = json.loads(curl(*json_body({"image": name}), f"{v1}/sessions"))["session"]
        for click in as_json(CLICKS):
            answer = json.loads(curl(*json_body(click), f"{v1}/sessions/{session}/clicks"))
        same(picture(answer["mask"]), expected, "the last click's answer")
        same(picture(curl(f"{v1}/sessions/{session}/mask")), expected, "the session's mask")
        clicks = as_json(CLICKS)
        at_once = {
            "by name": json_body({"image": name, "clicks": clicks}),
            "as a form": ["-F", f"image=@{PHOTO}", "-F", f"clicks={json.dumps(clicks)}"],
        }
        for how, body in at_once.items():
            answer = json.loads(curl(*body, f"{v1}/segment"))
            same(picture(answer["mask"]), expected, how)
        file = base64.b64encode(PHOTO.read_bytes()).decode()
        body = program.folder("body") / "body.json"
        body.write_text(json.dumps({"image": file, "clicks": clicks}))
        answer = json.loads(curl("-H", "content-type: application/json", "-d", f"@{body}",
                                 f"{v1}/segment"))
        same(picture(answer["mask"]), expected, "in base64")
        area = np.count_nonzero(expected)
        rows, columns = np.nonzero(expected)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        expect((answer["area"], answer["box"]) == (area, box), f"{answer['area']} {answer['box']}")
    return f"{area} pixels by session, by name, as a form and in base64"


def filled(polygons, shape):
    """Polygons filled by OpenCV. Their corners are those of pixels: on a grid twice as fine the
    middles of pixels lie between all edges."""
    canvas = np.zeros((2 * shape[0] + 1, 2 * shape[1] + 1), np.uint8)
    rings = [ring for part in polygons for ring in [part["outer"], *part["holes"]]]
    if rings:
        cv2.fillPoly(canvas, [2 * np.array(ring, np.int32) for ring in rings], 255)
    return canvas[1::2, 1::2]


def forms(program):
    """Every form of a mask says the same: three photos, a hole, specks, nothing, everything."""
    figures = []

    def check(client, session, what):
        mask = client.mask(session)
        expect(set(np.unique(mask)) <= {0, 255} and mask.dtype == np.uint8, f"{what}: no mask")
        packed = client.form(session, "rle")
        same(coco.decode(packed), mask, f"{what}: run lengths")
        expect(coco.area(packed) == np.count_nonzero(mask), f"{what}: the area of run lengths")
        parts = client.form(session, "polygons")
        same(filled(parts, mask.shape), mask, f"{what}: polygons")
        probabilities = client.mask(session, format="probabilities")
        if "mask" not in what:
            same(probabilities > 127, mask, f"{what}: probabilities")
        expect(client.form(session, "none") is None, f"{what}: no form is a form")
        holes = sum(len(part["holes"]) for part in parts)
        figures.append(f"{what} {len(parts)}+{holes}")
        return mask, holes

    with program.serve() as server:
        client = Client(server.url)
        for photo in [PHOTO, *OTHERS]:
            session = client.session(photo)
            state = client.state(session)
            client.click(session, state["width"] // 2, state["height"] // 2)
            mask, _ = check(client, session, photo.stem)
            expect(mask.any(), f"{photo.stem}: no object")
            bare = client.mask(session, threshold=0.9)
            expect(np.count_nonzero(bare) <= np.count_nonzero(mask), "a higher threshold adds")
        session = client.session(PHOTO)
        empty, _ = check(client, session, "empty mask")
        expect(not empty.any(), "a session without clicks has an object")
        height, width = empty.shape
        for what, given in [("full mask", np.full_like(empty, 255)),
                            ("ring mask", ring(width, height)),
                            ("speckled mask", speckles(width, height))]:
            client.change(session, "reset", format="none")
            client.start_from(session, given, format="none")
            mask, holes = check(client, session, what)
            same(mask, given, what)
            expect(holes > 0 or what == "full mask", f"{what}: no hole")
    return "parts+holes: " + ", ".join(figures)


def kinds(program):
    """Photos of every kind, turned ones too: seen as `fbrs segment` sees them."""
    folder, figures = program.folder("photos"), []
    with Image.open(PHOTO) as image:
        image = image.convert("RGB")
        turned = Image.Exif()
        turned[0x0112] = 6
        image.save(folder / "turned.jpg", exif=turned, quality=95)
        image.convert("L").save(folder / "gray.png")
        image.convert("RGBA").save(folder / "alpha.webp", lossless=True)
        image.quantize(64).save(folder / "colors.gif")
        Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257).save(folder / "deep.png")
        for ending in ["tiff", "bmp", "ppm"]:
            image.save(folder / f"photo.{ending}")
    with program.serve() as server:
        client = Client(server.url)
        for photo in sorted(folder.iterdir()) + [PHOTO.with_name("cmyk.jpg"),
                                                 PHOTO.with_name("palette.png")]:
            session = client.session(photo)
            state = client.state(session)
            width, height = state["width"], state["height"]
            expect((width > height) == (photo.stem != "turned") or width == height,
                   f"{photo.name}: {width}×{height}")
            click = (width // 2, height // 2, True)
            client.clicks(session, [click])
            same(client.mask(session), program.segment(photo, [click]), photo.name)
            figures.append(photo.name)
    return ", ".join(figures)


def once(program):
    """The same click twice at the same moment, and once more: answered once."""
    with program.serve() as server:
        client = Client(server.url)
        session = client.session(PHOTO)
        rounds = 10
        for held in range(rounds):
            x, y, positive = 200 + 20 * held, 200, held % 2 == 0
            body = {"x": x, "y": y, "positive": positive, "expected_clicks": held}
            statuses = []

            def send(body=body, statuses=statuses):
                answer = Client(server.url).ask("POST", f"/v1/sessions/{session}/clicks", json=body)
                statuses.append(answer.status_code)

            both = [threading.Thread(target=send) for _ in range(2)]
            for thread in both:
                thread.start()
            for thread in both:
                thread.join()
            expect(sorted(statuses) == [200, 409], f"answers are {statuses}")
        problem = client.refused(409, "POST", f"/v1/sessions/{session}/clicks", json=body)
        expect(problem["code"] == "conflict", f"{problem}")
        held = len(client.state(session)["clicks"])
        expect(held == rounds, f"{held} clicks are held")
    return f"{rounds} pairs: 200 and 409 each"


def told(program):
    """`curl -N` sees every evaluation, then the result."""
    clicks = CLICKS[:1] + [(330.0, 250.0, False)]
    with program.serve() as server:
        client = Client(server.url)
        counts = []
        for mode in ["f-BRS-B", "RGB-BRS"]:
            session = client.session(PHOTO, {"refine": {"mode": mode}})
            url = f"{server.url}/v1/sessions/{session}/clicks?format=png&preview=64"
            for click in as_json(clicks):
                said = curl("-N", "-H", "accept: text/event-stream", *json_body(click), url)
                events = [parsed(part) for part in said.decode().split("\n\n") if part.strip()]
                names = [name for name, _ in events]
                evaluations = [data for name, data in events if name == "evaluation"]
                result = events[-1][1]
                expect(names[0] == "queued" and names[-1] == "result", f"{names}")
                expect(len(evaluations) == result["evaluations"],
                       f"{len(evaluations)} events of {result['evaluations']} evaluations")
                expect([data["n"] for data in evaluations] == list(range(1, len(evaluations) + 1)),
                       "evaluations are not counted from 1")
                expect([data["loss"] for data in evaluations] == result["losses"], "losses differ")
            for data in evaluations:
                if "preview" in data:
                    expect(max(picture(data["preview"]).shape) == 64, "a preview of another size")
            same(picture(result["mask"]), client.mask(session), "the result's mask")
            counts.append(f"{mode} {len(evaluations)}")
        expect(len(evaluations) > 1, "nothing was evaluated")
        problem = Client(server.url).ask(
            "POST", f"/v1/sessions/{session}/clicks", headers={"accept": "text/event-stream"},
            json={"x": -5000.0, "y": 0.0, "positive": True})
        expect("event: error" in problem.text or problem.status_code == 422, problem.text[:200])
    return "evaluations told: " + ", ".join(counts)


def parsed(event):
    fields = dict(line.split(": ", 1) for line in event.strip().splitlines() if ": " in line)
    return fields["event"], json.loads(fields["data"])


CHECKS = {"a1-curl": by_curl, "a1-photos": kinds, "a2-forms": forms, "a10-once": once,
          "a17-events": told}
