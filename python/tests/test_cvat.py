"""The interactor, called by the driver of CVAT's own agent."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import cvat_sdk.auto_annotation as cvataa
import cvat_sdk.masks
import numpy as np
import PIL.Image
import pytest
from conftest import Pixels, Segment
from cvat_cli._internal import agent, agent_driver, agent_driver_interaction
from cvat_cli._internal.common import FunctionLoader

import fbrs
import fbrs.cvat

CLICKS = [fbrs.Click(320, 240), fbrs.Click(330, 120), fbrs.Click(225, 345, False)]


class InThisProcess:
    """In the place of the agent's worker process."""

    def submit(self, function: Any, /, *arguments: Any) -> Future[Any]:
        future = Future[Any]()
        future.set_result(function(*arguments))
        return future

    def result(self, future: Future[Any]) -> Any:
        return future.result()


class Driver(agent_driver_interaction.AgentInteractionFunctionDriver):  # type: ignore[misc]
    """The driver without a server: the pictures are given."""

    pictures: dict[int, PIL.Image.Image]

    def _get_sample_from_ar_params(self, ar_params: dict[str, Any]) -> tuple[Any, None]:
        picture = self.pictures[ar_params["frame"]]
        return SimpleNamespace(media=SimpleNamespace(load_image=lambda: picture)), None


def asked(
    driver: Driver, clicks: list[fbrs.Click], frame: int = 0, roi: list[int] | None = None
) -> Pixels:
    def points(positive: bool) -> list[list[float]]:
        # On the canvas, 0, 0 is the corner of the first pixel.
        return [[one.x + 0.5, one.y + 0.9] for one in clicks if one.positive is positive]

    request: dict[str, Any] = {
        "type": "interact",
        "task": 7,
        "frame": frame,
        "pos_points": points(True),
        "neg_points": points(False),
        "obj_bbox": [],
    }
    if roi is not None:
        request["roi"] = roi
    answer = driver.calculate_result_for_ar(request, lambda **_: None)
    (shape,) = answer["shapes"]
    assert shape["type"] == "mask"
    width, height = driver.pictures[frame].size
    if roi is not None:
        width, height = roi[2] - roi[0], roi[3] - roi[1]
    mask = cvat_sdk.masks.decode_mask(shape["points"], image_width=width, image_height=height)
    return np.where(mask, 255, 0).astype(np.uint8)


@pytest.fixture
def driver(vase: Pixels) -> Driver:
    function = FunctionLoader("fbrs.cvat", None, {"device": "cpu"}).load()
    agent_driver.set_worker_current_function(function)
    assert agent.get_function_driver_class(function.spec) is Driver.__bases__[0]
    Driver.init_worker(None)
    driver = Driver(None, InThisProcess(), function.spec)
    turned = np.ascontiguousarray(vase[:, ::-1])
    driver.pictures = {0: PIL.Image.fromarray(vase), 1: PIL.Image.fromarray(turned)}
    return driver


def test_masks_are_the_programs_and_new_clicks_alone_are_run(
    driver: Driver, vase: Pixels, by_program: Segment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="fbrs.cvat")

    def told() -> str:
        (record,) = [one for one in caplog.records if one.name == "fbrs.cvat"]
        caplog.clear()
        return record.getMessage()

    np.testing.assert_array_equal(asked(driver, CLICKS[:1]), by_program(vase, CLICKS[:1])[0])
    assert told() == "miss: 1 of 1 clicks are new"
    np.testing.assert_array_equal(asked(driver, CLICKS), by_program(vase, CLICKS)[0])
    assert told() == "extend: 2 of 3 clicks are new"
    np.testing.assert_array_equal(asked(driver, CLICKS[:2]), by_program(vase, CLICKS[:2])[0])
    assert told() == "undo: 0 of 2 clicks are new"
    # Another photo in between, and another object of the same.
    asked(driver, CLICKS[:1], frame=1)
    assert told() == "miss: 1 of 1 clicks are new"
    asked(driver, CLICKS[:2])
    assert told() == "extend: 0 of 2 clicks are new"
    other = [fbrs.Click(425, 120)]
    np.testing.assert_array_equal(asked(driver, other), by_program(vase, other)[0])
    assert told() == "miss: 1 of 1 clicks are new"


