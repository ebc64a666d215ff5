"""Sessions: clicks, what can be taken back, objects, options."""

from __future__ import annotations

import dataclasses
import json
import pickle

import numpy as np
import pytest
from conftest import Pixels, Segment

import fbrs

CLICKS = [fbrs.Click(320, 240), fbrs.Click(330, 120), fbrs.Click(225, 345, False)]


def test_masks_and_probabilities_are_the_programs(
    segmenter: fbrs.Segmenter, vase: Pixels, by_program: Segment
) -> None:
    for options, arguments in [
        (None, []),
        (fbrs.Options(mode="f-BRS-C", threshold=0.4), ["--mode", "f-BRS-C", "--threshold", "0.4"]),
        (fbrs.Options(mode="NoBRS", flip=False), ["--mode", "NoBRS", "--no-flip"]),
        (fbrs.Options(preset="fbrs-demo", tiles=300), ["--preset", "fbrs-demo", "--tiles", "300"]),
        (
            fbrs.Options(net_clicks=2, max_evaluations=4, regularization=0.5, zoom_in_size=200),
            "--net-clicks 2 --max-evaluations 4 --regularization 0.5 --zoom-in-size 200".split(),
        ),
        (fbrs.Options(zoom_in=False, max_size="none"), ["--no-zoom-in", "--max-size", "none"]),
    ]:
        expected, probabilities = by_program(vase, CLICKS, *arguments)
        prediction = segmenter.segment(vase, CLICKS, options=options)
        np.testing.assert_array_equal(prediction.mask(), expected)
        # As the program rounds.
        rounded = np.floor(255 * prediction.probabilities + np.float32(0.5)).astype(np.uint8)
        np.testing.assert_array_equal(rounded, probabilities)


def test_clicks_one_by_one_are_the_same(segmenter: fbrs.Segmenter, vase: Pixels) -> None:
    session = segmenter.session(vase)
    session.prepare()
    assert session.prediction is None and session.clicks == []
    for click in CLICKS:
        prediction = session.click(click.x, click.y, positive=click.positive)
    assert session.clicks == prediction.clicks == CLICKS
    at_once = segmenter.segment(vase, CLICKS)
    np.testing.assert_array_equal(prediction.probabilities, at_once.probabilities)
    held = session.prediction
    assert held is not None
    np.testing.assert_array_equal(held.mask(), at_once.mask())


def test_changes_are_taken_back(session: fbrs.Session) -> None:
    first = session.click(320, 240).probabilities
    second = session.click(225, 345, False).probabilities
    assert session.undo() and session.clicks == [fbrs.Click(320, 240)]
    held = session.prediction
    assert held is not None
    np.testing.assert_array_equal(held.probabilities, first)
    assert session.redo()
    held = session.prediction
    assert held is not None
    np.testing.assert_array_equal(held.probabilities, second)
    assert not session.redo()
    session.reset()
    assert session.clicks == [] and session.prediction is None
    assert session.undo() and len(session.clicks) == 2
    session.forget_history()
    assert not session.undo() and len(session.clicks) == 2


def test_replay_keeps_what_is_the_same(session: fbrs.Session) -> None:
    steps: list[int] = []
    session.replay(CLICKS)
    moved = [*CLICKS[:2], fbrs.Click(440, 335, False)]
    replayed = session.replay(moved, on_evaluation=lambda step: steps.append(len(step.prediction.clicks)))
    assert replayed is not None and replayed.clicks == moved == session.clicks
    assert set(steps) == {3}, "the last click alone is answered anew"
    assert session.replay([]) is None and session.clicks == []


def test_objects_get_numbers(session: fbrs.Session) -> None:
    first = session.click(320, 240).mask()
    assert session.finish() == 1
    second = session.click(330, 120).mask(0.7)
    assert session.finish(0.7) == session.finished == 2
    labels = session.label_mask
    assert labels.dtype == np.uint16 and labels.shape == session.shape
    expected = np.where(second > 0, 2, np.where(first > 0, 1, 0))
    np.testing.assert_array_equal(labels, expected)


