"""The server's own interface as a client uses it."""

import base64
import io
import threading

import cv2
import numpy as np
import requests
from PIL import Image

from server import Failed, expect


class Refused(Failed):
    """An answer that is no success."""

    def __init__(self, answer):
        self.status, self.body = answer.status_code, answer.text
        try:
            self.code = answer.json()["code"]
        except (ValueError, KeyError, TypeError):
            self.code = None
        super().__init__(f"{answer.request.method} {answer.url}: {self.status} {self.body[:300]}")


class Client:
    """Calls that must succeed; `ask` for those that need not."""

    def __init__(self, url, token=None, timeout=60):
        self.url, self.timeout = url, timeout
        self.http = requests.Session()
        self.http.trust_env = False
        if token:
            self.http.headers["authorization"] = f"Bearer {token}"

    def ask(self, method, path, **more):
        return self.http.request(method, self.url + path, timeout=self.timeout, **more)

    def call(self, method, path, **more):
        answer = self.ask(method, path, **more)
        if answer.status_code >= 400:
            raise Refused(answer)
        return answer

    def refused(self, status, method, path, **more):
        """What the refusal of a call says."""
        answer = self.ask(method, path, **more)
        expect(answer.status_code == status,
               f"{method} {path[:80]} {str(more)[:200]}: expected {status}, got "
               f"{answer.status_code} {answer.text[:200]}")
        kind = answer.headers["content-type"]
        expect(kind == "application/problem+json", f"{path[:80]}: a problem is told as {kind}")
        problem = answer.json()
        for name in ("type", "title", "status", "code", "detail", "request_id"):
            expect(name in problem, f"{path[:80]}: a problem without {name}: {problem}")
        expect(problem["status"] == status, f"a problem of status {status} says {problem}")
        expect(problem["request_id"] == answer.headers["x-request-id"], f"ids differ: {problem}")
        if status in (429, 503):
            expect(int(answer.headers["retry-after"]) > 0, "no time to come back")
        return problem

    def upload(self, photo):
        data = photo if isinstance(photo, bytes) else photo.read_bytes()
        return self.call("POST", "/v1/images", data=data).json()["image"]

    def session(self, photo, options=None):
        """A session on a photo: a file, its bytes, or its name."""
        name = photo if isinstance(photo, str) else self.upload(photo)
        body = {"image": name} | ({"options": options} if options else {})
        return self.call("POST", "/v1/sessions", json=body).json()["session"]

    def click(self, session, x, y, positive=True, expected=None, **query):
        body = {"x": x, "y": y, "positive": positive}
        if expected is not None:
            body["expected_clicks"] = expected
        query = {"format": "none"} | query
        return self.call("POST", f"/v1/sessions/{session}/clicks", json=body, params=query).json()

    def clicks(self, session, clicks):
        for x, y, positive in clicks:
            result = self.click(session, x, y, positive)
        return result

    def change(self, session, what, **query):
        return self.call("POST", f"/v1/sessions/{session}/{what}", params=query).json()

    def start_from(self, session, mask, **query):
        path = f"/v1/sessions/{session}/start-mask"
        return self.call("PUT", path, data=png(mask), params=query).json()

    def state(self, session):
        return self.call("GET", f"/v1/sessions/{session}").json()

    def mask(self, session, **query):
        return picture(self.call("GET", f"/v1/sessions/{session}/mask", params=query).content)

    def form(self, session, form, **query):
        """The mask as JSON holds it."""
        query = {"format": form} | query
        path = f"/v1/sessions/{session}/mask"
        return self.call("GET", path, params=query).json()["mask"]

    def delete(self, session):
        self.call("DELETE", f"/v1/sessions/{session}")

    def segment(self, image, clicks, **query):
        body = {"image": image, "clicks": as_json(clicks)}
        return self.call("POST", "/v1/segment", json=body, params=query)

    def metric(self, name):
        """The sum of a metric's values."""
        lines = self.call("GET", "/metrics").text.splitlines()
        found = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
        return sum(float(value) for key, value in found if key.split("{")[0] == name)


class Meanwhile(threading.Thread):
    """A click by another client, while the check goes on: `answer` is what it got, or None."""

    def __init__(self, url, session, click):
        super().__init__(daemon=True)
        self.client, self.session, self.click, self.answer = Client(url), session, click, None
        self.start()

    def run(self):
        path = f"/v1/sessions/{self.session}/clicks?format=none"
        try:
            self.answer = self.client.ask("POST", path, json=as_json([self.click])[0])
        except requests.RequestException:
            pass  # The server is gone.


def as_json(clicks):
    return [{"x": x, "y": y, "positive": positive} for x, y, positive in clicks]


def picture(data):
    """A picture's file, or its base64, as an array."""
    data = base64.b64decode(data) if isinstance(data, str) else data
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def png(array):
    data = io.BytesIO()
    Image.fromarray(np.asarray(array)).save(data, "png", compress_level=1)
    return data.getvalue()


def same(mask, expected, what):
    """Every pixel of two masks is the same."""
    mask, expected = np.asarray(mask) > 0, np.asarray(expected) > 0
    expect(mask.shape == expected.shape, f"{what}: {mask.shape}, not {expected.shape}")
    differ = np.count_nonzero(mask != expected)
    expect(differ == 0, f"{what}: {differ} pixels differ")


def overlap(mask, other):
    """Intersection over union."""
    mask, other = np.asarray(mask) > 0, np.asarray(other) > 0
    return np.count_nonzero(mask & other) / max(1, np.count_nonzero(mask | other))


def drawn(polygons, shape):
    """Polygons filled: the pixels whose middles they hold. On a grid eight times as fine the edges,
    which OpenCV takes in, are thin."""
    canvas = np.zeros((8 * shape[0] + 1, 8 * shape[1] + 1), np.uint8)
    for corners in polygons:
        cv2.fillPoly(canvas, [np.round(8 * np.array(corners)).astype(np.int32)], 255)
    return canvas[4::8, 4::8]
