"""Clients that go away, and servers that end."""

import json
import shutil
import signal
import subprocess
import threading
import time

import requests

from client import Client, as_json, same
from photos import CLICKS, PHOTO
from server import expect, until

# A click that takes longer than any request may: background right beside the object, and nothing but
# the number of evaluations ends the search.
SLOW = {"refine": {"mode": "RGB-BRS", "max_evaluations": 100_000, "min_iou_diff": 0}}
ENDLESS = (322.0, 240.0, False)


def idle(client):
    return client.metric("fbrs_running") + client.metric("fbrs_queue") == 0


def hang_up(program, times=100):
    """curl hangs up in a click, a hundred times: the worker is free at once, nothing changes."""
    with program.serve() as server:
        client = Client(server.url)
        session = client.session(PHOTO, SLOW)
        client.clicks(session, CLICKS[:1])
        before, state = client.mask(session), client.state(session)
        body = json.dumps(as_json([ENDLESS])[0])
        url = f"{server.url}/v1/sessions/{session}/clicks"
        waits, sizes = [], []
        for at in range(times):
            # Every third one reads events.
            events = ["-N", "-H", "accept: text/event-stream"] if at % 3 == 0 else []
            done = subprocess.run(["curl", "-sS", "--max-time", "0.5", "-d", body, *events, "-H",
                                   "content-type: application/json", url], capture_output=True,
                                  check=False)
            expect(done.returncode == 28, f"a slow click is answered: {done.stdout[:200]}")
            began = time.monotonic()
            until("the worker is free", lambda: idle(client), 20, 0.005)
            waits.append(time.monotonic() - began)
            sizes.append(server.memory()[0] / 2**20)
        same(client.mask(session), before, "the mask afterwards")
        now = client.state(session)
        expect({**now, "memory": 0} == {**state, "memory": 0}, f"{now}, not {state}")
        cancelled = client.metric("fbrs_cancellations_total")
        expect(cancelled == times, f"{cancelled} clicks are counted as called off")
        # The allocator's arenas fill up at first.
        fifth = times // 5
        grown = max(sizes[-fifth:]) - max(sizes[-2 * fifth:-fifth])
        expect(max(waits) < 2, f"free after {max(waits):.2f} s")
        expect(grown < 20, f"memory grows by {grown:.0f} MiB")
        leaving_the_queue(server, client)
    waits.sort()
    return (f"{times} hung up: free after {waits[len(waits) // 2] * 1e3:.0f} ms, at most "
            f"{waits[-1] * 1e3:.0f} ms; memory {sizes[0]:.0f} MiB after one, {sizes[-fifth]:.0f} after "
            f"{times - fifth}, {sizes[-1]:.0f} after {times}")


def leaving_the_queue(server, client):
    """Clients that wait in the queue and go away leave it."""
    slow = client.session(PHOTO, SLOW)
    client.clicks(slow, CLICKS[:1])
    running = subprocess.Popen(["curl", "-sS", "--max-time", "8", "-o", "/dev/null", "-d",
                                json.dumps(as_json([ENDLESS])[0]), "-H",
                                "content-type: application/json",
                                f"{server.url}/v1/sessions/{slow}/clicks"], stderr=subprocess.PIPE)
    until("a click runs", lambda: client.metric("fbrs_running") == 1)
    others = [client.session(client.state(slow)["image"]) for _ in range(5)]
    waiting = [subprocess.Popen(["curl", "-sS", "--max-time", "2", "-o", "/dev/null", "-d",
                                 json.dumps(as_json(CLICKS[:1])[0]), "-H",
                                 "content-type: application/json",
                                 f"{server.url}/v1/sessions/{other}/clicks"], stderr=subprocess.PIPE)
               for other in others]
    until("five wait", lambda: client.metric("fbrs_queue") == 5, 2)
    for process in waiting:
        process.wait()
    until("the queue is empty", lambda: client.metric("fbrs_queue") == 0, 2)
    running.terminate()
    running.wait()
    until("nothing runs", lambda: idle(client), 2)
    for other in others:
        expect(not client.state(other)["clicks"], "a click of somebody who left is held")


