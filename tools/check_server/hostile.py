"""Requests that are no good: bytes that are no HTTP, values that make no sense."""

import json
import re
import socket

from client import Client, as_json, same
from photos import small
from server import expect

HOST = b"Host: 127.0.0.1\r\n"


def raw(server, data, wait=5):
    """What comes back for some bytes: the status, and everything."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.settimeout(wait)
        answer = b""
        try:
            connection.sendall(data)
            while part := connection.recv(1 << 16):
                answer += part
        except OSError:
            pass
    status = answer.split(b" ")[1:2]
    return int(status[0]) if status and status[0].isdigit() else None, answer


def request(line, *headers, body=b""):
    return line + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n" + b"".join(headers) + b"\r\n" + body


def bytes_of_http(program):
    """What is no good HTTP, or old, or strange, is answered or hung up on, and nothing breaks."""
    post, chunked = b"POST /v1/images", b"Transfer-Encoding: chunked\r\n"
    cases = {
        "HTTP/1.0": (b"GET /healthz HTTP/1.0\r\n" + HOST + b"\r\n", {200}),
        "HTTP/1.0 without a host": (b"GET /healthz HTTP/1.0\r\n\r\n", {200}),
        "HTTP/1.1 without a host": (b"GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n", {400}),
        "HTTP/0.9": (b"GET /healthz\r\n\r\n", {400, None}),
        "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505, None}),
        "TLS": (bytes.fromhex("16030100c8010000c40303") + bytes(200), {400, None}),
        "two hosts": (request(b"GET /healthz", b"Host: evil.example\r\n"), {400}),
        "nothing": (b"\r\n\r\n", {400, None}),
        "zeros": (bytes(1000), {400, None}),
        "lines": (b"\n" * 100_000, {400, 431, None}),
        "a long address": (request(b"GET /" + b"a" * 70_000), {414, 404, 431}),
        "200 headers": (request(b"GET /healthz", *(b"X-%d: a\r\n" % at for at in range(200))),
                        {200, 431}),
        "a long header": (request(b"GET /healthz", b"X: " + b"a" * 2_000_000 + b"\r\n"), {200, 431}),
        "a header with a zero": (request(b"GET /healthz", b"X: a\0b\r\n"), {400}),
        "a folded header": (request(b"GET /healthz", b"X: a\r\n b\r\n"), {200, 400}),
        "two lengths": (request(post, b"Content-Length: 5\r\nContent-Length: 6\r\n", body=b"hello"),
                        {400}),
        "a negative length": (request(post, b"Content-Length: -5\r\n", body=b"hello"), {400}),
        "a length of 2^64": (request(post, b"Content-Length: 18446744073709551616\r\n"), {400}),
        "a length of 2^63": (request(post, b"Content-Length: 9223372036854775808\r\n"), {413}),
        "length and chunks": (request(post, b"Content-Length: 5\r\n", chunked, body=b"0\r\n\r\n"),
                              {400, 422}),
        "a bad chunk": (request(post, chunked, body=b"ZZ\r\nabc"), {400}),
        "a chunk of 2^64": (request(post, chunked, body=b"F" * 17 + b"\r\nabc"), {400, 413}),
        "endless trailers": (request(post, chunked, body=b"0\r\n" + b"A: b\r\n" * 100_000),
                             {400, 422, 431, None}),
        "a zero in the path": (request(b"GET /health%00z"), {404}),
        "no UTF-8 in the path": (request(b"GET /v1/sessions/%ff%fe"), {404}),
        "a half escape": (request(b"GET /v1/sessions/%z%"), {404}),
        "Unicode in the path": (request("GET /v1/sessions/ваза😀".encode()), {400, 404}),
        "up": (request(b"GET /../../../../etc/passwd"), {404}),
        "up, escaped": (request(b"GET /v1/sessions/..%2f..%2f..%2fetc%2fpasswd"), {404}),
        "up, in a session's part": (request(b"GET /v1/sessions/../../etc/passwd"), {404}),
        "*": (request(b"OPTIONS *"), {400, 404, 405}),
        "CONNECT": (request(b"CONNECT evil.example:443"), {400, 403, 404, 405}),
        "another authority": (request(b"GET http://evil.example/healthz"), {200, 400, 403}),
        "TRACE": (request(b"TRACE /healthz"), {405}),
        "a method of its own": (request(b"BREW /healthz"), {405}),
        "an upgrade": (request(b"GET /healthz", b"Upgrade: websocket\r\n"), {200}),
        "an expectation": (request(post, b"Expect: 100-continue\r\nContent-Length: 0\r\n"), {422}),
        "a strange expectation": (request(post, b"Expect: a miracle\r\nContent-Length: 0\r\n"),
                                  {417, 422}),
        "an id that is none": (request(b"GET /healthz", b"x-request-id: <script>\r\n"), {200}),
    }
    with program.serve() as server:
        for what, (sent, wanted) in cases.items():
            status, answer = raw(server, sent)
            expect(status in wanted, f"{what}: {status} {answer[:300]}")
            expect(b"root:" not in answer and b"<script>" not in answer, f"{what}: {answer[:300]}")
        # Three requests at once are answered in order, also where the first is a click.
        client = Client(server.url)
        session = client.session(small())
        click = json.dumps(as_json([(30.0, 30.0, True)])[0]).encode()
        sent = (b"POST /v1/sessions/%s/clicks?format=none HTTP/1.1\r\n" % session.encode() + HOST
                + b"content-type: application/json\r\nContent-Length: %d\r\n\r\n" % len(click) + click
                + b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n" + request(b"GET /nothing"))
        _, answer = raw(server, sent, 20)
        statuses = re.findall(rb"HTTP/1\.1 (\d+)", answer)
        expect(statuses == [b"200", b"200", b"404"], f"three at once: {statuses}")
        # 500 connections that are opened and closed.
        for _ in range(500):
            socket.create_connection(("127.0.0.1", server.port)).close()
        expect(client.ask("GET", "/healthz").status_code == 200, "it answers no more")
    return f"{len(cases)} kinds, three requests at once, 500 connections closed at once"


JSON = {
    '{"x": NaN, "y": 1, "positive": true}': 400, '{"x": Infinity, "y": 1, "positive": true}': 400,
    '{"x": 1e999, "y": 1, "positive": true}': 400, '{"x": 1e308, "y": 1, "positive": true}': 422,
    '{"x": -1, "y": 1, "positive": true}': 422, '{"x": 64, "y": 1, "positive": true}': 422,
    '{"x": 1, "y": -9007199254740993, "positive": true}': 422,
    '{"x": "1", "y": 1, "positive": true}': 422, '{"x": null, "y": 1, "positive": true}': 422,
    '{"x": 1, "y": 1}': 422, '{"x": 1, "y": 1, "positive": "true"}': 422,
    '{"x": 1, "y": 1, "positive": 1}': 422, '{"x": 1, "y": 1, "positive": true, "z": 1}': 422,
    '{"x": 1, "x": 2, "y": 1, "positive": true}': 422,
    '{"x": 1, "y": 1, "positive": true, "expected_clicks": -1}': 422,
    '{"x": 1, "y": 1, "positive": true, "expected_clicks": 0.5}': 422,
    '{"x": 1, "y": 1, "positive": true, "expected_clicks": 1e30}': 422,
    '{"x": 1, "y": 1, "positive": true, "expected_clicks": 99}': 409,
    '{"x": 1, "y": 1, "positive": true} more': 400, '\ufeff{"x": 1, "y": 1, "positive": true}': 400,
    "{'x': 1}": 400, "": 400, "null": 422, "1": 422, '"x"': 422, "[]": 422, "{}": 422, "{": 400,
    "[" * 100_000: (400, 422), '{"a":' * 100_000: (400, 422), '{"x": ' + "[" * 100_000: (400, 422),
    '{"x": ' + "1" * 1_000_000 + "}": (400, 422), '{"' + "k" * 1_000_000 + '": 1}': 422,
    '{"x": 1, "y": 1, "positive": true, "\\ud800": 1}': (400, 422),
}
QUERIES = ["format=xyz", "format=", "format=PNG", "format=png&format=rle", "threshold=0", "threshold=1",
           "threshold=nan", "threshold=inf", "threshold=-0.5", "threshold=1e-60", "threshold=0,5",
           "threshold=0.3&threshold=0.4", "threshold=", "preview=0", "preview=-1", "preview=100000",
           "preview=1e2", "unknown=1", "%ff=%00", "=", "format=%F0%9F%98%80", "a" * 5000]
OPTIONS = [{"nope": 1}, {"refine": {"nope": 1}}, {"refine": 5}, {"refine": []}, {"flip": "yes"},
           {"flip": None}, {"max_size": 0}, {"max_size": -1}, {"max_size": 1.5}, {"max_size": 10**9},
           {"view": "nonsense"}, {"view": {}}, {"view": {"zoom_in": {}, "tiles": {}}},
           {"view": {"tiles": {"size": 0}}}, {"view": {"tiles": {"min_overlap": 1}}},
           {"view": {"zoom_in": {"expansion_ratio": -1}}}, {"view": {"zoom_in": {"target_size": 1}}},
           {"view": {"zoom_in": {"recompute_iou": 1e308}}}, {"refine": {"mode": "fastest"}},
           {"refine": {"mode": ""}}, {"refine": {"threshold": 0}}, {"refine": {"threshold": 2}},
           {"refine": {"regularization": -1}}, {"refine": {"max_time": -1}},
           {"refine": {"max_time": 1e300}},
           {"refine": {"max_evaluations": 2**64}}, {"refine": {"net_clicks": 0.5}},
           {"refine": {"min_iou_diff": 7}}, "x", [], 7, [{"flip": True}]]
STRANGE = [{"refine": {"max_evaluations": 0}}, {"refine": {"max_evaluations": 2**64 - 1}},
           {"refine": {"max_time": 1e-300}}, {"refine": {"max_time": 0}},
           {"refine": {"regularization": 1e308}}, {"refine": {"regularization": 0, "min_iou_diff": 1}},
           {"refine": {"optimize_after": 2**63}}, {"refine": {"bias_regularization": 1e308}},
           {"view": {"zoom_in": {"skip_clicks": 2**64 - 1}}},
           {"view": {"zoom_in": {"min_region_size": 2**63}}},
           {"view": {"zoom_in": {"min_region_size": 0, "expansion_ratio": 1, "recompute_iou": 1}}},
           {"view": "whole"}, {"refine": {"threshold": 1e-30}}, {}]


def values(program):
    """Bad JSON, queries, options, types and pictures are refused one by one; the session stays."""
    with program.serve() as server:
        client = Client(server.url)
        name = client.upload(small())
        session = client.session(name)
        path = f"/v1/sessions/{session}"
        kind = {"content-type": "application/json"}
        client.click(session, 30, 30)
        before = client.mask(session)
        for body, wanted in JSON.items():
            answer = client.ask("POST", f"{path}/clicks", data=body.encode(), headers=kind)
            wanted = wanted if isinstance(wanted, tuple) else (wanted,)
            expect(answer.status_code in wanted,
                   f"{body[:60]}: {answer.status_code} {answer.text[:200]}")
            expect(len(answer.text) < 2000, f"{body[:60]}: an answer of {len(answer.text)} characters")
            expect(answer.headers["content-type"] == "application/problem+json", f"{body[:60]}")
        for sort in ["text/plain", "multipart/form-data", "", "application/octet-stream", None, "é"]:
            headers = {"content-type": sort.encode()} if sort is not None else {}
            status = client.ask("POST", f"{path}/clicks", headers=headers,
                                data=b'{"x": 1, "y": 1, "positive": true}').status_code
            expect(status == 415, f"content-type {sort}: {status}")
        for query in QUERIES:
            client.refused(422, "GET", f"{path}/mask?{query}")
            client.refused(422, "POST", f"{path}/undo?{query}")
        for options in OPTIONS:
            client.refused(422, "POST", "/v1/sessions", json={"image": name, "options": options})
            client.refused(422, "POST", "/v1/segment", json={
                "image": name, "clicks": [], "options": options})
        for image in ["", "sha256:", "sha256:" + "0" * 63, "sha256:" + "G" * 64, "sha1:" + "0" * 40,
                      "sha256:" + "0" * 65, "../../etc/passwd", "\0", "é"]:
            client.refused(422, "POST", "/v1/sessions", json={"image": image})
        problem = client.refused(404, "POST", "/v1/sessions", json={"image": "sha256:" + "0" * 64})
        expect(problem["code"] == "unknown_image", f"{problem}")
        for other in ["0" * 32, session[:-1], session + "0", session.upper(), "%20" + session, "..",
                      session + "%00", "é"]:
            problem = client.refused(404, "GET", f"/v1/sessions/{other}")
        for form in [{}, {"image": b"x"}, {"clicks": b"[]"}, {"image": small(), "clicks": b"{}"},
                     {"image": small(), "clicks": b"[]", "more": b"x"},
                     {"image": small(), "clicks": b"[", "options": b"{}"}]:
            answer = client.ask("POST", "/v1/segment", files={**form, "pad": b"x"} if not form else form)
            expect(answer.status_code in (400, 422), f"a form of {list(form)}: {answer.status_code}")
        answer = client.ask("POST", "/v1/segment", data=b"--a\r\n",
                            headers={"content-type": "multipart/form-data; boundary=a"})
        expect(answer.status_code == 400, f"half a form: {answer.status_code}")
        same(client.mask(session), before, "the session after all that")
        for options in STRANGE:
            strange = client.session(name, options)
            for at in range(3):
                client.click(strange, 20 + 10 * at, 30, at != 1)
            client.mask(strange)
            client.delete(strange)
    return (f"{len(JSON)} texts, {2 * len(QUERIES)} queries, {2 * len(OPTIONS)} options refused; "
            f"{len(STRANGE)} strange ones answered")


CHECKS = {"hostile-http": bytes_of_http, "hostile-values": values}
