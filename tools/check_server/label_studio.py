"""Label Studio: its ML backend's requests, with pictures that a stand-in serves."""

import base64
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import requests
from label_studio_sdk.converter import brush

from client import Client, drawn, overlap, same
from photos import CLICKS, PHOTO
from server import expect

CONFIG = """<View><Image name="image" value="$image" zoom="true"/>
<{control} name="tag" toName="image"><Label value="vase" background="#f00"/></{control}>
<KeyPointLabels name="kp" toName="image" smart="true"><Label value="vase" smart="true"/>
</KeyPointLabels></View>"""
BRUSH = CONFIG.format(control="BrushLabels")
POLYGON = CONFIG.format(control="PolygonLabels")
KEY = "0123456789abcdef0123456789abcdef01234567"
PERSONAL = "eyJhbGciOiJIUzI1NiJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCJ9.c2lnbmF0dXJl"


class Studio:
    """Serves the photo to those who have the key, and leads elsewhere where it is told to."""

    def __init__(self, accepts):
        self.accepts, self.asked, self.leads = accepts, [], {}
        studio = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                studio.asked.append((self.path, self.headers.get("authorization")))
                if self.path in studio.leads:
                    self.answer(302, b"", location=studio.leads[self.path])
                elif self.headers.get("authorization") not in studio.accepts:
                    self.answer(401, b"no")
                elif self.path.startswith("/data/upload/"):
                    self.answer(200, PHOTO.read_bytes())
                elif self.path == "/data/huge":
                    self.answer(200, bytes(40 << 20))
                elif self.path == "/data/text":
                    self.answer(200, b"<html>please log in</html>")
                else:
                    self.answer(404, b"not here")

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                studio.asked.append((self.path, None))
                good = self.path == "/api/token/refresh" and body == {"refresh": PERSONAL}
                self.answer(200 if good else 401, b'{"access": "short"}' if good else b"{}")

            def answer(self, status, body, **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    pass  # Nobody wants that much.

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()


class Elsewhere:
    """Another host, which nobody should connect to."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.2", 0))
        self.port, self.calls = self.socket.getsockname()[1], 0
        threading.Thread(target=self.count, daemon=True).start()

    def count(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.calls += 1
            connection.close()


def request(image, clicks, config=BRUSH, **context):
    """What Label Studio sends when somebody clicks; places in percent of a canvas."""
    marks = [{"id": f"kp{at}", "type": "keypointlabels", "from_name": "kp", "to_name": "image",
              "original_width": 640, "original_height": 428, "image_rotation": 0,
              "is_positive": positive,
              "value": {"x": 100 * (x + 0.5) / 640, "y": 100 * (y + 0.5) / 428, "width": 0.3,
                        "keypointlabels": ["vase"]}}
             for at, (x, y, positive) in enumerate(clicks)]
    return {"tasks": [{"id": 7, "data": {"image": image}}], "label_config": config,
            "project": "1.1700000000", "model_version": "",
            "params": {"login": None, "password": None, "context": {"result": marks} | context}}


def brushed(answer, shape):
    """The mask of a prediction as Label Studio's own tools decode it."""
    answer.raise_for_status()
    results = answer.json()["results"]
    expect(len(results) == 1, f"{len(results)} results")
    region = results[0]["result"][0]
    expect((region["type"], region["from_name"], region["to_name"]) == ("brushlabels", "tag", "image"),
           f"{ {name: region[name] for name in ('type', 'from_name', 'to_name')} }")
    expect((region["original_width"], region["original_height"]) == shape[::-1], "another size")
    expect(region["value"]["format"] == "rle" and region["value"]["brushlabels"] == ["vase"],
           f"{region['value'].keys()}")
    decoded = np.reshape(brush.decode_rle(region["value"]["rle"]), (*shape, 4))
    expect((decoded == decoded[:, :, :1]).all(), "channels differ")
    expect(0 < region["score"] <= 1, f"score {region['score']}")
    return decoded[:, :, 3]


def studio(program):
    """The mask of a request, and what of pictures is fetched, with which key, from where."""
    expected = program.segment(PHOTO, CLICKS)
    key = program.folder("key") / "key"
    key.write_text(f"{KEY}\n")
    with Studio({f"Token {KEY}"}) as here, program.serve(
            "--label-studio-url", here.url + "/", "--label-studio-key-file", key) as server:
        url = f"{server.url}/label-studio"

        def predict(*arguments, **more):
            return requests.post(f"{url}/predict", json=request(*arguments, **more), timeout=100)

        health = requests.get(f"{url}/health", timeout=1)
        expect(health.json()["status"] == "UP", health.text)
        setup = requests.post(f"{url}/setup", timeout=3, json={
            "project": "1.17", "schema": BRUSH, "hostname": here.url, "access_token": KEY})
        expect(setup.json()["model_version"], setup.text)
        for count in range(1, len(CLICKS) + 1):
            answer = predict("/data/upload/1/photo.jpg", CLICKS[:count])
        same(brushed(answer, expected.shape), expected, "the brush stroke")
        fetched = [path for path, _ in here.asked]
        expect(fetched == ["/data/upload/1/photo.jpg"], f"fetched {fetched}")
        answer = predict(f"{here.url}/data/upload/2/photo.jpg?d=1", CLICKS)
        same(brushed(answer, expected.shape), expected, "by its whole address")
        in_text = "data:image/jpeg;base64," + base64.b64encode(PHOTO.read_bytes()).decode()
        same(brushed(predict(in_text, CLICKS), expected.shape), expected, "in the task itself")
        answer = predict("/data/upload/1/photo.jpg", CLICKS, config=POLYGON)
        parts = answer.json()["results"][0]["result"]
        expect(all(part["type"] == "polygonlabels" and part["from_name"] == "tag" for part in parts),
               f"{parts}")
        points = [np.array(part["value"]["points"]) * expected.shape[::-1] / 100 for part in parts]
        outline = overlap(drawn(points, expected.shape), expected)
        expect(outline > 0.98, f"polygons cover {outline:.3f}")
        empty = predict("/data/upload/1/photo.jpg", []).json()
        expect(empty == {"results": []}, f"{empty}")
        bare = requests.post(f"{url}/predict", timeout=9, json={
            "tasks": [{"id": 1, "data": {}}], "label_config": BRUSH, "params": {"context": None}})
        expect(bare.json() == {"results": []}, bare.text)
        leads_elsewhere(here, predict, server)
    exchanged = exchange(program, expected)
    return f"polygons cover {outline:.4f}; foreign addresses refused, none connected to; {exchanged}"


def leads_elsewhere(here, predict, server):
    """Nothing is fetched from another host, whoever says so."""
    other = Elsewhere()
    there = f"127.0.0.2:{other.port}"
    mine = here.url.removeprefix("http://")
    here.leads = {
        "/data/near": "/data/upload/3/photo.jpg",
        "/data/whole": f"{here.url}/data/upload/4/photo.jpg",
        "/data/away": f"http://{there}/photo.jpg",
        "/data/slashes": f"//{there}/photo.jpg",
        "/data/user": f"http://{mine}@{there}/photo.jpg",
        "/data/twice": "/data/away",
        "/data/circle": "/data/circle",
        "/data/file": "file:///etc/passwd",
        "/data/nowhere": "",
    }
    for good in ["/data/near", "/data/whole"]:
        answer = predict(good, CLICKS[:1])
        expect(answer.status_code == 200, f"{good}: {answer.text[:200]}")
    addresses = [f"http://{there}/photo.jpg", f"//{there}/photo.jpg", f"https://{mine}/photo.jpg",
                 f"http://{mine}@{there}/photo.jpg", f"http://{mine}#@{there}/a.jpg",
                 f"http://{mine}\\@{there}/a.jpg", f"http://{mine}.{there}/a.jpg",
                 f"http://127.1:{other.port}/a.jpg", f"ftp://{there}/a.jpg", "file:///etc/passwd",
                 "/etc/passwd", "photo.jpg", "", " ", f"\thttp://{there}/", f"http:{there}/a.jpg",
                 f"http:///{there}/a.jpg", "/data/upload\r\nx-a: b", "/data/%00", "/data/пёс",
                 "gopher://a", "data:", "data:image/png;base64,AAAA", "/data/huge", "/data/text",
                 "/data/gone", f"http://[::ffff:127.0.0.2]:{other.port}/a.jpg", *here.leads]
    for address in addresses:
        if address in ("/data/near", "/data/whole"):
            continue
        answer = predict(address, CLICKS[:1])
        wanted = 413 if address == "/data/huge" else 422
        expect(answer.status_code == wanted, f"{address}: {answer.status_code} {answer.text[:300]}")
        detail = answer.json()["detail"]
        expect(KEY not in detail, f"{address}: the key is told: {detail}")
        if address.startswith("http:"):
            expect("cannot fetch" in detail, f"{address}: {detail}")
    keys = {sent for _, sent in here.asked}
    expect(keys == {f"Token {KEY}"}, f"keys sent: {keys}")
    expect(other.calls == 0, f"{other.calls} connections to another host")
    other.socket.close()
    expect(KEY not in server.log.read_text(), "the key is in the log")
    for what, config in {"none": "", "broken": "<View", "no control": "<View><Image name='image' "
                         "value='$image'/></View>", "another name": BRUSH.replace("image", "photo"),
                         "an entity": "<!DOCTYPE a [<!ENTITY b 'c'>]><View>&b;</View>",
                         "a file": "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>"
                                   "<View><Image name='image' value='&b;'/></View>",
                         "deep": "<View>" * 100_000, "text": "no xml at all",
                         "repeated": BRUSH.replace('name="tag"', 'name="tag" name="tag"')}.items():
        answer = predict("/data/upload/1/photo.jpg", CLICKS[:1], config=config)
        expect(answer.status_code == 422, f"a configuration, {what}: {answer.status_code} "
               f"{answer.text[:200]}")


def exchange(program, expected):
    """A personal token is exchanged for a short one, which then lets in."""
    with Studio({"Bearer short"}) as here, \
            program.serve("--label-studio-url", here.url, LABEL_STUDIO_API_KEY=PERSONAL) as server:
        url = f"{server.url}/label-studio/predict"
        answer = requests.post(url, json=request("/data/upload/1.jpg", CLICKS), timeout=100)
        same(brushed(answer, expected.shape), expected, "with a personal token")
        expect(here.asked == [("/api/token/refresh", None), ("/data/upload/1.jpg", "Bearer short")],
               f"{here.asked}")
        here.accepts = {}
        answer = requests.post(url, json=request("/data/upload/2.jpg", CLICKS), timeout=100)
        expect(answer.status_code == 422 and "--label-studio-key-file" in answer.text, answer.text)
    with program.serve() as server:
        answer = requests.post(f"{server.url}/label-studio/predict",
                               json=request("/data/upload/1.jpg", CLICKS), timeout=100)
        expect(answer.status_code == 422 and "--label-studio-url" in answer.text, answer.text)
        url = Client(server.url)
        bad = request("/data/a.jpg", CLICKS[:1])
        bad["params"]["context"]["result"][0]["value"] = {"x": "left"}
        url.refused(422, "POST", "/label-studio/predict", json=bad)
    return "a personal token exchanged"


CHECKS = {"a6-label-studio": studio}
