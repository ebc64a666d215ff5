"""A server that is started, watched and ended, and the program that its masks are held against."""

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
# Variables that would change what a server does.
OWN = {"FBRS_TOKEN", "LABEL_STUDIO_API_KEY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"}


class Failed(Exception):
    """A check that does not hold."""


def expect(holds, what):
    if not holds:
        raise Failed(what)


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if name.upper() not in OWN}
    return {**kept, "RUST_BACKTRACE": "1", **more}


def until(what, holds, seconds=30, pause=0.05):
    """Waits until something holds and returns it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = holds()
        if found:
            return found
        time.sleep(pause)
    raise Failed(f"{what}: not within {seconds} s")


class Program:
    """The program, and a folder for what it writes."""

    def __init__(self, fbrs, work):
        self.fbrs, self.work = fbrs, work
        self.count, self.masks, self.servers = 0, {}, []

    def folder(self, name):
        self.count += 1
        folder = self.work / f"{self.count:03}-{name}"
        folder.mkdir(parents=True)
        return folder

    def serve(self, *options, **settings):
        return Server(self, *options, **settings)

    def inside(self, path):
        """The same program as it is found elsewhere, in a container."""
        other = Program(Path(path), self.folder("inside"))
        other.servers = self.servers
        return other

    def close(self):
        """Ends what a check left running."""
        for server in self.servers:
            server.kill()
        self.servers.clear()

    def segment(self, photo, clicks, *options):
        """The mask of clicks (x, y, positive) as `fbrs segment` finds it."""
        key = (photo, tuple(clicks), options)
        if key not in self.masks:
            folder = self.folder("segment")
            listed = folder / "clicks.json"
            listed.write_text(json.dumps([{"x": x, "y": y, "positive": p} for x, y, p in clicks]))
            mask = folder / "mask.png"
            done = subprocess.run([self.fbrs, "segment", photo, "--clicks", listed, "-o", mask, "-q",
                                   "--device", "cpu", *options], capture_output=True, check=False,
                                  env=environment(), text=True)
            expect(done.returncode == 0, f"fbrs segment: {done.stderr}")
            self.masks[key] = read(mask)
        return self.masks[key]


class Server:
    """`fbrs serve`, by default on a free port; used with `with`, it is ended at the end."""

    def __init__(self, program, *options, listen="127.0.0.1:0", prefix=(), ready=True, store=None,
                 **variables):
        self.program = program
        self.folder = program.folder("serve")
        self.log = self.folder / "log"
        self.command = [*map(str, prefix), str(program.fbrs), "serve", "--device", "cpu",
                        "--listen", listen, *(["--store", store] if store else []),
                        *map(str, options)]
        self.variables = variables
        program.servers.append(self)
        self.start(ready)

    def start(self, ready=True):
        before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stderr=log, stdout=log,
                                            env=environment(**self.variables))

        def listens():
            said = self.log.read_text(errors="replace")[before:]
            expect(self.process.poll() is None, f"the server does not start: {said.strip()}")
            if ready and '"message":"ready"' not in said:
                return None
            if "--cvat-listen" in self.command and "function listens" not in said:
                return None
            return re.search(r"listening on http://.*:(\d+)$", said, re.MULTILINE)

        said = until("the server says where it listens", listens, 120)
        self.port = int(said[1])
        cvat = re.search(r"function listens on http://.*:(\d+)", self.log.read_text())
        self.cvat_port = int(cvat[1]) if cvat else None
        return self

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def cvat(self):
        return f"http://127.0.0.1:{self.cvat_port}"

    def memory(self):
        """Bytes that it holds, and the most that it held."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        sizes = [re.search(rf"{name}:\s+(\d+) kB", status) for name in ("VmRSS", "VmHWM")]
        return tuple(int(size[1]) * 1024 for size in sizes)

    def forget_peak(self):
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self, seconds=30):
        """Asks it to end; its exit code."""
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"the server does not end within {seconds} s") from None

    def lines(self):
        """What it logged."""
        for line in self.log.read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                yield json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, kind, fault, trace):
        if kind is None:
            self.end()
        else:
            self.kill()
        said = self.log.read_text(errors="replace")
        if kind is None and "panicked" in said:
            raise Failed(f"a panic: {said[said.find('panicked') - 60:][:400]}")


def read(path):
    """A mask's file as an array."""
    with Image.open(path) as image:
        return np.asarray(image)
