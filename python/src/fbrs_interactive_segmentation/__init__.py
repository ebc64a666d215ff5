"""The package whose module `fbrs_predict` is imported by code written for it."""

from . import fbrs_predict

__all__ = ["fbrs_predict"]
