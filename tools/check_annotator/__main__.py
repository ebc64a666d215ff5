#!/usr/bin/env python3
"""Plays the annotator's acceptance checks that need a window, without a display or a GPU.

    apt install xvfb mesa-vulkan-drivers libgl1-mesa-dri
    python3 -m venv venv && venv/bin/pip install numpy pillow
    venv/bin/python tools/check_annotator [--fbrs target/release/fbrs] [--work DIR] [CHECK…]

Checks: a1 a4 a6 a7 a9 a10 a12 a13 a16 no-graphics random growth; all of them where none is named.
Each prints its figures. a13 mounts small disks and acts as another user, so it needs root. a16
leaves pictures in DIR/pictures, at which somebody has to look. `random` and `growth` use the window
for --minutes each, as a person would who does all kinds of things; `random` kills it now and then
and looks whether anything is lost. Exits with 1 where a check does not hold.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import engine
import files
import looks
import persons
from window import ROOT, Program, Screen


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("checks", nargs="*")
    parser.add_argument("--fbrs", type=Path, default=ROOT / "target/release/fbrs")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    checks = {**engine.CHECKS, **files.CHECKS, **looks.CHECKS,
              "random": lambda program: persons.random_use(program, asked.minutes, asked.seed),
              "growth": lambda program: persons.growth(program, asked.minutes, asked.seed)}
    unknown = [name for name in asked.checks if name not in checks]
    if unknown:
        parser.error(f"no such check: {', '.join(unknown)}; there are {', '.join(checks)}")
    work = asked.work or Path(tempfile.mkdtemp(prefix="check-annotator-"))
    work.mkdir(parents=True, exist_ok=True)
    # Others than its owner look into it: one check is another user.
    work.chmod(0o755)
    screen, failed = Screen(), []
    program = Program(asked.fbrs.resolve(), work.resolve(), screen.display)
    try:
        for name in asked.checks or checks:
            print(f"{name}:", flush=True)
            began = time.time()
            try:
                checks[name](program)
                print(f"  holds ({time.time() - began:.0f} s)", flush=True)
            except Exception as fault:  # The others are to be played all the same.
                failed.append(name)
                print(f"  DOES NOT HOLD: {fault}", flush=True)
    finally:
        screen.close()
    if failed:
        sys.exit(f"does not hold: {', '.join(failed)}")
    print("everything holds")


main()
