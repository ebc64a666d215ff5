"""An interactor for CVAT's agents: masks from clicks, in CVAT's own editor.

    cvat-cli function create-native "f-BRS" --function-module fbrs.cvat
    cvat-cli function run-agent ID --function-module fbrs.cvat

Parameters are given with `-p`, to both commands: `weights`, `device`, `sessions`, and whatever
`fbrs.Options` takes, such as `-p weights=str:resnet50_dh128_sbd -p mode=str:f-BRS-C`.

CVAT sends all points at every click. What a photo was asked before is kept: points that extend it
run the new clicks alone, points that drop the latest run none. The logger `fbrs.cvat` tells which.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cvat_sdk.auto_annotation as cvataa
import cvat_sdk.masks

from . import Click, Options, Segmenter, Session

if TYPE_CHECKING:
    import PIL.Image

__all__ = ["Interactor", "Photo", "create"]

_logger = logging.getLogger("fbrs.cvat")


@dataclass(frozen=True)
class Photo:
    """A photo that CVAT has sent, and what tells it from others."""

    image: PIL.Image.Image
    digest: bytes


class Interactor:
    """What CVAT's agent calls.

    sessions: how many photos are kept with their clicks; of others the clicks are answered anew.
    """

    spec = cvataa.InteractionFunctionSpec(min_pos_points=1, min_neg_points=0)

    def __init__(self, segmenter: Segmenter, options: Options, *, sessions: int = 8) -> None:
        if sessions < 1:
            raise ValueError(f"sessions: expected at least 1, got {sessions}")
        self._segmenter = segmenter
        self._options = options
        self._most = sessions
        self._sessions = OrderedDict[bytes, Session]()

    def preprocess_image(
        self, context: cvataa.InteractionFunctionContext, image: PIL.Image.Image
    ) -> Photo:
        """What is kept of a photo."""
        told = f"{image.mode} {image.size}".encode() + image.tobytes()
        return Photo(image, hashlib.blake2b(told, digest_size=32).digest())

    def detect(
        self,
        context: cvataa.InteractionFunctionContext,
        pp_image: Photo,
        prompts: cvataa.InteractionPrompts,
    ) -> list[cvataa.InteractionResultShape]:
        """The mask of what the points say."""
        session = self._session(pp_image)
        positive = _places(prompts.pos_points, True, session.shape)
        negative = _places(prompts.neg_points, False, session.shape)
        held = session.clicks
        clicks = _in_time_order(held, positive, negative)
        kept = sum(1 for old, new in zip(held, clicks, strict=False) if old == new)
        prediction = session.replay(clicks)
        # Points that are dropped are taken back by the clicks that are left.
        session.forget_history()
        if prediction is None:
            raise ValueError("expected at least one positive point")
        what = "undo" if len(clicks) == kept < len(held) else "extend" if kept else "miss"
        _logger.info("%s: %d of %d clicks are new", what, len(clicks) - kept, len(clicks))
        points = cvat_sdk.masks.encode_mask(prediction.mask() > 0)
        return [cvataa.InteractionResultShape(type="mask", points=points)]

    def _session(self, photo: Photo) -> Session:
        session = self._sessions.get(photo.digest)
        if session is None:
            session = self._segmenter.session(photo.image, options=self._options)
            self._sessions[photo.digest] = session
            while len(self._sessions) > self._most:
                self._sessions.popitem(last=False)
        self._sessions.move_to_end(photo.digest)
        return session


def create(
    weights: str = "default", device: str = "auto", sessions: int = 8, **options: Any
) -> Interactor:
    """The interactor with these weights on this device; `options` are those of `fbrs.Options`."""
    return Interactor(Segmenter(weights, device=device), Options(**options), sessions=sessions)


def _places(
    points: Sequence[tuple[float, float]], positive: bool, shape: tuple[int, int]
) -> list[Click]:
    """Clicks on the pixels that the points lie in: CVAT counts from the corner of the first."""
    height, width = shape
    return [
        Click(
            min(max(math.floor(x), 0), width - 1), min(max(math.floor(y), 0), height - 1), positive
        )
        for x, y in points
    ]


def _in_time_order(
    held: Sequence[Click], positive: Sequence[Click], negative: Sequence[Click]
) -> list[Click]:
    """The clicks in the order in which they came, as far as that is known: those of before, as long
    as they are still there; then the other positive ones, then the other negative ones."""
    clicks: list[Click] = []
    counts = {True: 0, False: 0}
    for click in held:
        wanted = positive if click.positive else negative
        count = counts[click.positive]
        if count == len(wanted) or wanted[count] != click:
            break
        clicks.append(click)
        counts[click.positive] += 1
    return [*clicks, *positive[counts[True] :], *negative[counts[False] :]]
