"""A container of nothing but the program and its libraries, as nobody, its file system read-only."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from client import Client, same
from photos import CLICKS, PHOTO
from server import expect, until

NOBODY = "65534"


def run(*command, **more):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **more)
    expect(done.returncode == 0, f"{' '.join(map(str, command[:3]))}: {done.stderr.strip()[-300:]}")
    return done.stdout.strip()


def libraries(program):
    """The files that the dynamic linker wants."""
    said = run("ldd", program)
    return [Path(found) for found in re.findall(r"(?:=> )?(/\S+) \(0x", said)]


def scratch(program):
    """buildah `from scratch`: answers as nobody in a chroot, and writes nothing."""
    folder = program.folder("image")
    context = folder / "context"
    for file in libraries(program.fbrs):
        to = context / str(file).lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file.resolve(), to)
    shutil.copy(program.fbrs, context / "fbrs")
    (context / "Containerfile").write_text(
        "FROM scratch\nCOPY . /\nUSER 65534:65534\nEXPOSE 8765\n"
        'ENTRYPOINT ["/fbrs", "serve"]\n')
    (context / ".containerignore").write_text("Containerfile\n.containerignore\n")
    storage = ["--root", folder / "storage", "--runroot", folder / "run", "--storage-driver", "vfs"]
    run("buildah", *storage, "build", "--isolation", "chroot", "--pull=never", "-t", "fbrs", context)
    container = run("buildah", *storage, "from", "--pull=never", "fbrs")
    root = Path(run("buildah", *storage, "mount", container))
    try:
        files = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
        size = sum((root / name).stat().st_size for name in files) / 2**20
        marker = folder / "marker"
        marker.touch()
        # A namespace of its own in which the image is read-only; then nobody.
        inside = (f"mount --bind '{root}' '{root}' && mount -o remount,ro,bind '{root}' && "
                  f"exec env -i {shutil.which('chroot')} --userspec={NOBODY}:{NOBODY} --groups= "
                  f"'{root}' \"$@\"")
        prefix = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", inside, "sh"]
        # Nothing of the surroundings either: no HOME, no PATH.
        with program.inside("/fbrs").serve(prefix=prefix) as server:
            client = Client(server.url)
            pid = until("the program runs", lambda: child(server.process.pid))
            status = Path(f"/proc/{pid}/status").read_text()
            users = re.search(r"Uid:\s+(.*)", status)[1].split()
            expect(set(users) == {NOBODY}, f"it runs as {users}")
            expect(os.readlink(f"/proc/{pid}/root") == str(root), "it is not in the chroot")
            session = client.session(PHOTO)
            client.clicks(session, CLICKS)
            same(client.mask(session), program.segment(PHOTO, CLICKS), "in a container")
            expect("<html" in client.call("GET", "/").text, "no page")
            # SIGTERM as a container's runtime sends it, to the program itself.
            os.kill(pid, 15)
            code = server.process.wait(20)
            expect(code == 0, f"exit code {code}")
        written = [path for path in root.rglob("*") if path.lstat().st_mtime > marker.stat().st_mtime]
        expect(not written, f"it wrote {written[:3]}")
    finally:
        run("buildah", *storage, "umount", container)
        run("buildah", *storage, "rm", container)
    return f"{len(files)} files, {size:.0f} MiB: {', '.join(Path(name).name for name in files)}"


def child(parent):
    """The process that another started."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            found = re.search(r"PPid:\s+(\d+)", (path / "status").read_text())[1]
        except OSError:
            continue  # It ended.
        if int(found) == parent:
            return int(path.name)
    return None


CHECKS = {"a18-image": scratch}
