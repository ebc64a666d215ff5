"""A server that is started, stopped and asked, and the program that its masks are held against."""

import io
import json
import re
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PHOTO = ROOT / "tests/golden/photos/000000000030.jpg"


class Failed(Exception):
    """A check that does not hold."""


def expect(holds, what):
    if not holds:
        raise Failed(what)


class Server:
    """`fbrs serve` on a free port of its own, or on the one that it had before."""

    def __init__(self, fbrs, *options, token=None):
        self.fbrs, self.options, self.token = fbrs, options, token
        self.port, self.process = 0, None
        self.start()

    def start(self):
        command = [self.fbrs, "serve", "--listen", f"127.0.0.1:{self.port}", *self.options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.log, listens = [], threading.Event()

        def read(stream):
            for line in stream:
                self.log.append(line)
                found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", line)
                if found:
                    self.port = int(found[1])
                    listens.set()

        threading.Thread(target=read, args=[self.process.stderr], daemon=True).start()
        expect(listens.wait(60), f"the server does not say where it listens: {''.join(self.log)}")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def freeze(self, frozen):
        self.process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def close(self):
        if self.process.poll() is None:
            self.freeze(False)
            self.process.terminate()
            self.process.wait(30)

    def ask(self, path, method="GET"):
        """What it answers, as bytes, and the headers."""
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        request = urllib.request.Request(self.url + path, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            raise Failed(f"{method} {path}: {error.code} {error.read().decode()}") from error

    def state(self, session):
        return json.loads(self.ask(f"/v1/sessions/{session}")[0])

    def clicks(self, session):
        """The object's clicks, as `(x, y, positive)`."""
        found = self.state(session)["clicks"]
        return [(click["x"], click["y"], click["positive"]) for click in found]


def segment(fbrs, photo, clicks, work, *options):
    """The mask that `fbrs segment` gives."""
    out = work / "segment.png"
    told = []
    for x, y, positive in clicks:
        told += ["--pos" if positive else "--neg", f"{x:g},{y:g}"]
    command = [fbrs, "segment", photo, *told, "-o", out, *options]
    subprocess.run(command, check=True, capture_output=True)
    return pixels(out)


def pixels(picture):
    """A picture's values, from a file or from bytes."""
    with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture) as image:
        return np.asarray(image)
