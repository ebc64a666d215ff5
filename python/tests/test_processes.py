"""Other processes: what is refused there, and what works."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import platform
import subprocess
import sys

import numpy as np
import pytest
from conftest import VASE, Pixels

import fbrs


@pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy])
def test_nothing_alive_is_copied(segmenter: fbrs.Segmenter, vase: Pixels, take: object) -> None:
    session = segmenter.session(vase)
    prediction = session.click(320, 240)
    for living, advice in [
        (segmenter, "in each process, with spawn"),
        (session, r"log\(\) has the clicks"),
        (prediction, r"mask\(\)"),
        ([session], r"log\(\) has the clicks"),
    ]:
        if take is copy.copy and isinstance(living, list):
            continue
        with pytest.raises(TypeError, match=f"cannot pickle or copy fbrs.*{advice}"):
            take(living)  # type: ignore[operator]


def test_errors_are_copied() -> None:
    error = pickle.loads(pickle.dumps(fbrs.ClickError("outside")))
    assert type(error) is fbrs.ClickError and str(error) == "outside"


FORK = """
import os, sys
import fbrs

segmenter = fbrs.Segmenter(device="cpu")
session = segmenter.session(sys.argv[1])
prediction = session.click(320, 240)
for use in [
    fbrs.Segmenter,
    lambda: segmenter.session(sys.argv[1]),
    lambda: segmenter.segment(sys.argv[1], [fbrs.Click(3, 3)]),
    lambda: session.click(3, 3),
    lambda: session.clicks,
    lambda: session.label_mask,
    lambda: session.undo(),
    session.cancel,
    prediction.mask,
    lambda: prediction.probabilities,
    prediction.to_rle,
    prediction._repr_mimebundle_,
    fbrs.devices,
]:
    child = os.fork()
    if child == 0:
        try:
            use()
        except fbrs.StateError as error:
            os._exit(0 if "create it in each process, with spawn" in str(error) else 3)
        os._exit(4)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, use
assert session.click(225, 345, False).clicks == session.clicks
print("refused")
"""

FORK_BEFORE = """
import os, sys
import fbrs

child = os.fork()
if child == 0:
    fbrs.Segmenter(device="cpu").segment(sys.argv[1], [fbrs.Click(320, 240)])
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.parametrize(("script", "last"), [(FORK, "refused"), (FORK_BEFORE, "done")])
def test_forked_children_are_refused_once_it_was_used(script: str, last: str) -> None:
    # Python itself warns of the fork.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script, str(VASE)]
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=120)
    assert ended.stdout.split() == [last]


def segmented(log: dict[str, object]) -> Pixels:
    session = fbrs.Segmenter(device="cpu").session(VASE)
    clicks = [fbrs.Click(**click) for click in log["clicks"]]  # type: ignore[attr-defined]
    prediction = session.replay(clicks)
    assert prediction is not None
    return prediction.mask()


def test_spawned_processes_work(segmenter: fbrs.Segmenter) -> None:
    session = segmenter.session(VASE)
    session.click(320, 240)
    mask = session.click(225, 345, False).mask()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        np.testing.assert_array_equal(pool.apply(segmented, (session.log(),)), mask)


KEEP = """
import sys

import fbrs

print(fbrs.keep_memory())
session = fbrs.Segmenter(device="cpu").session(sys.argv[1])
print(int(session.click(320, 240).mask().sum()))
"""


def test_memory_is_kept() -> None:
    run = subprocess.run(
        [sys.executable, "-c", KEEP, VASE], capture_output=True, text=True, check=True
    )
    kept, area = run.stdout.split()
    assert kept == str(platform.libc_ver()[0] == "glibc")
    session = fbrs.Segmenter(device="cpu").session(VASE)
    assert int(area) == int(session.click(320, 240).mask().sum())
