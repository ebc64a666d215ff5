"""CVAT: its gateway to functions, played as CVAT's server plays it."""

import base64
import json
import time

import numpy as np
import requests
from cvat_sdk.masks import decode_mask

from client import Client, same
from photos import CLICKS, PHOTO, resized
from server import expect

# Clicks of both signs, in an order that their lists do not tell.
MIXED = [(320.0, 240.0, True), (225.0, 345.0, False), (330.0, 120.0, True), (425.0, 120.0, True),
         (440.0, 335.0, False), (325.0, 335.0, True), (100.0, 100.0, False), (300.0, 200.0, True)]


class Gateway:
    """Lists, gets and invokes functions."""

    def __init__(self, server):
        self.url = server.cvat
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers.update({
            "x-nuclio-project-name": "cvat", "x-nuclio-function-namespace": "nuclio",
            "x-nuclio-invoke-via": "domain-name", "X-Nuclio-Invoke-Timeout": "120s"})

    def json(self, method, url, **more):
        answer = self.http.request(method, url, timeout=120, **more)
        answer.raise_for_status()
        return answer.json()

    def list(self):
        return [Function(self, data) for data in self.json("GET", f"{self.url}/api/functions").values()]

    def get(self, name):
        return Function(self, self.json("GET", f"{self.url}/api/functions/{name}"))

    def by_dashboard(self, function, payload):
        headers = {"x-nuclio-function-name": function.id, "x-nuclio-path": "/"}
        return self.http.post(f"{self.url}/api/function_invocations", json=payload, headers=headers,
                              timeout=120)

    def directly(self, function, payload):
        return requests.post(f"http://localhost:{function.port}", json=payload, timeout=120,
                             proxies={"http": None})


class Function:
    """What CVAT reads of a function."""

    def __init__(self, gateway, data):
        annotations = data["metadata"]["annotations"]
        self.gateway = gateway
        self.id = data["metadata"]["name"]
        self.kind = annotations.get("type")
        self.labels = json.loads(annotations.get("spec") or "[]")
        self.state = data["status"]["state"]
        self.description = data["spec"]["description"]
        self.port = data["status"].get("httpPort")
        self.name = annotations.get("name", self.id)
        self.min_pos_points = int(annotations.get("min_pos_points", 1))
        self.min_neg_points = int(annotations.get("min_neg_points", -1))
        self.startswith_box = bool(annotations.get("startswith_box", False))
        self.version = int(annotations.get("version", "1"))
        self.help_message = annotations.get("help_message", "")
        self.animated_gif = annotations.get("animated_gif", "")


def payload(photo, clicks, **more):
    """Points are places on a canvas whose origin is the photo's corner."""
    data = photo if isinstance(photo, bytes) else photo.read_bytes()
    points = {sign: [[x + 0.5, y + 0.5] for x, y, positive in clicks if positive == sign]
              for sign in (True, False)}
    return {"image": base64.b64encode(data).decode(), "pos_points": points[True],
            "neg_points": points[False], "obj_bbox": None} | more


def mask_of(answer, shape):
    """The mask of an answer, as CVAT of both ages takes it."""
    answer.raise_for_status()
    reply = answer.json()
    if "mask" in reply:
        return np.array(reply["mask"], np.uint8)
    shape_of = [shape for shape in reply["shapes"] if shape["type"] == "mask"]
    expect(len(shape_of) == 1, f"{len(shape_of)} masks")
    return decode_mask(shape_of[0]["points"], image_width=shape[1], image_height=shape[0])


def gateway(program):
    """List, get and invoke, both ways and with both replies: the pixels of `fbrs segment`."""
    expected = program.segment(PHOTO, CLICKS)
    figures = []
    for reply in ["shapes", "mask"]:
        with program.serve("--cvat-listen", "127.0.0.1:0", "--cvat-reply", reply) as server:
            calls = Gateway(server)
            listed = calls.list()
            expect([function.id for function in listed] == ["fbrs"], f"{[f.id for f in listed]}")
            function = calls.get("fbrs")
            expect((function.kind, function.state, function.labels) == ("interactor", "ready", []),
                   f"{vars(function)}")
            expect(function.version >= 2 and function.min_pos_points == 1
                   and function.min_neg_points == 0 and not function.startswith_box,
                   f"{vars(function)}")
            answer = calls.by_dashboard(function, payload(PHOTO, CLICKS))
            same(mask_of(answer, expected.shape), expected, f"{reply} by the dashboard")
            # CVAT's own way, where it runs in no Kubernetes.
            expect(function.port == server.cvat_port,
                   f"httpPort is {function.port}: CVAT would call that instead of {server.cvat_port}")
            answer = calls.directly(function, payload(PHOTO, CLICKS, obj_bbox=[]))
            same(mask_of(answer, expected.shape), expected, f"{reply} directly")
            sizes = [len(answer.content)]
            large, click = resized(4000, 3000)
            photo = program.folder("large") / "large.jpg"
            photo.write_bytes(large)
            answer = calls.by_dashboard(function, payload(photo, [click]))
            mask = mask_of(answer, (3000, 4000))
            same(mask, program.segment(photo, [click]), f"{reply} of 12 megapixels")
            sizes.append(len(answer.content))
            expect(reply == "mask" or sizes[1] < 200_000, f"12 megapixels: {sizes[1]} bytes")
            figures.append(f"{reply} {sizes[0]} bytes, of 12 MP {sizes[1]}")
            refusals(calls, function)
            # Nothing of the mask is above such a threshold, and nothing is a mask too.
            answer = calls.by_dashboard(function, payload(PHOTO, CLICKS[:1], threshold=0.99999))
            expect(not mask_of(answer, expected.shape).any(), "an empty mask has pixels")
    return "; ".join(figures)