def test_an_object_starts_from_a_mask(session: fbrs.Session) -> None:
    start = np.zeros(session.shape, dtype=bool)
    start[100:200, 50:90] = True
    session.start_from_mask(start)
    held = session.prediction
    assert held is not None
    np.testing.assert_array_equal(held.mask() > 0, start)
    mask = session.click(320, 240).mask()
    assert mask[150, 70] == 255 and mask[240, 320] == 255
    with pytest.raises(fbrs.StateError, match="finish or reset"):
        session.start_from_mask(start)
    session.reset()
    session.start_from_mask(np.where(start, 255, 0).astype(np.uint8))
    held = session.prediction
    assert held is not None
    np.testing.assert_array_equal(held.mask() > 0, start)


def test_wrong_masks_to_start_from(session: fbrs.Session) -> None:
    with pytest.raises(ValueError, match="expected a mask of the photo's size"):
        session.start_from_mask(np.ones((4, 5), dtype=bool))
    with pytest.raises(ValueError, match="found none"):
        session.start_from_mask(np.ones(session.shape, dtype=np.uint8))
    with pytest.raises(TypeError, match="expected a bool or uint8 array"):
        session.start_from_mask(np.ones(session.shape, dtype=np.float32))  # type: ignore[arg-type]


def test_every_evaluation_is_seen(session: fbrs.Session) -> None:
    seen: list[fbrs.Evaluation] = []
    session.click(320, 240, on_evaluation=seen.append)
    seen.clear()
    session.click(225, 345, False, on_evaluation=seen.append)
    assert [step.number for step in seen] == list(range(1, len(seen) + 1)) and seen
    assert all(step.prediction.shape == session.shape for step in seen)
    report = session.log()["report"]
    np.testing.assert_allclose([step.loss for step in seen], report["refine"]["losses"], rtol=1e-12)


def test_what_a_callback_raises_calls_the_click_off(session: fbrs.Session) -> None:
    before = session.click(320, 240).probabilities

    class Enough(Exception):
        pass

    def stop(step: fbrs.Evaluation) -> None:
        raise Enough

    with pytest.raises(Enough):
        session.click(225, 345, False, on_evaluation=stop)
    assert session.clicks == [fbrs.Click(320, 240)]
    held = session.prediction
    assert held is not None
    np.testing.assert_array_equal(held.probabilities, before)


def test_a_callback_cannot_use_its_session_but_cancel_it(session: fbrs.Session) -> None:
    session.click(320, 240)
    for use in (session.undo, session.log, lambda: session.clicks, lambda: session.click(1, 1)):
        with pytest.raises(fbrs.StateError, match="is answering a click"):
            session.click(225, 345, False, on_evaluation=lambda step, use=use: use())  # type: ignore[misc]
    assert len(session.clicks) == 1
    with pytest.raises(fbrs.Cancelled):
        session.click(225, 345, False, on_evaluation=lambda step: session.cancel())
    assert len(session.clicks) == 1
    # A callback that looks at the session only finds it busy.
    shown: list[str] = []
    session.click(225, 345, False, on_evaluation=lambda step: shown.append(repr(session)))
    assert shown and "answering" in shown[0] and "2 clicks" in repr(session)


def test_the_log_is_json_and_has_all_to_do_it_again(
    segmenter: fbrs.Segmenter, vase: Pixels
) -> None:
    session = segmenter.session(vase, options=fbrs.Options(mode="f-BRS-C"))
    expected = session.replay(CLICKS)
    log = json.loads(json.dumps(session.log()))
    assert log["options"]["refine"]["mode"] == "f-BRS-C" and log["device"] == "cpu"
    assert (log["width"], log["height"], log["finished"]) == (640, 428, 0)
    assert log["weights"] == segmenter.fingerprint and log["version"] == fbrs.__version__
    again = segmenter.session(vase, options=fbrs.Options(mode=log["options"]["refine"]["mode"]))
    replayed = again.replay([fbrs.Click(**click) for click in log["clicks"]])
    assert expected is not None and replayed is not None
    np.testing.assert_array_equal(replayed.probabilities, expected.probabilities)


