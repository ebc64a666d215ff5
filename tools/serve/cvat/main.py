"""CVAT's interactor as a nuclio function: masks from clicks, by the wheel `fbrs`.

CVAT sends the photo and all points at every click. `fbrs.cvat.Interactor` keeps what it knows of a
photo, so that one worker answers new points alone; another worker would begin anew.
"""

import base64
import binascii
import functools
import io
import json
import math
import os
from dataclasses import dataclass

import cvat_sdk.masks
import fbrs
import fbrs.cvat
import PIL.Image
import PIL.ImageOps

# Pixels of a photo.
MOST_PIXELS = 50_000_000


@dataclass(frozen=True)
class Prompts:
    """What the interactor is told."""

    pos_points: list[tuple[float, float]]
    neg_points: list[tuple[float, float]]
    bounding_box: None = None


class Refused(Exception):
    """A request that cannot be answered: the status, and why."""

    def __init__(self, status, why):
        super().__init__(why)
        self.status = status


def init_context(context):
    """Loads the network, and tries it: what is wrong shows before anybody waits."""
    segmenter = fbrs.Segmenter(
        os.environ.get("FBRS_WEIGHTS", "default"), device=os.environ.get("FBRS_DEVICE", "auto")
    )

    # CVAT seldom sends a threshold, and then mostly the same one.
    @functools.lru_cache(maxsize=2)
    def interactor(threshold):
        options = fbrs.Options(mode=os.environ.get("FBRS_MODE") or None, threshold=threshold)
        return fbrs.cvat.Interactor(segmenter, options)

    reply = os.environ.get("FBRS_REPLY", "shapes")
    if reply not in REPLIES:
        raise ValueError(f"FBRS_REPLY: expected {' or '.join(REPLIES)}, got {reply!r}")
    blank = PIL.Image.new("RGB", (640, 480))
    answer(interactor(None), blank, Prompts([(320.0, 240.0)], []))
    context.user_data.interactor = interactor
    context.user_data.reply = REPLIES[reply]


def handler(context, event):
    """Answers one request of CVAT's."""
    try:
        request = event.body
        if not isinstance(request, dict):
            raise Refused(400, "expected a JSON object, with content-type application/json")
        image = picture(request)
        prompts = Prompts(points(request, "pos_points"), points(request, "neg_points"))
        if not prompts.pos_points:
            raise Refused(422, "pos_points: expected at least one point on the object")
        interactor = context.user_data.interactor(threshold(request))
        body = context.user_data.reply(answer(interactor, image, prompts), image.size)
        return respond(context, 200, body)
    except Refused as refused:
        return respond(context, refused.status, {"detail": str(refused)})
    except (fbrs.Error, TypeError) as error:
        # The sentence says what was expected.
        return respond(context, 422, {"detail": str(error)})


def respond(context, status, body):
    return context.Response(
        body=json.dumps(body), content_type="application/json", status_code=status
    )


def answer(interactor, image, prompts):
    """The mask as CVAT's run lengths and box."""
    (shape,) = interactor.detect(None, interactor.preprocess_image(None, image), prompts)
    return shape.points


def shapes(runs, size):
    """What CVAT reads from 2026 on."""
    return {"shapes": [{"type": "mask", "points": runs}]}


def whole_mask(runs, size):
    """Every pixel, which every CVAT reads."""
    width, height = size
    mask = cvat_sdk.masks.decode_mask(runs, image_width=width, image_height=height)
    return {"mask": mask.astype(int).tolist()}


REPLIES = {"shapes": shapes, "mask": whole_mask}


def field(request, name):
    if name not in request:
        raise Refused(422, f"{name}: it is missing")
    return request[name]


def picture(request):
    """The photo as it is shown."""
    try:
        data = base64.b64decode(field(request, "image"), validate=True)
        image = PIL.Image.open(io.BytesIO(data))
        if math.prod(image.size) > MOST_PIXELS:
            raise Refused(413, f"image: more than {MOST_PIXELS} pixels")
        image = PIL.ImageOps.exif_transpose(image)
        image.load()
    except PIL.Image.DecompressionBombError as error:
        raise Refused(413, f"image: {error}") from error
    except (binascii.Error, TypeError, ValueError, OSError, SyntaxError) as error:
        raise Refused(422, f"image: expected a picture's file in base64: {error}") from error
    return image


def points(request, name):
    try:
        places = [(float(x), float(y)) for x, y in field(request, name)]
    except (TypeError, ValueError) as error:
        raise Refused(422, f"{name}: expected pairs of numbers: {error}") from error
    if not all(math.isfinite(value) for place in places for value in place):
        raise Refused(422, f"{name}: expected numbers")
    return places


def threshold(request):
    """The request's own threshold; None where it has none."""
    value = request.get("threshold")
    if value is None:
        return None
    if not isinstance(value, (int, float)) or not 0 < value < 1:
        raise Refused(422, f"threshold: expected a number between 0 and 1, got {value!r}")
    return value
