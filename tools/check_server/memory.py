"""Memory: bounded whatever comes, and given back."""

import threading
import time

import numpy as np

from client import Client, Refused, png, same
from photos import CLICKS, PHOTO, plain, png_header, resized, small
from server import Failed, expect, until

MIB = 2**20


def evicted(program):
    """20 sessions where 100 MiB have room for few: the oldest are gone, or come back from the store."""
    limit, count = 100, 20
    figures = []
    photo, (x, y, _) = resized(1600, 1200)
    for store in [None, program.folder("store")]:
        with program.serve("--memory", f"{limit}M", store=store) as server:
            client = Client(server.url)
            # What the network itself takes shows with one session.
            name = client.upload(photo)
            first = client.session(name)
            client.click(first, x, y)
            client.click(first, 100, 100, False)
            mask = client.mask(first)
            before = server.memory()[0] / MIB
            sessions = [first]
            for at in range(count - 1):
                session = client.session(name)
                client.click(session, x + at, y)
                client.click(session, 100, 100, False)
                sessions.append(session)
                held = client.metric("fbrs_memory_bytes") / MIB
                expect(held <= limit, f"{held:.0f} MiB are counted")
            after = server.memory()[1] / MIB
            expect(after < before + limit + 100, f"RSS {before:.0f} → {after:.0f} MiB")
            client.mask(sessions[-1])
            if store:
                began = time.monotonic()
                same(client.mask(first), mask, "a session that was made again")
                took = time.monotonic() - began
                again = client.metric("fbrs_rebuilt_total")
                expect(again >= 1, "nothing was made again")
                for session in sessions:
                    expect(len(client.state(session)["clicks"]) == 2, "clicks are lost")
                figures.append(f"with a store RSS {before:.0f} → {after:.0f} MiB, "
                               f"the oldest again in {took:.2f} s")
            else:
                for path in ["", "/mask", "/labels"]:
                    problem = client.refused(410, "GET", f"/v1/sessions/{first}{path}")
                    expect(problem["code"] == "gone", f"{problem}")
                client.refused(410, "POST", f"/v1/sessions/{first}/clicks", json={
                    "x": 1, "y": 1, "positive": True})
                gone = sum(client.ask("GET", f"/v1/sessions/{session}").status_code == 410
                           for session in sessions)
                expect(client.metric("fbrs_evictions_total") >= gone > 0, "evictions are not counted")
                figures.append(f"RSS {before:.0f} → {after:.0f} MiB, {gone} of {count} gone")
    return "; ".join(figures)


def idle(program):
    """Sessions that nobody asks for end, and what they held is free."""
    with program.serve("--ttl", "3s") as server:
        client = Client(server.url)
        session, kept = client.session(PHOTO), client.session(PHOTO)
        client.clicks(session, CLICKS[:2])
        expect(client.state(session)["expires_in"] == 3, f"{client.state(session)}")

        def ended():
            client.state(kept)
            return client.metric("fbrs_sessions") == 1

        until("an idle session ends", ended, 20, 0.5)
        client.refused(410, "GET", f"/v1/sessions/{session}")
        until("all is free", lambda: client.metric("fbrs_memory_bytes") == 0, 20, 0.5)
    return "an idle session ended, another that was asked for did not"


def too_large(program):
    """Where the photo alone does not fit, that is told."""
    with program.serve("--memory", "20M") as server:
        client = Client(server.url)
        photo = plain(4000, 3000)
        answer = client.ask("POST", "/v1/images", data=photo)
        expect(answer.status_code in (413, 429),
               f"a photo of 34 MiB where 20 are allowed: {answer.status_code} {answer.text[:200]}")
        session = client.session(PHOTO)
        client.clicks(session, CLICKS[:2])
    return f"{answer.status_code} for a photo of 34 MiB where 20 are allowed"


