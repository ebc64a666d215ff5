"""The program played by scripts in a window that nobody sees."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PHOTO = ROOT / "tests/golden/photos/000000000030.jpg"


class Failed(Exception):
    """A check that does not hold."""


def expect(holds, what):
    if not holds:
        raise Failed(what)


class Screen:
    """An X server without a screen."""

    def __init__(self, width=2600, height=1700):
        read, write = os.pipe()
        arguments = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{width}x{height}x24",
                     "-nolisten", "tcp", "-noreset"]
        self.process = subprocess.Popen(arguments, pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as number:
            self.display = ":" + number.readline().strip()

    def close(self):
        self.process.terminate()
        self.process.wait()


class Run:
    """What became of a run: exit code, standard error, what the script kept."""

    def __init__(self, code, error, log, began):
        self.code, self.error, self.log, self.began = code, error, log, began

    def mark(self, name):
        found = [entry for entry in self.log if entry.get("mark") == name]
        expect(found, f"the script did not reach {name}; {self.error.strip()}")
        return found[0]

    def since_start(self, entry):
        """Seconds from the start of the process until something was so."""
        return entry["time"] - entry.get("ago", 0) - self.began

    def waits(self, what):
        return [entry for entry in self.log if entry.get("until") == what]

    def watched(self, name):
        return next(entry for entry in self.log if entry.get("watched") == name)


class Program:
    """The program, with scratch folders of its own."""

    def __init__(self, fbrs, work, display):
        self.fbrs, self.work, self.display = fbrs, work, display
        self.count = 0

    def environment(self, home=None, **more):
        home = home or self.work / "home"
        environment = {**os.environ, "DISPLAY": self.display, "RUST_BACKTRACE": "1"}
        for name in ["DATA", "CONFIG", "CACHE"]:
            environment[f"XDG_{name}_HOME"] = str(home / name.lower())
        # Xlib and toolkits want a folder that is theirs alone.
        run = home / "run"
        run.mkdir(parents=True, exist_ok=True)
        run.chmod(0o700)
        environment["XDG_RUNTIME_DIR"] = str(run)
        environment.pop("WAYLAND_DISPLAY", None)
        return {**environment, **{name: str(value) for name, value in more.items()}}

    def play(self, paths, script, name, *, settings=None, device="cpu", options=(), prefix=(),
             environment=None, limit=600, kill_after=None, while_running=None, fails=False):
        """Plays a script; `name` is the folder of its pictures and its log."""
        out = self.work / "out" / name
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        if prefix:
            out.chmod(0o777)
        text = out / "script.txt"
        text.write_text(script)
        if settings is None:
            settings = {"hints_done": True, "theme": "dark"}
        chosen = out / "settings.json"
        chosen.write_text(json.dumps(settings))
        arguments = [*prefix, str(self.fbrs), "annotate", *map(str, paths), "--device", device,
                     "--settings", str(chosen), "--script", str(text), "--screenshots", str(out),
                     *options]
        began = time.time()
        process = subprocess.Popen(arguments, env=environment or self.environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   start_new_session=True)
        helper = None
        if while_running:
            helper = threading.Thread(target=while_running, args=(out / "log.jsonl",), daemon=True)
            helper.start()
        was_killed = False
        try:
            _, error = process.communicate(timeout=kill_after or limit)
        except subprocess.TimeoutExpired:
            was_killed = True
            os.killpg(process.pid, signal.SIGKILL)
            _, error = process.communicate()
        error = error.decode(errors="replace")
        run = Run(process.returncode, error, read_log(out / "log.jsonl"), began)
        expect(kill_after or not was_killed, f"{name}: not done after {limit} s\n{error}")
        expect("panicked" not in error, f"{name}: a panic\n{error}")
        if not fails and not was_killed:
            expect(process.returncode in (0, -signal.SIGABRT), f"{name}: {error.strip()}")
        return run

    def run(self, *arguments, codes=(0,), environment=None):
        done = subprocess.run([str(self.fbrs), *map(str, arguments)], capture_output=True,
                              env=environment or self.environment(), check=False)
        expect(done.returncode in codes,
               f"fbrs {arguments[0]}: exit code {done.returncode}\n{done.stderr.decode()}")
        return done.stdout.decode()


def read_log(path):
    if not path.exists():
        return []
    lines = path.read_text().split("\n")
    # Killed in the middle of the last line, perhaps.
    return [json.loads(line) for line in lines[:-1] if line]


def wait_for(log, mark, seconds=120):
    """Waits until a running script comes to a mark."""
    until = time.time() + seconds
    while time.time() < until:
        if any(entry.get("mark") == mark for entry in read_log(log)):
            return True
        time.sleep(0.02)
    return False