def ending(program):
    """SIGTERM in a click: it is answered, the server ends with 0 and takes nothing new."""
    figures = []
    for wait in [0.02, 0.3]:
        server = program.serve("--drain", "20")
        client = Client(server.url)
        session = client.session(PHOTO, {"refine": {
            "mode": "RGB-BRS", "max_evaluations": 10, "min_iou_diff": 0}})
        client.clicks(session, CLICKS[:1])
        answers = []

        def click(url=server.url, session=session, answers=answers):
            try:
                answers.append(Client(url).click(session, *ENDLESS))
            except Exception as fault:  # Told below.
                answers.append(fault)

        thread = threading.Thread(target=click)
        thread.start()
        until("a click runs", lambda c=client: c.metric("fbrs_running") == 1, pause=0.002)
        time.sleep(wait)
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        time.sleep(0.05)
        if server.process.poll() is None and thread.is_alive():
            ready = client.ask("GET", "/readyz").status_code
            new = client.ask("POST", f"/v1/sessions/{session}/clicks",
                             json=as_json(CLICKS[1:2])[0]).status_code
            expect((ready, new) in {(503, 503)}, f"while it ends: readyz {ready}, a click {new}")
        thread.join(30)
        code = server.process.wait(30)
        figures.append(f"{time.monotonic() - began:.1f} s")
        expect(isinstance(answers[0], dict) and answers[0]["clicks"] == 2, f"answered: {answers[0]}")
        expect(code == 0, f"exit code {code}")
    # A click that takes longer than there is time.
    with program.serve("--drain", "1") as server:
        client = Client(server.url)
        session = client.session(PHOTO, SLOW)
        client.clicks(session, CLICKS[:1])
        thread = threading.Thread(target=lambda: client.ask(
            "POST", f"/v1/sessions/{session}/clicks", json=as_json([ENDLESS])[0]), daemon=True)
        threading.excepthook = lambda *_: None
        thread.start()
        other = Client(server.url)
        until("a click runs", lambda: other.metric("fbrs_running") == 1)
        began = time.monotonic()
        code = server.end(15)
        late = time.monotonic() - began
        expect(code == 0 and late < 8, f"exit code {code} after {late:.1f} s")
    return f"ended after {', '.join(figures)}; a click that is too long after {late:.1f} s"


def killed(program):
    """`kill -9` at any moment, and another start: sessions are as their last answer said."""
    expected = program.segment(PHOTO, CLICKS)
    store = program.folder("store")
    server = program.serve(store=store)
    client = Client(server.url)
    session = client.session(PHOTO)
    client.clicks(session, CLICKS)
    client.change(session, "undo")
    client.change(session, "redo")
    other = client.session(PHOTO)
    client.clicks(other, CLICKS[:2])
    client.change(other, "finish")
    client.clicks(other, [(100.0, 100.0, True), (120.0, 110.0, False)])
    client.change(other, "undo")
    labels, pending = client.call("GET", f"/v1/sessions/{other}/labels").content, client.mask(other)
    state = client.state(other)
    started = client.session(PHOTO)
    client.start_from(started, expected, format="none")
    client.clicks(started, [(225.0, 345.0, False)])
    from_mask = client.mask(started)
    server.kill()
    server.start()
    client = Client(server.url)
    began = time.monotonic()
    same(client.mask(session), expected, "after a kill")
    again = time.monotonic() - began
    same(client.mask(other), pending, "a second object after a kill")
    expect(client.call("GET", f"/v1/sessions/{other}/labels").content == labels, "labels differ")
    now = client.state(other)
    expect({**now, "memory": 0} == {**state, "memory": 0}, f"{now}, not {state}")
    client.change(other, "redo")
    expect(len(client.state(other)["clicks"]) == 2, "what was taken back cannot be done again")
    same(client.mask(started), from_mask, "begun from a mask, after a kill")
    # Killed while clicks come: what was answered is there, and at most one more.
    lost, rounds = [], 8
    for at in range(rounds):
        session, answered = client.session(PHOTO), []

        def work(url=server.url, session=session, answered=answered):
            mine = Client(url)
            try:
                for x in range(60, 600, 20):
                    answered.append(mine.click(session, x, 60 + x // 2, x % 40 == 20)["clicks"])
            except requests.RequestException:
                pass  # It was killed.

        thread = threading.Thread(target=work)
        thread.start()
        until("some clicks", lambda answered=answered, at=at: len(answered) > at, 60, 0.002)
        time.sleep(0.013 * at)
        server.kill()
        thread.join()
        server.start()
        client = Client(server.url)
        held = len(client.state(session)["clicks"])
        expect(answered[-1] <= held <= answered[-1] + 1, f"{answered[-1]} answered, {held} held")
        lost.append(held - answered[-1])
        clicks = [(click["x"], click["y"], click["positive"])
                  for click in client.state(session)["clicks"]]
        same(client.mask(session), program.segment(PHOTO, clicks), "after a kill in a click")
    drafts = [path.name for path in store.rglob("*") if path.is_file()
              and path.suffix not in {".json", ".lock", ""}]
    expect(not drafts, f"left behind: {drafts}")
    damaged(client, server, store)
    server.end()
    return (f"made again in {again:.2f} s; {rounds} kills in clicks: no answered click lost, "
            f"{sum(lost)} kept that nobody saw answered")


def damaged(client, server, store):
    """Files of a store that something happened to are told, others are as they were."""
    session = client.session(PHOTO)
    client.clicks(session, CLICKS[:1])
    fine = client.session(PHOTO)
    server.kill()
    shutil.copy(store / "sessions" / f"{session}.json", server.folder / "log.json")
    (store / "sessions" / f"{session}.json").write_text('{"image": ')
    server.start()
    client.url = server.url
    for path in [f"/v1/sessions/{session}", f"/v1/sessions/{session}/mask"]:
        client.refused(410, "GET", path)
    client.click(fine, *CLICKS[0])


CHECKS = {"a8-hang-up": hang_up, "a12-term": ending, "a12-kill": killed}
