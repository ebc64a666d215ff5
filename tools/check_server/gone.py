"""Clients that go away in a click, and servers that are asked to end in one."""

import json
import signal
import subprocess
import time

from client import Client, Meanwhile, as_json, same
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
    # One arena alone, so that what the allocator keeps for later does not look like a leak.
    with program.serve(MALLOC_ARENA_MAX="1") as server:
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
        fifth = times // 5
        grown = max(sizes[-fifth:]) - max(sizes[:2 * fifth])
        expect(max(waits) < 2, f"free after {max(waits):.2f} s")
        expect(grown < 40, f"memory grows by {grown:.0f} MiB")
        leaving_the_queue(server, client)
    waits.sort()
    return (f"{times} hung up: free after {waits[len(waits) // 2] * 1e3:.0f} ms, at most "
            f"{waits[-1] * 1e3:.0f} ms; memory {sizes[0]:.0f} MiB after one, {sizes[2 * fifth]:.0f} after "
            f"{2 * fifth}, {sizes[-1]:.0f} after {times}")


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


def in_click(server, options, click=ENDLESS):
    """A session in which a click runs."""
    client = Client(server.url)
    session = client.session(PHOTO, options)
    client.clicks(session, CLICKS[:1])
    clicking = Meanwhile(server.url, session, click)
    until("a click runs", lambda: client.metric("fbrs_running") == 1, pause=0.002)
    return client, session, clicking


def ending(program):
    """SIGTERM in a click: it is answered, the server ends with 0 and takes nothing new."""
    figures = []
    for wait in [0.02, 0.3]:
        server = program.serve("--drain", "20")
        some_seconds = {"refine": SLOW["refine"] | {"max_evaluations": 10}}
        client, session, clicking = in_click(server, some_seconds)
        time.sleep(wait)
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        until("it is not ready any more",
              lambda c=client: c.ask("GET", "/readyz").status_code == 503, 1, 0.01)
        new = client.ask("POST", f"/v1/sessions/{session}/clicks",
                         json=as_json(CLICKS[1:2])[0]).status_code
        expect(new == 503, f"a click while it ends: {new}")
        clicking.join(30)
        code = server.process.wait(30)
        figures.append(f"{time.monotonic() - began:.1f} s")
        answer = clicking.answer
        expect(answer is not None and answer.status_code == 200, f"it is not answered: {answer}")
        expect(answer.json()["clicks"] == 2 and code == 0, f"exit code {code}, {answer.text}")
    # A click that takes longer than there is time.
    server = program.serve("--drain", "1")
    in_click(server, SLOW)
    began = time.monotonic()
    server.signal(signal.SIGTERM)
    code = server.process.wait(15)
    late = time.monotonic() - began
    expect(code == 0 and late < 8, f"exit code {code} after {late:.1f} s")
    # A second signal ends it at once.
    server = program.serve("--drain", "20")
    in_click(server, SLOW)
    began = time.monotonic()
    server.signal(signal.SIGTERM)
    time.sleep(0.3)
    server.signal(signal.SIGINT)
    code = server.process.wait(20)
    at_once = time.monotonic() - began
    expect(code != 0 and at_once < 2, f"a second signal: exit code {code} after {at_once:.1f} s")
    return (f"ended after {', '.join(figures)}; a click that is too long after {late:.1f} s; by a second "
            f"signal with exit code {code} after {at_once:.1f} s")


CHECKS = {"a8-hang-up": hang_up, "a12-term": ending}
