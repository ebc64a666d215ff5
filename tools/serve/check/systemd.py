"""systemd/fbrs.service: systemd.py PATH/TO/fbrs FOLDER

Needs root, systemd-nspawn and a network of its own: a systemd is started that has this machine's
/usr and nothing else of it, and runs the unit.
"""

import atexit
import http.client
import re
import subprocess
import sys
import time
from pathlib import Path

from servers import (
    AGAINST,
    PHOTO,
    ROOT,
    SLOW,
    TOKEN,
    Client,
    begin_slow_click,
    click_json,
    expect,
    ok,
)

UNIT = ROOT / "tools/serve/systemd/fbrs.service"


def analyzed(*arguments):
    done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def boot(folder, fbrs, place):
    """A systemd that starts the unit, and process 1 of it."""
    (folder / "token").write_text(f"{TOKEN}\n")
    # One that it has had before: what is asked at a first start is not.
    (folder / "machine-id").write_text(f"{'0' * 31}1\n")
    binds = {
        fbrs: place,
        folder / "fbrs.service": "/etc/systemd/system/fbrs.service",
        folder / "token": "/etc/fbrs/token",
        folder / "machine-id": "/etc/machine-id",
    }
    command = ["systemd-nspawn", "--quiet", "--directory=/", "--volatile=yes", "--register=no"]
    command += ["--keep-unit", "--link-journal=no", f"--machine=fbrs-{folder.name}"]
    command += [f"--bind-ro={here}:{there}" for here, there in binds.items()]
    log = open(folder / "boot.log", "w")
    process = subprocess.Popen(
        [*command, "--boot", "systemd.unit=fbrs.service"],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )

    def end():
        process.terminate()
        process.wait(60)

    atexit.register(end)
    return process


def running(place):
    """The process that has this program, from outside."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(place.encode() + b"\0"):
                return int(path.parent.name)
        except OSError:
            continue
    return None


def wait_ready(folder):
    for _ in range(600):
        try:
            status, _ = Client(8765).ask("GET", "/readyz")
            if status == 200:
                return
        except (ConnectionRefusedError, http.client.RemoteDisconnected):
            pass
        time.sleep(0.1)
    expect(False, f"the unit starts: {(folder / 'boot.log').read_text()[-2000:]}")


def main():
    fbrs, folder = sys.argv[1], Path(sys.argv[2])
    # /usr is not to be written to: the program lies elsewhere.
    place = f"/opt/{folder.name}/fbrs"
    recipe = UNIT.read_text()
    expect(recipe.count("ExecStart=/usr/local/bin/fbrs ") == 1, "the unit starts the program")
    (folder / "fbrs.service").write_text(recipe.replace("/usr/local/bin/fbrs ", f"{fbrs} "))
    code, told = analyzed("verify", folder / "fbrs.service")
    expect(code == 0 and not told, f"systemd-analyze verify: {told}")
    code, told = analyzed("security", "--offline=yes", folder / "fbrs.service")
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", told)
    expect(exposure and float(exposure[1]) < 2, f"systemd-analyze security: {told[-200:]}")
    ok(f"systemd: systemd-analyze verify takes fbrs.service; exposure {exposure[1]} of 10")

    (folder / "fbrs.service").write_text(recipe.replace("/usr/local/bin/fbrs ", f"{place} "))
    boot(folder, fbrs, place)
    wait_ready(folder)
    pid = running(place)
    told = Path(f"/proc/{pid}/status").read_text()
    for wanted in (r"^Uid:\t(?!0\t)", r"^CapEff:\t0+$", r"^NoNewPrivs:\t1$", r"^Seccomp:\t2$"):
        expect(re.search(wanted, told, re.M), f"{wanted} in {told}")
    Client(8765, token=None).get("GET", "/metrics", status=401)
    client = Client(8765)
    session = client.session(PHOTO.read_bytes(), **SLOW)
    path = f"/v1/sessions/{session}"
    client.get("POST", f"{path}/clicks?format=none", click_json(AGAINST[0]))
    ok("systemd: a booted systemd runs it, without rights, with the token; a click is answered")

    # Process 1 of what was booted, and with it all that the manager is asked by.
    first = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1]

    def systemctl(*arguments):
        enter = ["nsenter", "--target", first, "--mount", "--pid", "systemctl", *arguments]
        done = subprocess.run(enter, capture_output=True, text=True)
        expect(done.returncode == 0, f"systemctl {arguments}: {done.stderr}")
        return done.stdout

    watched = begin_slow_click(client, session)
    systemctl("stop", "fbrs.service")
    expect(b"event: result" in watched.read(), "the click that ran is finished")
    told = systemctl("show", "--property=Result,ExecMainStatus", "fbrs.service")
    expect(told.split() == ["Result=success", "ExecMainStatus=0"], f"it ends with 0: {told}")
    systemctl("start", "fbrs.service")
    wait_ready(folder)
    clicks = client.get("GET", path)["clicks"]
    expect(len(clicks) == 2, f"both clicks are there: {clicks}")
    ok("systemd: stopped in a click it finishes it, and has the session when it is started again")


main()
