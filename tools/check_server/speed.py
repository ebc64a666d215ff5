"""Clicks a second, and what the server adds to the library's own time."""

import http.client
import json
import subprocess
import threading
import time

from client import Client, as_json
from load import percentile, share_of_others
from photos import CLICKS, PHOTO
from server import environment, expect

MODES = ["NoBRS", "f-BRS-B"]
TEN = [*CLICKS, (300.0, 200.0, True), (350.0, 300.0, True), (250.0, 250.0, True), (500.0, 100.0, False)]


def library(program, mode):
    """Milliseconds of each click where the library is called directly."""
    clicks = program.work / "ten.json"
    clicks.write_text(json.dumps(as_json(TEN)))
    done = subprocess.run([program.fbrs, "segment", PHOTO, "--clicks", clicks, "--json", "-q",
                           "--device", "cpu", "--mode", mode], capture_output=True, check=True,
                          env=environment())
    return [1e3 * click["seconds"] for click in json.loads(done.stdout)["clicks"]]


def in_session(server, name, form):
    """Milliseconds of each click for a client that does little, and in the library."""
    client = Client(server.url)
    session = client.session(name)
    lean = http.client.HTTPConnection("127.0.0.1", server.port)
    path = f"/v1/sessions/{session}/clicks?format={form}"
    waited, inside = [], []
    for click in as_json(TEN):
        body = json.dumps(click)
        began = time.perf_counter()
        lean.request("POST", path, body, {"content-type": "application/json"})
        answer = lean.getresponse()
        said = answer.read()
        waited.append(1e3 * (time.perf_counter() - began))
        expect(answer.status == 200, said[:200])
        inside.append(json.loads(said)["ms"])
    lean.close()
    client.delete(session)
    return waited, inside


def least(known, times):
    """The least of each click, of all rounds until now."""
    return [min(pair) for pair in zip(known, times, strict=True)] if known else times


def compared(program, server, name, mode):
    """Milliseconds of ten clicks, each the best of some rounds: by the library, in the server, outside of
    clicks for a client that wants no mask and for one that wants a PNG. More rounds where others use the
    machine."""
    alone, inside, outside = [], [], {"none": [], "png": []}
    for at in range(40):
        alone = least(alone, library(program, mode))
        for form, known in outside.items():
            waited, within = in_session(server, name, form)
            inside = least(inside, within)
            beside = [all_in - inner for all_in, inner in zip(waited, within, strict=True)]
            outside[form] = least(known, beside)
        found = [sum(times) for times in (alone, inside, outside["none"], outside["png"])]
        if at >= 7 and found[2] <= 0.05 * found[1] and found[1] <= 1.05 * found[0]:
            break
    return found


def crowd(server, name, count, rounds):
    """Clicks a second of some clients at once, times of each, share of the time outside the library."""
    waited, inside = [], []

    def work():
        for _ in range(rounds):
            mine = in_session(server, name, "png")
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


def speed(program):
    """1, 8 and 64 clients, NoBRS and f-BRS-B: clicks a second; the server adds 5 % at most."""
    figures, wrong = [f"others use {share_of_others(3):.0%} of the machine"], []
    for mode in MODES:
        with program.serve("--mode", mode, "--queue", "100") as server:
            name = Client(server.url).upload(PHOTO)
            in_session(server, name, "png")
            alone, inside, bare, with_png = compared(program, server, name, mode)
            figures.append(
                f"{mode}: 10 clicks {alone:.0f} ms by the library, {inside:.0f} in the server, for a "
                f"client {bare:.1f} more ({bare / inside:+.1%}), with a PNG {with_png:.1f} "
                f"({with_png / inside:+.1%})")
            if bare > 0.05 * inside:
                wrong.append(f"{mode}: the server adds {bare / inside:.1%}")
            if inside > 1.05 * alone:
                wrong.append(f"{mode}: clicks take {inside / alone - 1:.1%} longer in the server")
            for count, rounds in [(1, 4), (8, 2), (64, 1)]:
                rate, times, outside = crowd(server, name, count, rounds)
                figures.append(f"{count} clients {rate:.1f}/s, p50 {percentile(times, 0.5):.0f}, p99 "
                               f"{percentile(times, 0.99):.0f} ms, outside {outside:+.1%}")
    line = "; ".join(figures)
    expect(not wrong, f"{', '.join(wrong)}: {line}")
    return line


CHECKS = {"speed": speed}