def test_options_are_values() -> None:
    options = fbrs.Options(mode="f-BRS-C", max_size="none", net_clicks="all")
    assert pickle.loads(pickle.dumps(options)) == options == dataclasses.replace(options)
    assert len({options, fbrs.Options(mode="f-BRS-C"), fbrs.Options(mode="f-BRS-C")}) == 2
    assert pickle.loads(pickle.dumps(CLICKS)) == CLICKS


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"mode": "f-BRS-D"}, "names no mode"),
        ({"preset": "demo"}, "names no preset"),
        ({"threshold": 0}, "expected a number between 0 and 1"),
        ({"max_size": 4}, "expected 16 to 8192 pixels"),
        ({"max_size": "all"}, 'expected a whole number or "none"'),
        ({"net_clicks": "none"}, 'expected a whole number or "all"'),
        ({"max_time": -1.0}, "expected a number of seconds"),
        ({"max_time": float("nan")}, "expected a number of seconds"),
        ({"tiles": 400, "zoom_in_size": 400}, "exclude each other"),
        ({"tiles": 400, "zoom_in": True}, "exclude each other"),
        ({"zoom_in": False, "zoom_in_after": 2}, "exclude each other"),
        ({"scale_activation": "relu"}, "expected linear, tanh or sin"),
        ({"regularization": float("inf")}, "expected a finite number"),
    ],
)
def test_options_out_of_range_are_refused_at_once(
    options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(fbrs.ParameterError, match=sentence):
        fbrs.Options(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("mode", 3, "a text"),
        ("flip", 1, "True or False"),
        ("max_evaluations", 2.5, "a whole number of at least 0"),
        ("tiles", -4, "a whole number of at least 0"),
        ("net_clicks", -1, 'a whole number of at least 0 or "all"'),
        ("regularization", "1", "a number"),
    ],
)
def test_options_of_another_type_are_refused_at_once(
    name: str, value: object, expected: str
) -> None:
    with pytest.raises(TypeError, match=f"{name}: expected {expected}, got {value!r}"):
        fbrs.Options(**{name: value})  # type: ignore[arg-type]


def test_what_are_no_options_and_no_clicks(segmenter: fbrs.Segmenter, vase: Pixels) -> None:
    with pytest.raises(TypeError, match="expected an fbrs.Options, got {'mode': 'NoBRS'}"):
        segmenter.session(vase, options={"mode": "NoBRS"})  # type: ignore[arg-type]
    for click in [(1, 2, True), fbrs.Click(1, "2"), fbrs.Click(1, 2, 1)]:  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="expected an fbrs.Click, such as"):
            segmenter.segment(vase, [click])  # type: ignore[list-item]


def test_a_mode_that_the_network_has_not_is_refused(vase: Pixels) -> None:
    with pytest.raises(ValueError, match="names no device"):
        fbrs.Segmenter(device="abacus")
    with pytest.raises(RuntimeError, match="device"):
        fbrs.Segmenter(device="wgpu:99")


def test_devices_are_listed() -> None:
    assert [device for device in fbrs.devices() if device.id == "cpu"] == [
        fbrs.Device("cpu", "cpu", False)
    ]


def test_clicks_outside_leave_the_session_as_it_was(session: fbrs.Session) -> None:
    session.click(320, 240)
    for x, y in [(640, 5), (5, 428), (-0.5, 5), (float("inf"), 5)]:
        with pytest.raises(fbrs.ClickError, match="expected a place in the image"):
            session.click(x, y)
    assert len(session.clicks) == 1


def test_nothing_to_finish(session: fbrs.Session) -> None:
    with pytest.raises(fbrs.StateError, match="click on the object first"):
        session.finish()
    with pytest.raises(fbrs.ParameterError, match="threshold"):
        session.finish(1.5)


def test_one_positive_click_at_least(segmenter: fbrs.Segmenter, vase: Pixels) -> None:
    for clicks in ([], [fbrs.Click(3, 3, False)]):
        with pytest.raises(fbrs.StateError, match="at least one positive click"):
            segmenter.segment(vase, clicks)