def bodies(program):
    """Hostile bodies are refused at little cost."""
    photo = PHOTO.read_bytes()
    cases = {
        "a PNG header of 60000×60000": (png_header(60_000, 60_000), 413),
        "a PNG header of 2^31×2^31": (png_header(2**31 - 1, 2**31 - 1), (413, 422)),
        "a PNG header of 0×0": (png_header(0, 0), 422),
        "a PNG header of 7000×7000 without pixels": (png_header(7000, 7000), 422),
        "half a JPEG": (photo[: len(photo) // 2], 422),
        "a JPEG's first 300 bytes": (photo[:300], 422),
        "33 MiB": (bytes(33 * MIB), 413),
        "33 MiB in chunks": (None, 413),
        "nothing": (b"", 422),
        "a text": (b"no photo at all", 422),
        "a TIFF of 65535 pages": (b"II*\0\x08\0\0\0" + b"\xff" * 4000, 422),
        "a BMP of 60000×60000": (b"BM" + bytes(12) + b"\x28\0\0\0" + (60_000).to_bytes(4, "little") * 2
                                 + b"\x01\0\x18\0" + bytes(24), (413, 422)),
        "a PPM of 10^9×10^9": (b"P6 1000000000 1000000000 255\n", (413, 422)),
        "a GIF of 65535×65535": (b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(20), (413, 422)),
    }
    figures = []
    with program.serve() as server:
        client = Client(server.url)
        client.upload(photo)
        client.ask("POST", "/v1/images", data=bytes(MIB))
        for what, (body, wanted) in cases.items():
            server.forget_peak()
            before = server.memory()[0]
            sent = body if body is not None else (bytes(MIB) for _ in range(33))
            answer = Client(server.url).ask("POST", "/v1/images", data=sent)
            grown = (server.memory()[1] - before) / MIB
            wanted = wanted if isinstance(wanted, tuple) else (wanted,)
            expect(answer.status_code in wanted, f"{what}: {answer.status_code} {answer.text[:200]}")
            expect(answer.headers["content-type"] == "application/problem+json", what)
            expect(grown < 50, f"{what}: RSS grows by {grown:.0f} MiB")
            figures.append(grown)
        expect(client.upload(photo), "good photos are refused afterwards")
    return f"{len(cases)} refused, RSS +{max(figures):.0f} MiB at most"


def many_bodies(program, count=120):
    """Large photos from everywhere at once: what waits to be decoded is bounded too."""
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (2600, 2600, 3), dtype=np.uint8)
    photo = png(noise)
    with program.serve("--memory", "200M") as server:
        Client(server.url).upload(PHOTO)
        before, statuses = server.memory()[0] / MIB, []

        def send(at):
            data = photo + at.to_bytes(4, "big")
            try:
                answer = Client(server.url, timeout=120).ask("POST", "/v1/images", data=data)
                statuses.append(answer.status_code)
            except OSError as fault:
                statuses.append(type(fault).__name__)

        threads = [threading.Thread(target=send, args=[at]) for at in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        grown = server.memory()[1] / MIB - before
        after = server.memory()[0] / MIB - before
        expect(set(statuses) <= {201, 408, 429, 503}, f"{set(statuses)}")
        # 256 MiB of bodies, 200 of photos, two that are decoded, and what the allocator keeps of them.
        expect(grown < 1000, f"{count} bodies of {len(photo) / MIB:.0f} MiB: RSS +{grown:.0f} MiB")
    return (f"{count} of {len(photo) / MIB:.0f} MiB: {statuses.count(201)} taken, RSS +{grown:.0f} MiB at "
            f"most, {after:+.0f} afterwards")


def large_options(program):
    """What a client may ask of the network is bounded."""
    tried = [{"max_size": 8192, "view": {"zoom_in": {"target_size": 8192, "from_start": True}}},
             {"max_size": 8192, "view": {"zoom_in": {"target_size": 8192, "skip_clicks": 0}}},
             {"max_size": None, "view": "whole"},
             {"max_size": 8192, "view": "whole"},
             {"view": {"tiles": {"size": 8192}}, "max_size": None},
             {"view": {"tiles": {"size": 16}}}]
    found = []
    # Where it takes too much, it ends instead of taking the machine along.
    with program.serve("--request-timeout", "20s", prefix=["prlimit", f"--as={8 << 30}"]) as server:
        client = Client(server.url)
        large, click = resized(6000, 4000)
        for photo, (x, y, positive) in [(small(), (30, 30, True)), (large, click)]:
            name = client.upload(photo)
            for options in tried:
                server.forget_peak()
                try:
                    session = client.session(name, options)
                    client.ask("POST", f"/v1/sessions/{session}/clicks?format=none",
                               json={"x": x, "y": y, "positive": positive})
                    client.delete(session)
                    held = server.memory()[1] / MIB
                    expect(held < 3000, f"{options}: RSS {held:.0f} MiB")
                    found.append(f"{held:.0f}")
                except Refused as refusal:
                    expect(refusal.status == 422, f"{options}: {refusal}")
                    found.append("422")
                except OSError as fault:
                    raise Failed(f"{options}: the server is gone: {type(fault).__name__}") from None
    return "RSS in MiB or a refusal: " + ", ".join(found)


def growth(program, count=10_000):
    """Thousands of sessions, one click each, deleted: memory is flat."""
    sizes = {}
    with program.serve("-q", ready=False) as server:
        client = Client(server.url)
        until("it is ready", lambda: client.ask("GET", "/readyz").status_code == 200)
        name = client.upload(small())
        began = time.monotonic()
        for at in range(1, count + 1):
            session = client.session(name)
            client.click(session, 10 + at % 40, 10 + at // 40 % 40, format="png")
            client.delete(session)
            if at in (count // 10, count // 2, count):
                sizes[at] = server.memory()[0] / MIB
        took = time.monotonic() - began
        expect(client.metric("fbrs_sessions") == 0, "sessions are left")
        text = len(client.call("GET", "/metrics").content)
    grown = sizes[count] - sizes[count // 10]
    expect(grown < 10, f"RSS {sizes}")
    line = ", ".join(f"{size:.1f} after {at}" for at, size in sizes.items())
    return f"RSS in MiB: {line}; {1e3 * took / count:.1f} ms each; metrics {text} bytes"


CHECKS = {"a11-evicted": evicted, "a11-idle": idle, "a11-too-large": too_large,
          "a13-bodies": bodies, "a13-many": many_bodies, "a13-options": large_options,
          "growth": growth}
