"""Images, and what runs in them: container.py PATH/TO/fbrs FOLDER

Needs root, and a network of its own.
"""

import atexit
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
from servers import (
    CLICKS,
    PHOTO,
    ROOT,
    TOKEN,
    Client,
    by_program,
    click_json,
    expect,
    healthy,
    ok,
    pixels,
)

RECIPES = ROOT / "tools/serve/container"
# The image's root, not to be written to, and a store; what starts there is process 1.
ENTER = """
mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"
mount -t tmpfs -o "uid=${2%:*},gid=${2#*:},mode=700" store "$1/store"
root=$1 user=$2; shift 2
exec env -i FBRS_TOKEN="$FBRS_TOKEN" "$(command -v chroot)" --userspec="$user" "$root" "$@"
"""


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    expect(done.returncode == 0, f"{command}: {done.stderr}")
    return done.stdout.strip()


def settings(image):
    told = json.loads(run("buildah", "inspect", "--type", "image", image))
    config = told["OCIv1"]["config"]
    # What buildah adds.
    config.pop("Labels", None)
    config.pop("Env", None)
    # Ports are TCP's where nothing else is said.
    config["ExposedPorts"] = sorted(port.split("/")[0] for port in config["ExposedPorts"])
    return config


def unpacked(image):
    """A container of the image, and where its files are."""
    container = run("buildah", "from", "--pull-never", image)
    return container, Path(run("buildah", "mount", container))


def files(root):
    """Its files and folders with their owners, rights and sizes."""
    found = {}
    for path in sorted(root.rglob("*")):
        told = path.lstat()
        size = told.st_size if path.is_file() else None
        found[str(path.relative_to(root))] = (told.st_uid, told.st_gid, oct(told.st_mode), size)
    return found


def start(root, user, command, token=""):
    environment = {**os.environ, "FBRS_TOKEN": token}
    enter = ["unshare", "--mount", "--pid", "--fork", "sh", "-euc", ENTER, "sh"]
    process = subprocess.Popen(
        [*enter, root, user, *command], env=environment, stderr=subprocess.PIPE, text=True
    )

    def end():
        if process.poll() is None:
            os.kill(first(process), signal.SIGKILL)

    atexit.register(end)
    return process


def first(process):
    """What is process 1 in there, as it is called out here."""
    return int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())


def stop(process):
    """Asks process 1 to end, as whoever runs containers does; its exit code."""
    os.kill(first(process), signal.SIGTERM)
    return process.wait(40)


def check_nobody(root):
    process = start(root, "65534:65534", ["/usr/bin/fbrs", "serve", "--device", "cpu"])
    expect(healthy(process, 8765) == {"status": "ok"}, "/healthz answers")
    expect(stop(process) == 0, "process 1 ends when it is asked to")
    ok("container: runs in a chroot as nobody, answers /healthz, ends with 0 as process 1")


def check_as_configured(fbrs, folder, root, config):
    command = [*config["Entrypoint"], *config["Cmd"]]
    refused = start(root, config["User"], command)
    try:
        told = refused.communicate(timeout=60)[1]
    except subprocess.TimeoutExpired:
        expect(False, "no token, no start")
    expect(refused.returncode == 2 and "token" in told, f"no token, no start: {told}")
    process = start(root, config["User"], command, TOKEN)
    healthy(process, 8765)
    client = Client(8765)
    Client(8765, token=None).get("GET", "/metrics", status=401)
    told = Path(f"/proc/{first(process)}/status").read_text()
    uid = config["User"].split(":")[0]
    expect(re.search(rf"^Uid:\t{uid}\t{uid}\t", told, re.M), "it runs as the image's user")
    session = client.session(PHOTO.read_bytes())
    for click in CLICKS:
        client.get("POST", f"/v1/sessions/{session}/clicks?format=none", click_json(click))
    mask = pixels(client.get("GET", f"/v1/sessions/{session}/mask"))
    expect(np.array_equal(mask, by_program(fbrs, folder, CLICKS)), "the mask is the program's")
    expect(stop(process) == 0, "it ends with 0")
    ok("container: as the image says, on a read-only root: wants a token, six clicks right")


def main():
    fbrs, folder = sys.argv[1], Path(sys.argv[2])
    built = run(RECIPES / "from_built.sh", fbrs, "fbrs:built")
    config = settings(built)
    container, root = unpacked(built)
    found = files(root)
    names = [name for name, told in found.items() if told[3] is not None]
    odd = [name for name in names if not re.fullmatch(r"usr/bin/fbrs|etc/\w+\.conf|lib\S*", name)]
    expect(not odd, f"nothing else is in the image: {odd}")
    size = sum(told[3] or 0 for told in found.values()) >> 20
    ok(f"container: from_built.sh makes an image of {len(names)} files, {size} MiB")
    check_nobody(root)
    check_as_configured(fbrs, folder, root, config)

    # The last stage of Containerfile, with what the stage before makes laid out by hand.
    (folder / "stage/store").mkdir(parents=True)
    run(RECIPES / "gather.sh", fbrs, folder / "stage/image")
    file = ["-f", RECIPES / "Containerfile", "--build-context", f"build={folder}/stage"]
    run("buildah", "build", "--layers=false", *file, "-t", "fbrs:file", cwd=ROOT)
    other, other_root = unpacked("fbrs:file")
    expect(settings("fbrs:file") == config, f"both have {config}, not {settings('fbrs:file')}")
    expect(files(other_root) == found, f"both hold {found}, not {files(other_root)}")
    ok("container: Containerfile's last stage makes the same image")
    run("buildah", "rm", container, other)
    run("buildah", "rmi", "fbrs:built", "fbrs:file")


main()
