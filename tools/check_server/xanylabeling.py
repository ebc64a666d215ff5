"""X-AnyLabeling: requests of its client for remote servers."""

import base64

import requests

from client import drawn, overlap
from photos import CLICKS, OTHERS, PHOTO
from server import expect

TOKEN = "a-token"


class Labeling:
    """The client: a header of its own for the token, pictures as data URIs."""

    def __init__(self, server, token=TOKEN):
        self.url = f"{server.url}/xany"
        self.headers = {"Content-Type": "application/json", "Token": token}

    def models(self):
        answer = requests.get(f"{self.url}/v1/models", headers=self.headers, timeout=30)
        answer.raise_for_status()
        return answer.json()["data"]

    def predict(self, photo, clicks, model="fbrs", epsilon=0.001):
        data = base64.b64encode(photo.read_bytes()).decode()
        kind = {".jpg": "image/jpeg", ".webp": "image/webp"}[photo.suffix]
        marks = [{"type": "point", "data": [round(x), round(y)], "label": int(positive)}
                 for x, y, positive in clicks]
        params = {"conf_threshold": 0.0, "iou_threshold": 0.0, "epsilon_factor": epsilon}
        body = {"model": model, "image": f"data:{kind};base64,{data}",
                "params": params | ({"marks": marks} if marks else {})}
        return requests.post(f"{self.url}/v1/predict", json=body, headers=self.headers, timeout=30)


def corners_of(shapes):
    for polygon in shapes:
        expect(polygon["shape_type"] == "polygon" and polygon["label"], f"{polygon['shape_type']}")
        expect(len(polygon["points"]) >= 3, f"{len(polygon['points'])} corners")
    return [polygon["points"] for polygon in shapes]


def remote(program):
    """Polygons cover the mask; errors have their own status."""
    figures = []
    with program.serve(FBRS_TOKEN=TOKEN) as server:
        client = Labeling(server)
        expect("fbrs" in client.models(), f"{client.models()}")
        photos = [(PHOTO, CLICKS), *((photo, [(320.0, 240.0, True)]) for photo in OTHERS)]
        for photo, clicks in photos:
            expected = program.segment(photo, clicks)
            for epsilon in [0.001, 0.0005, 0.0]:
                answer = client.predict(photo, clicks, epsilon=epsilon)
                answer.raise_for_status()
                data = answer.json()["data"]
                covered = overlap(drawn(corners_of(data["shapes"]), expected.shape), expected)
                corners = sum(len(polygon["points"]) for polygon in data["shapes"])
                figures.append(f"{covered:.3f} by {corners}")
                # What the client sends unless somebody moves its slider is coarse for ragged outlines.
                least = 0.95 if epsilon == 0.001 and photo != PHOTO else 0.98
                expect(covered >= least, f"{photo.stem}, epsilon {epsilon}: IoU {covered:.3f}")
        expect(client.predict(PHOTO, []).json()["data"]["shapes"] == [], "shapes without marks")
        expect(client.predict(PHOTO, CLICKS, model="segment_anything").status_code == 404,
               "an unknown model is known")
        for epsilon in [-1, 5, 1e308]:
            status = client.predict(PHOTO, CLICKS[:1], epsilon=epsilon).status_code
            expect(status == 422, f"epsilon {epsilon}: {status}")
        status = Labeling(server, "wrong").predict(PHOTO, CLICKS).status_code
        expect(status == 401, f"a wrong token: {status}")
        health = requests.get(f"{client.url}/health", headers=client.headers, timeout=9)
        expect(health.json()["status"] == "healthy", health.text)
        body = {"model": "fbrs", "image": "x", "params": {"marks": [
            {"type": "rectangle", "data": [1, 2, 3, 4], "label": 1}]}}
        answer = requests.post(f"{client.url}/v1/predict", json=body, headers=client.headers, timeout=9)
        expect(answer.status_code == 422 and "rectangle" in answer.text, answer.text)
    return "IoU by corners: " + ", ".join(figures)


CHECKS = {"a7-xanylabeling": remote}
