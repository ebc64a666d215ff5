"""Several servers with one store, behind nginx."""

import contextlib
import socket
import subprocess
import threading
import time

import requests

from client import Client, Refused, same
from photos import CLICKS, PHOTO, small
from server import HERE, expect, until


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@contextlib.contextmanager
def nginx(program, servers):
    folder, port = program.folder("nginx"), free_port()
    lines = "\n        ".join(f"server 127.0.0.1:{server.port} max_fails=1 fail_timeout=5s;"
                              for server in servers)
    config = folder / "nginx.conf"
    config.write_text((HERE / "nginx.conf").read_text().format(folder=folder, port=port, servers=lines))
    process = subprocess.Popen(["/usr/sbin/nginx", "-c", config, "-p", folder],
                               stderr=subprocess.DEVNULL)
    try:
        client = Client(f"http://127.0.0.1:{port}")

        def answers():
            with contextlib.suppress(requests.ConnectionError):
                return client.ask("GET", "/readyz").ok
            return False

        until("nginx answers", answers)
        yield client
    finally:
        process.terminate()
        process.wait()


def three(program):
    """Sessions by three servers, one of which is killed midway: every mask as `fbrs segment`'s."""
    store = program.folder("store")
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(program.serve(store=store)) for _ in range(3)]
        client = stack.enter_context(nginx(program, servers))
        name = client.upload(PHOTO)
        sessions = [client.session(name) for _ in range(9)]
        served = {}

        def place(session):
            answer = client.call("GET", f"/v1/sessions/{session}")
            return answer.headers["x-served-by"].split(", ")[-1]

        for session in sessions:
            client.clicks(session, CLICKS[:3])
            served[session] = place(session)
            expect(place(session) == served[session], "a session goes here and there")
        counts = sorted(list(served.values()).count(address) for address in set(served.values()))
        expect(len(counts) > 1, f"all sessions go to one server: {counts}")
        # The one with most sessions is killed while clicks come.
        busiest = max(servers, key=lambda server: list(served.values()).count(
            f"127.0.0.1:{server.port}"))
        failures, retried = [], []

        def work(session):
            mine = Client(client.url)
            for held, click in enumerate(CLICKS[3:], 3):
                while True:
                    try:
                        mine.click(session, *click, expected=held)
                        break
                    except Refused as refused:
                        if refused.status == 409:
                            # It was answered, and the answer was lost.
                            break
                        if refused.status not in (502, 503, 504):
                            failures.append(str(refused))
                            return
                        retried.append(refused.status)
                        time.sleep(0.2)

        threads = [threading.Thread(target=work, args=[session]) for session in sessions]
        for thread in threads:
            thread.start()
        time.sleep(0.15)
        busiest.kill()
        for thread in threads:
            thread.join()
        expect(not failures, f"{failures[:2]}")
        expected = program.segment(PHOTO, CLICKS)
        for session in sessions:
            same(client.mask(session), expected, "a session of three servers")
            held = [(click["x"], click["y"], click["positive"])
                    for click in client.state(session)["clicks"]]
            expect(held == CLICKS, f"clicks {held}")
        moved = sum(place(session) != served[session] for session in sessions)
        apart(servers, busiest, client)
        busiest.start()
        for session in sessions:
            same(client.mask(session), expected, "after the third is back")
    return (f"sessions on servers {counts}, {moved} moved after a kill, {len(retried)} answers were "
            "lost and asked for again")


def apart(servers, without, client):
    """Without affinity: clicks of one session alternate between two servers, also at once."""
    alive = [Client(server.url) for server in servers if server is not without]
    session = client.session(client.upload(small()))
    for at in range(10):
        found = alive[at % 2].click(session, 5 + 5 * at, 30, at % 3 != 2, expected=at)
        expect(found["clicks"] == at + 1, f"{found}")
    alive[0].change(session, "undo")
    expect(len(alive[1].state(session)["clicks"]) == 9, "another server's undo is not seen")
    same(alive[0].mask(session), alive[1].mask(session), "masks of two servers")
    statuses = []

    def work(mine):
        for at in range(6):
            answer = mine.ask("POST", f"/v1/sessions/{session}/clicks?format=none",
                              json={"x": 3.0 * at, "y": 50.0, "positive": True})
            statuses.append(answer.status_code)

    threads = [threading.Thread(target=work, args=[mine]) for mine in alive]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expect(set(statuses) == {200}, f"{set(statuses)}")
    expect(len(alive[0].state(session)["clicks"]) == 21, "clicks at once by two servers are lost")
    same(alive[0].mask(session), alive[1].mask(session), "masks of two servers after clicks at once")
    alive[0].delete(session)
    for mine in alive:
        status = mine.ask("GET", f"/v1/sessions/{session}").status_code
        expect(status in (404, 410), f"a deleted session at another server: {status}")
        status = mine.ask("GET", f"/v1/sessions/{session}/mask").status_code
        expect(status in (404, 410), f"a deleted session's mask at another server: {status}")


CHECKS = {"a15-replicas": three}
