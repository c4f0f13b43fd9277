"""Limits of uploads and caches. No heavy imports here: commands and clients read them."""

__all__ = ["MAX_UPLOAD_MB", "THUMBNAIL_BYTES"]

MAX_UPLOAD_MB = 32
THUMBNAIL_BYTES = 1 << 30  # of all thumbnails on disk
