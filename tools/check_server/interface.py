"""The description of the interface, held against the server by schemathesis."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from client import Client
from photos import CLICKS, PHOTO, small
from server import HERE, environment, expect


def schemathesis(program):
    """`st run …/openapi.json -n 50 --seed 1`: no failure, no 500; once as it is, and once with a photo
    and a session that are there."""
    st = Path(sys.executable).with_name("st")
    tool = st if st.exists() else shutil.which("st")
    expect(tool, "schemathesis is not installed")
    figures = []
    with program.serve("--queue", "1000") as server:
        client = Client(server.url)
        name = client.upload(small())
        session = client.session(PHOTO)
        client.clicks(session, CLICKS[:2])
        client.change(session, "finish")
        client.clicks(session, CLICKS[2:4])
        names = {"FBRS_IMAGE": name, "FBRS_SESSION": session}
        for what, config, more in [("as it is", "schemathesis.toml", []),
                                   ("with a session", "schemathesis-session.toml",
                                    ["--exclude-operation-id", "delete_session"])]:
            folder = program.folder("schemathesis")
            done = subprocess.run(
                [tool, "--config-file", HERE / config, "run", f"{server.url}/openapi.json", "-n", "50",
                 "--seed", "1", "--no-color", "--generation-database", "none", *more],
                capture_output=True, text=True, check=False, timeout=1200, cwd=folder,
                env=environment(**names, COLUMNS="200"))
            (folder / "said").write_text(done.stdout + done.stderr)
            failures = re.findall(r"^- (.*)$", done.stdout, re.MULTILINE)
            expect(done.returncode == 0, f"{what}: {', '.join(failures) or done.stderr[-500:]}, "
                   f"see {folder / 'said'}")
            count = re.search(r"(\d+) generated", done.stdout)
            figures.append(f"{what} {count[1] if count else 'no'} requests")
        faults = [line for line in server.lines() if line.get("status", 0) >= 500
                  and line["status"] not in (503, 504)]
        expect(not faults, f"{len(faults)} faults: {json.dumps(faults[:2])}")
        statuses = {}
        for line in server.lines():
            if "status" in line:
                statuses[line["status"]] = statuses.get(line["status"], 0) + 1
        described = client.call("GET", "/openapi.json").json()
        for path in ["/v1/sessions", "/v1/sessions/{session}/clicks", "/v1/segment", "/v1/images"]:
            body = described["paths"][path]["post"].get("requestBody")
            expect(body and body["required"], f"POST {path} is described without a body")
    return ", ".join(figures) + f"; statuses {dict(sorted(statuses.items()))}"


CHECKS = {"a3-schemathesis": schemathesis}
