"""Who is let in: tokens, names of the server, origins of pages, options that leave the door open."""

import base64
import subprocess

from client import Client
from photos import CLICKS, PHOTO
from server import environment, expect

TOKENS = {"first": "correct-horse", "second": "battery staple"}


def started(program, *options, **variables):
    """Exit code and words of a server that should not start."""
    try:
        done = subprocess.run([program.fbrs, "serve", "--device", "cpu", *map(str, options)],
                              capture_output=True, text=True, timeout=20, check=False,
                              env=environment(**variables))
    except subprocess.TimeoutExpired:
        return None, "it runs"
    return done.returncode, done.stderr


def options(program):
    """Options that make no sense, or open a door, are refused with exit code 2 and a sentence."""
    folder = program.folder("options")
    (folder / "empty").write_text("\n \n")
    free = ["--listen", "127.0.0.1:0"]
    everywhere = ["--listen", "0.0.0.0:0"]
    refused = [
        everywhere, ["--listen", "[::]:0"], [*everywhere, "--token-file", folder / "none"],
        [*everywhere, "--token-file", folder / "empty"], [*everywhere, "--token-file", folder],
        [*everywhere, "--token-file", "/dev/zero"],
        ["--listen", "127.0.0.1"], ["--listen", "localhost:8765"], ["--listen", "127.0.0.1:99999"],
        [*free, "--jobs", "0"], [*free, "--jobs", "65"], [*free, "--queue", "0"],
        [*free, "--queue", "-1"], [*free, "--queue", "99999999999999999999"],
        [*free, "--max-sessions", "0"], [*free, "--max-connections", "0"],
        [*free, "--max-connections", "70000"], [*free, "--memory", "0"], [*free, "--memory", "2T"],
        [*free, "--memory", "18446744073709551615G"], [*free, "--max-body", "0"],
        [*free, "--max-body", "1e3"], [*free, "--ttl", "0"], [*free, "--ttl", "9999h"],
        [*free, "--ttl", "NaN"], [*free, "--request-timeout", "0"], [*free, "--drain", "-1"],
        [*free, "--cors", "*"], [*free, "--cors", "nonsense"], [*free, "--cors", "https://a/path"],
        [*free, "--allow-host", ""], [*free, "--allow-host", "http://a"],
        [*free, "--label-studio-url", "localhost:8080"], [*free, "--label-studio-url", "http://"],
        [*free, "--label-studio-url", "ftp://a"], [*free, "--label-studio-key-file", "key"],
        [*free, "--cvat-reply", "polygons"], [*free, "--mode", "fast"], [*free, "nonsense"],
        [*free, "--no-token", "--token-file", folder / "empty"], [*free, "--preset", "none"],
    ]
    wrong = []
    for asked in refused:
        code, said = started(program, *asked)
        words = " ".join(map(str, asked))
        if code != 2 or not said.strip():
            wrong.append(f"{words}: {code} {said.strip()[:100]!r}")
        expect("panicked" not in said, f"{words}: {said}")
    expect(not wrong, f"{len(wrong)} of {len(refused)} are taken: {'; '.join(wrong)}")
    with program.serve() as server:
        code, said = started(program, "--listen", f"127.0.0.1:{server.port}")
        expect(code not in (0, 2, None) and str(server.port) in said, f"a taken port: {code} {said}")
    code, said = started(program, *free, "--store", "/proc/store")
    expect(code not in (0, None) and "/proc/store" in said, f"a folder that cannot be: {code} {said}")
    code, said = started(program, *free, "--weights", PHOTO)
    expect(code not in (0, None) and said, f"weights that are none: {code} {said}")
    with program.serve("--cvat-listen", "0.0.0.0:0") as server:
        said = server.log.read_text().lower()
        expect("token" in said or "whoever" in said,
               f"--cvat-listen 0.0.0.0 without a token and without a word: {said[:200]!r}")
    return f"{len(refused)} refused with exit code 2"


