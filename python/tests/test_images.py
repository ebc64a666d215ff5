"""Photos from arrays, PIL's images and paths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from conftest import GOLDEN, ROOT, VASE, Pixels, pixels

import fbrs

PLACE = (320, 240)


def probabilities(segmenter: fbrs.Segmenter, image: object, **keywords: object) -> object:
    session = segmenter.session(image, **keywords)  # type: ignore[arg-type]
    return session.click(*PLACE).probabilities


def test_every_way_gives_the_same(
    segmenter: fbrs.Segmenter, vase: Pixels, tmp_path: Path
) -> None:
    expected = probabilities(segmenter, vase)
    png = tmp_path / "vase.png"
    PIL.Image.fromarray(vase).save(png)
    alpha = np.dstack([vase, np.zeros(vase.shape[:2], dtype=np.uint8)])
    wide = np.zeros((430, 700, 3), dtype=np.uint8)
    wide[1:429, 30:670] = vase
    given: list[tuple[object, str]] = [
        (png, "rgb"),
        (str(png), "bgr"),
        (PIL.Image.fromarray(vase), "bgr"),
        (PIL.Image.fromarray(alpha), "rgb"),
        (alpha, "rgb"),
        (alpha[:, :, [2, 1, 0, 3]], "bgr"),
        (vase[:, :, ::-1], "bgr"),
        (np.ascontiguousarray(vase[:, :, ::-1]), "bgr"),
        (np.asfortranarray(vase), "rgb"),
        (wide[1:429, 30:670], "rgb"),
        (vase[::-1][::-1], "rgb"),
    ]
    for image, color in given:
        np.testing.assert_array_equal(probabilities(segmenter, image, color=color), expected)


def test_arrays_of_other_libraries_are_taken(segmenter: fbrs.Segmenter, vase: Pixels) -> None:
    class Tensor:
        def __array__(self, dtype: object = None, copy: object = None) -> Pixels:
            return vase

    np.testing.assert_array_equal(
        probabilities(segmenter, Tensor()), probabilities(segmenter, vase)
    )


def test_changing_the_array_afterwards_changes_nothing(
    segmenter: fbrs.Segmenter, vase: Pixels
) -> None:
    mine = vase.copy()
    session = segmenter.session(mine)
    mine[:] = 0
    expected = segmenter.segment(vase, [fbrs.Click(*PLACE)]).probabilities
    np.testing.assert_array_equal(session.click(*PLACE).probabilities, expected)


def test_exif_data_turn_files_and_images_of_pil(
    segmenter: fbrs.Segmenter, vase: Pixels, tmp_path: Path
) -> None:
    path = tmp_path / "turned.png"
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    # Stored lying on its side; to be shown turned by 90 degrees to the right.
    lying = PIL.Image.fromarray(np.rot90(vase).copy())
    lying.save(path, exif=exif)
    expected = probabilities(segmenter, vase)
    with PIL.Image.open(path) as picture:
        for image in (path, picture):
            assert segmenter.session(image).shape == (428, 640)
            np.testing.assert_array_equal(probabilities(segmenter, image), expected)
    # An array has no such data.
    assert segmenter.session(pixels(path)).shape == (640, 428)


def test_kinds_of_pil(segmenter: fbrs.Segmenter) -> None:
    for name in ("cmyk.jpg", "palette.png"):
        with PIL.Image.open(GOLDEN / "photos" / name) as image:
            assert image.mode in ("CMYK", "P")
            assert segmenter.session(image).shape == (32, 48)
    for mode in ("1", "L", "LA", "RGBX", "YCbCr"):
        assert segmenter.session(PIL.Image.new(mode, (20, 10))).shape == (10, 20)
    for mode in ("I", "F", "I;16"):
        with pytest.raises(TypeError, match=f"got one of mode {mode}"):
            segmenter.session(PIL.Image.new(mode, (20, 10)))


def test_what_is_no_image(segmenter: fbrs.Segmenter) -> None:
    for given, name in [(3, "int"), (None, "NoneType"), (object(), "object"), (b"png", "bytes")]:
        with pytest.raises(TypeError, match=f"a PIL image or a path, got .*{name}"):
            segmenter.session(given)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match='expected "rgb" or "bgr", got \'RGB\''):
        segmenter.session(np.zeros((9, 9), np.uint8), color="RGB")  # type: ignore[arg-type]


def test_sizes(segmenter: fbrs.Segmenter) -> None:
    for shape in [(1, 9), (9, 1, 3), (0, 0), (0, 9, 3)]:
        with pytest.raises(fbrs.ImageError, match="at least 2 pixels"):
            segmenter.session(np.zeros(shape, dtype=np.uint8))
    assert segmenter.session(np.zeros((2, 2), dtype=np.uint8)).shape == (2, 2)
    for large in [(16_385, 2), (12_000, 10_001, 3), (2**30, 2**29, 3)]:
        # Views of a single number.
        with pytest.raises(fbrs.ImageError, match="expected at most 16384 on a side and 120 mega"):
            segmenter.session(np.broadcast_to(np.uint8(7), large))


def test_files_that_cannot_be_read(segmenter: fbrs.Segmenter, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        segmenter.session(tmp_path / "none.png")
    with pytest.raises(fbrs.ImageReadError, match="a folder"):
        segmenter.session(tmp_path)
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(VASE.read_bytes()[:20_000])
    with pytest.raises(fbrs.ImageError, match=r"cut\.jpg"):
        segmenter.session(cut)
    with pytest.raises(fbrs.ImageError, match="is not an image"):
        segmenter.session(ROOT / "README.md")
