"""f-BRS for code that was written for `fbrs_predict` on PyTorch: the same names, arguments and
defaults, on `fbrs`.

>>> import numpy
>>> from fbrs_predict import fbrs_engine
>>> engine = fbrs_engine("default", device="cpu")
>>> image = numpy.full((64, 96, 3), 60, dtype=numpy.uint8)
>>> image[20:50, 30:70] = (40, 60, 200)
>>> mask = engine.predict([50, 5], [35, 5], [1, 0], image)
>>> mask.shape, mask.dtype
((64, 96), dtype('uint8'))
"""

from __future__ import annotations

import glob
import logging
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal, SupportsFloat, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fbrs import Options, Segmenter
from fbrs._fbrs import try_out, write_mask

__all__ = ["fbrs_engine"]

_logger = logging.getLogger("fbrs")

_Numbers: TypeAlias = Sequence[SupportsFloat] | NDArray[Any]


class fbrs_engine:
    """A network that answers clicks.

    checkpoint: the unique beginning of a `.pth` in the folder `weights` of where the program was
    started, a path, or a name that `fbrs.Segmenter` knows.
    norm_radius: the radius of its distance maps. A native file that states another is refused.
    device: "auto", "cpu", "wgpu", "wgpu:N", "cuda" or "cuda:N".
    """

    def __init__(
        self, checkpoint: str | PathLike[str], norm_radius: float = 260, *, device: str = "auto"
    ) -> None:
        self._segmenter = Segmenter(
            _found(checkpoint),
            device=device,
            folder=_FOLDER,
            norm_radius=norm_radius,
            # Published checkpoints were written by other programs.
            ignore_extra=True,
        )
        _logger.info("fbrs_engine: %r", self._segmenter)

    def predict(
        self,
        x_coords: _Numbers,
        y_coords: _Numbers,
        is_pos: Sequence[int | bool] | NDArray[Any],
        image: NDArray[Any],
        threshold: float = 0.5,
        save_path: str | PathLike[str] | None = None,
        limit_longest_size: int | None = 800,
        brs_mode: str = "f-BRS-B",
        *,
        color: Literal["rgb", "bgr"] = "bgr",
    ) -> NDArray[np.uint8]:
        """The mask, uint8 of shape (H, W): 255 on the object, 0 elsewhere. Clicks act one after
        another.

        is_pos: 1 or True for a click on the object, 0 or False for one on the background.
        image: uint8 of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4).
        threshold: the probability above which a pixel is object, in the refinement as well.
        save_path: where the mask is written as a picture, whole or not at all.
        limit_longest_size: what the network sees is shrunk to this longer side; None for no limit.
        brs_mode: NoBRS, RGB-BRS, DistMap-BRS, f-BRS-A, f-BRS-B or f-BRS-C.
        color: the order of the image's colors; "bgr" is that of `cv2.imread`.
        """
        counts = len(x_coords), len(y_coords), len(is_pos)
        if len(set(counts)) > 1:
            raise ValueError(
                "x_coords, y_coords and is_pos: expected as many of each, got "
                f"{counts[0]}, {counts[1]} and {counts[2]}"
            )
        signs = [_sign(index, value) for index, value in enumerate(is_pos)]
        if save_path is not None:
            try_out(save_path)
        options = Options(
            mode=brs_mode,
            threshold=threshold,
            max_size="none" if limit_longest_size is None else limit_longest_size,
        )
        session = self._segmenter.session(image, color=color, options=options)
        mask: NDArray[np.uint8] = np.zeros(session.shape, dtype=np.uint8)
        for x, y, positive in zip(x_coords, y_coords, signs, strict=True):
            prediction = session.click(float(x), float(y), positive)
        if signs:
            mask = prediction.mask()
        if save_path is not None:
            write_mask(save_path, mask)
        return mask


_FOLDER = Path("weights")


def _found(checkpoint: str | PathLike[str]) -> str | PathLike[str]:
    """The one file of weights whose name begins so, or what was given."""
    if isinstance(checkpoint, str) and not Path(checkpoint).is_file():
        found = sorted(_FOLDER.glob(f"{glob.escape(checkpoint)}*.pth"))
        if len(found) == 1:
            return found[0]
    return checkpoint


def _sign(index: int, value: object) -> bool:
    if isinstance(value, int | float | np.number | np.bool_) and value in (0, 1):
        return bool(value)
    raise ValueError(f"is_pos: expected 0, 1, False or True, got {value!r} at index {index}")
