"""A9, A10, A13 and no graphics: many photos, large ones, faulty ones."""

import os
import shutil
import subprocess
import time

import numpy as np
from PIL import Image

import masks
from engine import FIRST, clicks, folder
from window import PHOTO, expect, wait_for


def copies(program, name, count, with_documents):
    place = program.work / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    first = place / "photo-00000.jpg"
    with Image.open(PHOTO) as image:
        small = image.resize((320, 214)) if count > 1000 else image
        small.save(first, quality=90)
        size = small.size
    one = np.zeros((size[1], size[0]), bool)
    one[20:60, 30:90] = True
    if with_documents:
        masks.write_document(first, [one], "done")
    for at in range(1, count):
        photo = place / f"photo-{at:05}.jpg"
        os.link(first, photo)
        if with_documents:
            os.link(f"{first}.fbrs.json", f"{photo}.fbrs.json")
    return place


def a9(program):
    times = {}
    for count in [200, 13_000]:
        place = copies(program, f"a9-{count}", count, True)
        run = program.play([place], f"mark window\nuntil listed\nexpect photos {count}\n"
                           "until states\nmark states\nuntil loaded\nframes 20\npicture list\n"
                           "watch\nframes 60\nwatched list\nquit\n", f"a9-{count}")
        window = run.since_start(run.mark("window"))
        listed = run.since_start(run.waits("Listed")[0])
        states = run.since_start(run.waits("States")[0])
        took = run.watched("list")
        times[count] = (listed, states)
        print(f"  {count} photos, from the start of the process: window {window:.2f} s, listed "
              f"{listed:.2f} s, states {states:.2f} s; frames {took['longest']:.1f} ms at most")
    expect(times[200][0] <= 1, "200 photos take longer than 1 s")
    expect(times[200][1] <= 2, "states of 200 photos take longer than 2 s")
    expect(times[13_000][0] <= 2, "13,000 photos take longer than 2 s")


def large(program):
    place = folder(program, "a10")
    photo = place / PHOTO.name
    with Image.open(photo) as image:
        image.convert("RGB").resize((12_000, 9_000)).save(place / "large.jpg", quality=88)
    photo.unlink()
    run = program.play([place], "mark window\nuntil first\nuntil sharp\nmark sharp\npicture sharp\n"
                       "watch\npan 20 10 40\nwheel 5\nwheel 5\npan 30 20 60\nuntil sharp\n"
                       "watched moved\nuntil ready\nclick 6000 5000\nuntil answered\n"
                       "click 7800 2600\nuntil answered\nmark answered\nkey Space\nidle\n"
                       "expect objects 1\nmark end\nquit\n", "a10-large")
    first = run.since_start(run.waits("First")[0])
    sharp = run.since_start(run.waits("Sharp")[0])
    answers = [entry["after"] for entry in run.waits("Answered")]
    peaks = {name: run.mark(name)["peak"] / 1e6 for name in ["sharp", "answered", "end"]}
    took = run.watched("moved")
    print(f"  12,000×9,000: first picture {first:.2f} s, sharp {sharp:.2f} s; peak "
          + ", ".join(f"{name} {peak:.2f} GB" for name, peak in peaks.items())
          + f"; clicks answered in {answers[0]:.2f} and {answers[1]:.2f} s; frames "
          f"{took['longest']:.1f} ms at most")
    return first <= 1.5 and sharp <= 6 and peaks["end"] <= 1.5


def many(program, count=300):
    place = copies(program, "a10-many", count + 20, False)
    script = "size 640 420\nidle\n"
    for at in range(1, count + 1):
        script += "until document\nframes 1\n"
        if at % 4 == 0:
            script += f"click 320 {100 + at % 200}\nuntil answered\n"
            script += "key Space\nframes 2\n" if at % 3 == 0 else "key R\nframes 2\n"
        if at in (20, 100, 200, 300):
            script += f"mark {at}\n"
        script += "key ArrowRight\nframes 2\n"
    run = program.play([place], script + "quit\n", "a10-many")
    memory = {at: run.mark(str(at))["memory"] / 1e3 for at in (20, 100, 200, 300) if at <= count}
    print("  memory after photos: " + ", ".join(f"{at}: {m:.0f} MB" for at, m in memory.items()))
    return memory[count] <= 1.1 * memory[20]


def a10(program):
    held = [large(program), many(program)]
    expect(held[0], "the large photo takes too long, or too much memory")
    expect(held[1], "memory grows")


def nobody(program):
    """A user with a home of its own, who may write nowhere else."""
    home = program.work / "nobody"
    shutil.rmtree(home, ignore_errors=True)
    environment = program.environment(home)
    for path in [home, home / "run"]:
        os.chown(path, 65534, 65534)
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    return prefix, environment, home


