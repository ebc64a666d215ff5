"""Predictions: what is read of them."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
import weakref
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pycocotools.mask
import pytest
from conftest import VASE, Pixels, pixels

import fbrs

CLICKS = [fbrs.Click(320, 240), fbrs.Click(330, 120), fbrs.Click(225, 345, False)]


@pytest.fixture(scope="module")
def prediction(segmenter: fbrs.Segmenter, vase: Pixels) -> fbrs.Prediction:
    return segmenter.segment(vase, CLICKS)


def test_probabilities_are_a_view_that_cannot_be_written_to(
    segmenter: fbrs.Segmenter, vase: Pixels
) -> None:
    prediction = segmenter.segment(vase, CLICKS)
    probabilities = prediction.probabilities
    assert probabilities.dtype == np.float32 and probabilities.shape == vase.shape[:2]
    assert probabilities.flags.c_contiguous and not probabilities.flags.owndata
    assert np.shares_memory(probabilities, prediction.probabilities)
    with pytest.raises(ValueError, match="read-only"):
        probabilities[0, 0] = 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        probabilities.flags.writeable = True
    expected = probabilities.copy()
    part = probabilities[100:, 200:]
    del prediction, probabilities
    np.testing.assert_array_equal(part, expected[100:, 200:])


def test_masks_are_ones_own(prediction: fbrs.Prediction) -> None:
    mask = prediction.mask()
    assert mask.dtype == np.uint8 and set(np.unique(mask)) == {0, 255}
    np.testing.assert_array_equal(mask > 0, prediction.probabilities > 0.5)
    np.testing.assert_array_equal(prediction.mask(0.9) > 0, prediction.probabilities > 0.9)
    mask[:] = 7
    assert prediction.mask().max() == 255
    for threshold in (0, 1, -3, float("nan")):
        with pytest.raises(ValueError, match="expected a number between 0 and 1"):
            prediction.mask(threshold)


def masks_of_parts() -> list[Pixels]:
    random = np.random.default_rng(1)
    nested = np.zeros((60, 80), dtype=bool)
    for border in range(0, 30, 4):
        nested[border : 60 - border, border : 80 - border] ^= True
    comb = np.zeros((40, 90), dtype=bool)
    comb[:, ::2] = True
    comb[39] = True
    return [
        np.zeros((5, 7), dtype=bool),
        np.ones((5, 7), dtype=bool),
        np.eye(9, dtype=bool),
        ~np.eye(9, dtype=bool),
        nested,
        comb,
        comb[::-1],
        *(random.random((50, 70)) < share for share in (0.1, 0.5, 0.6, 0.9)),
    ]


# pycocotools 2.0.11 itself.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("mask", masks_of_parts())
def test_run_lengths_and_polygons_are_exact(segmenter: fbrs.Segmenter, mask: Pixels) -> None:
    height, width = mask.shape
    session = segmenter.session(np.zeros((height, width), dtype=np.uint8))
    if mask.any():
        session.start_from_mask(mask)
        prediction = session.prediction
        assert prediction is not None
    else:
        prediction = session.click(3, 3, False)
    np.testing.assert_array_equal(prediction.mask() > 0, mask)
    decoded = pycocotools.mask.decode(prediction.to_rle())
    np.testing.assert_array_equal(decoded, mask)

    parts = prediction.to_polygons()
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    assert len(parts) == count - 1
    # Corners lie on the pixels' edges: the even-odd rule, at the pixels' centers.
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    seen = np.zeros((height, width), dtype=bool)
    for part in parts:
        inside = np.zeros((height, width), dtype=bool)
        for ring in [part["outer"], *part["holes"]]:
            assert ring.dtype == np.int32 and ring.shape[1] == 2
            for (x1, y1), (x2, y2) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
                if x1 == x2:
                    inside ^= (x > x1) & (y > min(y1, y2)) & (y < max(y1, y2))
        label = np.unique(labels[inside])
        assert label.size == 1 and label[0] > 0, "a part is one part, its holes are its own"
        np.testing.assert_array_equal(inside, labels == label[0])
        assert not (seen & inside).any()
        seen |= inside
    np.testing.assert_array_equal(seen, mask)


def shown(prediction: fbrs.Prediction) -> tuple[str, Pixels]:
    bundle = prediction._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png"}
    with PIL.Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))) as picture:
        return bundle["text/plain"], np.asarray(picture)


def test_notebooks_show_the_programs_overlay(
    segmenter: fbrs.Segmenter, program: Path, tmp_path: Path
) -> None:
    places = ["--pos", "320,240", "--pos", "330,120", "--neg", "225,345"]
    command = [str(program), "segment", str(VASE), *places, "--overlay", "overlay.png"]
    subprocess.run(command, cwd=tmp_path, check=True)
    text, picture = shown(segmenter.segment(VASE, CLICKS))
    np.testing.assert_array_equal(picture, pixels(tmp_path / "overlay.png"))
    assert "640×428" in text and "3 clicks" in text and "%" in text


def test_notebooks_show_large_photos_small(segmenter: fbrs.Segmenter, vase: Pixels) -> None:
    large = np.repeat(np.repeat(vase, 3, axis=0), 3, axis=1)
    _, picture = shown(segmenter.segment(large, [fbrs.Click(960, 720)]))
    assert picture.shape == (535, 800, 3)
    # The mark of the click: a plus in a green disc, around 400, 300.
    red, green, blue = (int(value) for value in picture[300, 392])
    assert green > red + 60 and green > blue + 30


def test_its_photo_is_given_up_with_it(segmenter: fbrs.Segmenter, vase: Pixels) -> None:
    array = segmenter.segment(vase, CLICKS).probabilities
    freed: list[bool] = []
    weakref.finalize(array, lambda: freed.append(True))
    del array
    assert freed


MEASURE = """
import numpy, fbrs
random = numpy.random.default_rng(3)
coarse = random.integers(0, 255, (30, 40, 3), dtype=numpy.uint8)
photo = coarse.repeat(100, axis=0).repeat(100, axis=1)
assert photo.shape == (3000, 4000, 3)
session = fbrs.Segmenter(device="cpu").session(photo)
session.click(2000, 1500)
prediction = session.click(100, 100, False)
prediction.mask(); prediction.probabilities
with open("/proc/self/status") as status:
    (peak,) = (line.split()[1] for line in status if line.startswith("VmHWM:"))
print(peak)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is told by Linux")
def test_memory_of_twelve_megapixels() -> None:
    output = subprocess.run([sys.executable, "-c", MEASURE], check=True, stdout=subprocess.PIPE)
    kilobytes = int(output.stdout)
    assert kilobytes < 400_000, f"{kilobytes} kB"
