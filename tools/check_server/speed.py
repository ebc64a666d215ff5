"""Clicks a second, and what the server adds to the library's own time."""

import json
import subprocess
import threading
import time

from client import Client, as_json
from load import percentile, quiet
from photos import CLICKS, PHOTO
from server import environment, expect

MODES = ["NoBRS", "f-BRS-B"]
TEN = [*CLICKS, (300.0, 200.0, True), (350.0, 300.0, True), (250.0, 250.0, True), (500.0, 100.0, False)]


def library(program, mode):
    """Milliseconds of each click where the library is called directly."""
    clicks = program.folder("clicks") / "clicks.json"
    clicks.write_text(json.dumps(as_json(TEN)))
    done = subprocess.run([program.fbrs, "segment", PHOTO, "--clicks", clicks, "--json", "-q", "--device",
                           "cpu", "--mode", mode], capture_output=True, check=True, env=environment())
    return [1e3 * click["seconds"] for click in json.loads(done.stdout)["clicks"]]


def session_of(server, name, rounds, form):
    """Milliseconds of each click for the client, and in the library as the server says."""
    client = Client(server.url)
    waited, inside = [], []
    for _ in range(rounds):
        session = client.session(name)
        for x, y, positive in TEN:
            began = time.perf_counter()
            result = client.click(session, x, y, positive, format=form)
            waited.append(1e3 * (time.perf_counter() - began))
            inside.append(result["ms"])
        client.delete(session)
    return waited, inside


def least(known, times):
    """The least of each click, of all rounds until now."""
    rounds = [times[at:at + len(TEN)] for at in range(0, len(times), len(TEN))]
    return [min(click) for click in zip(*rounds, *([known] if known else []), strict=True)]


def crowd_of(server, name, count, rounds):
    """Clicks a second of some clients at once, times of each, share of the time outside the library."""
    waited, inside = [], []

    def work():
        mine = session_of(server, name, rounds, "png")
        waited.extend(mine[0])
        inside.extend(mine[1])

    threads = [threading.Thread(target=work) for _ in range(count)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    expect(len(waited) == count * rounds * len(TEN), f"{len(waited)} clicks are answered")
    return len(waited) / took, waited, 1e3 * took / sum(inside) - 1


def compared(program, server, name, mode):
    """Milliseconds of ten clicks by the library, in the server, and for its client, each click the best
    of some rounds; more rounds where the machine was not quiet."""
    alone, inside, waited = [], [], []
    for _ in range(6):
        quiet(patience=20)
        for _ in range(3):
            alone = least(alone, library(program, mode))
        times = session_of(server, name, 5, "png")
        waited, inside = least(waited, times[0]), least(inside, times[1])
        sums = sum(alone), sum(inside), sum(waited)
        if sums[2] <= 1.05 * sums[1] and sums[1] <= 1.05 * sums[0]:
            break
    return sums


def speed(program):
    """1, 8 and 64 clients, NoBRS and f-BRS-B: clicks a second; the server adds 5 % at most."""
    figures, wrong = [], []
    for mode in MODES:
        with program.serve("--mode", mode, "--queue", "100") as server:
            name = Client(server.url).upload(PHOTO)
            session_of(server, name, 2, "png")
            alone, inside, waited = compared(program, server, name, mode)
            figures.append(f"{mode}: 10 clicks {alone:.0f} ms by the library, {inside:.0f} in the server, "
                           f"{waited:.0f} with HTTP and PNG ({waited / inside - 1:+.1%})")
            if waited > 1.05 * inside:
                wrong.append(f"{mode}: HTTP and PNG add {waited / inside - 1:.1%}")
            if inside > 1.05 * alone:
                wrong.append(f"{mode}: clicks take {inside / alone - 1:.1%} longer in the server")
            for count, rounds in [(1, 4), (8, 2), (64, 1)]:
                rate, times, outside = crowd_of(server, name, count, rounds)
                figures.append(f"{count} clients {rate:.1f}/s, p50 {percentile(times, 0.5):.0f}, p99 "
                               f"{percentile(times, 0.99):.0f} ms, outside the library {outside:+.1%}")
    line = "; ".join(figures)
    expect(not wrong, f"{', '.join(wrong)}: {line}")
    return line


CHECKS = {"speed": speed}
