"""Clients and tools that are slow, or very many: others are answered meanwhile."""

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

import label_studio
from client import Client
from hostile import HOST
from photos import CLICKS, small
from server import expect, until


def slow(program):
    """Clients that are slow: headers, bodies, those who do not read. Others are answered meanwhile."""
    figures = []
    with program.serve() as server:
        client = Client(server.url)
        session = client.session(small())
        place = ("127.0.0.1", server.port)

        def click(most=3.0):
            began = time.monotonic()
            Client(server.url, timeout=20).click(session, 10, 10)
            took = time.monotonic() - began
            expect(took < most, f"a click takes {took:.1f} s")
            client.change(session, "reset", format="none")
            return took

        # A header that comes byte by byte is not waited for.
        with socket.create_connection(place) as connection:
            connection.settimeout(1)
            began, closed = time.monotonic(), None
            connection.sendall(b"GET /heal")
            while time.monotonic() - began < 20 and closed is None:
                try:
                    if not connection.recv(1000):
                        closed = time.monotonic() - began
                except TimeoutError:
                    connection.sendall(b"x")
                except OSError:
                    closed = time.monotonic() - began
        expect(closed and 8 < closed < 13, f"slow headers are waited for: {closed}")
        figures.append(f"slow headers closed after {closed:.1f} s")
        slow_bodies = []
        for _ in range(40):
            connection = socket.create_connection(place)
            connection.sendall(b"POST /v1/images HTTP/1.1\r\n" + HOST
                               + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
            slow_bodies.append(connection)
        figures.append(f"with 40 slow bodies a click takes {click():.2f} s")
        slow_bodies[0].settimeout(40)
        began = time.monotonic()
        said = slow_bodies[0].recv(1000)
        expect(b" 408 " in said, f"a slow body: {said[:100]}")
        for connection in slow_bodies:
            connection.close()
        # 40 KiB of answers for whoever does not read, on every connection that there is.
        deaf = []
        for _ in range(256):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(place)
            connection.settimeout(0.02)
            try:
                for _ in range(400):
                    connection.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
            except OSError:
                pass
            deaf.append(connection)
        began = time.monotonic()
        Client(server.url, timeout=60).click(session, 10, 10)
        took = time.monotonic() - began
        expect(took < 45, f"256 clients that do not read keep others out for {took:.0f} s")
        figures.append(f"256 that do not read hold places for {took:.0f} s")
        for connection in deaf:
            connection.close()
        until("places are free", lambda: click() < 3, 60)
    return "; ".join(figures)


def many_connections(program):
    """More connections than are allowed wait for a place, and memory does not grow with them."""
    with program.serve("--max-connections", "20") as server:
        held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
        began = time.monotonic()
        answer = Client(server.url, timeout=20).ask("GET", "/healthz")
        took = time.monotonic() - began
        expect(answer.status_code == 200 and 5 < took < 15, f"{answer.status_code} after {took:.1f} s")
        for connection in held:
            connection.close()
    with program.serve("--max-sessions", "5") as server:
        client = Client(server.url)
        name = client.upload(small())
        sessions = [client.session(name) for _ in range(5)]
        problem = client.refused(429, "POST", "/v1/sessions", json={"image": name})
        expect(problem["code"] == "too_many", f"{problem}")
        client.delete(sessions[0])
        client.session(name)
        before = len(client.call("GET", "/metrics").content)
        for at in range(300):
            client.ask(f"BREW{at}", "/healthz")
            client.ask("GET", f"/nothing/{at}")
        grown = len(client.call("GET", "/metrics").content) - before
        expect(grown < 1000, f"/metrics grows by {grown} bytes")
    return (f"the 21st of 20 connections after {took:.0f} s; the 6th of 5 sessions 429; metrics "
            f"{grown:+} bytes")


def slow_studio(program):
    """Pictures of Label Studio that come slowly keep nobody else waiting."""
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            try:
                self.send_response(200)
                self.send_header("content-length", "1000")
                self.end_headers()
                for _ in range(30):
                    self.wfile.write(b"x")
                    self.wfile.flush()
                    time.sleep(1)
            except OSError:
                pass  # Nobody waits any more.

        def log_message(self, *_):
            pass

    studio = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=studio.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{studio.server_port}"
    with program.serve("--label-studio-url", url) as server:
        client = Client(server.url)
        session = client.session(small())
        statuses = []

        def predict(at):
            body = label_studio.request(f"/data/{at}.jpg", CLICKS[:1])
            answer = requests.post(f"{server.url}/label-studio/predict", json=body, timeout=60)
            statuses.append(answer.status_code)

        threads = [threading.Thread(target=predict, args=[at]) for at in range(24)]
        for thread in threads:
            thread.start()
        time.sleep(1)
        began = time.monotonic()
        client.click(session, 30, 30)
        took = time.monotonic() - began
        expect(took < 3, f"a click takes {took:.1f} s while 24 pictures are fetched slowly")
        for thread in threads:
            thread.join()
        expect(set(statuses) <= {422, 429, 503}, f"{statuses}")
    studio.shutdown()
    return f"a click takes {took:.2f} s while 24 pictures are fetched slowly"


CHECKS = {"hostile-slow": slow, "hostile-many": many_connections, "hostile-studio": slow_studio}
