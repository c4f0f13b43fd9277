"""Limits for the metadata of one picture. As Python objects it takes up to twenty times its bytes in the file."""

__all__ = ["MAX_EXIF_BYTES", "MAX_METADATA_BYTES", "MAX_TAG_BYTES"]

MAX_TAG_BYTES = 2_000_000  # one tag, chunk or packet; parsed XML takes many times its length
MAX_EXIF_BYTES = 1_000_000  # all EXIF, in formats that store it as one block
MAX_METADATA_BYTES = 4_000_000  # all metadata that is read
