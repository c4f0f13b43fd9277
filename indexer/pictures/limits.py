"""Limits for one picture. Metadata as Python objects takes up to twenty times its bytes in the file."""

__all__ = ["DEFAULT_MAX_PIXELS", "MAX_EXIF_BYTES", "MAX_METADATA_BYTES", "MAX_TAG_BYTES"]

DEFAULT_MAX_PIXELS = 250_000_000  # larger pictures are not decoded
MAX_TAG_BYTES = 2_000_000  # one tag, chunk or packet; parsed XML takes many times its length
MAX_EXIF_BYTES = 1_000_000  # all EXIF, in formats that store it as one block
MAX_METADATA_BYTES = 4_000_000  # all metadata that is read
