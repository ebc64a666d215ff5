from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import (
    Any,
    Literal,
    NoReturn,
    Protocol,
    Self,
    SupportsIndex,
    TypeAlias,
    TypedDict,
    final,
    type_check_only,
)

import numpy as np
from numpy.typing import NDArray

from ._values import Click, Device, Evaluation, Options

__all__ = [
    "Prediction",
    "Segmenter",
    "Session",
    "__version__",
    "check_options",
    "devices",
    "fetch_weights",
    "keep_memory",
    "try_out",
    "write_mask",
]

__version__: str

@type_check_only
class _PilImage(Protocol):
    @property
    def mode(self) -> str: ...
    def getexif(self) -> Any: ...
    def convert(self, mode: str, /) -> Any: ...

@type_check_only
class _Rle(TypedDict):
    size: list[int]
    counts: str

@type_check_only
class _Polygon(TypedDict):
    outer: NDArray[np.int32]
    holes: list[NDArray[np.int32]]

# uint8, of which type checkers know nothing where it comes from other libraries.
_Image: TypeAlias = NDArray[Any] | _PilImage | str | PathLike[str]
_Color: TypeAlias = Literal["rgb", "bgr"]
_OnEvaluation: TypeAlias = Callable[[Evaluation], object]

@final
class Segmenter:
    def __new__(
        cls,
        weights: str | PathLike[str] = "default",
        *,
        device: str = "auto",
        folder: str | PathLike[str] | None = None,
        norm_radius: float | None = None,
        ignore_extra: bool = False,
    ) -> Self: ...
    def session(
        self, image: _Image, *, color: _Color = "rgb", options: Options | None = None
    ) -> Session: ...
    def segment(
        self,
        image: _Image,
        clicks: Sequence[Click],
        *,
        color: _Color = "rgb",
        options: Options | None = None,
        on_evaluation: _OnEvaluation | None = None,
    ) -> Prediction: ...
    @property
    def architecture(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def norm_radius(self) -> float: ...
    @property
    def fingerprint(self) -> str: ...
    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn: ...

@final
class Session:
    def click(
        self,
        x: float,
        y: float,
        positive: bool = True,
        *,
        on_evaluation: _OnEvaluation | None = None,
    ) -> Prediction: ...
    def replay(
        self, clicks: Sequence[Click], *, on_evaluation: _OnEvaluation | None = None
    ) -> Prediction | None: ...
    def prepare(self) -> None: ...
    def undo(self) -> bool: ...
    def redo(self) -> bool: ...
    def reset(self) -> None: ...
    def finish(self, threshold: float | None = None) -> int: ...
    def start_from_mask(self, mask: NDArray[np.uint8] | NDArray[np.bool_] | _PilImage) -> None: ...
    def forget_history(self) -> None: ...
    def cancel(self) -> None: ...
    def log(self) -> dict[str, Any]: ...
    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def clicks(self) -> list[Click]: ...
    @property
    def prediction(self) -> Prediction | None: ...
    @property
    def finished(self) -> int: ...
    @property
    def label_mask(self) -> NDArray[np.uint16]: ...
    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn: ...

@final
class Prediction:
    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def clicks(self) -> list[Click]: ...
    @property
    def probabilities(self) -> NDArray[np.float32]: ...
    def mask(self, threshold: float | None = None) -> NDArray[np.uint8]: ...
    def to_rle(self, threshold: float | None = None) -> _Rle: ...
    def to_polygons(self, threshold: float | None = None) -> list[_Polygon]: ...
    def _repr_mimebundle_(
        self, include: object | None = None, exclude: object | None = None
    ) -> dict[str, str]: ...
    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn: ...

def devices() -> list[Device]: ...
def keep_memory() -> bool: ...
def fetch_weights(
    name: str, *, on_progress: Callable[[int, int | None], object] | None = None
) -> Path: ...
def try_out(path: str | PathLike[str], /) -> None: ...
def write_mask(path: str | PathLike[str], mask: NDArray[np.uint8], /) -> None: ...
def check_options(options: Options, /) -> None: ...
