"""nginx/fbrs.conf before three servers with one store: nginx.py PATH/TO/fbrs FOLDER"""

import http.client
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from servers import (
    AGAINST,
    CLICKS,
    PHOTO,
    SLOW,
    SLOW_ARGUMENTS,
    TOKEN,
    Client,
    Server,
    begin_slow_click,
    by_program,
    click_json,
    expect,
    ok,
    pixels,
)

HERE = Path(__file__).resolve().parent
NAME = "masks.example"
MAIN = """
daemon off;
pid {folder}/pid;
worker_processes 2;
error_log {folder}/error.log warn;
events {{}}
http {{
    log_format upstream '$request_method $uri $status $upstream_addr';
    access_log {folder}/access.log upstream;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    include {folder}/fbrs.conf;
}}
"""


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def until(holds, what, seconds=20):
    end = time.monotonic() + seconds
    while not (found := holds()):
        expect(time.monotonic() < end, what)
        time.sleep(0.1)
    return found


class Proxy:
    """nginx with the recipe: its servers, ports and certificate are replaced, nothing else."""

    def __init__(self, folder, servers):
        self.folder, self.http, self.https = folder, free_port(), free_port()
        self.certificate = folder / "fbrs.crt"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
            + ["-keyout", folder / "fbrs.key", "-out", self.certificate]
            + ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        recipe = (HERE.parent / "nginx/fbrs.conf").read_text()
        changes = {
            "listen 80;": f"listen 127.0.0.1:{self.http};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.https} ssl;",
            "/etc/nginx/": f"{folder}/",
        }
        for number, server in enumerate(servers, 11):
            changes[f"server 10.0.0.{number}:8765;"] = f"server 127.0.0.1:{server.port};"
        for old, new in changes.items():
            expect(old in recipe, f"nginx/fbrs.conf has {old!r}")
            recipe = recipe.replace(old, new)
        (folder / "fbrs.conf").write_text(recipe)
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
        # Its workers are another user.
        folder.chmod(0o755)
        program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")
        self.command = [program, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
        tried = subprocess.run([*self.command, "-t"], capture_output=True, text=True)
        expect(tried.returncode == 0 and "[warn]" not in tried.stderr, f"nginx -t: {tried.stderr}")
        ok("nginx: nginx -t takes fbrs.conf")
        self.process = subprocess.Popen(self.command)
        until(self.listens, "nginx listens")

    def listens(self):
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", self.https)) == 0

    def asked(self, client, session):
        """The ports of the servers that a client's requests about a session went to."""
        sent = sum(f"/{session}" in path for path in client.sent)

        def logged():
            lines = (self.folder / "access.log").read_text().splitlines()
            about = [line for line in lines if f"/{session}" in line]
            return about if len(about) == sent else None

        # A line is written after its answer.
        return [int(line.rsplit(":", 1)[1]) for line in until(logged, "all requests are logged")]

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def check(fbrs, folder, servers, proxy):
    client = Client(proxy.https, NAME, proxy.certificate)
    photo = PHOTO.read_bytes()
    by_port = {server.port: server for server in servers}

    client.get("GET", "/healthz")
    stranger = Client(proxy.https, NAME, proxy.certificate, token=None)
    stranger.get("GET", "/openapi.json", status=401)
    client.get("GET", "/healthz", status=403, host="other.example")
    client.get("GET", "/metrics", status=404)
    plain = Client(proxy.http, NAME)
    plain.get("GET", "/healthz", status=308)
    ok("nginx: the token, the name, /metrics, and http are held as they should be")

    client.get("POST", "/v1/images", bytes(33 << 20), status=413)
    status, _ = client.ask("POST", "/v1/images", bytes(31 << 20))
    expect(status == 422, f"31 MiB that are no photo reach a server: 422, not {status}")
    ok("nginx: 33 MiB are refused, 31 MiB arrive")

    sessions = [client.session(photo) for _ in range(40)]
    states = [client.get("GET", f"/v1/sessions/{session}") for session in sessions]
    expect(all(state["clicks"] == [] for state in states), "every server knows every session")
    homes = [proxy.asked(client, session)[-1] for session in sessions]
    expect(set(homes) == set(by_port), f"40 sessions are on all three servers: {homes}")
    ok(f"nginx: 40 sessions on three servers: {sorted(homes.count(port) for port in by_port)}")

    session, home = sessions[0], homes[0]
    for held, click in enumerate(CLICKS[:3]):
        body = click_json(click, expected_clicks=held)
        client.get("POST", f"/v1/sessions/{session}/clicks?format=none", body)
    expect(set(proxy.asked(client, session)) == {home}, "a session's clicks go to one server")
    ok("nginx: a session's clicks go to one server")

    # Another session of the same server, that is in a click when the server is killed.
    def slow_session(home):
        while True:
            session = client.session(photo, **SLOW)
            client.get("POST", f"/v1/sessions/{session}/clicks?format=none", click_json(AGAINST[0]))
            if proxy.asked(client, session)[-1] == home:
                return session

    slow = slow_session(home)
    watched = begin_slow_click(client, slow)
    by_port.pop(home).kill()
    try:
        watched.read()
        expect(False, "an answer that breaks off is told from one that is whole")
    except http.client.IncompleteRead as cut:
        expect(b"event: result" not in cut.partial, "events are seen before the click is over")
    ok("nginx: events arrive as they happen; a server is killed in a click")

    body = click_json(AGAINST[1], expected_clicks=1)
    client.get("POST", f"/v1/sessions/{slow}/clicks?format=none", body)
    client.get("POST", f"/v1/sessions/{slow}/clicks?format=none", body, status=409)
    mask = pixels(client.get("GET", f"/v1/sessions/{slow}/mask"))
    wanted = by_program(fbrs, folder, AGAINST, *SLOW_ARGUMENTS)
    expect(np.array_equal(mask, wanted), "the click that was sent again has the program's mask")
    for held, click in enumerate(CLICKS[3:], 3):
        body = click_json(click, expected_clicks=held)
        client.get("POST", f"/v1/sessions/{session}/clicks?format=none", body)
    mask = pixels(client.get("GET", f"/v1/sessions/{session}/mask"))
    expect(np.array_equal(mask, by_program(fbrs, folder, CLICKS)), "the mask is the program's")
    expect(proxy.asked(client, session)[-1] != home, "another server went on")
    ok("nginx: the others go on with its sessions, masks equal `fbrs segment`'s")
    for other, at in zip(sessions, homes, strict=True):
        if at != home:
            client.get("GET", f"/v1/sessions/{other}")
            expect(
                proxy.asked(client, other)[-1] == at, "sessions of the others stay where they were"
            )
    ok("nginx: sessions of the other servers stay where they were")

    port, server = by_port.popitem()
    slow = slow_session(port)
    watched = begin_slow_click(client, slow)
    watched.close()
    direct = Client(port)

    def called_off():
        text = direct.get("GET", "/metrics").decode()
        return re.search(r"^fbrs_cancel\w*(?:\{.*\})? [1-9]", text, re.M)

    until(called_off, f"a click is called off: {direct.get('GET', '/metrics').decode()}")
    state = client.get("GET", f"/v1/sessions/{slow}")
    expect(len(state["clicks"]) == 1, "a session is as before a click that was called off")
    ok("nginx: who goes away calls off the click")

    watched = begin_slow_click(client, slow)
    expect(server.stop() == 0, "a server that is asked to end does so with 0")
    expect(b"event: result" in watched.read(), "and finishes its click")
    client.get("POST", f"/v1/sessions/{slow}/undo?format=none")
    ok("nginx: a server that is asked to end finishes its click, the last one goes on")


def main():
    fbrs, folder = sys.argv[1], Path(sys.argv[2])
    token = folder / "token"
    token.write_text(TOKEN)
    options = ["--store", folder / "store", "--token-file", token, "--allow-host", NAME]
    # All three share this machine's cores, maybe with others.
    options += ["--request-timeout", "55s", "--drain", "55s"]
    servers = [Server(fbrs, *options) for _ in range(3)]
    try:
        proxy = Proxy(folder, servers)
        try:
            check(fbrs, folder, servers, proxy)
        finally:
            proxy.stop()
    finally:
        for server in servers:
            if server.process.poll() is None:
                server.kill()


main()
