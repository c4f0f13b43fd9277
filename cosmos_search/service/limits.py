"""Limits of uploads. No heavy imports here: the command that starts the page reads them."""

__all__ = ["MAX_UPLOAD_MB"]

MAX_UPLOAD_MB = 32
