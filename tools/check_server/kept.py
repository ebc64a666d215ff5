"""What outlives the process: sessions after kills, long ones, on full disks, with damaged files."""

import contextlib
import os
import shutil
import subprocess
import threading
import time

import requests

from client import Client, as_json, png, same
from photos import CLICKS, PHOTO, ring
from server import expect, until


def full_disk(program):
    """A store whose disk is full: clicks are refused, nothing is lost, and it goes on afterwards."""
    expect(os.geteuid() == 0, "only root mounts a small disk")
    store = program.folder("store")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", store], check=True)
    try:
        with program.serve(store=store) as server:
            client = Client(server.url)
            session = client.session(PHOTO)
            client.clicks(session, CLICKS[:2])
            before = client.mask(session)
            filler = store / "filler"
            with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(512))
            refused = client.ask("POST", f"/v1/sessions/{session}/clicks",
                                 json=as_json(CLICKS[2:3])[0])
            expect(refused.status_code in (500, 503, 507), f"a click on a full disk: "
                   f"{refused.status_code} {refused.text[:200]}")
            expect(str(store) not in refused.text, f"a path of the server is told: {refused.text}")
            answer = client.ask("POST", "/v1/images", data=png(ring(300, 300)))
            expect(answer.status_code in (500, 503, 507), f"a photo: {answer.status_code}")
            same(client.mask(session), before, "after a refused click")
            expect(len(client.state(session)["clicks"]) == 2, "a refused click is held")
            filler.unlink()
            client.clicks(session, CLICKS[2:])
            same(client.mask(session), program.segment(PHOTO, CLICKS), "after there was room again")
        names = [path.name for path in store.rglob("*") if path.suffix not in {".json", ".lock", ""}]
        expect(not names, f"left behind: {names}")
    finally:
        subprocess.run(["umount", "-l", store], check=True)
    return f"{refused.status_code} {refused.json()['detail']!r}"


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
    # A kill while a log is written leaves its draft, which the server removes after an hour.
    drafts = [path.name for path in store.rglob("*") if path.is_file()
              and path.suffix not in {".json", ".lock", ""}]
    expect(len(drafts) <= len(lost), f"left behind: {drafts}")
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


def long_log(program):
    """A session whose clicks take longer together than a request may is made again all the same."""
    slow = {"refine": {"mode": "RGB-BRS", "max_evaluations": 3, "min_iou_diff": 0}}
    server = program.serve("--request-timeout", "3s", store=program.folder("store"))
    client = Client(server.url)
    session = client.session(PHOTO, slow)
    client.clicks(session, CLICKS[:1])
    took, count = 0.0, 1
    while took < 8:
        result = client.click(session, 315.0 + 2 * count, 240.0, count % 2 == 0)
        took, count = took + result["ms"] / 1e3, count + 1
    mask = client.mask(session)
    server.kill()
    server.start()
    client = Client(server.url)
    began, statuses = time.monotonic(), []

    def again():
        answer = client.ask("GET", f"/v1/sessions/{session}/mask")
        statuses.append(answer.status_code)
        expect(answer.status_code in (200, 503, 504), f"{answer.status_code} {answer.text[:200]}")
        return answer.status_code == 200

    until("the session is there again", again, 60)
    waited = time.monotonic() - began
    same(client.mask(session), mask, "a long session after a kill")
    server.end()
    return (f"{count} clicks of {took:.1f} s altogether, 3 s a request: there again after {waited:.1f} s "
            f"and {len(statuses)} requests")


CHECKS = {"a12-kill": killed, "a12-long": long_log, "a12-full-disk": full_disk}
