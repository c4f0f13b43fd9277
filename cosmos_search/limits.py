"""Limits of uploads, caches and maps. No heavy imports here: commands and clients read them."""

__all__ = ["MAX_POINTS", "MAX_UPLOAD_MB", "THUMBNAIL_BYTES"]

MAX_UPLOAD_MB = 32
THUMBNAIL_BYTES = 1 << 30  # of all thumbnails on disk
MAX_POINTS = 50_000  # of a map; the browser draws them in a few milliseconds
