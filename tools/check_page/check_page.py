#!/usr/bin/env python3
"""Plays the acceptance checks of the page of `fbrs serve` in Chromium.

    apt install chromium
    python3 -m venv venv && venv/bin/pip install numpy pillow playwright
    venv/bin/python tools/check_page/check_page.py [--fbrs target/release/fbrs] [--work DIR] [CHECK…]

All checks where none is named. Each prints one line. Pictures of the page are left in DIR, at which
somebody has to look. Exits with 1 where a check does not hold.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import sync_playwright

import looks
import marks
import trouble
from browser import Browser
from server import ROOT, Server

CHECKS = {**marks.CHECKS, **trouble.CHECKS, **looks.CHECKS}


@dataclass
class Bench:
    """What the checks share: the program, a server of it with usual options, a browser, a folder."""

    fbrs: Path
    server: Server
    browser: Browser
    work: Path


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=", ".join(CHECKS))
    parser.add_argument("--fbrs", type=Path, default=ROOT / "target/release/fbrs")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    asked = parser.parse_args()
    unknown = [name for name in asked.checks if name not in CHECKS]
    if unknown:
        parser.error(f"no such check: {', '.join(unknown)}; there are {', '.join(CHECKS)}")
    work = asked.work or Path(tempfile.mkdtemp(prefix="check-page-"))
    work.mkdir(parents=True, exist_ok=True)
    fbrs, failed = asked.fbrs.resolve(), []
    with sync_playwright() as playwright:
        # As root, which containers are used as, Chromium has no sandbox.
        chromium = playwright.chromium.launch(executable_path=asked.chromium, args=["--no-sandbox"])
        server = Server(fbrs)
        bench = Bench(fbrs, server, Browser(chromium), work.resolve())
        try:
            for name in asked.checks or CHECKS:
                began = time.monotonic()
                try:
                    found = CHECKS[name](bench)
                    print(f"ok    {name} ({time.monotonic() - began:.0f} s)", found or "", flush=True)
                except Exception as fault:  # The others are to be played all the same.
                    failed.append(name)
                    print(f"FAULT {name}: {fault}", flush=True)
        finally:
            server.close()
            chromium.close()
    if failed:
        sys.exit(f"does not hold: {', '.join(failed)}")


main()
