"""Random use: acts of a person, processes killed, and what is there afterwards."""

import random
import shutil
import time

from PIL import Image

from window import PHOTO, expect

PHOTOS = 6


def random_use(program, minutes, seed):
    place = program.work / "random"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    with Image.open(PHOTO) as image:
        for at in range(PHOTOS):
            size = (320 + 60 * at, 214 + 40 * at)
            image.resize(size).save(place / f"photo-{at}.jpg", quality=90)
    chance = random.Random(seed)
    print(f"  seed {seed}")
    end = time.time() + 60 * minutes
    known, lost, kills, changes = {}, 0, 0, 0
    while time.time() < end:
        visits = "".join(f"photo photo-{at}.jpg\nuntil document\nframes 2\n"
                         for at in range(PHOTOS))
        script = f"size 640 420\nstates\n{visits}random 1000000 {chance.randrange(1 << 30)}\n"
        run = program.play([place], script, f"random-{kills:03}",
                           kill_after=chance.uniform(20, 70))
        expect(run.code == -9, f"run {kills} ended by itself: {run.error}")
        gone, made = follow(run, known, f"run {kills}")
        kills, lost, changes = kills + 1, lost + gone, changes + made
    print(f"  {kills} kills, {changes} changes, {lost} lost (that which was being written)")


def follow(run, known, name):
    """Compares what is opened with what was there; returns changes lost by the kill, and made."""
    lost = made = 0
    seen = set()
    for entry in run.log:
        if "failed" in entry:
            expect(False, f"{name}: {entry['failed']}")
        if "photo" not in entry:
            continue
        photo, seq, digest = entry["photo"], entry["seq"], entry["digest"]
        states = known.setdefault(photo, {})
        if entry["opened"] and states:
            last = max(states)
            gone = last - seq
            # Within a process nothing may be missing; a kill may lose the change that was being
            # written. The log does not know of changes in a photo's last frame, when it is finished,
            # done and left at once, or when the kill came before the log; some wait for an answer and
            # are made together.
            limit = 0 if photo in seen else 1
            expect(entry["read_only"] is None, f"{name}: {photo} is read only: {entry}")
            expect(-8 <= gone <= limit, f"{name}: {photo} was at {last}, is at {seq}")
            expect(states.get(seq) in (None, digest),
                   f"{name}: {photo} at {seq} is another document than it was")
            lost += max(gone, 0)
            for later in [number for number in states if number > seq]:
                del states[later]
        else:
            made += 1
        seen.add(photo)
        states[seq] = digest
    return lost, made


def growth(program, minutes, seed):
    """One process all the time: its memory."""
    place = program.work / "growth"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for at in range(PHOTOS):
        shutil.copy(PHOTO, place / f"photo-{at}.jpg")
    script = f"size 640 420\nstates\nidle\nrandom 100000000 {seed}\n"
    run = program.play([place], script, "growth", kill_after=60 * minutes)
    expect(run.code == -9, f"it ended by itself: {run.error}")
    follow(run, {}, "growth")
    begin = run.log[0]["time"]
    by_minute = {}
    for entry in run.log:
        by_minute[int((entry["time"] - begin) / 60)] = (entry["memory"], entry["peak"])
    line = ", ".join(f"{minute + 1} min {memory / 1e3:.0f}"
                     for minute, (memory, _) in by_minute.items())
    print(f"  memory in MB: {line}; peak {max(peak for _, peak in by_minute.values()) / 1e3:.0f}")
    print(f"  {sum('photo' in entry for entry in run.log)} changes and openings")
    # Histories of a thousand steps fill up at first.
    middle, last = by_minute[max(by_minute) // 2][0], by_minute[max(by_minute)][0]
    expect(last <= 1.15 * middle, f"memory grows: {middle / 1e3:.0f} MB half way, {last / 1e3:.0f}")
