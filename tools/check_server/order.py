"""Sessions used in orders that make no sense, and by many at once."""

import time

from client import Client, Meanwhile, as_json, png, same
from gone import in_click, SLOW, idle
from photos import CLICKS, PHOTO, ring, small
from server import expect


def order(program):
    """What makes no sense in a session's order is told and changes nothing."""
    with program.serve(store=program.folder("store")) as server:
        client = Client(server.url)
        session = client.session(PHOTO)
        path = f"/v1/sessions/{session}"
        for what in ["undo", "redo", "reset"]:
            result = client.change(session, what, format="none")
            expect((result["clicks"], result["area"]) == (0, 0), f"{what} at the beginning: {result}")
        problem = client.refused(409, "POST", f"{path}/finish")
        client.clicks(session, CLICKS[:2])
        expect(client.change(session, "finish") == {"object": 1}, "the first object is not 1")
        client.refused(409, "POST", f"{path}/finish")
        client.clicks(session, [(100.0, 100.0, True)])
        client.change(session, "undo")
        client.clicks(session, [(120.0, 100.0, True)])
        result = client.change(session, "redo", format="none")
        expect(result["clicks"] == 1, f"redo after a click: {result}")
        held = client.state(session)["clicks"]
        expect([click["x"] for click in held] == [120.0], f"{held}")
        client.refused(409, "PUT", f"{path}/start-mask", data=png(ring(640, 428)))
        client.change(session, "reset")
        # Another size, a text, nothing, half a PNG.
        for data in [png(ring(428, 640)), b"mask", b"", png(ring(640, 428))[:90]]:
            client.refused(422, "PUT", f"{path}/start-mask", data=data)
        expect(client.state(session)["clicks"] == [], "a refused mask changed something")
        # 201 clicks: the last is refused, as many as are allowed hold.
        many = client.session(small())
        for at in range(200):
            client.click(many, 3 + at * 7 % 60, 3 + at * 11 % 60, at % 3 != 0)
        problem = client.refused(422, "POST", f"/v1/sessions/{many}/clicks",
                                 json={"x": 1, "y": 1, "positive": True})
        expect("200" in problem["detail"], f"{problem}")
        expect(len(client.state(many)["clicks"]) == 200, "200 clicks are not held")
        clicks = as_json([(1.0 + at % 60, 1.0, True) for at in range(201)])
        client.refused(422, "POST", "/v1/segment", json={
            "image": client.state(many)["image"], "clicks": clicks})
        client.delete(many)
        for method, rest in [("GET", ""), ("DELETE", ""), ("GET", "/mask"), ("POST", "/undo")]:
            answer = client.ask(method, f"/v1/sessions/{many}{rest}")
            expect(answer.status_code in (404, 410),
                   f"{method} {rest} after DELETE: {answer.status_code}")
        expect(not list((server.folder.parent).glob(f"*store/sessions/{many}*")), "files are left")
    return "undo, redo, finish, masks and clicks out of order; 201 clicks"


def races(program, times=240):
    """DELETE in a click, and many clicks at once on one session."""
    with program.serve(store=program.folder("store")) as server:
        client, session, clicking = in_click(server, SLOW)
        began = time.monotonic()
        client.delete(session)
        clicking.join()
        took = time.monotonic() - began
        answer = clicking.answer
        expect(answer.status_code in (404, 410), f"a click of a deleted session: {answer.text}")
        expect(took < 2, f"it took {took:.1f} s to end")
        # Just when a click is written: a session that was deleted does not come back.
        name, back = client.upload(small()), 0
        for at in range(times):
            session = client.session(name)
            clicking = Meanwhile(server.url, session, (30.0, 30.0, True))
            time.sleep(0.001 * (at % 40))
            client.delete(session)
            clicking.join()
            status = client.ask("GET", f"/v1/sessions/{session}").status_code
            back += status not in (404, 410)
        expect(back == 0, f"{back} of {times} deleted sessions are there again")
        # 16 clicks at once: all are answered, in some order, and the mask is that of this order.
        name = client.upload(PHOTO)
        for _ in range(2):
            session = client.session(name)
            many = [Meanwhile(server.url, session, (200.0 + 15 * at, 200.0, True)) for at in range(16)]
            for clicking in many:
                clicking.join()
            expect({clicking.answer.status_code for clicking in many} == {200}, "a click is refused")
            counts = sorted(clicking.answer.json()["clicks"] for clicking in many)
            expect(counts == list(range(1, 17)), f"{counts}")
            held = [(click["x"], click["y"], click["positive"])
                    for click in client.state(session)["clicks"]]
            same(client.mask(session), program.segment(PHOTO, held), "clicks at once")
        expect(idle(client), "something still runs")
    return f"called off after {1e3 * took:.0f} ms; {times} deleted in a click stay so; 2 × 16 at once"


CHECKS = {"hostile-order": order, "hostile-races": races}
