"""The modules that stand in for the ones on PyTorch."""

from __future__ import annotations

import gzip
import inspect
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import GOLDEN, VASE, Pixels, Segment, pixels

import fbrs
import fbrs_interactive_segmentation.fbrs_predict
import fbrs_predict
from fbrs_predict import fbrs_engine

X, Y, SIGNS = [320, 330, 225], [240, 120, 345], [1, 1, 0]
CLICKS = [fbrs.Click(x, y, sign == 1) for x, y, sign in zip(X, Y, SIGNS, strict=True)]

SMALL = np.zeros((48, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def engine() -> fbrs_engine:
    return fbrs_engine("default", device="cpu")


def test_the_snippet_runs() -> None:
    from fbrs_interactive_segmentation import fbrs_predict

    engine = fbrs_predict.fbrs_engine("default")
    image = cv2.imread(str(VASE))
    assert image is not None
    x_coord, y_coord, is_pos = np.array(X), np.array(Y), np.array(SIGNS)
    mask_pred = engine.predict(x_coord, y_coord, is_pos, image)
    assert mask_pred.dtype == np.uint8 and mask_pred.shape == image.shape[:2]
    assert set(np.unique(mask_pred)) == {0, 255}
    assert mask_pred[240, 320] == 255 and mask_pred[10, 10] == 0


def test_there_is_one_class() -> None:
    assert fbrs_interactive_segmentation.fbrs_predict.fbrs_engine is fbrs_predict.fbrs_engine


def test_signatures() -> None:
    def parts(function: object) -> list[tuple[str, object, object]]:
        parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
        return [(one.name, one.default, one.kind) for one in parameters]

    both, keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    none = inspect.Parameter.empty
    assert parts(fbrs_engine) == [
        ("checkpoint", none, both),
        ("norm_radius", 260, both),
        ("device", "auto", keyword),
    ]
    assert parts(fbrs_engine.predict) == [
        ("self", none, both),
        ("x_coords", none, both),
        ("y_coords", none, both),
        ("is_pos", none, both),
        ("image", none, both),
        ("threshold", 0.5, both),
        ("save_path", None, both),
        ("limit_longest_size", 800, both),
        ("brs_mode", "f-BRS-B", both),
        ("color", "bgr", keyword),
    ]


def test_masks_are_the_programs(
    engine: fbrs_engine, photos: list[Pixels], by_program: Segment
) -> None:
    arguments = ["--mode", "f-BRS-B", "--max-size", "800", "--threshold", "0.5"]
    assert len(photos) == 6
    for photo in photos:
        height, width = photo.shape[:2]
        x, y, signs = [width // 2, width // 3, 4], [height // 2, height // 2, 5], [1, 1, 0]
        clicks = [fbrs.Click(*click) for click in zip(x, y, map(bool, signs), strict=True)]
        expected, _ = by_program(photo, clicks, *arguments)
        assert expected.any() and not expected.all()
        np.testing.assert_array_equal(engine.predict(x, y, signs, photo, color="rgb"), expected)
        swapped = cv2.cvtColor(photo, cv2.COLOR_RGB2BGR)
        np.testing.assert_array_equal(engine.predict(x, y, signs, swapped), expected)


def test_bgr_is_swapped_and_rgb_is_the_old_way(engine: fbrs_engine, vase: Pixels) -> None:
    as_meant = engine.predict(X, Y, SIGNS, vase[:, :, ::-1])
    np.testing.assert_array_equal(as_meant, engine.predict(X, Y, SIGNS, vase, color="rgb"))
    assert (as_meant != engine.predict(X, Y, SIGNS, vase, color="bgr")).any()


def test_no_clicks_give_zeros_of_the_images_shape(engine: fbrs_engine) -> None:
    mask = engine.predict([], [], [], SMALL)
    assert mask.shape == (48, 64) and mask.dtype == np.uint8 and not mask.any()


def test_limit_longest_size_is_max_size(
    engine: fbrs_engine, vase: Pixels, by_program: Segment
) -> None:
    mask = engine.predict(X, Y, SIGNS, vase, limit_longest_size=200, color="rgb")
    expected, _ = by_program(vase, CLICKS, "--mode", "f-BRS-B", "--max-size", "200")
    np.testing.assert_array_equal(mask, expected)
    unlimited = engine.predict(X, Y, SIGNS, vase, limit_longest_size=None, color="rgb")
    expected, _ = by_program(vase, CLICKS, "--mode", "f-BRS-B", "--max-size", "none")
    np.testing.assert_array_equal(unlimited, expected)
    assert (mask != unlimited).any()


def test_threshold_is_also_the_refinements(
    engine: fbrs_engine, vase: Pixels, by_program: Segment
) -> None:
    mask = engine.predict(X, Y, SIGNS, vase, 0.2, color="rgb")
    arguments = ["--mode", "f-BRS-B", "--max-size", "800"]
    expected, _ = by_program(vase, CLICKS, *arguments, "--threshold", "0.2")
    np.testing.assert_array_equal(mask, expected)
    _, probabilities = by_program(vase, CLICKS, *arguments)
    assert (mask != np.where(probabilities > 51, 255, 0)).any(), "it cuts more than the result"


@pytest.mark.parametrize(("x", "y", "signs"), [([1, 2], [1], [1]), ([1], [1], [1, 0]), ([], [], [1])])
def test_lists_of_different_lengths_are_refused(
    engine: fbrs_engine, x: list[int], y: list[int], signs: list[int]
) -> None:
    with pytest.raises(ValueError, match="expected as many of each"):
        engine.predict(x, y, signs, SMALL)


@pytest.mark.parametrize("sign", [2, -1, 0.5, "1", None, float("nan")])
def test_other_signs_are_refused(engine: fbrs_engine, sign: object) -> None:
    with pytest.raises(ValueError, match="expected 0, 1, False or True"):
        engine.predict([5], [5], [sign], SMALL)  # type: ignore[list-item]


def test_truths_are_signs(engine: fbrs_engine, vase: Pixels) -> None:
    expected = engine.predict(X, Y, SIGNS, vase)
    np.testing.assert_array_equal(engine.predict(X, Y, [True, True, False], vase), expected)
    truths = np.array(SIGNS, dtype=bool)
    np.testing.assert_array_equal(engine.predict(X, Y, truths, vase), expected)


@pytest.mark.parametrize(("x", "y"), [(64, 5), (5, 48), (-1, 5), (5, -0.5), (float("nan"), 5)])
def test_clicks_outside_are_refused(engine: fbrs_engine, x: float, y: float) -> None:
    with pytest.raises(ValueError, match="expected a place in the image of 64×48 pixels"):
        engine.predict([x], [y], [1], SMALL)


def test_gray_and_alpha_are_taken(engine: fbrs_engine, vase: Pixels) -> None:
    gray = vase[:, :, 0]
    colored = np.repeat(gray[:, :, None], 3, axis=2)
    expected = engine.predict(X, Y, SIGNS, colored)
    for image in (gray, gray[:, :, None]):
        np.testing.assert_array_equal(engine.predict(X, Y, SIGNS, image), expected)
    alpha = np.dstack([vase[:, :, ::-1], gray])
    expected = engine.predict(X, Y, SIGNS, vase, color="rgb")
    np.testing.assert_array_equal(engine.predict(X, Y, SIGNS, alpha), expected)


@pytest.mark.parametrize(
    ("image", "advice"),
    [
        (SMALL.astype(np.float32) / 255, r"\(image \* 255\)\.round\(\)\.astype\(numpy\.uint8\)"),
        (SMALL.astype(np.float64), "float64"),
        (SMALL.astype(np.uint16), r"\(image // 257\)"),
        (SMALL.astype(np.int64), r"image\.astype\(numpy\.uint8\)"),
        (SMALL[:, :, 0] > 0, r"\* 255"),
        (SMALL.transpose(2, 0, 1), r"image\.transpose\(1, 2, 0\)"),
        (SMALL[:, :, :2], r"\(48, 64, 2\)"),
        (SMALL[None], r"\(1, 48, 64, 3\)"),
    ],
)
def test_other_images_are_refused_with_advice(
    engine: fbrs_engine, image: Pixels, advice: str
) -> None:
    with pytest.raises(TypeError, match=advice):
        engine.predict([5], [5], [1], image)


def test_a_name_is_the_unique_beginning_of_a_file_in_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weights").mkdir()
    network = GOLDEN / "weights" / "hrnet18s_ocr64.safetensors"
    shutil.copy(network, tmp_path / "weights" / "mine_of_today.safetensors")
    monkeypatch.chdir(tmp_path)
    assert fbrs_engine("mine").predict([], [], [], SMALL).shape == (48, 64)
    # As a checkpoint of PyTorch, told by its content.
    shutil.copy(network, tmp_path / "weights" / "hrnet_of_mine.pth")
    assert fbrs_engine("hrnet").predict([], [], [], SMALL).shape == (48, 64)
    assert fbrs_engine(network).predict([], [], [], SMALL).shape == (48, 64)


def test_a_name_of_nothing_is_a_file_not_found() -> None:
    with pytest.raises(FileNotFoundError, match="no weights are called"):
        fbrs_engine("of nothing")


def test_published_weights_that_are_not_there_tell_how_to_fetch_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FBRS_CACHE", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r'fbrs\.fetch_weights\("resnet34_dh128_sbd"\)'):
        fbrs_engine("resnet34")


def test_nothing_is_printed(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="fbrs"):
        fbrs_engine("default", device="cpu").predict([5], [5], [1], SMALL)
    assert capfd.readouterr() == ("", "")
    assert "lite0_dh64" in caplog.text and "cpu" in caplog.text


def test_norm_radius(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"states 260, got 200"):
        fbrs_engine("default", 200)
    checkpoint = GOLDEN / "checkpoints" / "zip.pth"
    assert fbrs.Segmenter(checkpoint, norm_radius=200, ignore_extra=True).norm_radius == 200
    with pytest.raises(ValueError, match="norm radius of -1"):
        fbrs_engine(checkpoint, -1)
    # Networks of RITM's kind state theirs in a checkpoint of PyTorch, too.
    successor = tmp_path / "successor.pth"
    packed = GOLDEN / "checkpoints" / "ritm" / "narrow_itermask.pth.gz"
    successor.write_bytes(gzip.decompress(packed.read_bytes()))
    with pytest.raises(ValueError, match=r"states 5, got 260"):
        fbrs_engine(successor)
    assert fbrs_engine(successor, 5).predict([], [], [], SMALL).shape == (48, 64)


def test_the_mask_is_saved_whole(engine: fbrs_engine, vase: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    mask = engine.predict(X, Y, SIGNS, vase, save_path=path)
    np.testing.assert_array_equal(pixels(path), mask)
    assert os.listdir(tmp_path) == ["mask.png"]


def test_a_mask_that_cannot_be_saved_leaves_what_was_there(
    engine: fbrs_engine, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"expected one that ends in \.png"):
        engine.predict([5], [5], [1], SMALL, save_path=tmp_path / "mask.docx")
    with pytest.raises(FileNotFoundError):
        engine.predict([5], [5], [1], SMALL, save_path=tmp_path / "none" / "mask.png")
    old = tmp_path / "mask.png"
    old.write_bytes(b"old")
    # The click fails after the place for the mask was found.
    with pytest.raises(ValueError, match="expected a place in the image"):
        engine.predict([500], [5], [1], SMALL, save_path=old)
    assert old.read_bytes() == b"old" and os.listdir(tmp_path) == ["mask.png"]
