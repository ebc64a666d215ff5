"""What goes wrong. Each error is also the built-in one that fits it.

>>> import fbrs
>>> try:
...     fbrs.Segmenter("no such weights")
... except FileNotFoundError as error:
...     print(type(error).__name__, isinstance(error, fbrs.Error))
WeightsNotFoundError True
"""


class Error(Exception):
    """Anything that fbrs refuses or cannot do."""


class Cancelled(Error):
    """The call was called off, as asked; the session is as before it."""


class WeightsError(Error, OSError):
    """Weights that cannot be read, or fetched."""


class WeightsNotFoundError(WeightsError, FileNotFoundError):
    """Weights that are not there; the sentence says where they are looked for."""


class LoadError(Error, OSError):
    """Weights that could not be read to the end."""


class DeviceError(Error, RuntimeError):
    """A device that does not exist, fails, or is not part of this build."""


class ImageError(Error, ValueError):
    """A picture that is damaged, too large or small, or of another size than expected."""


class ImageReadError(ImageError, OSError):
    """A picture's file that cannot be read."""


class ImageNotFoundError(ImageReadError, FileNotFoundError):
    """A picture's file that is not there."""


class ClickError(Error, ValueError):
    """A click outside the photo."""


class StateError(Error, RuntimeError):
    """A call that makes no sense now: another one has to come before it."""


class ParameterError(Error, ValueError):
    """A parameter outside its range."""


class RefineError(Error, ArithmeticError):
    """A click whose answer is not finite."""


class Fault(Error, RuntimeError):
    """A fault of fbrs or of something below it; the session is as before the call."""


for _class in list(globals().values()):
    if isinstance(_class, type) and issubclass(_class, Error):
        # Where people find it.
        _class.__module__ = "fbrs"
del _class
