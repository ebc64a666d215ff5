"""Sessions and threads."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest
from conftest import Pixels

import fbrs

# With clicks that contradict each other, the search has no end.
ENDLESS = fbrs.Options(mode="RGB-BRS", max_evaluations=100_000, min_iou_diff=0)


def test_four_threads_are_as_one(segmenter: fbrs.Segmenter, photos: list[Pixels]) -> None:
    def work(photo: Pixels) -> Pixels:
        height, width = photo.shape[:2]
        clicks = [fbrs.Click(width / 2, height / 2), fbrs.Click(5, 5, False)]
        return segmenter.segment(photo, clicks).mask()

    serial = [work(photo) for photo in photos[:4]]
    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(pool.map(work, photos[:4]), serial, strict=True):
            np.testing.assert_array_equal(one, other)


def test_two_threads_share_a_session(session: fbrs.Session, segmenter: fbrs.Segmenter) -> None:
    both = threading.Barrier(2)

    def click(x: float, y: float) -> fbrs.Prediction:
        both.wait()
        return session.click(x, y)

    places = [(320, 240), (330, 120)]
    with ThreadPoolExecutor(2) as pool:
        predictions = list(pool.map(click, *zip(*places, strict=True)))
    held = session.clicks
    assert sorted((click.x, click.y) for click in held) == places
    last = next(prediction for prediction in predictions if len(prediction.clicks) == 2)
    assert last.clicks == held
    first = next(prediction for prediction in predictions if prediction is not last)
    assert first.clicks == held[:1]


def begun(session: fbrs.Session, pool: ThreadPoolExecutor) -> Future[fbrs.Prediction]:
    """A click without an end that has begun."""
    evaluated = threading.Event()
    session.click(320, 240)
    future = pool.submit(
        session.click, 321, 241, False, on_evaluation=lambda step: evaluated.set()
    )
    assert evaluated.wait(60)
    return future


def test_cancel_ends_what_runs_and_what_waits(segmenter: fbrs.Segmenter, vase: Pixels) -> None:
    session = segmenter.session(vase, options=ENDLESS)
    with ThreadPoolExecutor(2) as pool:
        running = begun(session, pool)
        waiting = pool.submit(session.click, 300, 200)
        time.sleep(0.1)
        began = time.perf_counter()
        session.cancel()
        assert time.perf_counter() - began < 1, "it does not wait"
        for future in (running, waiting):
            with pytest.raises(fbrs.Cancelled):
                future.result(60)
    assert session.clicks == [fbrs.Click(320, 240)]
    # What begins later is not affected.
    session.cancel()
    assert session.click(330, 120).clicks == [fbrs.Click(320, 240), fbrs.Click(330, 120)]


def test_others_wait_without_the_interpreter(segmenter: fbrs.Segmenter, vase: Pixels) -> None:
    session = segmenter.session(vase, options=ENDLESS)
    with ThreadPoolExecutor(2) as pool:
        running = begun(session, pool)
        waiting = pool.submit(lambda: session.clicks)
        # This thread goes on, or the test does not end.
        time.sleep(0.1)
        assert not waiting.done() and "answering" in repr(session)
        session.cancel()
        with pytest.raises(fbrs.Cancelled):
            running.result(60)
        assert waiting.result(60) == [fbrs.Click(320, 240)], "what only looks is not called off"