def refusals(calls, function):
    good = payload(PHOTO, CLICKS[:1])
    for what, body in {
        "a photo is missing": {name: value for name, value in good.items() if name != "image"},
        "no points": good | {"pos_points": []},
        "a photo that is none": good | {"image": base64.b64encode(b"no photo").decode()},
        "a photo that is no base64": good | {"image": "///===!"},
        "points that are none": good | {"pos_points": [["1", "2"]]},
    }.items():
        answer = calls.by_dashboard(function, body)
        expect(answer.status_code == 422, f"{what}: {answer.status_code} {answer.text[:200]}")
    missing = calls.by_dashboard(function, {"pos_points": [[1, 1]], "neg_points": []}).json()
    expect("image" in missing["detail"], f"a missing field is not named: {missing}")
    function.id = "pth-saic-vul-fbrs"
    expect(calls.by_dashboard(function, good).status_code == 404, "another function is known")
    function.id = "fbrs"
    page = calls.http.post(f"{calls.url}/", json=good, headers={"origin": "http://evil.example"})
    expect(page.status_code == 403, f"another server's page is let in: {page.status_code}")


def clicks_run(client):
    return round(client.metric("fbrs_click_seconds_count"))


def growing(program):
    """8 requests that grow run 8 clicks; one that is shorter runs none; another order is answered in
    the order of the lists."""
    # Slow clicks, so that the time tells how many ran.
    mode = ["--mode", "RGB-BRS"]
    with program.serve("--cvat-listen", "127.0.0.1:0", *mode) as server:
        calls, own = Gateway(server), Client(server.url)
        function = calls.get("fbrs")
        known, times = [], []

        def invoke(clicks):
            began = time.monotonic()
            answer = calls.by_dashboard(function, payload(PHOTO, clicks))
            times.append(time.monotonic() - began)
            known.append(answer.headers.get("x-fbrs-cache"))
            return answer

        shape = program.segment(PHOTO, CLICKS).shape
        for count in range(1, len(MIXED) + 1):
            mask = mask_of(invoke(MIXED[:count]), shape)
            same(mask, program.segment(PHOTO, MIXED[:count], *mode), f"{count} clicks")
        grown, ran = sum(times), [clicks_run(own)]
        shorter = mask_of(invoke(MIXED[:6]), shape)
        same(shorter, program.segment(PHOTO, MIXED[:6], *mode), "6 clicks again")
        undone = times[-1]
        ran.append(clicks_run(own))
        expect(known == ["miss"] + 7 * ["extend"] + ["undo"], f"{known}")
        expect(undone < grown / 8, f"a shorter request takes {undone:.2f} s, 8 take {grown:.2f} s")
        # Another first click: nothing is known, the order is that of the lists.
        other = [(310.0, 230.0, True)] + MIXED[1:5]
        by_sign = sorted(other, key=lambda click: not click[2])
        expect(by_sign != other, "the order of the lists is the order of clicking")
        mask = mask_of(invoke(other), shape)
        same(mask, program.segment(PHOTO, by_sign, *mode), "clicks after a miss")
        expect(known[-1] == "miss", f"{known}")
        ran.append(clicks_run(own))
        expect(ran == [8, 8, 13], f"clicks that ran: {ran}")
        lists = own.metric("fbrs_lists_total")
        expect(lists == len(known), f"{lists} lists counted of {len(known)}")
    return (f"{', '.join(known)}; clicks that ran {', '.join(map(str, ran))}: 8 growing ones "
            f"{grown:.1f} s, the shorter {undone:.2f} s, 5 anew {times[-1]:.1f} s")


CHECKS = {"a4-cvat": gateway, "a5-cvat-lists": growing}