def tokens(program):
    """A token in every form lets in, a wrong one does not, and another's session is unknown."""
    file = program.folder("tokens") / "tokens"
    file.write_text("\n".join(TOKENS.values()) + "\n\n")
    with program.serve("--token-file", file, listen="0.0.0.0:0") as server:
        bare = Client(server.url)

        def status(path="/metrics", method="GET", **headers):
            headers = {name.replace("_", "-"): value for name, value in headers.items()}
            return bare.ask(method, path, headers=headers).status_code

        first = TOKENS["first"]
        basic = base64.b64encode(f"user:{first}".encode()).decode()
        for headers in [{"authorization": f"Bearer {first}"}, {"authorization": f"bearer {first}"},
                        {"authorization": f"Token {first}"}, {"authorization": f"Basic {basic}"},
                        {"token": first}, {"authorization": f"Bearer {TOKENS['second']}"}]:
            expect(status(**headers) == 200, f"{headers}")
        shorter = base64.b64encode(first.encode()).decode()
        for headers in [{}, {"authorization": "Bearer wrong"}, {"authorization": "Bearer"},
                        {"authorization": "Bearer "}, {"authorization": first},
                        {"authorization": f"Digest {first}"}, {"authorization": f"Bearer {first[:-1]}"},
                        {"authorization": f"Bearer {first}x"}, {"authorization": "Basic !!"},
                        {"authorization": f"Basic {shorter}"}, {"token": ""}, {"token": "wrong"},
                        {"authorization": f"Bearer {first.upper()}"},
                        {"authorization": f"Bearer {first},{TOKENS['second']}"},
                        {"cookie": f"token={first}"}]:
            expect(status(**headers) == 401, f"{headers} is let in")
        expect(status(f"/metrics?token={first}") == 401, "a token in the address is taken")
        for path in ["/", "/healthz", "/readyz"]:
            expect(status(path) == 200, f"{path} needs a token")
        for path, method in [("/metrics", "GET"), ("/openapi.json", "GET"), ("/v1/images", "POST"),
                             ("/v1/sessions", "POST"), ("/v1/segment", "POST"), ("/nothing", "GET"),
                             ("/label-studio/health", "GET"), ("/label-studio/predict", "POST"),
                             ("/xany/v1/models", "GET"), ("/v1/sessions/" + 32 * "0", "DELETE"),
                             ("//", "GET"), ("/healthz/", "GET"), ("/./healthz/../metrics", "GET")]:
            found = status(path, method)
            expect(found == 401, f"{method} {path} without a token: {found}")
        problem = bare.refused(401, "GET", "/metrics")
        expect(bare.ask("GET", "/metrics").headers["www-authenticate"], "no word about Bearer")
        mine, other = (Client(server.url, token) for token in TOKENS.values())
        session = mine.session(PHOTO)
        mine.clicks(session, CLICKS[:1])
        path = f"/v1/sessions/{session}"
        for method, rest in [("GET", ""), ("GET", "/mask"), ("GET", "/labels"), ("POST", "/undo"),
                             ("POST", "/finish"), ("POST", "/reset"), ("DELETE", "")]:
            problem = other.refused(404, method, path + rest)
            expect(problem["code"] == "unknown_session", f"{problem}")
        other.refused(404, "POST", path + "/clicks", json={"x": 1, "y": 1, "positive": True})
        expect(len(mine.state(session)["clicks"]) == 1, "somebody else changed it")
        security = mine.call("GET", "/openapi.json").json()["security"]
        expect(security, "the description does not name the token")
        said = server.log.read_text()
        for token in TOKENS.values():
            expect(token not in said, "a token is in the log")
    with program.serve(FBRS_TOKEN="in the environment") as server:
        bare = Client(server.url)
        expect(bare.ask("GET", "/metrics").status_code == 401, "FBRS_TOKEN is not asked for")
        Client(server.url, "in the environment").call("GET", "/metrics")
    return "forms of tokens, wrong ones, other owners' sessions"


def names(program):
    """Requests for another name and from other servers' pages are refused."""
    with program.serve("--allow-host", "masks.example", "--cors", "https://tool.example",
                       "--cvat-listen", "127.0.0.1:0") as server:
        client = Client(server.url)
        for host, wanted in {
                f"localhost:{server.port}": 200, "127.0.0.1": 200, "[::1]:80": 200, "10.1.2.3": 200,
                "masks.example": 200, "MASKS.example:443": 200, "evil.example": 403,
                "localhost.evil.example": 403, "127.0.0.1.evil.example": 403, "masks.example.": 403,
                "xmasks.example": 403, "127.0.0.1:80:evil.example": 403, "evil.example:127.0.0.1": 403,
                "[evil.example]": 403, "a@localhost": 403, "localhost,evil.example": 403}.items():
            for path in ["/healthz", "/v1/images", "/", "/openapi.json"]:
                answer = client.ask("GET", path, headers={"host": host})
                found = 403 if answer.status_code == 403 else 200
                expect(found == wanted, f"Host {host}, {path}: {answer.status_code}")
        for origin, wanted in {
                server.url: 200, "https://tool.example": 200, "http://evil.example": 403, "null": 403,
                "https://tool.example.evil.example": 403, "http://tool.example": 403, "": 403,
                f"http://127.0.0.1:{server.port + 1}": 403, "file://": 403,
                f"{server.url}/": 403, f"{server.url}, http://evil.example": 403}.items():
            answer = client.ask("POST", "/v1/images", headers={"origin": origin},
                                data=PHOTO.read_bytes())
            found = 403 if answer.status_code == 403 else 200
            expect(found == wanted, f"Origin {origin}: {answer.status_code}")
            allowed = answer.headers.get("access-control-allow-origin")
            expect(allowed == ("https://tool.example" if "tool.example" == origin[8:] and wanted == 200
                               else None), f"Origin {origin}: {allowed} is allowed")
        ask = {"origin": "https://tool.example", "access-control-request-method": "POST",
               "access-control-request-headers": "authorization,content-type"}
        answer = client.ask("OPTIONS", "/v1/sessions", headers=ask)
        expect(answer.ok and "authorization" in answer.headers["access-control-allow-headers"],
               f"a preflight: {answer.status_code} {dict(answer.headers)}")
        ask["origin"] = "https://evil.example"
        answer = client.ask("OPTIONS", "/v1/sessions", headers=ask)
        expect("access-control-allow-origin" not in answer.headers, "a foreign preflight is let in")
        cvat = Client(server.cvat)
        answer = cvat.ask("GET", "/api/functions", headers={"origin": "http://evil.example"})
        expect(answer.status_code == 403, f"CVAT's listener, a foreign page: {answer.status_code}")
    return "16 hosts, 11 origins, preflights"


CHECKS = {"a14-options": options, "a14-tokens": tokens, "a14-names": names}
