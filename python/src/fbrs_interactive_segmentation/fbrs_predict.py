"""See the module `fbrs_predict`."""

from fbrs_predict import fbrs_engine

__all__ = ["fbrs_engine"]
