"""What the checks share: servers that are started, asked and stopped, and the program's masks."""

import http.client
import io
import json
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import PIL.Image

ROOT = Path(__file__).resolve().parents[3]
PHOTO = ROOT / "tests/golden/photos/000000000030.jpg"
TOKEN = "a token that is no secret"

# The README's six clicks: x, y, on the object.
CLICKS = [
    (320, 240, True),
    (330, 120, True),
    (425, 120, True),
    (325, 335, True),
    (225, 345, False),
    (440, 335, False),
]

# Two clicks that contradict each other: the search for the second one's answer takes seconds, and
# something can happen meanwhile.
SLOW = {"refine": {"mode": "RGB-BRS", "max_evaluations": 5, "min_iou_diff": 0.0}}
SLOW_ARGUMENTS = ("--mode", "RGB-BRS", "--max-evaluations", "5", "--min-iou-diff", "0")
AGAINST = [(320, 240, True), (322, 240, False)]


def ok(what):
    print(f"ok   {what}", flush=True)


def expect(holds, what):
    if not holds:
        raise SystemExit(f"FAIL {what}")


def healthy(process, port):
    """Waits until a server that was started answers."""
    for _ in range(300):
        expect(process.poll() is None, f"a server goes on: it ended with {process.poll()}")
        try:
            return Client(port, token=None).get("GET", "/healthz")
        except ConnectionRefusedError:
            time.sleep(0.1)
    expect(False, f"a server answers at port {port}")


def click_json(click, **more):
    x, y, positive = click
    return {"x": x, "y": y, "positive": positive, **more}


class Server:
    """`fbrs serve` on a free port."""

    def __init__(self, fbrs, *options):
        command = [fbrs, "serve", "--listen", "127.0.0.1:0", "--device", "cpu", *options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.log, self.ports, listens = [], {}, threading.Event()

        def read():
            for line in self.process.stderr:
                self.log.append(line)
                if found := re.search(r"listens? ?\w* on http://127\.0\.0\.1:(\d+)", line):
                    self.ports["cvat" if "CVAT" in line else "own"] = int(found[1])
                if "own" in self.ports and ("cvat" in self.ports or "--cvat-listen" not in command):
                    listens.set()

        threading.Thread(target=read, daemon=True).start()
        expect(listens.wait(60), f"the server listens: {''.join(self.log)}")
        self.port = self.ports["own"]

    def stop(self):
        """Asks it to end; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(90)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Client:
    """Asks at a port of this machine, under any name, with or without TLS."""

    def __init__(self, port, host="127.0.0.1", certificate=None, token=TOKEN):
        self.port, self.host = port, host
        self.tls = certificate and ssl.create_default_context(cafile=certificate)
        self.token = token
        self.sent = []

    def send(self, method, path, body=None, headers=None, host=None):
        """The answer, not yet read."""
        kind = http.client.HTTPSConnection if self.tls else http.client.HTTPConnection
        options = {"context": self.tls} if self.tls else {}
        connection = kind(self.host, self.port, timeout=90, **options)
        connection._create_connection = lambda address, *rest: socket.create_connection(
            ("127.0.0.1", self.port), *rest
        )
        self.sent.append(path)
        headers = dict(headers or {})
        if self.token:
            headers.setdefault("authorization", f"Bearer {self.token}")
        if host:
            headers["host"] = host
        if isinstance(body, dict):
            body, headers["content-type"] = json.dumps(body), "application/json"
        connection.request(method, path, body, headers)
        return connection.getresponse()

    def ask(self, method, path, body=None, **more):
        """The answer's status and body, JSON taken apart."""
        answer = self.send(method, path, body, **more)
        body = answer.read()
        kind = answer.headers.get("content-type", "")
        return answer.status, json.loads(body) if "json" in kind else body

    def get(self, *arguments, status=200, **more):
        """The body of an answer with this status."""
        got, body = self.ask(*arguments, **more)
        expect(got == status, f"{arguments[:2]}: {status}, not {got} {body!r:.300}")
        return body

    def session(self, photo, **options):
        image = self.get("POST", "/v1/images", photo, status=201)["image"]
        body = {"image": image, "options": options}
        return self.get("POST", "/v1/sessions", body, status=201)["session"]


def events(answer):
    """The events of an answer, as they arrive."""
    name = None
    while line := answer.readline().decode().strip("\n"):
        if line.startswith("event:"):
            name = line.split(":", 1)[1].strip()
        elif line.startswith("data:"):
            yield name, json.loads(line.split(":", 1)[1])
            # The line that ends an event.
            answer.readline()


def begin_slow_click(client, session):
    """The answer to a click, not read further than to its first evaluation."""
    path = f"/v1/sessions/{session}/clicks?format=none"
    body = click_json(AGAINST[1], expected_clicks=1)
    answer = client.send("POST", path, body, headers={"accept": "text/event-stream"})
    for name, _ in events(answer):
        if name == "evaluation":
            return answer
    expect(False, "an evaluation is told")


def pixels(png):
    return np.asarray(PIL.Image.open(io.BytesIO(png)))


def by_program(fbrs, folder, clicks, *arguments, photo=PHOTO):
    """The mask as `fbrs segment` has it."""
    places = [
        part for x, y, positive in clicks for part in ("--pos" if positive else "--neg", f"{x},{y}")
    ]
    path = Path(folder) / f"{time.monotonic_ns()}.png"
    command = [fbrs, "segment", photo, *places, "-o", path, "--device", "cpu", *arguments]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return pixels(path.read_bytes())
