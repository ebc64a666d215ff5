#!/usr/bin/env python3
"""Plays the acceptance checks of `fbrs serve` with the clients that it is for.

    apt install curl wrk nginx buildah
    python3 -m venv venv && venv/bin/pip install -r tools/check_server/requirements.txt
    venv/bin/python tools/check_server [--fbrs target/release/fbrs] --work DIR [NAME…]

A name is a check's, or the beginning of some: `a1-`, `hostile`. All checks where none is given. Each
prints one line: its name, `ok` or `FAILED`, what was found. Logs of the servers are left in DIR.
Exits with 1 where a check does not hold. Checks that compare times take the best of some tries,
more where others use the machine. `a12-full-disk` and `a18-image` need root. All of it takes about
11 minutes on two cores.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import access
import cvat
import gone
import hostile
import image
import interface
import kept
import label_studio
import load
import masks
import memory
import order
import random_use
import replicas
import slow
import speed
import xanylabeling
from server import ROOT, Program

GROUPS = [masks, interface, cvat, label_studio, xanylabeling, gone, kept, load, memory, access, replicas,
          image, hostile, order, slow, random_use, speed]
CHECKS = {name: check for group in GROUPS for name, check in group.CHECKS.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CHECKS))
    parser.add_argument("--fbrs", type=Path, default=ROOT / "target/release/fbrs")
    parser.add_argument("--work", type=Path, required=True)
    asked = parser.parse_args()
    for name in asked.names:
        if not any(check.startswith(name) for check in CHECKS):
            parser.error(f"no such check: {name}; there are {', '.join(CHECKS)}")
    chosen = [check for check in CHECKS
              if not asked.names or any(check.startswith(name) for name in asked.names)]
    work = asked.work.resolve() / f"{time.strftime('%H%M%S')}-{os.getpid()}"
    work.mkdir(parents=True)
    program = Program(asked.fbrs.resolve(), work)
    failed, width = [], max(map(len, CHECKS))
    for name in chosen:
        began = time.monotonic()
        try:
            word, found = "ok", CHECKS[name](program)
        except Exception as fault:  # The others are to be played all the same.
            failed.append(name)
            word, found = "FAILED", f"{type(fault).__name__}: {fault}".replace("\n", " ")
        finally:
            program.close()
        took = time.monotonic() - began
        print(f"{name:{width}}  {word:6}  {found} ({took:.0f} s)", flush=True)
    if failed:
        sys.exit(f"does not hold: {', '.join(failed)}")


main()