def a13(program):
    faults = []
    for check in [unicode, cut, empty, deleted, read_only, no_place, full_disk, full_and_back,
                  damaged, late]:
        try:
            check(program)
            print(f"  {check.__name__}: as it should be")
        except Exception as fault:  # Every one is to be tried.
            faults.append(check.__name__)
            print(f"  {check.__name__}: FAULT: {fault}")
    expect(not faults, f"faults: {', '.join(faults)}")


def unicode(program):
    place = program.work / "a13" / "Ünï"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    shutil.copy(PHOTO, place / "写真 1.jpg")
    program.play([place / "写真 1.jpg"], "idle\nclass Größe 写真\n" + clicks(FIRST[:2])
                 + "key Space\nidle\nexpect objects 1\npicture unicode\nkill\n", "a13-unicode")
    program.play([place], "idle\nexpect objects 1\nexpect quiet\nquit\n", "a13-unicode-2")
    program.run("annotate", "export", place, "--format", "coco,labelme,yolo,ids,objects", "-o",
                place.parent / "out")
    expect((place.parent / "out/instances.json").exists(), "no export")


def cut(program):
    place = folder(program, "a13-cut")
    data = PHOTO.read_bytes()
    (place / "a-cut.jpg").write_bytes(data[:len(data) // 3])
    program.play([place], "until ready\nphoto a-cut.jpg\nuntil said\nframes 5\npicture cut\n"
                 "wait 500\nkey ArrowLeft\nuntil document\n" + clicks(FIRST[:1])
                 + "key Space\nidle\nexpect objects 1\nquit\n", "a13-cut")


def empty(program):
    place = folder(program, "a13-empty")
    (place / "a-empty.jpg").write_bytes(b"")
    program.play([place], "until ready\nphoto a-empty.jpg\nuntil said\nframes 5\npicture empty\n"
                 "expect message a-empty.jpg\nkey ArrowLeft\nuntil document\n" + clicks(FIRST[:1])
                 + "key Space\nidle\nexpect objects 1\nquit\n", "a13-empty")


def deleted(program):
    place = folder(program, "a13-deleted")
    for name in ["b.jpg", "c.jpg", "d.jpg"]:
        shutil.copy(PHOTO, place / name)

    def delete(log):
        if wait_for(log, "delete"):
            (place / "d.jpg").unlink()
            (place / PHOTO.name).unlink()

    program.play([place], "until document\n" + clicks(FIRST[:1]) + "key Space\nidle\nmark delete\n"
                 "wait 300\nexpect objects 1\n" + clicks(SECOND_CLICKS) + "key Space\nidle\n"
                 "expect objects 2\nphoto d.jpg\nuntil said\nframes 5\npicture deleted\n"
                 "expect message d.jpg\nphoto b.jpg\nuntil document\nquit\n", "a13-deleted",
                 while_running=delete)
    own, _ = masks.document(place / f"{PHOTO.name}.fbrs.json")
    expect(len(own) == 2, "work on a deleted photo is lost")


SECOND_CLICKS = [(120, 390, 1)]


def read_only(program):
    place = folder(program, "a13-read-only")
    place.chmod(0o555)
    prefix, environment, home = nobody(program)
    script = ("idle\nuntil said\nframes 5\npicture said\n" + clicks(FIRST[:1]) + "key Space\nidle\n"
              "expect objects 1\nexpect saved\nkill\n")
    run = program.play([place], script, "a13-read-only", prefix=prefix, environment=environment)
    program.play([place], "idle\nexpect objects 1\nquit\n", "a13-read-only-2", prefix=prefix,
                 environment=environment)
    expect(list(home.rglob("*.fbrs.json")), f"no document in the home; {run.error}")


def no_place(program):
    """Neither the photos' folder nor the home can be written to: photos can be looked at."""
    place = folder(program, "a13-no-place")
    place.chmod(0o555)
    prefix, environment, home = nobody(program)
    home.chmod(0o555)
    os.chown(home, 0, 0)
    program.play([place], "until loaded\nuntil ready\nuntil said\nframes 5\npicture said\n"
                 + clicks(FIRST[:1]) + "frames 5\nexpect objects 0\nexpect clicks 0\n"
                 "picture clicked\nquit\n", "a13-no-place", prefix=prefix, environment=environment)


class SmallDisk:
    """A disk of a megabyte with a photo, that can be filled."""

    def __init__(self, program, name):
        self.place = program.work / name
        self.close()
        self.place.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", self.place], check=True)
        for photo in ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]:
            shutil.copy(PHOTO, self.place / photo)
        self.filler = self.place / "filler"

    def fill(self):
        with open(self.filler, "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError:
                pass

    def close(self):
        subprocess.run(["umount", self.place], check=False, stderr=subprocess.DEVNULL)


def full_disk(program):
    disk = SmallDisk(program, "a13-full")

    def act(log):
        if wait_for(log, "fill"):
            disk.fill()
        if wait_for(log, "free"):
            disk.filler.unlink()

    try:
        run = program.play([disk.place], "idle\n" + clicks(FIRST[:1]) + "key Space\nidle\n"
                           "mark fill\nwait 500\n" + clicks(FIRST[1:4]) + "until answered\n"
                           "key Space\nwait 2500\nexpect objects 2\nexpect unsaved\n"
                           "expect message kept in memory\npicture full\nmark free\nuntil idle\n"
                           "expect saved\nexpect quiet\npicture freed\nkill\n", "a13-full",
                           while_running=act)
        program.play([disk.place], "idle\nexpect objects 2\nquit\n", "a13-full-2")
        expect(run.code != 0, "not killed")
    finally:
        disk.close()


def full_and_back(program):
    """The disk fills up, one goes to other photos and comes back, and then there is room."""
    disk = SmallDisk(program, "a13-back")

    def act(log):
        if wait_for(log, "fill"):
            disk.fill()
        if wait_for(log, "free"):
            disk.filler.unlink()

    try:
        program.play([disk.place], "idle\nmark fill\nwait 500\n" + clicks(FIRST[:1])
                     + "until answered\nkey Space\nframes 10\nexpect objects 1\n"
                     "key ArrowRight\nuntil document\nwait 1500\n" + clicks(FIRST[:1])
                     + "until answered\nkey Space\nframes 10\nexpect objects 1\n"
                     "key ArrowRight\nuntil document\nkey ArrowRight\nuntil document\n"
                     "photo a.jpg\nuntil document\nframes 10\npicture back\nexpect objects 1\n"
                     + clicks(SECOND_CLICKS) + "until answered\nkey Space\nframes 10\n"
                     "expect objects 2\nmark free\nuntil idle\nexpect saved\n"
                     "photo b.jpg\nuntil document\nexpect objects 1\nidle\nquit\n", "a13-back",
                     while_running=act)
        for name, count in [("a.jpg", 2), ("b.jpg", 1)]:
            own, _ = masks.document(disk.place / f"{name}.fbrs.json")
            expect(len(own) == count, f"{name}: {len(own)} objects on the disk, not {count}")
    finally:
        disk.close()


def damaged(program):
    """A document that is no document is left alone, and said."""
    place = folder(program, "a13-damaged")
    document = place / f"{PHOTO.name}.fbrs.json"
    document.write_text('{"format": "fbrs-annotation", "objects": [')
    program.play([place], "until loaded\nuntil ready\nuntil said\nframes 5\npicture damaged\n"
                 + clicks(FIRST[:1]) + "frames 5\nexpect clicks 0\nquit\n", "a13-damaged")
    expect(document.read_text().endswith("["), "the damaged document was written over")


def late(program):
    """Photos that come while the window is open, and one that is mended, are found by Retry."""
    place = folder(program, "a13-late")
    bad = place / "a-late.jpg"
    bad.write_bytes(b"")

    def mend(log):
        if wait_for(log, "mend"):
            shutil.copy(PHOTO, bad)

    program.play([place], "until ready\nphoto a-late.jpg\nuntil said\nmark mend\nwait 500\n"
                 "press Retry\nuntil document\nframes 5\npicture mended\nexpect quiet\nquit\n",
                 "a13-late", while_running=mend)


def no_graphics(program):
    none = {"VK_DRIVER_FILES": "/none", "VK_ICD_FILENAMES": "/none",
            "LIBGL_DRIVERS_PATH": "/none", "__EGL_VENDOR_LIBRARY_FILENAMES": "/none"}
    for place, more in [("no display", {"DISPLAY": ""}), ("no such display", {"DISPLAY": ":4711"}),
                        ("no driver", none)]:
        for renderer in ["auto", "wgpu", "glow"]:
            environment = program.environment(**more)
            if not environment["DISPLAY"]:
                environment.pop("DISPLAY")
            began = time.time()
            arguments = [str(program.fbrs), "annotate", PHOTO, "--renderer", renderer]
            done = subprocess.run(arguments, env=environment, capture_output=True, check=False,
                                  timeout=60)
            error = done.stderr.decode().strip()
            print(f"  {place}, {renderer}: exit code {done.returncode} after "
                  f"{time.time() - began:.2f} s: {error}")
            expect(done.returncode == 5 and "no window can be opened" in error,
                   "not what is expected")


CHECKS = {"a9": a9, "a10": a10, "a13": a13, "no-graphics": no_graphics}
