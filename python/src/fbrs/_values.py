"""Values: clicks, options, and what is told of devices and searches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from . import _fbrs

if TYPE_CHECKING:
    from ._fbrs import Prediction


@dataclass(frozen=True, slots=True)
class Click:
    """A click: x pixels to the right and y down; 0, 0 is the middle of the top left pixel.

    >>> import fbrs
    >>> fbrs.Click(320, 250)
    Click(x=320, y=250, positive=True)
    """

    x: float
    y: float
    positive: bool = True
    """Whether it is on the object."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What is to differ from the options that suit the network. They can be compared, pickled and
    used as keys. What no network takes is refused at once.

    >>> import fbrs
    >>> fbrs.Options(mode="f-BRS-C", max_evaluations=5).mode
    'f-BRS-C'
    >>> fbrs.Options(threshold=2)
    Traceback (most recent call last):
        ...
    fbrs.ParameterError: threshold: expected a number between 0 and 1, got 2
    """

    preset: str | None = None
    """Begin with the options of a published program: "cvpr", "fixedN" ("fixed400"), "fbrs-demo" or
    "ritm-demo"."""
    mode: str | None = None
    """How clicks are enforced: "NoBRS", "f-BRS-A", "f-BRS-B", "f-BRS-C", "DistMap-BRS", "RGB-BRS"."""
    threshold: float | None = None
    """Probability above which a pixel is object, between 0 and 1."""
    max_size: int | Literal["none"] | None = None
    """What the network sees is shrunk to this longer side, in pixels; "none" for no limit."""
    flip: bool | None = None
    """Average the answers to the photo and to its mirror image: half as fast."""
    zoom_in: bool | None = None
    """False: the network sees the whole photo at every click."""
    zoom_in_size: int | None = None
    """Longer side of what the network sees once it zooms in, in pixels."""
    zoom_in_after: int | None = None
    """The network sees the whole photo for the first clicks, this many."""
    zoom_in_expansion: float | None = None
    """The object's box is expanded by this factor to zoom in to."""
    tiles: int | None = None
    """The network sees overlapping tiles of this many pixels a side instead of zooming in."""
    optimize_after: int | None = None
    """Refine from the click after this many on."""
    net_clicks: int | Literal["all"] | None = None
    """How many clicks go into the network, "all" for no limit; later ones act through the loss."""
    max_evaluations: int | None = None
    """Evaluations of the loss per click."""
    max_time: float | None = None
    """Seconds in which each click is answered: the best answer until then holds."""
    min_iou_diff: float | None = None
    """A click's refinement ends where the mask changes by less than this; 0 turns the test off."""
    regularization: float | None = None
    """Weight of the regularization."""
    bias_regularization: float | None = None
    """Factor of the biases in the regularization of f-BRS."""
    scale_activation: Literal["linear", "tanh", "sin"] | None = None
    """What the scales of f-BRS pass through."""
    reference_discs: bool | None = None
    """Treat click discs that leave the crop as the published program does, faults included."""

    def __post_init__(self) -> None:
        _fbrs.check_options(self)


class Device(NamedTuple):
    """A device that this build can use."""

    id: str
    """What `Segmenter(device=…)` takes."""
    name: str
    """What its driver calls it."""
    is_software: bool
    """Whether it is a renderer that computes on the processor: right, and slower than "cpu"."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A step of a click's search."""

    number: int
    """Its number within the click, from 1."""
    loss: float
    """The objective's value, regularization included."""
    prediction: Prediction
    """The answer as it stands."""


for _class in (Click, Options, Device, Evaluation):
    # Where people find it.
    _class.__module__ = "fbrs"
del _class
