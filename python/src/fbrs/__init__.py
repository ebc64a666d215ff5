"""Cut objects out of photos with a few clicks.

A `Segmenter` is a network on a device, a `Session` the work on one photo, a `Prediction` what
comes of a click.

>>> import numpy, fbrs
>>> photo = numpy.full((64, 96, 3), 60, dtype=numpy.uint8)
>>> photo[20:50, 30:70] = (200, 60, 40)
>>> session = fbrs.Segmenter().session(photo)
>>> prediction = session.click(50, 35)
>>> prediction = session.click(5, 5, positive=False)
>>> mask = prediction.mask()
>>> mask.shape, mask.dtype
((64, 96), dtype('uint8'))

What there is to say goes to the logger `fbrs` of `logging`.
"""

from ._errors import (
    Cancelled,
    ClickError,
    DeviceError,
    Error,
    Fault,
    ImageError,
    ImageNotFoundError,
    ImageReadError,
    LoadError,
    ParameterError,
    RefineError,
    StateError,
    WeightsError,
    WeightsNotFoundError,
)
from ._fbrs import (
    Prediction,
    Segmenter,
    Session,
    __version__,
    devices,
    fetch_weights,
    keep_memory,
)
from ._values import Click, Device, Evaluation, Options

__all__ = [
    "Cancelled",
    "Click",
    "ClickError",
    "Device",
    "DeviceError",
    "Error",
    "Evaluation",
    "Fault",
    "ImageError",
    "ImageNotFoundError",
    "ImageReadError",
    "LoadError",
    "Options",
    "ParameterError",
    "Prediction",
    "RefineError",
    "Segmenter",
    "Session",
    "StateError",
    "WeightsError",
    "WeightsNotFoundError",
    "__version__",
    "devices",
    "fetch_weights",
    "keep_memory",
]
