"""What the tests share: photos, a loaded network, the program to compare with."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

import fbrs

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
VASE = GOLDEN / "photos" / "000000000030.jpg"

Pixels = NDArray[np.uint8]


def pixels(path: Path) -> Pixels:
    """A picture as an array, in its own mode."""
    with PIL.Image.open(path) as picture:
        return np.asarray(picture)


@pytest.fixture(scope="session")
def photos() -> list[Pixels]:
    """Six photos, RGB."""
    return [pixels(path) for path in sorted((GOLDEN / "predictions" / "photos").glob("*.webp"))[:6]]


@pytest.fixture(scope="session")
def vase() -> Pixels:
    return pixels(VASE)


@pytest.fixture(scope="session")
def segmenter() -> fbrs.Segmenter:
    return fbrs.Segmenter("default", device="cpu")


@pytest.fixture
def session(segmenter: fbrs.Segmenter, vase: Pixels) -> fbrs.Session:
    return segmenter.session(vase)


@pytest.fixture(scope="session")
def program() -> Path:
    name = "fbrs.exe" if os.name == "nt" else "fbrs"
    built = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / name
    path = Path(os.environ.get("FBRS_BIN", built))
    assert path.is_file(), f"{path} is not there: cargo build --release --bin fbrs makes it"
    return path


Segment = Callable[..., tuple[Pixels, Pixels]]


@pytest.fixture
def by_program(program: Path, tmp_path: Path) -> Segment:
    """Mask and probabilities (255 · p) as `fbrs segment` has them."""

    def segment(
        photo: Pixels, clicks: Sequence[fbrs.Click], *arguments: str
    ) -> tuple[Pixels, Pixels]:
        PIL.Image.fromarray(photo).save(tmp_path / "photo.png")
        places = [
            part
            for click in clicks
            for part in ("--pos" if click.positive else "--neg", f"{click.x},{click.y}")
        ]
        outputs = ["-o", "mask.png", "--probabilities", "probabilities.png", "--device", "cpu"]
        command = [str(program), "segment", "photo.png", *places, *outputs, *arguments]
        subprocess.run(command, cwd=tmp_path, check=True)
        return pixels(tmp_path / "mask.png"), pixels(tmp_path / "probabilities.png")

    return segment