def test_clicks_in_between_keep_their_order(
    driver: Driver, vase: Pixels, by_program: Segment
) -> None:
    # Positive, negative, positive: CVAT sends two lists, and does not say which came first.
    ordered = [CLICKS[0], CLICKS[2], CLICKS[1]]
    for count in (1, 2, 3):
        mask = asked(driver, ordered[:count])
    np.testing.assert_array_equal(mask, by_program(vase, ordered)[0])
    # At once: the positive ones first.
    again = fbrs.cvat.create(device="cpu")
    agent_driver.set_worker_current_function(again)
    Driver.init_worker(None)
    np.testing.assert_array_equal(asked(driver, ordered), by_program(vase, CLICKS)[0])


def test_a_region_of_interest(driver: Driver, vase: Pixels, by_program: Segment) -> None:
    part = np.ascontiguousarray(vase[60:400, 180:480])
    clicks = [fbrs.Click(140, 180), fbrs.Click(5, 5, False)]
    mask = asked(driver, clicks, roi=[180, 60, 480, 400])
    np.testing.assert_array_equal(mask, by_program(part, clicks)[0])


def test_points_at_and_beyond_the_edge_count_as_the_last_pixel(
    driver: Driver, vase: Pixels, by_program: Segment
) -> None:
    at_edge = [fbrs.Click(320, 240), fbrs.Click(639, 427, False), fbrs.Click(0, 0, False)]
    beyond = [fbrs.Click(320, 240), fbrs.Click(640, 427.5, False), fbrs.Click(-3, -1, False)]
    np.testing.assert_array_equal(asked(driver, beyond), by_program(vase, at_edge)[0])


def test_no_object_is_an_empty_mask() -> None:
    points = cvat_sdk.masks.encode_mask(np.zeros((9, 9), dtype=bool))
    assert points == [1, 0, 0, 0, 0]


def test_what_the_function_tells_the_server(driver: Driver) -> None:
    spec = fbrs.cvat.Interactor.spec
    assert isinstance(spec, cvataa.InteractionFunctionSpec)
    fields = {"min_pos_points": 1, "min_neg_points": 0}
    assert Driver.get_remote_function_fields(spec) == fields
    driver.validate_function_compatibility(
        {**fields, "startswith_box": False, "startswith_box_optional": False}
    )


def test_few_sessions_are_kept_and_forgotten_ones_begin_anew(segmenter: fbrs.Segmenter) -> None:
    interactor = fbrs.cvat.Interactor(segmenter, fbrs.Options(), sessions=2)
    prompts: Any = SimpleNamespace(pos_points=[(5.5, 5.5)], neg_points=[])
    context: Any = None
    pictures = [PIL.Image.new("RGB", (40, 30), color) for color in ("red", "green", "blue")]
    photos = [interactor.preprocess_image(context, picture) for picture in pictures]
    assert len({photo.digest for photo in photos}) == 3
    first = [interactor.detect(context, photo, prompts) for photo in photos]
    assert first == [interactor.detect(context, photo, prompts) for photo in photos]
    with pytest.raises(ValueError, match="at least 1"):
        fbrs.cvat.Interactor(segmenter, fbrs.Options(), sessions=0)


def test_parameters_are_options() -> None:
    with pytest.raises(fbrs.ParameterError, match="names no mode"):
        fbrs.cvat.create(device="cpu", mode="f-BRS-Z")
    with pytest.raises(TypeError, match="speed"):
        fbrs.cvat.create(device="cpu", speed=3)


def test_the_agents_own_worker_process(vase: Pixels, by_program: Segment) -> None:
    loader = FunctionLoader("fbrs.cvat", None, {"device": "cpu", "mode": "f-BRS-C"})
    with agent.RecoverableExecutor(agent._worker_init, [loader, None]) as executor:
        spec = executor.result(executor.submit(agent._worker_job_get_function_spec))
        driver = Driver(None, executor, spec)
        driver.pictures = {0: PIL.Image.fromarray(vase)}
        for count in (1, 3):
            mask = asked(driver, CLICKS[:count])
        np.testing.assert_array_equal(mask, by_program(vase, CLICKS, "--mode", "f-BRS-C")[0])
